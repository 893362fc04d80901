import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorWriteStream } from '../index.js';
import { StreamStatus } from '../streaming.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { segmentName } from '../validate.js';
import { found, flows, inLines, takeAway } from './endpoint.js';
import type { CreateOptions } from './endpoint.js';
import { fail, interruption } from './exit.js';
import { lines } from './lines.js';
import { writeMemory } from './memory.js';
import type { SharedMemoryOptions } from './memory.js';
import { printJson } from './output.js';
import { sinkOf } from './sink.js';
import { input, PATIENCE } from './standard.js';

/** What `write` takes. */
export interface WriteOptions extends CreateOptions, Omit<SharedMemoryOptions, 'length'> {
  json?: boolean;
  /** The stream goes on after us: readers are not told of an end. */
  more?: boolean;
  /** Take the name away at the end. */
  rm?: boolean;
}

/** What went through. */
interface Written {
  messages?: number;
  bytes: number;
}

async function writeBytes(seen: Observation, more: boolean, signal: AbortSignal): Promise<Written> {
  const disruptor = new Disruptor({ name: seen.name, ...placeOf(seen) });
  // A stream that had ended goes on.
  disruptor.status = StreamStatus.Open;
  // What more is to follow is not told of an end, not even for a moment.
  const withoutEnd = (done: () => void) => {
    done();
  };
  const stream = new DisruptorWriteStream(disruptor, more ? { final: withoutEnd } : {});
  let bytes = 0;
  // What nobody makes room for is not waited for long.
  const stuck = () => {
    setTimeout(() => {
      stream.destroy(new Error('Interrupted before all was written'));
    }, PATIENCE).unref();
  };
  signal.addEventListener('abort', stuck);
  try {
    await pipeline(
      input(signal),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          yield chunk;
        }
      },
      stream,
    );
  } finally {
    signal.removeEventListener('abort', stuck);
    disruptor.release();
  }
  return { bytes };
}

/** Bytes as they come, but no more than `most` at once. */
async function* cut(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most);
  }
}

async function writeMessages(
  seen: Observation,
  options: WriteOptions,
  signal: AbortSignal,
): Promise<Written> {
  const sink = sinkOf(seen);
  const written = { messages: 0, bytes: 0 };
  const { elementSize, maxMessage = elementSize } = seen.geometry!;
  const messages = inLines(seen, options)
    ? lines(input(signal), maxMessage, () => !signal.aborted)
    : cut(input(signal), elementSize);
  try {
    for await (const message of messages) {
      await sink.send(message, signal);
      written.messages += 1;
      written.bytes += message.length;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    sink.close();
  }
  return written;
}

async function writeTo(
  name: string,
  options: WriteOptions,
  seen: Observation | undefined,
  signal: AbortSignal,
): Promise<Written> {
  if (!seen || seen.kind === 'memory') {
    return { bytes: await writeMemory(name, options, seen, signal) };
  }
  if (flows(seen, options)) return writeBytes(seen, options.more === true, signal);
  return writeMessages(seen, options, signal);
}

/** Sends what comes from standard input. */
export async function write(name: string, options: WriteOptions): Promise<void> {
  const { json = false, rm = false } = options;
  const signal = interruption();
  const seen = found(name, options);
  try {
    const written = await writeTo(name, options, seen, signal);
    if (json) await printJson({ name: seen?.name ?? `/${segmentName(name)}`, ...written });
  } catch (error) {
    const code = process.exitCode;
    fail(error, json);
    if (signal.aborted) process.exitCode = code;
  } finally {
    if (rm) takeAway(name, options);
  }
}
