/** How many holders have waits that keep this environment's event loop running. */
let holders = 0;
/** Does nothing but exist, referenced while there is a holder. */
let anchor: NodeJS.Timeout | undefined;

function adjust(change: 1 | -1): void {
  holders += change;
  if (holders === 0) anchor?.unref();
  else if (holders === 1 && change === 1) {
    anchor ??= setInterval(() => undefined, 2 ** 31 - 1);
    anchor.ref();
  }
}

/** Whether one participant's pending waits keep the process alive. */
export class KeepAlive {
  #pending = 0;
  #wanted = true;

  begin(): void {
    this.#pending += 1;
    if (this.#pending === 1 && this.#wanted) adjust(1);
  }

  end(): void {
    this.#pending -= 1;
    if (this.#pending === 0 && this.#wanted) adjust(-1);
  }

  set wanted(wanted: boolean) {
    if (wanted !== this.#wanted && this.#pending > 0) adjust(wanted ? 1 : -1);
    this.#wanted = wanted;
  }
}
