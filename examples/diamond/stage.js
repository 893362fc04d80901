// One stage. Whom it comes after stands in the ring: a stage only says who it is.
import { Ring } from 'shm-disruptor';

import { answer } from '../processes.js';

const [name, stage] = process.argv.slice(2);
const ring = Ring.open(name, { encoding: 'json' });
const consumer = ring.consumer(stage);
const finished = new AbortController();

let count = 0;
let sum = 0;
let early = 0;
await consumer.process(
  (batch) => {
    if (batch.end >= doneByThoseBefore()) early += 1;
    for (const order of batch) {
      if (order.end) return finished.abort();
      count += 1;
      sum += order.amount;
    }
  },
  { signal: finished.signal },
);
consumer.close();
answer({ stage, count, sum, early });

/** The first sequence that one of those before us has not done with. */
function doneByThoseBefore() {
  const { consumers } = ring.stats();
  const { after } = consumers.find((one) => one.name === stage);
  const before = consumers.filter((one) => after.includes(one.name));
  return Math.min(Infinity, ...before.map(({ sequence }) => sequence));
}
