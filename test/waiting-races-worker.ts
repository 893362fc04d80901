// The other side of waiting-races.test.ts: produces or consumes the numbers from 1 on, with pauses.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

import { random } from './compat/random.js';
import { fillIn, valuesOf } from './compat/values.js';

/** What the worker is told. It posts the numbers that it consumed. */
export interface Side {
  name: string;
  produces: boolean;
  count: number;
  seed: number;
}

const { name, produces, count, seed } = workerData as Side;
const ring = new Disruptor({ name, consumer: 0, shared: true, spin: true });
const below = random(seed);
const got: number[] = [];
for (let sent = 0; produces ? sent < count : got.length < count;) {
  if (produces) {
    const { bufs, claimStart } = await ring.produceClaimMany(1 + below(Math.min(3, count - sent)));
    const many = Buffer.concat(bufs).length / 4;
    const numbers = Array.from({ length: many }, (_, i) => claimStart + i + 1);
    fillIn(bufs, numbers);
    await ring.produceCommit();
    sent += many;
  } else {
    got.push(...valuesOf((await ring.consumeNew()).bufs));
    ring.consumeCommit();
  }
  if (below(3) > 0) await sleep(below(3));
}
parentPort!.postMessage(got);
