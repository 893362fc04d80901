// Joins, reads up to a sequence, and says what it has got.
import { setTimeout as delay } from 'node:timers/promises';

import { Ring } from 'shm-disruptor';

import { answer } from '../processes.js';

const [name, who, from, until] = process.argv.slice(2);
const dies = from === 'none';

const consumer = Ring.open(name).consumer(who, {
  ...(dies ? {} : { from }),
  maxBatch: 100,
});
if (!dies) answer('joined');

const first = consumer.sequence;
let count = 0;
let inOrder = true;
while (first + count < Number(until)) {
  const batch = await consumer.next();
  for (const buf of batch) {
    if (buf.readDoubleLE() !== first + count) inOrder = false;
    count += 1;
  }
}
// The next batch would have committed this one.
consumer.commit();

if (dies) {
  await consumer.next(); // taken, and never committed
  answer({ first, count, inOrder });
  await delay(3_600_000);
}
answer({ first, count, inOrder });
