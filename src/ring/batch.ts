import type { Gap } from '../segment/events.js';
import type { Slots } from '../segment/slots.js';
import { integer } from '../validate.js';
import type { ReadSlot } from '../values/format.js';

/**
 * Elements to read, in order: iterating gives their values. They stay until they are committed; what
 * lies in shared memory (raw slots, records) must not be used after that.
 */
export class Batch<Out> implements Iterable<Out> {
  /** First sequence. */
  readonly start: number;
  /** Last sequence. */
  readonly end: number;
  /** What was lost before these with its producer: see {@link Gap}. */
  readonly gaps: readonly Gap[];
  /** Whether a member of the group had these and died: it may have handled them. */
  readonly redelivered: boolean;
  /** Whether there was nothing else when this was taken: a good moment to flush. */
  readonly endOfBatch: boolean;
  readonly #slots: Slots;
  readonly #slot: number;
  readonly #read: ReadSlot<Out>;
  #rewound: number | undefined;

  /** @internal */
  constructor(
    slots: Slots,
    read: ReadSlot<Out>,
    slot: number,
    facts: Pick<Batch<Out>, 'start' | 'end' | 'gaps' | 'redelivered' | 'endOfBatch'>,
  ) {
    this.#slots = slots;
    this.#read = read;
    this.#slot = slot;
    this.start = facts.start;
    this.end = facts.end;
    this.gaps = facts.gaps;
    this.redelivered = facts.redelivered;
    this.endOfBatch = facts.endOfBatch;
  }

  /** How many elements: at least 1. */
  get length(): number {
    return this.end - this.start + 1;
  }

  /** The slots: one Buffer over shared memory, or two where they run over the ring's end. */
  get bufs(): Buffer[] {
    return this.#slots.spans(this.#slot, this.length);
  }

  /**
   * The value of one element.
   *
   * @param sequence - from `start` to `end`
   * @throws TypeError, RangeError
   * @throws UnreadableMessageError `ERR_MESSAGE_UNREADABLE`; the elements behind it can be read
   */
  at(sequence: number): Out {
    const { start, end } = this;
    integer(sequence, 'sequence', start, end);
    const offset = sequence - start;
    return this.#read(this.#slots.after(this.#slot, offset), start, offset);
  }

  /**
   * The values in their order. With records it is one object each time, moved on: see the guide.
   *
   * An element that cannot be decoded throws an {@link UnreadableMessageError}, which ends a loop;
   * {@link Batch.at} reads the elements behind it.
   */
  [Symbol.iterator](): Iterator<Out> {
    const { start, length } = this;
    const slots = this.#slots;
    const read = this.#read;
    let slot = this.#slot;
    let given = 0;
    // Not a generator, which costs several times as much.
    return {
      next(): IteratorResult<Out, undefined> {
        if (given === length) return { done: true, value: undefined };
        const value = read(slot, start, given);
        given += 1;
        slot = slots.after(slot, 1);
        return { done: false, value };
      },
    };
  }

  /**
   * Has these given again, once the handler has returned: those from `sequence` on, while the ones
   * before are committed. For handlers only.
   *
   * @param sequence - from `start` to `end`; default: `start`
   */
  rewind(sequence: number = this.start): void {
    this.#rewound = integer(sequence, 'sequence', this.start, this.end);
  }

  /** Where {@link Batch.rewind} goes back to. @internal */
  get rewound(): number | undefined {
    return this.#rewound;
  }
}
