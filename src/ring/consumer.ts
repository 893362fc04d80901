import type { Attachment } from '../segment/attachment.js';
import { DisruptorError } from '../errors.js';
import { emitGap } from '../segment/events.js';
import type { Gap } from '../segment/events.js';
import { Outcome } from '../native/ring.js';
import { outOfRange } from '../validate.js';
import { BLOCKING, patient } from '../waiting/patience.js';
import { blockUntil, SLICE_MILLISECONDS } from '../waiting/waiter.js';
import type { Operation } from '../waiting/waiter.js';

/** Elements to read. */
export interface Consumed {
  /** The elements: one Buffer, two when the range runs over the ring's end, none without data. */
  bufs: Buffer[];
  /** Sequence of the first element; 0 when there is none. */
  start: number;
  /** Which elements before these were lost with their producer. Left out when there are none. */
  gaps?: Gap[];
}

const NO_GAPS: readonly Gap[] = Object.freeze([]);

/** Consuming under one index, which is checked when it is used: many objects only produce. */
export class Consumer {
  readonly #attachment: Attachment;
  readonly #asked: unknown;
  /** Whether the ring has this consumer. */
  readonly valid: boolean;
  #attached = false;
  #pending = false;
  #passed: Gap[] = [];
  /** What was lost before what was consumed last. */
  gaps: readonly Gap[] = NO_GAPS;
  /** Whether there was more than was asked for. */
  cut = false;

  constructor(attachment: Attachment, asked: unknown) {
    this.#attachment = attachment;
    this.#asked = asked;
    this.valid =
      Number.isInteger(asked) &&
      (asked as number) >= 0 &&
      (asked as number) < attachment.ring.consumerCount;
  }

  /** Becomes that consumer now. @throws DisruptorError `ERR_CONSUMER_BUSY` */
  attach(shared: boolean): void {
    this.#attachment.ring.attachConsumer(this.index, shared, BLOCKING);
    this.#attached = true;
  }

  /** @throws RangeError `ERR_OUT_OF_RANGE` */
  get index(): number {
    if (this.valid) return this.#asked as number;
    throw this.invalid;
  }

  /** The error for an index that is not `valid`. */
  get invalid(): Error {
    const last = this.#attachment.ring.consumerCount - 1;
    return outOfRange(`an integer from 0 to ${last}`, 'consumer', this.#asked);
  }

  #try(milliseconds: number): number {
    const { ring } = this.#attachment;
    this.#attachment.check();
    const slot = ring.consume(this.index, milliseconds);
    if (ring.gapsPassed > 0) this.#takeGaps();
    return slot;
  }

  #takeGaps(): void {
    const { ring, name } = this.#attachment;
    while (ring.gapsPassed > 0) {
      const gap = ring.nextGap();
      this.#passed.push(gap);
      emitGap({ name, consumer: this.index, ...gap });
    }
  }

  // A gap that is passed while waiting is told with what comes after it.
  #answer(): void {
    const passed = this.#passed;
    this.gaps = passed.length > 0 ? passed : NO_GAPS;
    if (passed.length > 0) this.#passed = [];
  }

  #consumed(slot: number): Consumed {
    const { start, gaps } = this;
    const bufs = this.#elements(slot);
    return gaps.length === 0 ? { bufs, start } : { bufs, start, gaps: [...gaps] };
  }

  #elements(slot: number): Buffer[] {
    if (slot < 0) return [];
    return this.#attachment.slots.spans(slot, this.next - this.start);
  }

  /** First sequence that was consumed last; 0 when there was nothing. */
  get start(): number {
    return this.#attachment.ring.consumeStart;
  }

  /** The sequence after the last one consumed and not yet committed; 0 when there is none. */
  get next(): number {
    return this.#attachment.ring.consumeNext;
  }

  #refuseWhilePending(): void {
    if (!this.#pending) return;
    throw new DisruptorError('ERR_CONSUME_PENDING', 'An earlier consumeNew is not answered yet');
  }

  /** At most `most` of what is unread, without waiting: a slot, or one of `Outcome`. */
  #take(most: number): number {
    const slot = this.#try(0);
    if (slot >= 0) this.shorten(most);
    return slot;
  }

  /**
   * What `shape` makes of at most `most` of what is unread, from a slot or one of `Outcome`. Waits for
   * something if it is told to.
   */
  consumeAs<T>(shape: (slot: number) => T, waits: boolean, most = Infinity): Operation<T> {
    let begun = false;
    const take = () => {
      // What was given to an earlier caller must not be committed before he has seen it.
      if (!begun) this.#refuseWhilePending();
      this.#pending = begun = true;
      const slot = this.#take(most);
      if (slot === Outcome.Nothing && waits) return undefined;
      this.#answer();
      return shape(slot);
    };
    const answered = () => {
      if (begun) this.#pending = false;
    };
    const attempt = patient(take, () => {
      this.#attachment.waiter.look();
    });
    return { attempt, answered };
  }

  /** Everything that is unread. Waits for something if it is told to. */
  consume(waits = this.#attachment.spin): Operation<Consumed> {
    return this.consumeAs((slot) => this.#consumed(slot), waits);
  }

  /** At most `most` of what is unread, without waiting: a slot, or one of `Outcome`. */
  takeSome(most: number): number {
    this.#refuseWhilePending();
    if (!this.#attached) this.attach(true);
    const slot = this.#take(most);
    this.#answer();
    return slot;
  }

  /** The same, as Buffers. */
  consumeSome(most: number): Consumed {
    return this.#consumed(this.takeSome(most));
  }

  /** All that is unread, blocking the thread until there is something where it is to wait. */
  takeSync(timeout?: number): number {
    this.#refuseWhilePending();
    if (!this.#attached) this.attach(true);
    const { spin } = this.#attachment;
    let slot = this.#try(spin && timeout === undefined ? SLICE_MILLISECONDS : 0);
    if (slot === Outcome.Nothing && spin) {
      const tries = (milliseconds: number) => this.#try(milliseconds);
      slot = blockUntil(this.#attachment.waiter, tries, slot, timeout);
    }
    this.#answer();
    return slot;
  }

  consumeSync(timeout?: number): Buffer[] {
    return this.#elements(this.takeSync(timeout));
  }

  /** Leaves of what was consumed last at most `most`. */
  shorten(most: number): void {
    this.cut = this.next - this.start > most;
    if (this.cut) this.#attachment.ring.shortenConsumed(this.start + most);
  }

  /** Gives what was consumed back to the producers. */
  commit(): boolean {
    const { ring } = this.#attachment;
    if (this.#pending || !this.valid) {
      // Nobody has seen anything that could be committed. But a released ring says so.
      ring.status();
      return true;
    }
    return ring.commitConsumed(this.index);
  }

  /** Gives back what was consumed below `next`, and keeps the rest. False: it is not ours. */
  commitBelow(next: number): boolean {
    const { ring } = this.#attachment;
    const end = this.next;
    ring.shortenConsumed(next);
    const done = ring.commitConsumed(this.index);
    if (next < end) ring.keepConsumed(next, end);
    return done;
  }

  /** Forgets what was consumed, so that it is given again. */
  forget(): void {
    this.#attachment.ring.forgetConsumed();
  }

  /** Whether consuming would find data, or a reason to fail. */
  get ready(): boolean {
    return this.#attachment.ring.consumable(this.index);
  }
}
