// Elements that say who made them and how many that one had made before.
import type { Disruptor } from 'shm-disruptor';

import type { Face } from '../faces.js';

/** Bytes in an element: the producer, then the number. */
export const TRAFFIC_ELEMENT_SIZE = 8;

/** Produces elements numbered from 0 to `count - 1` as producer `id`. */
export async function produceAll(
  face: Face,
  ring: Disruptor,
  id: number,
  count: number,
): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const { buf, claimStart, claimEnd } = await face.claim(ring);
    buf.writeUInt32LE(id, 0);
    buf.writeUInt32LE(number, 4);
    if (!(await face.commitRange(ring, claimStart, claimEnd))) {
      throw new Error(`element ${number} of producer ${id} was not committed`);
    }
  }
}

/**
 * Consumes `total` elements. Resolves to how many there were of each producer; rejects if one is
 * missing, comes twice, or comes out of its producer's order.
 */
export async function consumeAll(face: Face, ring: Disruptor, total: number): Promise<number[]> {
  const counts: number[] = [];
  let consumed = 0;
  while (consumed < total) {
    const { bufs, start } = await face.consume(ring);
    if (start !== consumed) throw new Error(`got ${start} after ${consumed} elements`);
    for (const buf of bufs) {
      for (let at = 0; at < buf.length; at += TRAFFIC_ELEMENT_SIZE) {
        const id = buf.readUInt32LE(at);
        const number = buf.readUInt32LE(at + 4);
        const expected = counts[id] ?? 0;
        if (number !== expected) {
          throw new Error(`got element ${number} of producer ${id} instead of ${expected}`);
        }
        counts[id] = number + 1;
        consumed += 1;
      }
    }
  }
  ring.consumeCommit();
  return counts;
}
