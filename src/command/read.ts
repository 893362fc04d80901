import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorReadStream } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { found, flows, inLines, takeAway } from './endpoint.js';
import type { CreateOptions } from './endpoint.js';
import { fail, interruption, Refusal } from './exit.js';
import { readMemory } from './memory.js';
import type { MemoryOptions } from './memory.js';
import { sourceOf } from './source.js';
import type { ConsumerOptions, TakenMessage } from './source.js';
import { writeOut } from './standard.js';

/** What `read` takes. */
export interface ReadOptions extends CreateOptions, ConsumerOptions, MemoryOptions {
  json?: boolean;
  /** Ends after so many messages. */
  count?: number;
  /** Ends when there is nothing left. */
  wait?: boolean;
  /** Take the name away at the end. */
  rm?: boolean;
}

const NEWLINE = Buffer.from('\n');

/** What messages are in standard output. */
function shown(messages: TakenMessage[], json: boolean, lines: boolean): Buffer {
  if (!json) {
    return Buffer.concat(messages.flatMap(({ data }) => (lines ? [data, NEWLINE] : [data])));
  }
  const texts = messages.map(({ data, sequence, redelivered, lost }) =>
    JSON.stringify({ sequence, redelivered, lost, data: data.toString() }),
  );
  return Buffer.from(texts.map((text) => `${text}\n`).join(''));
}

function tellOfLosses(messages: TakenMessage[]): void {
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
      for (const { start, end } of taken.gaps) {
        console.error(`shm-disruptor: ${start} to ${end} were lost with their producer`);
      }
      // As JSON, each says it itself.
      if (!json) tellOfLosses(taken.messages);
      await writeOut(shown(taken.messages, json, lines));
      // Whoever comes next gets them again if we did not come so far.
      taken.done();
      left -= taken.messages.length;
    }
  } finally {
    source.close();
  }
}

async function readBytes(
  seen: Observation,
  { as = '0', wait = true }: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  const disruptor = new Disruptor({ name: seen.name, consumer: Number(as), ...placeOf(seen) });
  try {
    if (wait) {
      await pipeline(new DisruptorReadStream(disruptor), process.stdout, { signal, end: false });
      return;
    }
    for (;;) {
      const bufs = disruptor.consumeNewSync();
      if (bufs.length === 0) return;
      await writeOut(Buffer.concat(bufs));
      disruptor.consumeCommit();
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
    throw new Refusal('ERR_USAGE', 'Bytes have no messages: --json and --count need lines');
  } else {
    await readBytes(seen, options, signal);
  }
}

/** Writes what comes to standard output. */
export async function read(name: string, options: ReadOptions): Promise<void> {
  const { json = false, rm = false } = options;
  const signal = interruption();
  // There is nothing to read in memory that nobody has made.
  const create = options.create !== false && options.memory !== true;
  const seen = found(name, { ...options, create })!;
  try {
    await readFrom(seen, options, signal);
  } catch (error) {
    if (!signal.aborted) fail(error, json);
  } finally {
    if (rm) takeAway(name, options);
  }
}
