import { Readable } from 'node:stream';
import type { ReadableOptions } from 'node:stream';

import { abandon, consumeSome, forget, whenReadable } from './disruptor.js';
import type { Consumed } from '../ring/consumer.js';
import type { Disruptor } from './disruptor.js';
import { keepFreedMemory } from '../native/allocator.js';
import { checkStreamable, PORTION, StreamStatus } from '../streaming.js';
import { nextTick, setImmediate } from '../timers.js';
import { readableOptions } from '../validate.js';

/** After so many looks at once the event loop has a turn: who always finds data must not keep it. */
const MAX_IN_A_ROW = 64;

/**
 * A Readable over a ring of bytes: everything that a {@link DisruptorWriteStream} writes to it,
 * for each consumer. It ends when the writer has ended and all data is read, and fails with
 * `writer errored` when the writer was destroyed with an error.
 *
 * It commits what it reads, and reads only when somebody reads from it: a slow reader holds up the
 * writer. Destroying it does not release the Disruptor.
 */
export class DisruptorReadStream extends Readable {
  /** The ring that is read, as it was given. */
  readonly disruptor: Disruptor;
  #reading = false;
  /** Looks since the event loop had a turn. */
  #inARow = 0;
  #writerErrored = false;

  /**
   * @param disruptor - with elements of 1 byte, a consumer index, and without `spin`
   * @param options - passed on to Readable
   * @throws Error `element size must be 1`, `spin must be false`
   */
  constructor(disruptor: Disruptor, options?: ReadableOptions) {
    super(readableOptions(options));
    checkStreamable(disruptor);
    this.disruptor = disruptor;
    // Every chunk is allocated anew.
    keepFreedMemory();
  }

  /** @internal */
  override _read(): void {
    if (this.#reading || this.destroyed) return;
    this.#reading = true;
    // Not before `read` has returned: it would give more than what was buffered.
    nextTick(() => {
      this.#readOn();
    });
  }

  /** As Readable's. */
  override read(size?: number): ReturnType<Readable['read']> {
    const chunk: unknown = super.read(size);
    this.#failWhenDrained();
    return chunk;
  }

  /** Destroying would throw away what was read before the error and is still to be delivered. */
  #failWhenDrained(): void {
    if (!this.#writerErrored || this.readableLength > 0) return;
    nextTick(() => {
      this.destroy(new Error('writer errored'));
    });
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Destroyed by its own constructor (an aborted `signal`), it has no Disruptor yet.
    (this.disruptor as Disruptor | undefined)?.[abandon]();
    callback(error);
  }

  /** Pushes what there is until no more is wanted, or waits for it. */
  #readOn(): void {
    try {
      while (this.#pushSome());
    } catch (error) {
      this.#fail(error);
    }
  }

  #fromTheLoop(): void {
    this.#inARow = 0;
    this.#readOn();
  }

  #fail(error: unknown): void {
    this.#reading = false;
    this.destroy(error as Error);
  }

  /** Whether there may be more at once. No promise: a crowd of readers would wait for those. */
  #pushSome(): boolean {
    if (this.destroyed) {
      this.#reading = false;
      return false;
    }
    this.#inARow += 1;
    if (this.#inARow > MAX_IN_A_ROW) {
      setImmediate(() => {
        this.#fromTheLoop();
      });
      return false;
    }
    // Before consuming: if the writer had ended by now, what we then find is all there is.
    const { status } = this.disruptor;
    const consumed = this.disruptor[consumeSome](PORTION);
    if (consumed) return this.#pushed(consumed, status);
    void this.#ask(status);
    return false;
  }

  async #ask(status: number): Promise<void> {
    try {
      if (this.#pushed(await this.disruptor.consumeNew(), status)) this.#readOn();
    } catch (error) {
      this.#fail(error);
    }
  }

  #pushed(consumed: Consumed, status: number): boolean {
    const wanted = this.#pushConsumed(consumed) ?? this.#waited(status);
    if (!wanted) this.#reading = wanted === undefined;
    return wanted ?? false;
  }

  /** There was nothing: whether there is something now; undefined when there will be, later. */
  #waited(status: number): boolean | undefined {
    if (status === StreamStatus.Ended) {
      this.push(null);
      return false;
    }
    if (status === StreamStatus.Errored) {
      this.#writerErrored = true;
      this.#failWhenDrained();
      return false;
    }
    const abandoned = () => this.destroyed || this.disruptor.status !== status;
    return this.disruptor[whenReadable](abandoned, (error) => {
      if (error) this.#fail(error);
      else this.#fromTheLoop();
    });
  }

  /** Pushes and commits. Returns whether more is wanted; undefined when there was nothing. */
  #pushConsumed({ bufs, gaps }: Consumed): boolean | undefined {
    try {
      for (const gap of gaps ?? []) this.emit('gap', gap);
    } catch (error) {
      this.disruptor[forget]();
      throw error;
    }
    if (this.destroyed) {
      // Whoever reads on as this consumer gets it.
      if (bufs.length > 0) this.disruptor[forget]();
      return false;
    }
    if (bufs.length === 0) return undefined;
    const chunk = Buffer.concat(bufs);
    this.disruptor.consumeCommit();
    // An empty chunk would not make Readable ask again.
    return chunk.length === 0 || this.push(chunk);
  }
}
