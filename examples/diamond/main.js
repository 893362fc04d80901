// Every order is checked and written to a journal, side by side, and then executed: only when both
// have done with it.
//
//            /--> check ----\
//   orders -+                +--> execute
//            \--> journal --/
import { Ring } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const ORDERS = 20_000;
const name = process.argv[2] ?? `/shm-disruptor-diamond-${process.pid}`;

const ring = Ring.create(name, {
  elements: 256,
  elementSize: 60, // the most bytes that an order may have as JSON
  encoding: 'json',
  consumers: { check: {}, journal: {}, execute: { after: ['check', 'journal'] } },
});
removeAtEnd(ring);

const script = new URL('./stage.js', import.meta.url);
const stages = ['check', 'journal', 'execute'].map((stage) => new Child(script, name, stage));
const reports = Promise.all(stages.map((stage) => stage.answer()));

const producer = ring.producer();
let total = 0;
for (let id = 0; id < ORDERS; id += 1) {
  const amount = (id * 37) % 1000;
  total += amount;
  await producer.publish({ id, amount });
}
// Nobody can see that no more will come, so somebody says it.
await producer.publish({ end: true });

for (const { stage, count, sum, early } of await reports) {
  const good = count === ORDERS && sum === total && early === 0;
  if (!good) process.exitCode = 1;
  console.log(
    `${stage}: ${count} orders, sum ${sum}, ${early} too early: ${good ? 'good' : 'WRONG'}`,
  );
}
