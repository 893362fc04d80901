import { setInterval } from '../timers.js';
/** How many holders have waits that keep this environment's event loop running. */
let holders = 0;
/** Whether any wait sleeps: one that polls keeps the loop running by polling. */
let asleep = false;
/** Does nothing but exist, referenced while there is a holder and a sleeper. */
let anchor: NodeJS.Timeout | undefined;
let anchored = false;

function settle(): void {
  const needed = holders > 0 && asleep;
  if (needed === anchored) return;
  anchored = needed;
  anchor ??= setInterval(() => undefined, 2 ** 31 - 1);
  if (needed) anchor.ref();
  else anchor.unref();
}

/** Whether any wait keeps the event loop running. */
export function keptAlive(): boolean {
  return holders > 0;
}

/** Tells whether any wait sleeps. */
export function sleepersExist(exist: boolean): void {
  asleep = exist;
  settle();
}

/** Whether one participant's pending waits keep the process alive. */
export class KeepAlive {
  #pending = 0;
  #wanted = true;

  begin(): void {
    this.#pending += 1;
    if (this.#pending === 1) this.#count(1);
  }

  end(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#count(-1);
  }

  set wanted(wanted: boolean) {
    if (wanted === this.#wanted) return;
    // In this order, since only what is wanted is counted.
    if (!wanted && this.#pending > 0) this.#count(-1);
    this.#wanted = wanted;
    if (wanted && this.#pending > 0) this.#count(1);
  }

  #count(change: number): void {
    if (!this.#wanted) return;
    holders += change;
    settle();
  }
}
