// Worker threads exchange numbered messages; every consumer checks every producer's.
import { once } from 'node:events';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

const PRODUCERS = 3;
const CONSUMERS = 2;
const MESSAGES = 200_000;

const name = process.argv[2] ?? `/shm-disruptor-workers-${process.pid}`;

// Made before the workers start, so that each of them can attach at once. A message has two
// 32-bit words: who sent it, and its number.
new Disruptor({ name, elements: 1024, elementSize: 8, consumers: CONSUMERS, init: true });
// The file stays in /dev/shm otherwise; the package has no call to remove it.
process.once('exit', () => unlinkSync(join('/dev/shm', name)));
process.once('SIGINT', () => process.exit(130));

function start(role, index) {
  const workerData = { role, index, name, producers: PRODUCERS, messages: MESSAGES };
  return new Worker(new URL('./worker.js', import.meta.url), { workerData });
}

// An error in a worker rejects here and ends the process, and with it the other workers.
async function answer(worker) {
  const [message] = await once(worker, 'message');
  return message;
}

const consumers = Array.from({ length: CONSUMERS }, (_, index) => start('consume', index));
const producers = Array.from({ length: PRODUCERS }, (_, index) => start('produce', index));
const [reports] = await Promise.all([
  Promise.all(consumers.map(answer)),
  Promise.all(producers.map((worker) => once(worker, 'exit'))),
]);

console.log(`${PRODUCERS} producers sent ${MESSAGES} messages each`);
for (const [index, { received, wrong }] of reports.entries()) {
  console.log(`consumer ${index} received ${received} messages, ${wrong} out of order`);
  if (wrong > 0 || received !== PRODUCERS * MESSAGES) process.exitCode = 1;
}
