// Queues as Node streams of objects.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import test from 'ava';
import { Queue, QueueReadStream, QueueWriteStream } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, fill, newQueue, rest } from './queues.js';

test('what is written is read, in order', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const texts = Array.from({ length: 1000 }, (_, i) => `${i} ${'.'.repeat((i * 13) % 300)}`);
  const reader = new QueueReadStream(another(t, queue));
  t.true(reader.readableObjectMode);
  const written = pipeline(Readable.from(texts), new QueueWriteStream(queue));
  const got = [];
  for await (const bytes of reader) {
    got.push(String(bytes));
    if (got.length === texts.length) break;
  }
  await written;
  t.deepEqual(got, texts);
  t.true(reader.destroyed);
  t.false(reader.queue.closed);
});

test('values', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'json' });
  const writer = new QueueWriteStream(queue);
  const reader = new QueueReadStream(queue);
  writer.write({ a: 1 });
  writer.end('text');
  await once(writer, 'finish');
  const got = [];
  for await (const value of reader) {
    got.push(value);
    if (got.length === 2) break;
  }
  t.deepEqual(got, [{ a: 1 }, 'text']);
});

test('two readers share the messages', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const readers = [1, 2].map(() => new QueueReadStream(another(t, queue)));
  const got: string[] = [];
  const done = new Promise<void>((resolve) => {
    for (const reader of readers) {
      reader.on('data', (bytes: Buffer) => {
        got.push(bytes.toString());
        if (got.length === 200) resolve();
      });
    }
  });
  const texts = Array.from({ length: 200 }, (_, i) => String(i));
  await queue.enqueueMany(texts);
  await done;
  for (const reader of readers) reader.destroy();
  t.deepEqual(got.sort(), texts.sort());
});

test('destroying a reader that waits takes nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const reader = new QueueReadStream(queue);
  reader.resume();
  await new Promise(setImmediate);
  const closed = once(reader, 'close');
  reader.destroy();
  await closed;
  queue.tryEnqueue('x');
  t.deepEqual(rest(queue), ['x']);
});

test('a writer waits for room, and can be destroyed meanwhile', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const count = fill(queue);
  const writer = new QueueWriteStream(queue);
  writer.write('late');
  const finished = once(writer, 'close');
  t.true(await staysPending(finished));
  writer.destroy();
  await finished;
  t.is(rest(queue).length, count);
});

test('errors end the streams', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t, { capacity: 4096, maxMessage: 10 });
  const writer = new QueueWriteStream(queue);
  const failing = once(writer, 'error');
  writer.write('x'.repeat(11));
  t.like(await failing, [{ code: 'ERR_OUT_OF_RANGE' }]);
  const reader = new QueueReadStream(queue);
  reader.resume();
  await new Promise(setImmediate);
  const ended = once(reader, 'error');
  queue.close();
  t.like(await ended, [{ code: 'ERR_RELEASED' }]);
});
