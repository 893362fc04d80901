// A worker that says when its work is going on.
import { parentPort, workerData } from 'node:worker_threads';

import { begin } from './teardown-work.js';
import type { Work } from './teardown-work.js';

begin(workerData as Work);
// Some of the waits still poll by then and some sleep.
setTimeout(() => {
  parentPort!.postMessage('ready');
}, Math.random() * 3);
