import { Readable, Writable } from 'node:stream';
import type { ReadableOptions, WritableOptions } from 'node:stream';

import type { DisruptorError } from '../errors.js';
import { queueMicrotask } from '../timers.js';
import { readableOptions, writableOptions } from '../validate.js';
import type { Queue } from './queue.js';
import type { PendingDelivery } from './receiver.js';

/**
 * A Readable in object mode over a queue: each message that it takes goes to this stream and to nobody
 * else. It never ends by itself. By default it takes a message only when somebody wants one.
 *
 * When the stream is destroyed, the messages in its buffer go back into the queue, marked as
 * redelivered, for the next consumer; so they do when the process dies. Destroying the stream does not
 * close the queue.
 *
 * A message that cannot be read destroys the stream with an {@link UnreadableMessageError}; so does
 * `null`, which streams cannot carry. The message stays in the queue as after {@link Queue.dequeue}.
 */
export class QueueReadStream<Out = Buffer> extends Readable {
  /** The queue that is read. */
  readonly queue: Queue<never, Out>;
  readonly #controller = new AbortController();
  /** What is in the buffer, in order. */
  readonly #pending: PendingDelivery<Out>[] = [];
  /** Whether there was no place for another message beside those. */
  #crowded = false;
  /** Whether the queue is being asked for a message. */
  #taking = false;
  /** Called when nothing more comes. */
  #left: () => void = () => undefined;

  /**
   * Reads from a queue.
   *
   * @param queue - where from
   * @param options - passed on to Readable. Each message in the buffer (`highWaterMark`, 0 by default)
   * counts as held: see `maxHeld` of {@link QueueOptions}
   */
  constructor(queue: Queue<never, Out>, options?: ReadableOptions) {
    super({ highWaterMark: 0, ...readableOptions(options), objectMode: true });
    this.queue = queue;
  }

  /** @internal */
  override _read(): void {
    // What is being read at this moment is not in the buffer any more when this is done.
    queueMicrotask(() => {
      this.#take();
    });
  }

  /** As that of every Readable. */
  override read(size?: number): Out | null {
    const value = super.read(size) as Out | null;
    this.#settleOrFail();
    return value;
  }

  #take(): void {
    if (this.destroyed) return;
    this.#taking = true;
    this.queue.deliver({ signal: this.#controller.signal }).then(
      (delivery) => {
        this.#taking = false;
        this.#pass(delivery);
      },
      (error: unknown) => {
        this.#taking = false;
        this.#failed(error as DisruptorError);
      },
    );
  }

  #pass(delivery: PendingDelivery<Out>): void {
    if (this.destroyed) {
      this.#pending.push(delivery);
      this.#left();
    } else {
      this.#pending.push(delivery);
      this.push(delivery.value);
      this.#settleOrFail();
    }
  }

  #failed(error: DisruptorError): void {
    if (this.destroyed) {
      this.#left();
      return;
    }
    this.#crowded = error.code === 'ERR_TOO_MANY_CONSUMERS' && this.#pending.length > 0;
    if (!this.#crowded) this.destroy(error);
  }

  // What is in the buffer no longer was read.
  #settle(): void {
    while (this.#pending.length > this.readableLength) {
      this.#pending.shift()!.finish();
      if (this.#crowded) {
        this.#crowded = false;
        this.#take();
      }
    }
  }

  #settleOrFail(): void {
    try {
      this.#settle();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#left = () => {
      let failure = error;
      try {
        for (const delivery of this.#pending.splice(0)) delivery.giveBack();
      } catch (thrown) {
        failure ??= thrown as Error;
      }
      callback(failure);
    };
    this.#settleOrFail();
    this.#controller.abort();
    // What has come already is on its way to us, and nobody else may have it until we have.
    if (!this.#taking) this.#left();
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
    super({ ...writableOptions(options), objectMode: true, decodeStrings: false });
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
