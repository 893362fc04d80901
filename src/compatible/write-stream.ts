import { Writable } from 'node:stream';
import type { WritableOptions } from 'node:stream';

import { abandon, claimSome, commitAnyway, whenCommittable, whenWritable } from './disruptor.js';
import type { Disruptor } from './disruptor.js';
import type { ClaimedMany } from '../ring/producer.js';
import { checkStreamable, PORTION, StreamStatus } from '../streaming.js';
import { writableOptions } from '../validate.js';

/**
 * A Writable over a ring of bytes, for any number of {@link DisruptorReadStream}s. Ending it ends
 * the readers; destroying it with an error makes them fail; what was written before reaches them
 * first in either case. When the ring is full it waits for the slowest reader, and it fails with
 * `no consumers` once every consumer was released for good.
 *
 * Chunks of several writers to one ring are kept in order, but not whole: a chunk that finds the
 * ring nearly full is written in parts. Destroying it does not release the Disruptor.
 */
export class DisruptorWriteStream extends Writable {
  /** The ring that is written to, as it was given. */
  readonly disruptor: Disruptor;

  /**
   * @param disruptor - with elements of 1 byte and without `spin`
   * @param options - passed on to Writable
   * @throws Error `element size must be 1`, `spin must be false`
   */
  constructor(disruptor: Disruptor, options?: WritableOptions) {
    super(writableOptions(options));
    checkStreamable(disruptor);
    this.disruptor = disruptor;
  }

  /** @internal */
  override _write(
    chunk: Buffer | string,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.destroyed) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    let later;
    try {
      later = this.#writeAtOnce(bytes);
    } catch (error) {
      callback(error as Error);
      return;
    }
    if (!later) {
      callback();
      return;
    }
    later.then(
      () => {
        callback();
      },
      (error: unknown) => {
        callback(error as Error);
      },
    );
  }

  /** @internal */
  override _final(callback: (error?: Error | null) => void): void {
    this.#tell(StreamStatus.Ended, callback);
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Destroyed by its own constructor (an aborted `signal`), it has no Disruptor yet.
    const disruptor = this.disruptor as Disruptor | undefined;
    disruptor?.[abandon]();
    if (!error || !disruptor) {
      callback(error);
      return;
    }
    // The error that destroys us is the one to report, even if the ring is gone too.
    this.#tell(StreamStatus.Errored, () => {
      callback(error);
    });
  }

  #tell(status: number, callback: (error?: Error | null) => void): void {
    try {
      this.disruptor.status = status;
    } catch (error) {
      callback(error as Error);
      return;
    }
    callback();
  }

  /** What there is room for needs no promise: undefined when that is all. */
  #writeAtOnce(chunk: Buffer): Promise<void> | undefined {
    let rest = chunk;
    while (rest.length > 0) {
      const claim = this.disruptor[claimSome](Math.min(rest.length, PORTION));
      if (!claim || claim.bufs.length === 0) return this.#writeAll(rest);
      rest = rest.subarray(fill(claim.bufs, rest));
      const { claimStart, claimEnd } = claim;
      if (!this.disruptor.produceCommitSync(claimStart, claimEnd)) {
        return this.#writeAll(rest, claim);
      }
    }
    return undefined;
  }

  /** Writes what is left, once the claim that is filled is committed. */
  async #writeAll(chunk: Buffer, filled?: ClaimedMany): Promise<void> {
    let rest = chunk;
    if (filled) await this._commit(filled.claimStart, filled.claimEnd);
    while (rest.length > 0) {
      if (this.destroyed) throw unwritten();
      rest = await this.#writeSome(rest);
    }
  }

  /** Writes what there is room for, or waits for room. Resolves to what is left. */
  async #writeSome(chunk: Buffer): Promise<Buffer> {
    const claim = await this.disruptor.produceClaimAvail(Math.min(chunk.length, PORTION));
    const written = fill(claim.bufs, chunk);
    if (written > 0) {
      await this._commit(claim.claimStart, claim.claimEnd);
    } else if (claim.allConsumersIgnoring) {
      throw new Error('no consumers');
    } else {
      await this.disruptor[whenWritable](() => this.destroyed);
    }
    return chunk.subarray(written);
  }

  /** Commits, trying again while other writers' earlier claims are not committed. @internal */
  async _commit(claimStart: number, claimEnd: number): Promise<void> {
    for (let start = claimStart; ;) {
      if (this.destroyed) {
        // Otherwise everybody would wait for this claim.
        this.disruptor[commitAnyway](start, claimEnd);
        return;
      }
      if (await this.disruptor.produceCommit(start, claimEnd)) return;
      // Somebody else has committed it, or a part of it.
      const { cursor } = this.disruptor;
      if (cursor > claimEnd) return;
      start = Math.max(start, cursor);
      await this.disruptor[whenCommittable](start, () => this.destroyed);
    }
  }
}

/** Copies what fits. Returns how much that is. */
function fill(bufs: Buffer[], chunk: Buffer): number {
  let written = 0;
  for (const buf of bufs) written += chunk.copy(buf, 0, written);
  return written;
}

function unwritten(): Error {
  const error = new Error('The stream was destroyed before everything was written');
  return Object.assign(error, { code: 'ERR_STREAM_DESTROYED' });
}
