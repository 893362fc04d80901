import type { BridgeMessage } from './bridge-message.js';

type Facts = Pick<BridgeMessage, 'origin' | 'sequence' | 'from' | 'next'>;

/** What {@link Seen.add} says of a message. */
export type Sighting = 'new' | 'late' | 'duplicate';

/** How many ranges are remembered, of all origins together, and of how many origins. */
const MAX_RANGES = 1024;
const MAX_ORIGINS = 64;

/** What is remembered, as it is written down: of each origin `[begin, end)` pairs, rising. */
export type Memory = readonly (readonly [origin: string, ranges: readonly number[]])[];

/**
 * Which messages have come: of each origin ranges of sequences. A ring whose messages all come this
 * way is one range, however many they are.
 *
 * What is too much to remember is forgotten, the origin that was silent longest and the oldest range
 * first. Who forgets takes a repetition for something new, never the reverse.
 */
export class Seen {
  // In the order in which they were last heard of.
  readonly #origins = new Map<string, number[]>();
  #ranges = 0;
  #latest = '';

  constructor(memory: Memory = []) {
    for (const [origin, ranges] of memory) {
      this.#origins.set(origin, [...ranges]);
      this.#ranges += ranges.length / 2;
      this.#latest = origin;
    }
  }

  has({ origin, sequence }: Facts): boolean {
    const ranges = this.#origins.get(origin);
    if (!ranges || sequence >= ranges.at(-1)!) return false;
    // An even number of bounds lies at or below what is in no range.
    return countUpTo(ranges, sequence) % 2 === 1;
  }

  /** Remembers a message. */
  add(facts: Facts): Sighting {
    const { origin, from, next } = facts;
    if (origin === '') return 'new';
    if (this.has(facts)) return 'duplicate';
    const ranges = this.#heardOf(origin);
    const end = ranges.at(-1);
    if (end === undefined || from > end) {
      ranges.push(from, next);
      this.#ranges += 1;
      this.#forget();
      return 'new';
    }
    if (from === end) {
      ranges[ranges.length - 1] = next;
      return 'new';
    }
    const sighting = facts.sequence >= end ? 'new' : 'late';
    this.#merge(ranges, from, next);
    this.#forget();
    return sighting;
  }

  /** How many sequences have not come between others of their origin. */
  get missing(): number {
    let missing = 0;
    for (const ranges of this.#origins.values()) {
      for (let i = 2; i < ranges.length; i += 2) missing += ranges[i]! - ranges[i - 1]!;
    }
    return missing;
  }

  /** What is remembered, the origin heard of last at the end. */
  memory(): Memory {
    return [...this.#origins];
  }

  #heardOf(origin: string): number[] {
    const known = this.#origins.get(origin);
    if (known && origin === this.#latest) return known;
    const ranges = known ?? [];
    this.#origins.delete(origin);
    this.#origins.set(origin, ranges);
    this.#latest = origin;
    return ranges;
  }

  #merge(ranges: number[], from: number, next: number): void {
    // The first bound not below `from`, and the first above `next`: what lies between goes.
    const begin = countUpTo(ranges, from - 1);
    const end = countUpTo(ranges, next);
    const opening = begin % 2 === 0 ? [from] : [];
    const closing = end % 2 === 0 ? [next] : [];
    const before = ranges.length;
    ranges.splice(begin, end - begin, ...opening, ...closing);
    this.#ranges += (ranges.length - before) / 2;
  }

  #forget(): void {
    while (this.#origins.size > MAX_ORIGINS || this.#ranges > MAX_RANGES) {
      const [oldest, ranges] = this.#origins.entries().next().value!;
      const all = this.#origins.size > MAX_ORIGINS || ranges.length === 2;
      this.#ranges -= all ? ranges.length / 2 : 1;
      if (all) this.#origins.delete(oldest);
      else ranges.splice(0, 2);
    }
  }
}

/** How many of the rising `bounds` are at most `value`. */
function countUpTo(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
