import { SharedMemory } from '../index.js';
import type { SegmentDirectory } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { Refusal } from './exit.js';
import { printJson } from './output.js';
import { fromCommandLine } from './usage.js';
import { input, writeOut } from './standard.js';

/** Bytes into plain memory, and out of it. */

/** Which bytes. */
export interface SharedMemoryOptions {
  /** Where they begin. */
  offset?: number;
  /** How many are read. */
  length?: number;
  /** Of memory that is made. */
  size?: number;
}

const PIECE = 1 << 20;

/** All of standard input, if it is not longer than there is room for. */
async function collect(name: string, most: number, signal: AbortSignal): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input(signal)) {
    bytes += chunk.length;
    if (bytes > most) {
      throw new Refusal('ERR_OUT_OF_RANGE', `${name}: the input is longer than the ${most} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks;
}

function within(name: string, what: string, value: number, most: number): number {
  if (value <= most) return value;
  throw new Refusal(
    'ERR_OUT_OF_RANGE',
    `${name}: the ${what} is at most ${most}, and not ${value}`,
  );
}

/**
 * Copies standard input into memory, all of it or nothing; makes the memory where there is none. How
 * many bytes.
 */
export async function writeMemory(
  name: string,
  options: SharedMemoryOptions & SegmentDirectory,
  seen: Observation | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { offset = 0 } = options;
  const place = placeOf(options);
  let memory = seen && SharedMemory.open(name, place);
  try {
    const size = memory?.size ?? options.size;
    const room = size === undefined ? Infinity : size - within(name, 'offset', offset, size);
    const chunks = await collect(name, room, signal);
    if (signal.aborted) return 0;
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (size === undefined && offset + bytes === 0) {
      const reason = 'the input is empty, and memory has at least one byte: --size says how many';
      throw new Refusal('ERR_OUT_OF_RANGE', `${name}: ${reason}`);
    }
    memory ??= fromCommandLine(() => SharedMemory.create(name, size ?? offset + bytes, place));
    if (bytes === 0) return 0;
    const target = Buffer.from(memory.view(offset, bytes));
    let at = 0;
    for (const chunk of chunks) at += chunk.copy(target, at);
    return bytes;
  } finally {
    memory?.close();
  }
}

/** Writes bytes of memory to standard output. */
export async function readMemory(
  seen: Observation,
  options: SharedMemoryOptions & { json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { name } = seen;
  const memory = SharedMemory.open(name, { readOnly: true, ...placeOf(seen) });
  try {
    const offset = within(name, 'offset', options.offset ?? 0, memory.size);
    const rest = memory.size - offset;
    const length = within(name, 'length', options.length ?? rest, rest);
    if (options.json === true) {
      const data = memory.read(offset, length).toString('base64');
      await printJson({ name, offset, length, data });
      return;
    }
    const end = offset + length;
    for (let at = offset; at < end && !signal.aborted; at += PIECE) {
      await writeOut(memory.read(at, Math.min(PIECE, end - at)), signal);
    }
  } finally {
    memory.close();
  }
}
