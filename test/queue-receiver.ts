// A worker that takes messages out of a queue, and tells when it has so many, as text.
import { parentPort, workerData } from 'node:worker_threads';

import { Queue } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from './fixture.js';

const { name, count } = workerData as { name: string; count: number };
const queue = Queue.open(name);
const texts: string[] = [];
while (texts.length < count) {
  const some = queue.dequeueManySync(count - texts.length, { timeout: WATCHDOG_MILLISECONDS });
  texts.push(...some.map(String));
}
queue.close();
parentPort!.postMessage(texts);
