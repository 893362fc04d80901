// A dispatcher and four workers, one of which is killed in the middle of a job. Somebody else gets
// that job, marked, and every job is done.
import { Queue } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const JOBS = 1000;
const WORKERS = 4;
const name = process.argv[2] ?? `/shm-disruptor-worker-pool-${process.pid}`;

const json = { capacity: 65_536, encoding: 'json' };
const jobs = Queue.create(name, json);
removeAtEnd(jobs);
const results = Queue.create(`${name}-results`, json);
removeAtEnd(results);

// Worker 0 gets stuck in a job, 20 jobs after it began.
const script = new URL('./worker.js', import.meta.url);
const workers = Array.from(
  { length: WORKERS },
  (_, id) => new Child(script, name, id, id === 0 ? 20 : Infinity),
);
await Promise.all(workers.map((worker) => worker.answer())); // they are ready
const [victim, ...others] = workers;
const killed = victim.answer().then(() => victim.kill());

// Waits for room, and the loop below goes on meanwhile.
const sent = jobs.enqueueMany(Array.from({ length: JOBS }, (_, number) => ({ number })));

const done = new Set();
let wrong = 0;
let redelivered = 0;
for await (const result of results) {
  if (result.square !== result.number ** 2) wrong += 1;
  if (result.redelivered) redelivered += 1;
  done.add(result.number);
  if (done.size === JOBS) break;
}
await sent;

console.log(`worker 0 ended by ${await killed}`);
for (const worker of others) worker.tell('stop');
for (const worker of others) await worker.ended();
const { unread, held } = jobs.stats();

console.log(`${done.size} of ${JOBS} jobs done, ${wrong} wrong, ${unread + held} bytes left`);
console.log(`${redelivered} given again`);
if (done.size !== JOBS || wrong > 0 || unread + held > 0) process.exitCode = 1;
