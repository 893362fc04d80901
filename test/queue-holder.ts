// Receives messages from a queue, says so, and stays until somebody ends it.
import { parentPort, workerData } from 'node:worker_threads';

import { Queue } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from './fixture.js';

const [name, count] = (workerData ?? process.argv.slice(2)) as [string, string | number];
const queue = Queue.open(name);
const held = Array.from({ length: Number(count) }, () =>
  queue.receiveSync({ timeout: WATCHDOG_MILLISECONDS }),
);
if (parentPort) parentPort.postMessage('held');
else process.send!('held');
// Nothing outlives a test that has hung.
setTimeout(() => {
  // Until then they are referred to: what nobody refers to lets go of its messages by itself.
  for (const message of held) message.nack();
  process.exit();
}, 2 * WATCHDOG_MILLISECONDS);
