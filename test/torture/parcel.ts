// What is sent to one consumer: who sent it, its number, bytes of any length, and a checksum over all.
import { crc32 } from 'node:zlib';

import type { Message } from './message.js';

/** The most bytes beside its fixed part. */
export const MAX_BYTES = 4000;

const FIXED = 16;
const CHECKED = 4;

/** The most bytes of a message. */
export const LONGEST = FIXED + MAX_BYTES;

const noise = Buffer.from(
  Array.from({ length: 2 * MAX_BYTES }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24),
);

/** How long a message with so many bytes is. */
export const lengthOf = (bytes: number) => FIXED + bytes;

/** Fills all of `into`. */
export function write(into: Buffer, { sender, number }: Message): Buffer {
  into.writeUInt32LE(sender, 4);
  into.writeDoubleLE(number, 8);
  noise.copy(into, FIXED, number % MAX_BYTES);
  into.writeUInt32LE(crc32(into.subarray(CHECKED)), 0);
  return into;
}

/** @throws Error when it is not as it was sent */
export function read(from: Buffer): Message {
  if (from.length < FIXED) throw new Error(`A message of ${from.length} bytes`);
  const message = { sender: from.readUInt32LE(4), number: from.readDoubleLE(8) };
  if (crc32(from.subarray(CHECKED)) === from.readUInt32LE(0)) return message;
  throw new Error(`Message ${message.number} of ${message.sender} is damaged`);
}
