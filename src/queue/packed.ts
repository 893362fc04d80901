import type { Ring } from '../native/ring.js';
import { outOfRange, wrongType } from '../validate.js';

/** Checks what several messages, one behind the other, are to be sent from. */
export function checkPacked(bytes: unknown, lengths: unknown, maxMessage: number): void {
  checkArrays(bytes, 'bytes', lengths);
  let needed = 0;
  const all = lengths as Uint32Array;
  for (let i = 0; i < all.length; i += 1) {
    const length = all[i]!;
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

function checkArrays(bytes: unknown, name: string, lengths: unknown): void {
  if (!(bytes instanceof Uint8Array)) throw wrongType('a Uint8Array', name, bytes);
  if (!(lengths instanceof Uint32Array)) throw wrongType('a Uint32Array', 'lengths', lengths);
}

/** Messages that lie one behind the other, on their way. */
export class PackedShipment {
  readonly #ring: Ring;
  readonly #longest: number;
  /** What is not yet sent. */
  #bytes: Uint8Array;
  #lengths: Uint32Array;
  /** How many are. */
  sent = 0;
  /** The sequence of the last that was sent; -1 before that. */
  last = -1;

  constructor(ring: Ring, longest: number, bytes: Uint8Array, lengths: Uint32Array) {
    this.#ring = ring;
    this.#longest = longest;
    this.#bytes = bytes;
    this.#lengths = lengths;
  }

  /** Sends `most` of them at most, and says what has to come before it can go on. */
  advance(most: number, milliseconds = 0): 'room' | 'turn' | undefined {
    const lengths = most < this.#lengths.length ? this.#lengths.subarray(0, most) : this.#lengths;
    if (lengths.length === 0) return undefined;
    const sent = this.#ring.sendMessages(this.#bytes, lengths, this.#longest, milliseconds);
    if (sent === 0) return 'room';
    // They were checked, and have changed since.
    if (sent < 0) throw outOfRange('messages within the bytes', 'lengths', this.#lengths[0]);
    this.last = this.#ring.lastSent;
    this.sent += sent;
    if (sent === this.#lengths.length) {
      this.#lengths = this.#lengths.subarray(sent);
      return undefined;
    }
    let bytes = 0;
    for (let i = 0; i < sent; i += 1) bytes += this.#lengths[i]!;
    this.#bytes = this.#bytes.subarray(bytes);
    this.#lengths = this.#lengths.subarray(sent);
    return sent < lengths.length ? 'room' : 'turn';
  }

  /** Nothing: they are the queue's until they are sent. */
  keep(): void {
    /* as it says */
  }

  /** Sends no more: says in the error how many were sent. */
  end(error: unknown): void {
    if (error instanceof Error) Reflect.set(error, 'sent', this.sent);
  }
}
