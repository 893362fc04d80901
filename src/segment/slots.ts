/** How many slots have their Buffer kept: about 16 MiB of them when all are in use. */
const MAX_KEPT = 131_072;

/**
 * How many neighbours are made at a time: so that making is seldom, and not compiled into every claim,
 * which could then not be compiled into the loop around it.
 */
const MADE_TOGETHER = 64;

/**
 * Views of a ring's slots.
 *
 * Making a Buffer costs more than claiming and committing an element, so the Buffers of single
 * slots are made once and kept, for as many slots as fit the bound.
 */
export class Slots {
  /** All elements. */
  readonly all: Buffer;
  readonly #count: number;
  readonly #size: number;
  readonly #kept: (Buffer | undefined)[] = [];

  constructor(elements: ArrayBuffer, count: number, size: number) {
    this.all = Buffer.from(elements);
    this.#count = count;
    this.#size = size;
  }

  /** The one slot `slot`. */
  at(slot: number): Buffer {
    return this.#kept[slot] ?? this.#make(slot);
  }

  #make(slot: number): Buffer {
    if (slot >= MAX_KEPT) return this.#cut(slot, slot + 1);
    const first = slot - (slot % MADE_TOGETHER);
    const end = Math.min(first + MADE_TOGETHER, this.#count);
    // Filled in order, so that the array stays dense.
    while (this.#kept.length < first) this.#kept.push(undefined);
    for (let each = first; each < end; each += 1) this.#kept[each] = this.#cut(each, each + 1);
    return this.#kept[slot]!;
  }

  /** `count` slots from `slot` on: one Buffer, or two when the range runs over the ring's end. */
  spans(slot: number, count: number): Buffer[] {
    if (count === 1) return [this.at(slot)];
    const end = slot + count;
    if (end <= this.#count) return [this.#cut(slot, end)];
    return [this.#cut(slot, this.#count), this.#cut(0, end - this.#count)];
  }

  /** The slot `distance` slots after `slot`, less than a lap away. */
  after(slot: number, distance: number): number {
    const end = slot + distance;
    return end < this.#count ? end : end - this.#count;
  }

  #cut(from: number, to: number): Buffer {
    return this.all.subarray(from * this.#size, to * this.#size);
  }
}
