// Does one job after the other. A job is out of the queue only when its result is in the other one.
import { setTimeout as delay } from 'node:timers/promises';

import { Queue } from 'shm-disruptor';

import { answer, whenTold } from '../processes.js';

const [name, id, hangAfter] = process.argv.slice(2);
const jobs = Queue.open(name, { encoding: 'json' });
const results = Queue.open(`${name}-results`, { encoding: 'json' });
const signal = whenTold();

answer('ready');

try {
  for (let count = 0; ; count += 1) {
    const job = await jobs.receive({ signal });
    if (count === Number(hangAfter)) await hang();
    await delay(1); // work
    const { number } = job.data;
    const { redelivered } = job; // somebody had it before, and may have done it
    await results.enqueue({ number, square: number ** 2, worker: Number(id), redelivered });
    job.ack();
  }
} catch (error) {
  if (error.name !== 'AbortError') throw error;
}
jobs.close();

async function hang() {
  answer('stuck');
  await delay(3_600_000);
}
