import type { Attachment } from '../segment/attachment.js';
import { Batch } from './batch.js';
import { Consumer } from './consumer.js';
import { DisruptorError } from '../errors.js';
import type { ResultCallback, SyncWaitOptions } from './ring-producer.js';
import type { Format, ReadSlot } from '../values/format.js';
import { processBatches } from './handler.js';
import type { BatchHandler, ProcessOptions } from './handler.js';
import { RingParticipant } from '../segment/ring-participant.js';
import { integer, noOptions, type NoOptions } from '../validate.js';
import { mayAnswerNow, syncTimeout, untilEnd, waitOptions, Word } from '../waiting/waiter.js';
import type { Operation, WaitOptions } from '../waiting/waiter.js';

/** Where this consumer stands: see {@link RingConsumer}. @internal */
export interface Seat {
  /** Index in the ring's table. */
  readonly index: number;
  readonly name: string;
  readonly group: boolean;
  readonly maxBatch: number;
}

/**
 * One consumer of a ring, or one member of a group. Made by `ring.consumer()`; it belongs to one
 * thread.
 *
 * Taking a batch commits the one before: its elements are the producers' again. What a consumer took
 * and has not committed when it dies or closes is given again to whoever comes back under its name,
 * and what a member of a group had to another member, marked `redelivered`.
 *
 * Methods that may wait reject, or call back, with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED` or
 * `ERR_SEGMENT_REPLACED`, and with `onUnlinked: 'error'` with `ERR_SEGMENT_UNLINKED`.
 *
 * @typeParam Out - the values
 */
export class RingConsumer<Out> extends RingParticipant {
  /** The name under which it can be resumed, or its group's; undefined without one. */
  readonly name: string | undefined;
  /** Whether it shares its elements with the other members of a group. */
  readonly group: boolean;
  readonly #consumer: Consumer;
  readonly #read: ReadSlot<Out>;
  readonly #maxBatch: number;
  #processing = false;

  /** @internal */
  constructor(attachment: Attachment, format: Format<never, Out>, memberSlot: Seat) {
    super(attachment);
    this.name = memberSlot.name === '' ? undefined : memberSlot.name;
    this.group = memberSlot.group;
    this.#consumer = new Consumer(attachment, memberSlot.index);
    this.#read = format.decoder(attachment.slots, attachment.name);
    this.#maxBatch = memberSlot.maxBatch;
  }

  /**
   * Commits what was taken before and takes what there is, at least one element; waits for that.
   *
   * @throws DisruptorError `ERR_CONSUME_PENDING` while an earlier call waits
   */
  next(options?: WaitOptions): Promise<Batch<Out>>;
  next(callback: ResultCallback<Batch<Out>>): void;
  next(options: WaitOptions, callback: ResultCallback<Batch<Out>>): void;
  next(...args: unknown[]): Promise<Batch<Out>> | undefined {
    return this.attachment.waiter.dispatch<Batch<Out>, ResultCallback<Batch<Out>>>(
      Word.Data,
      args,
      () => this.#operation(this.#maxBatch),
      (done, batch) => {
        done(null, batch);
      },
    );
  }

  /** As {@link RingConsumer.next}; blocks the thread. */
  nextSync(options?: SyncWaitOptions): Batch<Out> {
    const slot = this.#consumer.takeSync(syncTimeout(options));
    this.#consumer.shorten(this.#maxBatch);
    return this.#batch(slot);
  }

  /** As {@link RingConsumer.next}; undefined when there is nothing now. */
  tryNext(options?: NoOptions): Batch<Out> | undefined {
    noOptions(options);
    const slot = this.#consumer.takeSome(this.#maxBatch);
    return slot < 0 ? undefined : this.#batch(slot);
  }

  /**
   * Commits what was taken, without taking more: all of it, or up to and including `sequence`.
   *
   * @returns false when somebody else moved this consumer meanwhile
   * @throws RangeError for a sequence that was not taken or was committed before
   */
  commit(sequence?: number, options?: NoOptions): boolean {
    noOptions(options);
    if (sequence === undefined) return this.#consumer.commit();
    const { start, next } = this.#consumer;
    return this.#consumer.commitBelow(integer(sequence, 'sequence', start, next - 1) + 1);
  }

