import { Readable, Writable } from 'node:stream';
import type { ReadableOptions, WritableOptions } from 'node:stream';

import type { Queue } from './queue.js';

/**
 * A Readable in object mode over a queue: each message that it takes goes to this stream and to nobody
 * else. It never ends by itself. What it has buffered when it is destroyed is lost; by default it
 * takes a message only when the one before was read. Destroying it does not close the queue.
 */
export class QueueReadStream<Out = Buffer> extends Readable {
  /** The queue that is read. */
  readonly queue: Queue<never, Out>;
  readonly #controller = new AbortController();

  /**
   * Reads from a queue.
   *
   * @param queue - with values that are neither null nor undefined, which streams cannot carry
   * @param options - passed on to Readable
   */
  constructor(queue: Queue<never, Out>, options?: ReadableOptions) {
    super({ highWaterMark: 1, ...options, objectMode: true });
    this.queue = queue;
  }

  /** @internal */
  override _read(): void {
    this.queue.dequeue({ signal: this.#controller.signal }).then(
      (value) => {
        this.push(value);
      },
      (error: unknown) => {
        if (!this.destroyed) this.destroy(error as Error);
      },
    );
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#controller.abort();
    callback(error);
  }
}

/**
 * A Writable in object mode over a queue: what is written is sent, in order, as soon as there is room.
 * Ending it tells nobody: a queue has no end. Destroying it does not close the queue.
 */
export class QueueWriteStream<In = ArrayBufferView | string> extends Writable {
  /** The queue that is written to. */
  readonly queue: Queue<In, unknown>;
  readonly #controller = new AbortController();

  /**
   * Writes to a queue.
   *
   * @param queue - where to
   * @param options - passed on to Writable
   */
  constructor(queue: Queue<In, unknown>, options?: WritableOptions) {
    // Strings go through the queue's encoding.
    super({ ...options, objectMode: true, decodeStrings: false });
    this.queue = queue;
  }

  /** @internal */
  override _write(value: In, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.queue.enqueue(value, { signal: this.#controller.signal }).then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error as Error);
      },
    );
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#controller.abort();
    callback(error);
  }
}
