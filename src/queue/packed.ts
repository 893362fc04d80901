import { types } from 'node:util';

import { recordSent } from '../errors.js';
import type { RingHandle } from '../native/ring.js';
import { outOfRange, wrongType } from '../validate.js';

/** Checks what several messages, one behind the other, are to be sent from. */
export function checkPacked(bytes: unknown, lengths: unknown, maxMessage: number): void {
  checkArrays(bytes, 'bytes', lengths);
  let needed = 0;
  const all = lengths as Uint32Array;
  for (const length of all) {
    if (length > maxMessage) throw outOfRange(`at most ${maxMessage} each`, 'lengths', length);
    needed += length;
  }
  const { length } = bytes as Uint8Array;
  if (needed > length) throw outOfRange(`at least ${needed} bytes`, 'bytes', length);
}

/** Checks what several messages are to be received into. */
export function checkTarget(target: unknown, lengths: unknown): void {
  checkArrays(target, 'target', lengths);
  if ((lengths as Uint32Array).length === 0) throw outOfRange('at least one', 'lengths', lengths);
}

// By what they are, not by their prototypes: the core writes to them.
function checkArrays(bytes: unknown, name: string, lengths: unknown): void {
  if (!types.isUint8Array(bytes)) throw wrongType('a Uint8Array', name, bytes);
  if (!types.isUint32Array(lengths)) throw wrongType('a Uint32Array', 'lengths', lengths);
}

/** Messages that lie one behind the other, on their way. */
export class PackedBatchSend {
  readonly #ring: RingHandle;
  readonly #longest: number;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint32Array;
  readonly #count: number;
  /** How many bytes those have that are sent. */
  #end = 0;
  /** How many are. */
  sent = 0;
  /** The sequence of the last that was sent; -1 before that. */
  last = -1;

  constructor(ring: RingHandle, longest: number, bytes: Uint8Array, lengths: Uint32Array) {
    this.#ring = ring;
    this.#longest = longest;
    this.#bytes = bytes;
    this.#lengths = lengths;
    this.#count = lengths.length;
  }

  /** Sends `most` of them at most, and says what has to come before it can go on. */
  advance(most: number, milliseconds = 0): 'room' | 'turn' | undefined {
    const begin = this.sent;
    const end = Math.min(begin + most, this.#count);
    if (begin === end) return undefined;
    // Arrays that were checked may have been given away since, or changed.
    if (this.#lengths.length < end || this.#bytes.length < this.#end) throw this.#changed();
    const whole = begin === 0 && end === this.#count;
    const bytes = begin === 0 ? this.#bytes : bytesFrom(this.#bytes, this.#end);
    const lengths = whole ? this.#lengths : lengthsBetween(this.#lengths, begin, end);
    const sent = this.#ring.sendMessages(bytes, lengths, this.#longest, milliseconds);
    if (sent < 0) throw this.#changed();
    if (sent === 0) return 'room';
    this.last = this.#ring.lastSent;
    this.#end += this.#ring.bytesSent;
    this.sent += sent;
    if (this.sent === this.#count) return undefined;
    return this.sent < end ? 'room' : 'turn';
  }

  /** Nothing: they are the queue's until they are sent. */
  keep(): void {
    /* as it says */
  }

  /** Sends no more: says in the error how many were sent. */
  end(error: unknown): void {
    recordSent(error, this.sent);
  }

  #changed(): Error {
    return outOfRange('messages within the bytes until they are sent', 'lengths', this.#lengths);
  }
}

// Not `subarray`, which a class of the caller's may have make something else.
function bytesFrom({ buffer, byteOffset, length }: Uint8Array, begin: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + begin, length - begin);
}

function lengthsBetween(
  { buffer, byteOffset, BYTES_PER_ELEMENT }: Uint32Array,
  begin: number,
  end: number,
): Uint32Array {
  return new Uint32Array(buffer, byteOffset + begin * BYTES_PER_ELEMENT, end - begin);
}