  /** Has what was taken and not committed given again by the next call. */
  rewind(options?: NoOptions): void {
    noOptions(options);
    this.#consumer.forget();
  }

  /**
   * Batches, one after the other, for as long as the loop goes on. Each is committed when the next is
   * asked for; leaving the loop leaves the last one to be given again, unless it was committed.
   *
   * @param options - for each wait
   */
  batches(options?: WaitOptions): AsyncGenerator<Batch<Out>, void, undefined> {
    const checked = waitOptions(options);
    return untilEnd(
      () => this.#next(this.#maxBatch, checked),
      () => this.closed,
      checked?.signal,
      () => {
        this.rewind();
      },
    );
  }

  /** `for await (const batch of consumer)`: as {@link RingConsumer.batches}. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch<Out>, void, undefined> {
    return this.batches();
  }

  /**
   * Calls a handler with every batch, and commits it when the handler has returned or its promise is
   * fulfilled.
   *
   * @returns a promise that fulfils when `signal` is aborted or the consumer is closed. The batch of a
   * handler that fails with an `AbortError` once `signal` is aborted is not committed. It rejects with
   * what the handler threw otherwise, and when waiting fails
   */
  async process(handler: BatchHandler<Out>, options?: ProcessOptions<Out>): Promise<void> {
    if (this.#processing) {
      throw new DisruptorError('ERR_CONSUME_PENDING', 'Another process() of this consumer goes on');
    }
    this.#processing = true;
    try {
      await processBatches(handler, options, this.#maxBatch, {
        tryNext: (most) => {
          if (!mayAnswerNow()) return undefined;
          const slot = this.#consumer.takeSome(most);
          return slot < 0 ? null : this.#batch(slot);
        },
        next: (most, wait) => this.#next(most, wait),
        commit: (sequence) => this.commit(sequence),
        rewind: () => {
          this.rewind();
        },
        pending: () => this.#consumer.next > 0,
        closed: () => this.closed,
      });
    } finally {
      this.#processing = false;
    }
  }

  /** The first sequence that it has not committed; of a group, that nobody has to do any more. */
  get sequence(): number {
    return this.attachment.ring.consumerSequence(this.#gate());
  }

  /** How many elements are committed by producers and not by this consumer, or its group. */
  get lag(): number {
    return Math.max(0, this.attachment.ring.cursor() - this.sequence);
  }

  /**
   * Ends it for good: producers wait for it no longer, and what it has not committed is lost to it. A
   * name stays known, and begins anew when somebody joins under it. A member of a group leaves what
   * it has to the others; the last one ends the group's gating.
   */
  leave(): void {
    this.attachment.ring.leave();
    super.close();
  }

  /**
   * Lets go of it. With a name it goes on gating, and `ring.consumer(name)` goes on where it had
   * committed; a nameless one ends as by {@link RingConsumer.leave}.
   */
  override close(): void {
    if (this.closed) return;
    if (this.name === undefined) this.attachment.ring.leave();
    super.close();
  }

  // Whose sequence producers look at: a member's is its group's.
  #gate(): number {
    const { index } = this.#consumer;
    if (!this.group) return index;
    const { consumers } = this.attachment.ring.snapshot();
    return consumers.find((one) => one.index === index)?.after[0] ?? index;
  }

  #operation(most: number): Operation<Batch<Out>> {
    return this.#consumer.consumeAs((slot) => this.#batch(slot), true, most);
  }

  #next(most: number, options: WaitOptions | undefined): Promise<Batch<Out>> {
    return this.attachment.waiter.promised(Word.Data, this.#operation(most), options);
  }

  #batch(slot: number): Batch<Out> {
    const { ring, slots } = this.attachment;
    const { start, next, gaps, cut } = this.#consumer;
    const { redelivered } = ring;
    // The other members take what is behind a share.
    const endOfBatch = this.group ? ring.cursor() <= next : !cut;
    const facts = { start, end: next - 1, gaps, redelivered, endOfBatch };
    return new Batch(slots, this.#read, slot, facts);
  }
}
