// One of the three readers. The slow one gets larger batches: that is how it catches up.
import { setTimeout as delay } from 'node:timers/promises';

import { Ring } from 'shm-disruptor';

import { answer } from '../processes.js';
import { Tick } from './tick.js';

const [name, role, ticks] = process.argv.slice(2);
const ring = Ring.open(name, { record: Tick });
const consumer = ring.consumer(role);

let count = 0;
let volume = 0;
let largest = 0;
let early = 0;
for await (const batch of consumer) {
  // `tick` is the same object each time, over the next slot: whoever keeps one takes toObject().
  for (const tick of batch) volume += tick.quantity;
  count += batch.length;
  largest = Math.max(largest, batch.length);
  if (role === 'risk' && batch.end >= doneBy('book')) early += 1;
  if (role === 'audit') await delay(2);
  if (count === Number(ticks)) break;
}
consumer.leave(); // nobody waits for it any more
answer({ role, count, volume, largest, early });

/** The first sequence that another consumer has not done with. */
function doneBy(other) {
  const { sequence } = ring.stats().consumers.find(({ name: its }) => its === other);
  return sequence ?? Infinity; // it has left, with everything done
}
