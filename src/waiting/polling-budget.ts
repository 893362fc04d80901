/** A budget below this is none: about what a few turns of the event loop take. */
const MIN = 10;

/**
 * How long a wait polls before it sleeps. It grows while what is waited for comes within it, or would
 * have come within a longer one, and goes to nothing when it does not.
 */
export class PollingBudget {
  #most = 0;
  #now = Infinity;

  /** In microseconds. */
  get microseconds(): number {
    return this.#most === Infinity ? Infinity : Math.min(this.#now, this.#most);
  }

  /** Another wait allows so much, beside others or alone. */
  allow(most: number, beside: boolean): void {
    this.#most = beside ? Math.max(this.#most, most) : most;
  }

  /** What was waited for came while polling. */
  paidOff(): void {
    this.#now = Math.min(this.#most, Math.max(MIN, this.#now * 2));
  }

  /** What was waited for came after so many microseconds of sleep. */
  slept(microseconds: number): void {
    if (microseconds < this.#most) {
      this.paidOff();
    } else {
      const half = this.microseconds / 2;
      this.#now = half < MIN ? 0 : half;
    }
  }
}
