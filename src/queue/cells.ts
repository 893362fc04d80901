import { transferred } from '../errors.js';
import { CELL, HEADER } from './queue-options.js';

const WORDS_IN_CELL = CELL / Uint32Array.BYTES_PER_ELEMENT;
/** In the place of the deliveries: `kDropped` in `addon/core/message.h`. */
const DROPPED = 0xffff_ffff;

/**
 * A queue's memory, by the cell in which a message begins: see `addon/core/message.h`. The header is
 * written only by the sender that has claimed the cell, and then by the consumer that holds the message.
 */
export class Cells {
  /** All cells, twice: a message that runs over the end is in one piece. */
  readonly memory: Buffer;
  readonly #words: Uint32Array;

  constructor(memory: Buffer) {
    this.memory = memory;
    this.#words = new Uint32Array(memory.buffer);
  }

  /**
   * Checks that the memory is still here: see {@link transferred}.
   *
   * @throws DisruptorError `ERR_RELEASED`
   */
  check(): void {
    if (this.memory.length === 0) throw transferred();
  }

  /** Where the bytes of the message begin. */
  begin(slot: number): number {
    return slot * CELL + HEADER;
  }

  /** The bytes of the message, or of one that is to be so long. */
  view(slot: number, length: number): Buffer {
    const begin = this.begin(slot);
    return this.memory.subarray(begin, begin + length);
  }

  /** Writes the header of a new message. */
  head(slot: number, length: number): void {
    this.#words[slot * WORDS_IN_CELL] = length;
    this.#words[slot * WORDS_IN_CELL + 1] = 0;
  }

  /** How many bytes the message has, by its header. */
  length(slot: number): number {
    return this.#words[slot * WORDS_IN_CELL]!;
  }

  /** Marks a message that is dropped instead of sent. */
  drop(slot: number): void {
    this.#words[slot * WORDS_IN_CELL + 1] = DROPPED;
  }

  /** Whether the message was dropped instead of sent. */
  dropped(slot: number): boolean {
    return this.#words[slot * WORDS_IN_CELL + 1] === DROPPED;
  }

  /** How often the message was delivered. */
  deliveries(slot: number): number {
    return this.#words[slot * WORDS_IN_CELL + 1]!;
  }

  /** Counts one more delivery. @returns how many there are with it */
  deliver(slot: number): number {
    // A message that is tried for ever never looks dropped.
    const deliveries = Math.min(this.deliveries(slot) + 1, DROPPED - 1);
    this.#words[slot * WORDS_IN_CELL + 1] = deliveries;
    return deliveries;
  }

  /** Takes the last delivery back: the caller has not learnt of it. */
  takeBack(slot: number): void {
    this.#words[slot * WORDS_IN_CELL + 1] = Math.max(0, this.deliveries(slot) - 1);
  }
}
