import { delay } from '../timers.js';

import { integer, optionsObject } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** How long to wait before an engine is tried again: twice as long each time. */
export interface BackoffOptions {
  /** Milliseconds before the first time. Default: 100. */
  least?: number;
  /** Milliseconds at most. Default: 5000. */
  most?: number;
}

const OPTIONS: OptionNames<BackoffOptions> = { least: true, most: true };

const LONGEST = 3_600_000;

/** Waits longer each time, and by chance a little less: so that many do not come at once. */
export class Backoff {
  readonly #least: number;
  readonly #most: number;
  #next: number;

  constructor(options: BackoffOptions = {}) {
    optionsObject<BackoffOptions>(options, OPTIONS, 'backoff');
    this.#least = integer(options.least ?? 100, 'backoff.least', 1, LONGEST);
    this.#most = integer(
      options.most ?? Math.max(5000, this.#least),
      'backoff.most',
      this.#least,
      LONGEST,
    );
    this.#next = this.#least;
  }

  /** How long to wait now. */
  next(): number {
    const wait = this.#next;
    this.#next = Math.min(2 * wait, this.#most);
    return Math.ceil(wait * (0.5 + Math.random() / 2));
  }

  /** It worked: the next wait is a short one. */
  reset(): void {
    this.#next = this.#least;
  }
}

/** Waits so many milliseconds, or less if the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch {
    // Whoever waits looks at the signal next.
  }
}
