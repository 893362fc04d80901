import { isUtf8 } from 'node:buffer';

import { abandon, consumeSome, forget, whenReadable } from '../compatible/disruptor.js';
import { Disruptor } from '../index.js';
import type { Gap } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { PORTION, StreamStatus } from '../streaming.js';
import { found, flows, inLines, takeAway } from './endpoint.js';
import type { CreateOptions } from './endpoint.js';
import { interruption } from './exit.js';
import { readMemory } from './memory.js';
import type { SharedMemoryOptions } from './memory.js';
import { sourceOf } from './source.js';
import type { ConsumerOptions, TakenMessage } from './source.js';
import { writeOut } from './standard.js';
import type { OutputError } from './standard.js';
import { fromCommandLine, UsageError } from './usage.js';

/** What `read` takes. */
export interface ReadOptions extends CreateOptions, ConsumerOptions, SharedMemoryOptions {
  json?: boolean;
  /** Ends after so many messages. */
  count?: number;
  /** Ends when there is nothing left. */
  wait?: boolean;
  /** Take the name away at the end. */
  rm?: boolean;
}

const NEWLINE = Buffer.from('\n');

/** Text as it is; other bytes would not survive JSON. */
const inJson = (data: Buffer) =>
  isUtf8(data) ? { data: data.toString() } : { base64: data.toString('base64') };

/** What messages are in standard output. */
function shown(messages: TakenMessage[], json: boolean, lines: boolean): Buffer {
  if (!json) {
    return Buffer.concat(messages.flatMap(({ data }) => (lines ? [data, NEWLINE] : [data])));
  }
  const texts = messages.map(({ data, sequence, redelivered, lost }) =>
    JSON.stringify({ sequence, redelivered, lost, ...inJson(data) }),
  );
  return Buffer.from(texts.map((text) => `${text}\n`).join(''));
}

function emitGaps(gaps: readonly Gap[] = []): void {
  for (const { start, end } of gaps) {
    console.error(`shm-disruptor: ${start} to ${end} were lost with their producer`);
  }
}

function emitLosses(messages: TakenMessage[]): void {
  for (const { lost = 0, sequence } of messages) {
    if (lost === 0) continue;
    const count = lost === 1 ? '1 message was' : `${lost} messages were`;
    console.error(`shm-disruptor: ${count} lost before message ${sequence}`);
  }
}

async function readMessages(
  seen: Observation,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  const { json = false, count = Infinity, wait = true } = options;
  const source = sourceOf(seen, options);
  const lines = inLines(seen, options);
  let left = count;
  try {
    while (left > 0 && !signal.aborted) {
      const taken = await source.take(signal, wait, left);
      if (!taken) break;
      emitGaps(taken.gaps);
      // As JSON, each says it itself.
      if (!json) emitLosses(taken.messages);
      await writeOut(shown(taken.messages, json, lines), signal);
      // Whoever comes next gets them again if we did not come so far.
      taken.done();
      left -= taken.messages.length;
    }
  } finally {
    source.close();
  }
}

/** Resolves when there is something to read, when the `status` is another, or at an interrupt. */
async function readable(disruptor: Disruptor, status: number, signal: AbortSignal): Promise<void> {
  const over = () => signal.aborted || disruptor.status !== status;
  const look = () => {
    disruptor[abandon]();
  };
  signal.addEventListener('abort', look);
  try {
    await new Promise<void>((resolve, reject) => {
      const now = disruptor[whenReadable](over, (error) => {
        if (error) reject(error);
        else resolve();
      });
      if (now === true) resolve();
    });
  } finally {
    signal.removeEventListener('abort', look);
  }
}

/** Writes bytes out and commits them: those and no others that standard output has taken. */
async function passOn(disruptor: Disruptor, bytes: Buffer, signal: AbortSignal): Promise<void> {
  try {
    await writeOut(bytes, signal);
  } catch (error) {
    const { written = 0 } = error as Partial<OutputError>;
    disruptor[forget]();
    if (written > 0) {
      disruptor[consumeSome](written);
      disruptor.consumeCommit();
    }
    throw error;
  }
  disruptor.consumeCommit();
}

async function readBytes(
  seen: Observation,
  { as = '0', wait = true }: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!/^\d+$/.test(as)) {
    throw new UsageError(`--as ${as}: the readers of bytes have numbers, from 0 on`);
  }
  const options = { name: seen.name, consumer: Number(as), ...placeOf(seen) };
  const disruptor = fromCommandLine(() => new Disruptor(options));
  try {
    while (!signal.aborted) {
      // Before consuming: if the writer had ended by now, what is found then is all there is.
      const { status } = disruptor;
      const { bufs, gaps } = disruptor[consumeSome](PORTION)!;
      emitGaps(gaps);
      if (bufs.length > 0) {
        await passOn(disruptor, Buffer.concat(bufs), signal);
      } else if (!wait || status === StreamStatus.Ended) {
        return;
      } else if (status === StreamStatus.Errored) {
        throw new Error('The writer of this stream failed before its end');
      } else {
        await readable(disruptor, status, signal);
      }
    }
  } finally {
    disruptor.release();
  }
}

async function readFrom(
  seen: Observation,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  if (seen.kind === 'memory') {
    await readMemory(seen, options, signal);
  } else if (!flows(seen, options)) {
    await readMessages(seen, options, signal);
  } else if (options.json === true || options.count !== undefined) {
    throw new UsageError('Bytes have no messages: --json and --count need lines');
  } else {
    await readBytes(seen, options, signal);
  }
}

/** Writes what comes to standard output. */
export async function read(name: string, options: ReadOptions): Promise<void> {
  const signal = interruption();
  // There is nothing to read in memory that nobody has made.
  const create = options.create !== false && options.memory !== true;
  const seen = found(name, { ...options, create })!;
  try {
    await readFrom(seen, options, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (options.rm === true) takeAway(name, options);
  }
  // Output that its reader does not take would keep the process.
  if (signal.aborted) process.exit();
}
