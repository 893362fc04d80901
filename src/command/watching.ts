import type { Finding } from '../observe/finding.js';
import { observe, observeAll } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { ratesBetween } from '../observe/rates.js';
import type { Rates } from '../observe/rates.js';
import type { SegmentDirectory } from '../segment/location.js';

/** How long somebody stands still before it is worth a word, in milliseconds. */
const PATIENCE = 2000;

/** How many rates are kept for a sparkline. */
const KEPT = 60;

/** A segment as it is now, and how it has gone on. */
export interface Watched {
  seen: Observation;
  /** Undefined at the first look. */
  rates: Rates | undefined;
  /** Elements committed, or messages published, a second, the latest last. */
  history: readonly number[];
  /** Who has stood still for a while though there was something to do. */
  stalled: readonly Finding[];
  /** Earlier looks, back to one that is a while ago. */
  earlier: readonly Observation[];
}

/** Those looks, and of those that are a while ago the latest. */
function recent(looks: readonly Observation[], now: number): Observation[] {
  const old = looks.filter(({ seen }) => seen <= now - PATIENCE).length;
  return looks.slice(Math.max(0, old - 1));
}

/** Looks at segments again and again. */
export class Watching {
  readonly #name: string | undefined;
  readonly #place: SegmentDirectory;
  #last = new Map<string, Watched>();

  /**
   * @param name - of the one to look at; undefined for all
   * @param place - where they are
   */
  constructor(name?: string, place: SegmentDirectory = {}) {
    this.#name = name;
    this.#place = place;
  }

  /** Throws when the one to look at is not there any more. */
  look(): Watched[] {
    const place = this.#place;
    const all = this.#name === undefined ? observeAll(place) : [observe(this.#name, place)];
    const watched = all.map((seen): Watched => {
      const before = this.#last.get(seen.object);
      const rates = before && ratesBetween(before.seen, seen);
      const history = [...(before?.history ?? []), ...(rates ? [rates.committed] : [])];
      const earlier = recent(before ? [...before.earlier, before.seen] : [], seen.seen);
      const [oldest] = earlier;
      const stood = oldest !== undefined && oldest.seen <= seen.seen - PATIENCE;
      const stalled = stood ? (ratesBetween(oldest, seen)?.stalled ?? []) : [];
      return { seen, rates, history: history.slice(-KEPT), stalled, earlier };
    });
    this.#last = new Map(watched.map((each) => [each.seen.object, each]));
    return watched;
  }
}
