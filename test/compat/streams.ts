// Rings of bytes with streams on them.
import { once } from 'node:events';
import type { Readable, ReadableOptions, Writable, WritableOptions } from 'node:stream';

import { DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';
import type { Disruptor } from 'shm-disruptor';

import { attach, ring } from '../fixture.js';
import type { Scope } from '../fixture.js';

/** A ring of bytes: 16 by default, with one consumer, and no object but a producer on it yet. */
export function bytes(t: Scope, elements = 16, consumers = 1): Disruptor {
  return ring(t, { elements, elementSize: 1, consumers });
}

/** A stream that reads a ring, by default as consumer 0; destroyed when the test ends. */
export function reader(
  t: Scope,
  of: Disruptor,
  { consumer = 0, ...options }: ReadableOptions & { consumer?: number } = {},
): DisruptorReadStream {
  const stream = new DisruptorReadStream(attach(t, of, { consumer }), options);
  t.teardown(() => {
    stream.destroy();
  });
  return stream;
}

/** A stream that writes to a ring, destroyed when the test ends. */
export function writer(t: Scope, of: Disruptor, options?: WritableOptions): DisruptorWriteStream {
  const stream = new DisruptorWriteStream(attach(t, of), options);
  t.teardown(() => {
    stream.destroy();
  });
  return stream;
}

/** Resolves when `chunk` is written, rejects when it cannot be. */
export function write(stream: Writable, chunk: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** All bytes until the end; rejects with the stream's error. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

/** What a stream gives from now on, as it comes, and the error that it ends with. */
export function record(stream: Readable): { text: string; error?: Error; ended: boolean } {
  const seen: { text: string; error?: Error; ended: boolean } = { text: '', ended: false };
  stream.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  stream.on('error', (error) => (seen.error = error));
  stream.on('end', () => (seen.ended = true));
  return seen;
}

/** The error that a stream is destroyed with. */
export async function errorOf(stream: Readable | Writable): Promise<Error> {
  const [error] = (await once(stream, 'error')) as [Error];
  return error;
}

/** Resolves when a stream has closed, well or not. */
export function closed(stream: Readable | Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', resolve);
  });
}

/** Resolves when `ready()` is true, at the latest when the stream has closed. */
export async function until(stream: Readable, ready: () => boolean): Promise<void> {
  while (!ready() && !stream.closed) await new Promise(setImmediate);
}
