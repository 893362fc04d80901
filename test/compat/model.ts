/** What a ring without `spin` must answer: the contract as plain arithmetic over arrays. */
export class Model {
  readonly #elements: number;
  /** Every value, by sequence. */
  readonly #values: number[] = [];
  readonly #consumers: { sequence: number; pending: number }[];
  next = 0;
  cursor = 0;
  /** The ranges that are claimed and not committed, in order. */
  readonly open: { start: number; end: number }[] = [];

  constructor(elements: number, consumers: number) {
    this.#elements = elements;
    this.#consumers = Array.from({ length: consumers }, () => ({ sequence: 0, pending: 0 }));
  }

  /** The first and last sequence of a claim. */
  claim(least: number, most: number): { claimStart: number; claimEnd: number } {
    const slowest = Math.min(...this.sequences);
    const free = this.#elements - (this.next - slowest);
    if (free < Math.min(least, this.#elements)) return { claimStart: 1, claimEnd: 0 };
    const start = this.next;
    this.next += Math.min(most, free);
    this.open.push({ start, end: this.next - 1 });
    return { claimStart: start, claimEnd: this.next - 1 };
  }

  write(sequence: number, value: number): void {
    this.#values[sequence] = value;
  }

  commit(start: number, end: number): boolean {
    if (start !== this.cursor) return false;
    this.cursor = end + 1;
    while (this.open.length > 0 && this.open[0]!.end <= end) this.open.shift();
    return true;
  }

  consume(consumer: number): { values: number[]; start: number } {
    this.consumeCommit(consumer);
    const own = this.#consumers[consumer]!;
    if (own.sequence === this.cursor) return { values: [], start: 0 };
    own.pending = this.cursor;
    return { values: this.#values.slice(own.sequence, this.cursor), start: own.sequence };
  }

  consumeCommit(consumer: number): void {
    const own = this.#consumers[consumer]!;
    own.sequence = Math.max(own.sequence, own.pending);
  }

  get sequences(): number[] {
    return this.#consumers.map(({ sequence }) => sequence);
  }
}
