// Every kind and face once, for runtimes that cannot run AVA. Prints TAP.
import assert from 'node:assert/strict';
import { once } from 'node:events';

import {
  Broadcast,
  Disruptor,
  DisruptorReadStream,
  DisruptorWriteStream,
  Queue,
  QueueReadStream,
  QueueWriteStream,
  SharedMemory,
  Ring,
} from 'shm-disruptor';

const name = (kind: string) => `/shm-disruptor-smoke-${process.pid}-${kind}`;

/** What a callback is given. */
function given<T>(call: (done: (error: Error | null, value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

async function claimAndCommit(): Promise<void> {
  const options = { name: name('claim'), elements: 8, elementSize: 4, consumer: 0 };
  const ring = new Disruptor({ ...options, consumers: 1, init: true, spin: true });
  ring.produceClaimSync().writeUInt32LE(1);
  assert.equal(ring.produceCommitSync(), true);
  assert.equal(ring.consumeNewSync()[0]?.readUInt32LE(), 1);
  ring.consumeCommit();
  const consumed = ring.consumeNew();
  (await ring.produceClaim()).buf.writeUInt32LE(2);
  assert.equal(await ring.produceCommit(), true);
  assert.equal((await consumed).bufs[0]?.readUInt32LE(), 2);
  ring.consumeCommit();
  const called = given<Buffer[]>((done) => {
    ring.consumeNew(done);
  });
  ring.produceClaimSync().writeUInt32LE(3);
  ring.produceCommitSync();
  assert.equal((await called)[0]?.readUInt32LE(), 3);
  ring.release();
  Ring.unlink(options.name);
}

async function roles(): Promise<void> {
  const options = { elements: 8, elementSize: 64, encoding: 'json' } as const;
  const ring = Ring.create(name('roles'), options);
  const consumer = ring.consumer('all');
  const producer = ring.producer();
  const next = consumer.next();
  assert.equal(await producer.publish({ a: 1 }), 0);
  assert.deepEqual([...(await next)], [{ a: 1 }]);
  consumer.commit();
  producer.publishManySync([1, 2]);
  assert.deepEqual([...consumer.nextSync()], [1, 2]);
  consumer.commit();
  consumer.close();
  producer.close();
  ring.close();
  Ring.unlink(ring.name);
}

async function streams(): Promise<void> {
  const options = { name: name('streams'), elements: 16, elementSize: 1, consumer: 0 };
  const ring = new Disruptor({ ...options, consumers: 1, init: true });
  const input = new DisruptorReadStream(ring);
  const output = new DisruptorWriteStream(new Disruptor({ name: options.name }));
  output.end('more than the ring has room for');
  const chunks: Buffer[] = [];
  for await (const chunk of input as AsyncIterable<Buffer>) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'more than the ring has room for');
  Ring.unlink(options.name);
}

async function queue(): Promise<void> {
  const queue = Queue.create(name('queue'), { capacity: 65536 });
  const waiting = queue.dequeue();
  queue.enqueueSync('a');
  assert.equal((await waiting).toString(), 'a');
  await queue.enqueue('b');
  const message = queue.receiveSync();
  assert.equal(message.data.toString(), 'b');
  message.ack();
  const called = given<Buffer>((done) => {
    queue.dequeue(done);
  });
  queue.enqueueSync('c');
  assert.equal((await called).toString(), 'c');
  const output = new QueueWriteStream(queue);
  const input = new QueueReadStream(queue);
  output.write('d');
  const [data] = (await once(input, 'data')) as [Buffer];
  assert.equal(data.toString(), 'd');
  input.destroy();
  output.destroy();
  queue.close();
  Queue.unlink(queue.name);
}

async function broadcast(): Promise<void> {
  const broadcast = Broadcast.create(name('broadcast'), { elements: 8, elementSize: 64 });
  const subscription = Broadcast.open(broadcast.name).subscribe();
  const waiting = subscription.receive();
  broadcast.publish('a');
  assert.equal((await waiting).data.toString(), 'a');
  broadcast.publish('b');
  assert.equal(subscription.receiveSync().data.toString(), 'b');
  subscription.close();
  broadcast.close();
  Broadcast.unlink(broadcast.name);
}

async function memory(): Promise<void> {
  const memory = SharedMemory.create(name('memory'), 64);
  const words = new Int32Array(memory.buffer, 0, 16);
  const waiting = memory.wait(0, 0);
  Atomics.store(words, 0, 1);
  memory.notify(0);
  assert.equal(await waiting, 'ok');
  memory.close();
  assert.equal(words.length, 0);
  SharedMemory.unlink(memory.name);
}

const tests = { claimAndCommit, roles, streams, queue, broadcast, memory };
console.log(`TAP version 13\n1..${Object.keys(tests).length}`);
let number = 0;
for (const [title, test] of Object.entries(tests)) {
  number += 1;
  try {
    await test();
    console.log(`ok ${number} - ${title}`);
  } catch (error) {
    console.log(`not ok ${number} - ${title}`);
    console.error(error);
    process.exitCode = 1;
  }
}
