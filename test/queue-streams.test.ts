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

/** What `reader` gives until `count` have come. */
async function firstOf(reader: QueueReadStream, count: number): Promise<string[]> {
  const got: string[] = [];
  for await (const bytes of reader) {
    got.push(String(bytes));
    if (got.length === count) break;
  }
  return got;
}

for (const highWaterMark of [undefined, 1, 5]) {
  const options = highWaterMark === undefined ? undefined : { highWaterMark };
  test(`leaving a reader early loses nothing, with a buffer of ${highWaterMark ?? 'none'}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const queue = newQueue(t);
    const texts = Array.from({ length: 20 }, (_, i) => String(i));
    await queue.enqueueMany(texts);
    const got: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      got.push(...(await firstOf(new QueueReadStream(queue, options), 2)));
    }
    const left = rest(queue);
    t.is(got.length, 10);
    const inOrder = (all: string[]) => [...all].sort((a, b) => Number(a) - Number(b));
    t.deepEqual(inOrder([...got, ...left]), texts);
    t.is(queue.stats().held, 0);
  });
}

test('a reader that is not read takes no more than its buffer holds', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  await queue.enqueueMany(['a', 'b', 'c']);
  const reader = new QueueReadStream(queue);
  reader.on('readable', () => undefined);
  await once(reader, 'readable');
  t.is(queue.stats().holding.alive, 1);
  const closed = once(reader, 'close');
  reader.destroy();
  await closed;
  const first = await queue.receive();
  t.deepEqual([first.data.toString(), first.redelivered, first.deliveries], ['a', true, 1]);
  first.ack();
  t.deepEqual(rest(queue), ['b', 'c']);
});

test('destroying a reader just as a message arrives loses nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const sender = another(t, queue);
  const ends = [
    () => undefined,
    () => Promise.resolve(),
    () =>
      new Promise<void>((resolve) => {
        process.nextTick(resolve);
      }),
    () => new Promise(setImmediate),
  ];
  const texts = Array.from({ length: 400 }, (_, i) => String(i));
  const got: string[] = [];
  for (const [i, text] of texts.entries()) {
    const reader = new QueueReadStream(queue);
    const closed = once(reader, 'close');
    const end = () => {
      reader.destroy();
    };
    if (i % 2 === 0) reader.on('data', (bytes: Buffer) => got.push(bytes.toString()));
    else reader.on('readable', () => undefined);
    if (i % 3 === 0) {
      // It finds one there.
      sender.tryEnqueue(text);
      await ends[i % ends.length]!();
    } else {
      await new Promise(setImmediate);
      sender.tryEnqueue(text);
      await ends[i % ends.length]!();
    }
    end();
    await closed;
    got.push(...rest(queue));
  }
  t.deepEqual(got, texts);
  t.is(queue.stats().held, 0);
});

test('a reader that is destroyed while it is given a message has been given it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  await queue.enqueueMany(['a', 'b']);
  const reader = new QueueReadStream(queue);
  const got: string[] = [];
  reader.on('data', (bytes: Buffer) => {
    got.push(bytes.toString());
    reader.destroy();
  });
  await once(reader, 'close');
  t.deepEqual([got, rest(queue)], [['a'], ['b']]);
});

test('a reader with a larger buffer than messages can be held', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t, { capacity: 4096, maxHeld: 2 });
  const texts = Array.from({ length: 20 }, (_, i) => String(i));
  await queue.enqueueMany(texts);
  t.deepEqual(await firstOf(new QueueReadStream(queue, { highWaterMark: 16 }), 20), texts);
  const single = newQueue(t, { capacity: 4096, maxHeld: 1 });
  await single.enqueueMany(texts);
  t.deepEqual(await firstOf(new QueueReadStream(single), 20), texts);
});

test('a message that streams cannot carry ends the reader and stays', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'json' });
  queue.tryEnqueue(null);
  const reader = new QueueReadStream(queue);
  const failing = once(reader, 'error');
  reader.resume();
  t.like(await failing, [{ code: 'ERR_MESSAGE_UNREADABLE', sequence: 0 }]);
  t.is(queue.tryDequeue(), null);
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
