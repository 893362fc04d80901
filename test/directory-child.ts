// A process that makes segments of every kind in a directory, leaves something in each, and ends
// without closing any. Its arguments: the directory, and how it ends.
import { Disruptor, Queue, SharedMemory, Ring } from 'shm-disruptor';

const [path, ending] = process.argv.slice(2) as [string, 'killed' | 'returns'];

const compatible = new Disruptor({
  name: '/compatible',
  path,
  elements: 8,
  elementSize: 4,
  consumers: 2,
  consumer: 0,
  init: true,
  spin: true,
});
for (let value = 1; value <= 5; value += 1) {
  compatible.produceClaimSync().writeUInt32LE(value);
  compatible.produceCommitSync();
}
compatible.consumeNewSync();
// One that nobody will commit, and one behind it.
compatible.produceClaimSync();
const { prevClaimStart } = compatible;
compatible.produceClaimSync().writeUInt32LE(7);
void compatible.produceCommit(prevClaimStart + 1, prevClaimStart + 1);

const ring = Ring.create('/ring', {
  path,
  elements: 8,
  elementSize: 8,
  encoding: 'utf8',
  consumers: { reader: {} },
});
const producer = ring.producer();
for (const text of ['a', 'b', 'c']) producer.publishSync(text);
const reader = ring.consumer('reader', { maxBatch: 1 });
reader.tryNext();
reader.tryNext(); // commits the first

const queue = Queue.create('/queue', { path, capacity: 4096 });
for (const text of ['one', 'two', 'three']) queue.enqueueSync(text);
const consumer = Queue.open('/queue', { path });
consumer.tryDequeue();
consumer.tryReceive(); // 'two' is held

const memory = SharedMemory.create('/memory', 100, { path });
Buffer.from(memory.buffer).write('kept');
// Somebody sleeps on each when it ends.
for (const one of [queue, memory]) one.unref();
void memory.wait(96, 0);

await Promise.all([ring.sync(), producer.sync(), queue.sync(), memory.sync(), compatible.sync()]);
if (ending === 'killed') process.kill(process.pid, 'SIGKILL');
process.exit(0);
