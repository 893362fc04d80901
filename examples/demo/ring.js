import { Disruptor, unlinkSegment } from 'shm-disruptor';

import { atEnd } from './undo.js';

/** Creates a ring that no other run of the demo uses, and gives its name. */
export function createRing(purpose, options) {
  const name = `/shm-disruptor-demo-${process.pid}-${purpose}`;
  new Disruptor({ ...options, name, init: true }).release();
  // It stays in /dev/shm otherwise.
  atEnd(() => unlinkSegment(name));
  return name;
}
