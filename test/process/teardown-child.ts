// A process that ends while work is going on in it. Its argument: how it ends, as JSON.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { begin } from './teardown-work.js';
import type { Work } from './teardown-work.js';

/** How a process ends. */
export interface Ending {
  work: Work;
  /** By itself, because its waits do not keep it, or by process.exit(7). */
  by: 'itself' | 'exit';
  /** Work in so many workers, too. */
  workers: number;
  milliseconds: number;
}

const { work, by, workers, milliseconds } = JSON.parse(process.argv[2]!) as Ending;
const started = Array.from({ length: workers }, () => {
  return new Worker(new URL('./teardown-worker.js', import.meta.url), { workerData: work });
});
const rings = begin(work);
await Promise.all(started.map((worker) => once(worker, 'message')));
if (by === 'itself') for (const ring of rings) ring.unref();
else setTimeout(() => process.exit(7), milliseconds);
