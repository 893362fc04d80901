// A participant that is about to die: does what it is told on a ring, in a process or a worker, says
// so, and stays until somebody ends it.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';
import type { DisruptorOptions } from 'shm-disruptor';

/** What it does. */
export interface Orders {
  options: DisruptorOptions;
  /** Commits so many elements of 1, 2, 3, ... */
  commits?: number;
  /** Claims so many more and does not commit them, until it is told to go on. */
  claims?: number;
  /** Consumes once, and does not commit. */
  consumes?: boolean;
}

const orders = (workerData ?? JSON.parse(process.argv[2]!)) as Orders;
const say = (message: unknown) => {
  if (parentPort) parentPort.postMessage(message);
  else process.send!(message);
};

const ring = new Disruptor(orders.options);
for (let i = 1; i <= (orders.commits ?? 0); i += 1) {
  ring.produceClaimSync().writeUInt32LE(i);
  ring.produceCommitSync();
}
if (orders.claims) {
  const bufs = ring.produceClaimManySync(orders.claims);
  for (const buf of bufs) buf.fill(0xff);
}
if (orders.consumes) ring.consumeNewSync();
const { prevClaimStart, prevClaimEnd } = ring;
say({ prevClaimStart, prevClaimEnd });
(parentPort ?? process).once('message', () => {
  say(ring.produceCommitSync(prevClaimStart, prevClaimEnd));
});
// Whatever keeps it from ending by itself, for long enough.
setTimeout(() => undefined, 120_000);
