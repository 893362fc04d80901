/** How many holders have waits that keep this environment's event loop running. */
let holders = 0;
/** Does nothing but exist, referenced while there is a holder. */
let anchor: NodeJS.Timeout | undefined;

function hold(): void {
  holders += 1;
  if (holders > 1) return;
  anchor ??= setInterval(() => undefined, 2 ** 31 - 1);
  anchor.ref();
}

function drop(): void {
  holders -= 1;
  if (holders === 0) anchor?.unref();
}

/** Whether any wait keeps the event loop running. */
export function keptAlive(): boolean {
  return holders > 0;
}

/** Whether one participant's pending waits keep the process alive. */
export class KeepAlive {
  #pending = 0;
  #wanted = true;

  begin(): void {
    this.#pending += 1;
    if (this.#pending === 1 && this.#wanted) hold();
  }

  end(): void {
    this.#pending -= 1;
    if (this.#pending === 0 && this.#wanted) drop();
  }

  set wanted(wanted: boolean) {
    if (wanted !== this.#wanted && this.#pending > 0) (wanted ? hold : drop)();
    this.#wanted = wanted;
  }
}
