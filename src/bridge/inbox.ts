import { abortError } from '../waiting/waiter.js';

/** What an engine's client pushes, for somebody who takes it in batches: one taker at a time. */
export class Inbox<T> {
  #items: T[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** From now on there is nothing more. Of several failures the first counts. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** At most `most`, at least one; waits for that. @throws what it failed with, AbortError */
  async take(most: number, signal: AbortSignal): Promise<T[]> {
    while (this.#items.length === 0) {
      if (signal.aborted) throw abortError(signal);
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#wake = undefined;
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    return this.#items.splice(0, most);
  }
}
