// Elements of 4 bytes that hold a number each.
import type { Disruptor } from 'shm-disruptor';

/** The numbers in `bufs`. */
export function valuesOf(bufs: readonly Buffer[]): number[] {
  const bytes = Buffer.concat(bufs);
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
}

/** Writes one number into each element of `bufs`. */
export function fillIn(bufs: readonly Buffer[], values: readonly number[]): void {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  let written = 0;
  for (const buf of bufs) written += bytes.copy(buf, 0, written);
}

/** Commits one element for each number; there must be room for them. */
export function produce(ring: Disruptor, ...values: number[]): void {
  fillIn(ring.produceClaimManySync(values.length), values);
  if (!ring.produceCommitSync()) throw new Error('not committed');
}

/** Moves an empty ring on by `count` elements, so that the next claim begins there. */
export function skip(ring: Disruptor, count: number): void {
  produce(ring, ...new Array<number>(count).fill(0));
  ring.consumeNewSync();
  ring.consumeCommit();
}
