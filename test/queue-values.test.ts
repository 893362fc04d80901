// Queues of values: what encodings make of them.
import test from 'ava';
import { Queue } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

/** Sends `values` and gives what comes out, by one way of receiving after the other. */
function through<In, Out>(queue: Queue<In, Out>, values: readonly In[]): (Out | undefined)[] {
  return values.map((value, i) => {
    if (i % 2 === 0) queue.enqueueSync(value);
    else queue.enqueueShift(value);
    if (i % 3 === 0) return queue.tryDequeue();
    if (i % 3 === 1) return queue.dequeueSync({ timeout: WATCHDOG_MILLISECONDS });
    using message = queue.tryReceive()!;
    message.ack();
    return message.data;
  });
}

test('strings', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 1 << 20, encoding: 'utf8' });
  const texts = ['', 'a', 'ünïcö', '😀😀', 'a\0b', 'x'.repeat(100_000), 'é'.repeat(70_000), 'y'];
  t.deepEqual(through(queue, texts), texts);
});

test('bytes', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'buffer' });
  const values = [0, 1, 8, 300, 5, 0, 7].map((n) => Buffer.alloc(n, n));
  t.deepEqual(through(queue, values), values);
});

test('JSON', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'json' });
  const values = [null, 0, -1.5, true, 'text', [], [1, [2]], {}, { a: { b: ['ü'] } }];
  t.deepEqual(through(queue, values), values);
  for (const value of [undefined, () => undefined, 1n]) {
    t.throws(() => queue.tryEnqueue(value), { name: 'TypeError' });
  }
  t.throws(() => queue.tryEnqueue('x'.repeat(4087)), { code: 'ERR_OUT_OF_RANGE' });
  t.true(queue.tryEnqueue('x'.repeat(4086)));
  t.is(queue.tryDequeue(), 'x'.repeat(4086));
});

const dates = {
  name: 'dates 1',
  encode: (value: Date) => Buffer.from(value.toISOString()),
  decode: (bytes: Buffer) => new Date(bytes.toString()),
};

test('an encoding of one’s own', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: dates });
  const values = [new Date(0), new Date('2026-02-03T04:05:06.789Z')];
  t.deepEqual(through(queue, values), values);
  using opened = Queue.open(queue.name, { encoding: dates });
  t.deepEqual(through(opened, values), values);
});

test('opening compares encodings', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'json' });
  const code = { code: 'ERR_SCHEMA_MISMATCH' };
  t.throws(() => Queue.open(queue.name, { encoding: 'utf8' }), code);
  t.throws(() => Queue.open(queue.name, { encoding: dates }), code);
  using same = Queue.open(queue.name, { encoding: 'json' });
  using raw = Queue.open(queue.name);
  same.tryEnqueue({ a: 1 });
  t.is(raw.tryDequeue()?.toString(), '{"a":1}');
});

test('a value that waits for room is sent as it was', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'utf8' });
  queue.enqueueSync('x'.repeat(4000));
  const sending = ['first', 'second', 'third'].map((text) => queue.enqueue(text.repeat(20)));
  queue.tryDequeue();
  await Promise.all(sending);
  const got = await queue.dequeueMany(3);
  t.deepEqual(
    got,
    ['first', 'second', 'third'].map((text) => text.repeat(20)),
  );
});

test('what an encoding throws is thrown, and leaves no hole', async (t) => {
  const grumpy = {
    encode(): Uint8Array {
      throw new RangeError('not with me');
    },
    decode: (bytes: Buffer) => bytes,
  };
  using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: grumpy });
  const error = { message: 'not with me' };
  t.throws(() => queue.tryEnqueue(undefined as never), error);
  t.throws(() => queue.enqueueShift(undefined as never), error);
  await t.throwsAsync(queue.enqueue(undefined as never), error);
  t.is(queue.stats().free, 4096);
});
