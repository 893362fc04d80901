// Jobs are shared out among three workers, one of which is killed half way. What it had taken goes
// to the others, marked, and every job is done.
import { Ring } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const JOBS = 1000;
const WORKERS = 3;
const name = process.argv[2] ?? `/shm-disruptor-jobs-${process.pid}`;

const jobs = Ring.create(name, {
  elements: 1024,
  elementSize: 32,
  encoding: 'json',
  consumers: { workers: { group: true } }, // each job goes to one of them
});
removeAtEnd(jobs);

// Workers answer through a ring, too: any number of producers, one consumer.
const results = Ring.create(`${name}-results`, {
  elements: 256,
  elementSize: 64,
  encoding: 'json',
  consumers: { main: {} },
});
removeAtEnd(results);

// Worker 0 hangs in the middle of its share, 20 jobs after it began.
const script = new URL('./worker.js', import.meta.url);
const workers = Array.from(
  { length: WORKERS },
  (_, id) => new Child(script, name, id, id === 0 ? 20 : Infinity),
);
await Promise.all(workers.map((worker) => worker.answer())); // they are ready
const [victim, ...others] = workers;
const killed = victim.answer().then(() => victim.kill());

await jobs.producer().publishMany(Array.from({ length: JOBS }, (_, number) => ({ number })));

const done = new Set();
const by = workers.map(() => 0);
let wrong = 0;
let redelivered = 0;
let twice = 0;
for await (const batch of results.consumer('main')) {
  for (const result of batch) {
    if (result.square !== result.number ** 2) wrong += 1;
    if (result.redelivered) redelivered += 1;
    // A worker that dies between a job's result and its commit leaves the job to be done again.
    if (done.has(result.number)) twice += 1;
    done.add(result.number);
    by[result.worker] += 1;
  }
  if (done.size === JOBS) break;
}

console.log(`worker 0 ended by ${await killed}, after ${by[0]} jobs`);
for (const worker of others) worker.tell('stop');
for (const worker of others) await worker.ended();
const [{ lag }] = jobs.stats().consumers.filter(({ role }) => role === 'group');

console.log(`${done.size} of ${JOBS} jobs done, ${wrong} wrong, ${lag} left`);
console.log(`${redelivered} given again, ${twice} of them done twice`);
if (done.size !== JOBS || wrong > 0 || lag > 0) process.exitCode = 1;
