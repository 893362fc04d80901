// A part sends for a time and not an amount, so that the demo takes as long on a slow machine as on a
// fast one. What it sends at first is not counted, while everything starts and Node compiles.

const WARM_UP_SECONDS = 0.5;
const COUNTED_SECONDS = 1.5;

/** How long sending takes. */
export const SECONDS = WARM_UP_SECONDS + COUNTED_SECONDS;

/** Says when a part has sent for long enough, and what it has sent after the warm-up. */
export class Pace {
  counted = 0;
  seconds = 0;
  #begin = performance.now();
  #before;

  /** Whether there is time left. `sent` is how much was sent so far. */
  goesOn(sent) {
    const elapsed = (performance.now() - this.#begin) / 1000;
    if (elapsed < WARM_UP_SECONDS) return true;
    this.#before ??= { sent, elapsed };
    this.counted = sent - this.#before.sent;
    this.seconds = elapsed - this.#before.elapsed;
    return this.seconds < COUNTED_SECONDS;
  }
}
