// One thread of a measurement: as participant.js, for threads.js.
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';

import { prepare } from './part.js';

const { scenario, part } = workerData;
const run = await prepare(scenario, part);
parentPort.postMessage('ready');
await once(parentPort, 'message');
parentPort.postMessage(await run());
