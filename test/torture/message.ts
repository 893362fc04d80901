// What is sent: who sent it, its number, where it was put, random bytes, and a checksum over all.
import { crc32 } from 'node:zlib';

/** Bytes in a message: its fixed part, and some that only the checksum knows. */
export const MESSAGE_BYTES = 56;

const CHECKED = 4;

/** One message as it was read. */
export interface Message {
  /** The incarnation that sent it. */
  sender: number;
  /** Counted from 1 by each incarnation. */
  number: number;
}

/** Writes the message in two parts, so that a producer may die between them. */
export function write(into: Buffer, sequence: number, { sender, number }: Message): void {
  into.writeUInt32LE(sender, 4);
  into.writeDoubleLE(number, 8);
  into.writeDoubleLE(sequence, 16);
  for (let at = 24; at < MESSAGE_BYTES; at += 4) {
    into.writeUInt32LE(Math.imul(sequence + at, 0x9e3779b1) >>> 0, at);
  }
  into.writeUInt32LE(crc32(into.subarray(CHECKED)), 0);
}

/** Reads what stands at `sequence`. @throws Error when it is torn, or of another lap */
export function read(from: Buffer, sequence: number): Message {
  const sender = from.readUInt32LE(4);
  const number = from.readDoubleLE(8);
  const put = from.readDoubleLE(16);
  const whole = crc32(from.subarray(CHECKED)) === from.readUInt32LE(0);
  if (!whole || put !== sequence) {
    const said = `message ${number} of ${sender}, put at ${put}, checksum ${whole ? 'right' : 'wrong'}`;
    throw new Error(`At ${sequence} there is ${said}`);
  }
  return { sender, number };
}

/** The elements in `bufs`, in order. */
export function* elements(bufs: Buffer[]): Generator<Buffer> {
  for (const buf of bufs) {
    for (let at = 0; at < buf.length; at += MESSAGE_BYTES) {
      yield buf.subarray(at, at + MESSAGE_BYTES);
    }
  }
}
