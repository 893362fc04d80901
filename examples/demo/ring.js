import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { Disruptor } from 'shm-disruptor';

import { atEnd } from './undo.js';

/**
 * Creates a ring that no other run of the demo uses. This process only watches it, for the progress
 * line: an object without a consumer index holds up nobody.
 */
export function createRing(purpose, options) {
  const name = `/shm-disruptor-demo-${process.pid}-${purpose}`;
  const ring = new Disruptor({ ...options, name, init: true });
  // It stays in /dev/shm otherwise; the package has no call to remove it.
  atEnd(() => rmSync(join('/dev/shm', name), { force: true }));
  return { name, ring };
}

/** How many elements every consumer has done with. */
export function readByAll({ consumers }) {
  let least = Infinity;
  for (let at = 0; at < consumers.length; at += 8) {
    least = Math.min(least, Number(consumers.readBigUInt64LE(at)));
  }
  return least;
}
