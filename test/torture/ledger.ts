// What participants have done, written down so that their death does not undo it: a few numbers for
// each incarnation in a file, each written by one system call.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** What is written of an incarnation; 0 until then. */
export enum Entry {
  /** A producer's: it has committed all messages up to this number. */
  Committed,
  /** A consumer's: where it began, plus 1. */
  Began,
  /** A consumer's: up to where it was about to give back. */
  Giving,
  /** A consumer's: up to where it has given back. */
  Given,
  /** A producer's: how many messages it has dropped to make room. */
  Dropped,
  /** Of nobody, whose number is 0: the {@link Phase}, where the segment has no word for it. */
  Phase,
}

const ENTRIES = 6;

export class Ledger {
  readonly #file: number;
  readonly #number = Buffer.alloc(8);

  constructor(path: string) {
    this.#file = openSync(path, 'r+');
  }

  write(incarnation: number, entry: Entry, value: number): void {
    this.#number.writeDoubleLE(value);
    writeSync(this.#file, this.#number, 0, 8, (incarnation * ENTRIES + entry) * 8);
  }

  read(incarnation: number, entry: Entry): number {
    this.#number.fill(0);
    readSync(this.#file, this.#number, 0, 8, (incarnation * ENTRIES + entry) * 8);
    return this.#number.readDoubleLE();
  }

  close(): void {
    closeSync(this.#file);
  }
}
