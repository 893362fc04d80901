// The file that an image is in.
import { closeSync, fchmodSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';

import type { Damage, Image } from './image.js';

export class SegmentFile {
  readonly name: string;
  readonly #file: number;

  constructor(name: string, { bytes, parameters }: Image) {
    this.name = name;
    this.#file = openSync(this.#path, 'wx+', 0o600);
    writeSync(this.#file, bytes, 0, Math.min(parameters.length, bytes.length), 0);
    ftruncateSync(this.#file, parameters.length);
    fchmodSync(this.#file, parameters.mode);
  }

  get #path(): string {
    return `/dev/shm${this.name}`;
  }

  write({ offset, value, bytes }: Damage): void {
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(value);
    writeSync(this.#file, word, 0, bytes, offset);
  }

  /** Removes it. */
  end(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}
