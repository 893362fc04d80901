import { Readable } from 'node:stream';
import type { ReadableOptions } from 'node:stream';

import { abandon, consumeSome, forget, whenReadable } from './disruptor.js';
import type { Consumed } from '../ring/consumer.js';
import type { Disruptor } from './disruptor.js';
import { keepFreedMemory } from '../native.js';
import { checkStreamable, PORTION, StreamStatus } from '../streaming.js';

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
  #writerErrored = false;

  /**
   * @param disruptor - with elements of 1 byte, a consumer index, and without `spin`
   * @param options - passed on to Readable
   * @throws Error `element size must be 1`, `spin must be false`
   */
  constructor(disruptor: Disruptor, options?: ReadableOptions) {
    super(options);
    checkStreamable(disruptor);
    this.disruptor = disruptor;
    // Every chunk is allocated anew.
    keepFreedMemory();
  }

  /** @internal */
  override _read(): void {
    if (this.#reading || this.destroyed) return;
    this.#reading = true;
    const consumed = this.disruptor[consumeSome](PORTION);
    if (!consumed) {
      void this.#pump();
      return;
    }
    // Not before `read` has returned: it would give more than what was buffered.
    process.nextTick(() => {
      this.#readOn(consumed);
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
    process.nextTick(() => {
      this.destroy(new Error('writer errored'));
    });
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Destroyed by its own constructor (an aborted `signal`), it has no Disruptor yet.
    (this.disruptor as Disruptor | undefined)?.[abandon]();
    callback(error);
  }

  /** Pushes that and what else is there, without a promise, and then waits for more. */
  #readOn(first: Consumed): void {
    let consumed: Consumed | undefined = first;
    let wanted: boolean | undefined = true;
    try {
      while (consumed && (wanted = this.#pushConsumed(consumed))) {
        consumed = this.disruptor[consumeSome](PORTION);
      }
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    this.#reading = wanted !== false;
    if (this.#reading) void this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      while (!this.destroyed && (await this.#pushSome()));
    } catch (error) {
      this.destroy(error as Error);
    } finally {
      this.#reading = false;
    }
  }

  /** Pushes what there is, or waits for it. Resolves to whether more is wanted. */
  async #pushSome(): Promise<boolean> {
    // Before consuming: if the writer had ended by now, what we then find is all there is.
    const { status } = this.disruptor;
    const consumed = this.disruptor[consumeSome](PORTION) ?? (await this.disruptor.consumeNew());
    const wanted = this.#pushConsumed(consumed);
    if (wanted !== undefined) return wanted;
    if (status === StreamStatus.Ended) {
      this.push(null);
      return false;
    }
    if (status === StreamStatus.Errored) {
      this.#writerErrored = true;
      this.#failWhenDrained();
      return false;
    }
    await this.disruptor[whenReadable](() => this.destroyed || this.disruptor.status !== status);
    return true;
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
