// One producer or consumer: the entry of a child process or of a worker thread.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

import { promiseFace, syncFace } from '../faces.js';
import { consumeAll, produceAll } from './traffic.js';

/** What a participant is told: `workerData`, or an argument as JSON. */
export type Part = { name: string; face: 'promise' | 'sync' } & (
  { produces: number; id: number } | { consumes: number; consumer: number }
);

const part = (workerData ?? JSON.parse(process.argv[2]!)) as Part;
const face = { promise: promiseFace, sync: syncFace }[part.face];
const ring = new Disruptor({
  name: part.name,
  ...('consumer' in part && { consumer: part.consumer, shared: true }),
  spin: true,
});
if ('id' in part) {
  await produceAll(face, ring, part.id, part.produces);
} else {
  const counts = await consumeAll(face, ring, part.consumes);
  if (parentPort) parentPort.postMessage(counts);
  else process.send!(counts);
}
