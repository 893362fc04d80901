import type { Attachment } from './attachment.js';
import { DisruptorError } from './errors.js';
import { Exchange, Outcome } from './native.js';
import { outOfRange } from './validate.js';
import { SLICE_MILLISECONDS } from './waiting.js';
import type { Attempt } from './waiting.js';

/** Elements to read. */
export interface Consumed {
  /** The elements: one Buffer, two when the range runs over the ring's end, none without data. */
  bufs: Buffer[];
  /** Sequence of the first element; 0 when there is none. */
  start: number;
}

/** Consuming under one index, which is checked when it is used: many objects only produce. */
export class Consumer {
  readonly #attachment: Attachment;
  readonly #exchange: Float64Array;
  readonly #asked: unknown;
  /** Whether the ring has this consumer. */
  readonly valid: boolean;
  #waiting = false;

  constructor(attachment: Attachment, asked: unknown) {
    this.#attachment = attachment;
    this.#exchange = attachment.exchange;
    this.#asked = asked;
    this.valid =
      Number.isInteger(asked) &&
      (asked as number) >= 0 &&
      (asked as number) < attachment.ring.consumerCount;
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
    this.#exchange[Exchange.Milliseconds] = milliseconds;
    this.#attachment.ring.consume(this.index);
    return this.#exchange[Exchange.Outcome]!;
  }

  #elements(slot: number): Buffer[] {
    if (slot < 0) return [];
    return this.#attachment.slots.spans(slot, this.next - this.start);
  }

  /** First sequence that was consumed last; 0 when there was nothing. */
  get start(): number {
    return this.#exchange[Exchange.ConsumeStart]!;
  }

  /** The sequence after the last one consumed and not yet committed; 0 when there is none. */
  get next(): number {
    return this.#exchange[Exchange.ConsumeNext]!;
  }

  #refuseWhileWaiting(): void {
    if (!this.#waiting) return;
    throw new DisruptorError('ERR_CONSUME_PENDING', 'An earlier consumeNew is still waiting');
  }

  consume(): Attempt<Consumed> {
    let mine = false;
    return () => {
      if (!mine) this.#refuseWhileWaiting();
      this.#waiting = mine = false;
      const slot = this.#try(0);
      if (slot === Outcome.Nothing && this.#attachment.spin) {
        this.#waiting = mine = true;
        return undefined;
      }
      return { bufs: this.#elements(slot), start: this.start };
    };
  }

  consumeSync(): Buffer[] {
    this.#refuseWhileWaiting();
    const { spin } = this.#attachment;
    const patience = spin ? SLICE_MILLISECONDS : 0;
    let slot: number;
    do slot = this.#try(patience);
    while (slot === Outcome.Nothing && spin);
    return this.#elements(slot);
  }

  /** Gives what was consumed back to the producers. */
  commit(): boolean {
    // Without an index nothing was consumed, and the core does not look at it.
    return this.#attachment.ring.commitConsumed(this.valid ? this.index : 0);
  }

  /** Whether consuming would find data, or a reason to fail. */
  get ready(): boolean {
    return this.#attachment.ring.consumable(this.index);
  }
}
