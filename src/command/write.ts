import { pipeline } from 'node:stream/promises';

import split2 from 'split2';

import { Disruptor, DisruptorWriteStream } from '../index.js';
import { StreamStatus } from '../streaming.js';
import { unlinkSegment } from '../segment/segments.js';
import { found, flows, sinkOf } from './endpoint.js';
import type { CreateOptions } from './endpoint.js';
import { fail, interruption } from './exit.js';
import { printJson } from './output.js';

/** What `write` takes. */
export interface WriteOptions extends CreateOptions {
  json?: boolean;
  /** The stream goes on after us: readers are not told of an end. */
  more?: boolean;
  /** Take the name away at the end. */
  rm?: boolean;
}

/** How long somebody who interrupts us waits for room, in milliseconds. */
const PATIENCE = 500;

/** What went through. */
interface Written {
  messages?: number;
  bytes: number;
}

/** What comes from standard input until somebody interrupts us. */
async function* input(signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const stop = () => {
    process.stdin.destroy();
  };
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of process.stdin) yield chunk as Buffer;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function writeBytes(name: string, more: boolean, signal: AbortSignal): Promise<Written> {
  const disruptor = new Disruptor({ name });
  // A stream that had ended goes on.
  disruptor.status = StreamStatus.Open;
  const stream = new DisruptorWriteStream(disruptor);
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
    if (more) disruptor.status = StreamStatus.Open;
  } finally {
    signal.removeEventListener('abort', stuck);
    disruptor.release();
  }
  return { bytes };
}

async function writeLines(sink: ReturnType<typeof sinkOf>, signal: AbortSignal): Promise<Written> {
  const written = { messages: 0, bytes: 0 };
  try {
    await pipeline(input(signal), split2('\n'), async (lines: AsyncIterable<string>) => {
      for await (const line of lines) {
        const message = Buffer.from(line);
        await sink.send(message, signal);
        written.messages += 1;
        written.bytes += message.length;
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    sink.close();
  }
  return written;
}

/** Sends what comes from standard input. */
export async function write(name: string, options: WriteOptions): Promise<void> {
  const { json = false, more = false, rm = false } = options;
  const signal = interruption();
  const seen = found(name, options);
  try {
    const written = flows(seen, options)
      ? await writeBytes(name, more, signal)
      : await writeLines(sinkOf(seen), signal);
    if (json) printJson({ name: seen.name, ...written });
  } catch (error) {
    const code = process.exitCode;
    fail(error, json);
    if (signal.aborted) process.exitCode = code;
  } finally {
    if (rm) unlinkSegment(name);
  }
}
