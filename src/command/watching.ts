import { observe, observeAll } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { ratesBetween } from '../observe/rates.js';
import type { Rates } from '../observe/rates.js';

/** How many rates are kept for a sparkline. */
const KEPT = 60;

/** A segment as it is now, and how it has gone on. */
export interface Watched {
  seen: Observation;
  /** Undefined at the first look. */
  rates: Rates | undefined;
  /** Elements committed a second, the latest last. */
  history: readonly number[];
}

/** Looks at segments again and again. */
export class Watching {
  readonly #name: string | undefined;
  #last = new Map<string, Watched>();

  /** @param name - of the one to look at; undefined for all */
  constructor(name?: string) {
    this.#name = name;
  }

  /** Throws when the one to look at is not there any more. */
  look(): Watched[] {
    const all = this.#name === undefined ? observeAll() : [observe(this.#name)];
    const watched = all.map((seen): Watched => {
      const before = this.#last.get(seen.object);
      const rates = before && ratesBetween(before.seen, seen);
      const history = [...(before?.history ?? []), ...(rates ? [rates.committed] : [])];
      return { seen, rates, history: history.slice(-KEPT) };
    });
    this.#last = new Map(watched.map((each) => [each.seen.object, each]));
    return watched;
  }
}
