import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorReadStream } from '../index.js';
import { unlinkSegment } from '../segment/segments.js';
import { found, flows, sourceOf } from './endpoint.js';
import type { ConsumerOptions, CreateOptions, Source, Taken } from './endpoint.js';
import { fail, interruption, Refusal } from './exit.js';

/** What `read` takes. */
export interface ReadOptions extends CreateOptions, ConsumerOptions {
  json?: boolean;
  /** Ends after so many messages. */
  count?: number;
  /** Ends when there is nothing left. */
  wait?: boolean;
  /** Take the name away at the end. */
  rm?: boolean;
}

const NEWLINE = Buffer.from('\n');

async function writeOut(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

function asLines({ messages }: Taken, json: boolean): Buffer {
  if (!json) return Buffer.concat(messages.flatMap(({ data }) => [data, NEWLINE]));
  const lines = messages.map(({ data, sequence, redelivered }) =>
    JSON.stringify({ sequence, redelivered, data: data.toString() }),
  );
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

async function readLines(source: Source, options: ReadOptions, signal: AbortSignal): Promise<void> {
  const { json = false, count = Infinity, wait = true } = options;
  let left = count;
  try {
    while (left > 0 && !signal.aborted) {
      const taken = await source.take(signal, wait, left);
      if (!taken) break;
      for (const { start, end } of taken.gaps) {
        console.error(`shm-disruptor: ${start} to ${end} were lost with their producer`);
      }
      await writeOut(asLines(taken, json));
      // Whoever comes next gets them again if we did not come so far.
      taken.done();
      left -= taken.messages.length;
    }
  } finally {
    source.close();
  }
}

async function readBytes(
  name: string,
  { as = '0', wait = true }: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  const disruptor = new Disruptor({ name, consumer: Number(as) });
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

/** Writes what comes to standard output. */
export async function read(name: string, options: ReadOptions): Promise<void> {
  const { json = false, rm = false } = options;
  const signal = interruption();
  const seen = found(name, options);
  try {
    if (!flows(seen, options)) {
      await readLines(sourceOf(seen, options), options, signal);
    } else if (json || options.count !== undefined) {
      throw new Refusal('ERR_USAGE', 'Bytes have no messages: --json and --count need lines');
    } else {
      await readBytes(name, options, signal);
    }
  } catch (error) {
    if (!signal.aborted) fail(error, json);
  } finally {
    if (rm) unlinkSegment(name);
  }
}
