import { recordSent } from '../errors.js';
import { wrongType } from '../validate.js';

/** Sends bytes and gives their sequence; -1 when there is no room within so many milliseconds. */
type Send = (bytes: Uint8Array, milliseconds: number) => number;

/** Several values on their way, in their order. */
export class BatchSend {
  readonly #values: Iterator<unknown>;
  readonly #encode: (value: unknown) => Uint8Array;
  readonly #send: Send;
  /** The next one, when there was no room for it. */
  #bytes: Uint8Array | undefined;
  #kept = false;
  /** Whether there is nothing more to be had from the values. */
  #exhausted = false;
  #sent = 0;
  /** The sequence of the last that was sent; -1 before that. */
  last = -1;

  /** @throws TypeError when `values` cannot be iterated */
  constructor(values: Iterable<unknown>, encode: (value: unknown) => Uint8Array, send: Send) {
    if (typeof (values as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function') {
      throw wrongType('an iterable', 'values', values);
    }
    this.#values = values[Symbol.iterator]();
    this.#encode = encode;
    this.#send = send;
  }

  /** Sends `most` of them at most, and says what has to come before it can go on. */
  advance(most: number, milliseconds = 0): 'room' | 'turn' | undefined {
    for (let count = 0; count < most; count += 1) {
      this.#bytes ??= this.#next();
      if (!this.#bytes) return undefined;
      const sequence = this.#send(this.#bytes, milliseconds);
      if (sequence < 0) return 'room';
      this.last = sequence;
      this.#sent += 1;
      this.#bytes = undefined;
    }
    return 'turn';
  }

  #next(): Uint8Array | undefined {
    this.#kept = false;
    // One that throws has ended.
    this.#exhausted = true;
    const next = this.#values.next();
    if (next.done) return undefined;
    this.#exhausted = false;
    return this.#encode(next.value);
  }

  /** What was encoded is good only until something else is. */
  keep(): void {
    if (!this.#kept && this.#bytes) this.#bytes = Uint8Array.from(this.#bytes);
    this.#kept = true;
  }

  /** Sends no more: tells the values, and in the error how many were sent. */
  end(error: unknown): void {
    recordSent(error, this.#sent);
    if (this.#exhausted) return;
    this.#exhausted = true;
    try {
      this.#values.return?.();
    } catch {
      /* as for..of does */
    }
  }
}
