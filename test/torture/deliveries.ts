// Who has got what: all consumers' in one file, each entry or several at once by one system call, so
// that whoever is killed has written down all of it or nothing.
import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';

import type { Message } from './message.js';

/** A message that came to a consumer. */
export interface Delivery extends Message {
  /** Of the consumer. */
  incarnation: number;
  redelivered: boolean;
}

const WORDS = 4;
const BYTES = WORDS * Uint32Array.BYTES_PER_ELEMENT;

export class Deliveries {
  readonly #path: string;
  readonly #file: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'a');
  }

  write(all: readonly Delivery[]): void {
    const words = all.flatMap(({ incarnation, sender, number, redelivered }) => [
      incarnation,
      sender,
      number,
      Number(redelivered),
    ]);
    writeSync(this.#file, Uint32Array.from(words));
  }

  /** How many there are. */
  get count(): number {
    return fstatSync(this.#file).size / BYTES;
  }

  *[Symbol.iterator](): Generator<Delivery> {
    const words = new Uint32Array(Uint8Array.from(readFileSync(this.#path)).buffer);
    for (let at = 0; at < words.length; at += WORDS) {
      const [incarnation, sender, number, mark] = words.subarray(at, at + WORDS);
      yield {
        incarnation: incarnation!,
        sender: sender!,
        number: number!,
        redelivered: mark === 1,
      };
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
