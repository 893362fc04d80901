import { createHistogram } from 'node:perf_hooks';

import { bar } from './blocks.js';

/** Columns of a histogram's longest bar. */
const WIDTH = 50;
/** Rows of a histogram in each doubling of the time. */
const ROWS = 2;
/** Share of all that a row needs so as to be drawn. */
const MIN = 0.0005;

const PERCENTILES = [50, 90, 99, 99.9] as const;

/** As `1.5 µs`. */
function time(nanoseconds: number): string {
  if (nanoseconds < 1000) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
  return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

/** How long something took, again and again, in nanoseconds. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: 60e9, figures: 3 });
  readonly #rows: number[] = [];

  record(nanoseconds: number): void {
    const value = Math.max(1, nanoseconds);
    this.#histogram.record(value);
    const row = Math.floor(Math.log2(value) * ROWS);
    this.#rows[row] = (this.#rows[row] ?? 0) + 1;
  }

  get count(): number {
    return this.#histogram.count;
  }

  /** Of the {@link PERCENTILES}, and the most, for people. */
  figures(): string[] {
    return [
      ...PERCENTILES.map((each) => this.#histogram.percentile(each)),
      this.#histogram.max,
    ].map(time);
  }

  /** Lines of a histogram. */
  drawn(): string[] {
    const shares = Array.from(this.#rows, (count: number | undefined) => (count ?? 0) / this.count);
    const shown = shares.flatMap((assignment, row) => (assignment >= MIN ? [row] : []));
    const most = Math.max(...shares);
    const first = shown[0] ?? 0;
    return shares.slice(first, (shown.at(-1) ?? -1) + 1).map((assignment, i) => {
      const from = time(2 ** ((first + i) / ROWS)).padStart(10);
      return `${from}  ${bar(assignment / most, WIDTH)} ${(100 * assignment).toFixed(1).padStart(5)} %`;
    });
  }

  /** Nanoseconds. */
  toJSON(): object {
    const percentiles = new Map(
      PERCENTILES.map((each) => [`p${each}`, this.#histogram.percentile(each)]),
    );
    return { count: this.count, ...Object.fromEntries(percentiles), most: this.#histogram.max };
  }
}
