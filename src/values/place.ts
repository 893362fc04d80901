import { isUint8Array } from 'node:util/types';

import { outOfRange, wrongType } from '../validate.js';

const NOWHERE = new ArrayBuffer(0);

/** Where something of a fixed size lies in memory, and may move to. */
export class Place {
  /** All of the memory, and the same as a Buffer. */
  view: DataView = new DataView(NOWHERE);
  bytes: Buffer = Buffer.from(NOWHERE);
  /** Where it begins in the memory. */
  base = 0;
  readonly size: number;
  /** The buffer of the latest move. */
  buffer: Uint8Array | undefined = undefined;
  /** Where that begins in the memory, and the last place in it that leaves room. */
  begin = 0;
  last = -1;

  constructor(size: number) {
    this.size = size;
  }

  /** Goes to `buffer[byteOffset]`, or throws and stays. */
  moveTo(buffer: Uint8Array, byteOffset: number): void {
    const known = buffer === this.buffer;
    const last = known ? this.last : this.lastIn(buffer);
    if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset > last) {
      throw this.misplaced(byteOffset, last);
    }
    if (!known) this.enter(buffer, last);
    this.base = this.begin + byteOffset;
  }

  private lastIn(buffer: unknown): number {
    if (!isUint8Array(buffer)) throw wrongType('a Buffer or Uint8Array', 'buffer', buffer);
    return buffer.byteLength - this.size;
  }

  private enter(buffer: Uint8Array, last: number): void {
    const memory = buffer.buffer;
    if (memory !== this.view.buffer) {
      this.view = new DataView(memory);
      this.bytes = Buffer.from(memory);
    }
    this.buffer = buffer;
    this.begin = buffer.byteOffset;
    this.last = last;
  }

  private misplaced(byteOffset: unknown, last: number): Error {
    const { size } = this;
    if (last < 0) return outOfRange(`at least ${size} bytes`, 'buffer', `${last + size} bytes`);
    const complaint = typeof byteOffset === 'number' ? outOfRange : wrongType;
    return complaint(`an integer from 0 to ${last}`, 'byteOffset', byteOffset);
  }
}
