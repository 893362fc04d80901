// Publishing to a broadcast: what is refused, in place, one publisher or several.
import { constants } from 'node:buffer';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';

import test from 'ava';
import { Broadcast, defineRecord } from 'shm-disruptor';

import { another, count, listen, newBroadcast, rest } from './broadcasts.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

const good = { elements: 8, elementSize: 16 };

test('wrong options are refused, and leave nothing', (t) => {
  const name = uniqueName(t);
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  for (const [options, error] of [
    [{ elements: 0 }, range],
    [{ elements: 1.5 }, range],
    [{ elements: '8' }, type],
    [{ elements: undefined }, type],
    [{ elements: 2 ** 52 }, range],
    [{ elementSize: 0 }, range],
    [{ elementSize: 2 ** 32 }, range],
    [{ elementSize: undefined }, type],
    // What a Buffer can hold differs from one version of Node to the other.
    [{ elements: Math.floor(constants.MAX_LENGTH / 32) + 1 }, range],
    [{ producers: 'many' }, range],
    [{ producers: 'multi', maxProducers: 2047 }, range],
    [{ producers: 'multi', maxProducers: 0 }, range],
    [{ mode: 0o1000 }, range],
    [{ existing: 'overwrite' }, range],
    [{ pollingBudget: -1 }, range],
    [{ encoding: 'json', record: defineRecord({ a: 'u8' }) }, type],
    [{ record: {} }, type],
  ] as const) {
    t.throws(() => Broadcast.create(name, { ...good, ...options } as never), error);
  }
  t.throws(() => Broadcast.create(name, null as never), type);
  t.throws(() => Broadcast.open(name), { code: 'ENOENT' });
  t.throws(() => Broadcast.open(1 as never), type);
});

test('what it is', (t) => {
  const broadcast = newBroadcast(t, { elements: 3 });
  t.deepEqual([broadcast.elements, broadcast.elementSize, broadcast.closed], [3, 16, false]);
  const facts = { elements: 3, elementSize: 16, unlinked: false };
  t.deepEqual(broadcast.stats(), { ...facts, oldest: 0, next: 0 });
  count(broadcast, 0, 4);
  const opened = another(t, broadcast);
  t.is(opened.name, broadcast.name);
  t.deepEqual(opened.stats(), { ...facts, oldest: 2, next: 5 });
});

test('without a name, a free one is chosen', (t) => {
  using broadcast = Broadcast.create(good);
  using opened = Broadcast.open(broadcast.name);
  t.is(opened.elements, 8);
  Broadcast.unlink(broadcast.name);
  t.throws(() => Broadcast.open(broadcast.name), { code: 'ENOENT' });
  t.is(broadcast.publish('x'), 0);
});

test('bytes of every kind, up to the longest', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const floats = new Float64Array([1, 2, 3]).subarray(1);
  const bytes = new DataView(new ArrayBuffer(8), 2, 3);
  for (const value of ['é', floats, bytes, new Uint8Array(0), Buffer.alloc(16, 1)]) {
    broadcast.publish(value);
    const { data } = subscription.tryReceive()!;
    const expected = typeof value === 'string' ? Buffer.from(value) : value;
    t.deepEqual(
      data,
      Buffer.from(new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength)),
    );
  }
  t.throws(() => broadcast.publish(Buffer.alloc(17)), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => broadcast.publish('x'.repeat(17)), { code: 'ERR_OUT_OF_RANGE' });
  for (const value of [1, null, undefined, {}, new ArrayBuffer(3)]) {
    t.throws(() => broadcast.publish(value as never), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  t.is(broadcast.stats().next, 5);
});

test('several at once', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  t.is(broadcast.publishMany([]), -1);
  t.is(broadcast.publishMany(['a', 'b', 'c']), 2);
  const tooLong = ['d', 'x'.repeat(17), 'e'];
  const error = t.throws(() => broadcast.publishMany(tooLong), { code: 'ERR_OUT_OF_RANGE' });
  t.like(error, { sent: 1 });
  t.deepEqual(
    rest(subscription).map(([text]) => text),
    ['a', 'b', 'c', 'd'],
  );
});

test('in place: committed with a length, or aborted, once', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const first = broadcast.claim();
  t.is(first.sequence, 0);
  t.is(first.view.length, 16);
  t.is(first.view.byteOffset % 8, 0);
  first.view.write('12345');
  t.is(subscription.tryReceive(), undefined);
  for (const length of [-1, 17, 1.5]) {
    t.throws(() => first.commit(length), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => first.commit('5' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.true(first.commit(5));
  t.false(first.commit(5));
  t.false(first.abort());
  const second = broadcast.claim();
  t.true(second.abort());
  t.false(second.commit());
  const third = broadcast.claim();
  third.view.fill('z');
  t.true(third.commit());
  t.deepEqual(rest(subscription), [
    ['12345', 0, 0],
    ['z'.repeat(16), 2, 0],
  ]);
});

test('one claim at a time: another one drops the one before', (t) => {
  const broadcast = newBroadcast(t, { elements: 2 });
  const subscription = listen(t, broadcast);
  const first = broadcast.claim();
  const second = broadcast.claim();
  t.false(first.commit());
  t.true(second.commit(0));
  t.deepEqual(rest(subscription), [['', 1, 0]]);
});

test('a claim that fails has dropped the one before', (t) => {
  const broadcast = newBroadcast(t);
  const first = broadcast.claim();
  using next = Broadcast.create(broadcast.name, { ...good, existing: 'replace' });
  t.throws(() => broadcast.claim(), { code: 'ERR_SEGMENT_REPLACED' });
  t.false(first.commit());
  t.is(next.stats().next, 0);
});

test('what is claimed stays, however much is published meanwhile', (t) => {
  const broadcast = newBroadcast(t, { elements: 4 });
  const slot = broadcast.claim();
  slot.view.write('kept');
  for (let i = 0; i < 10; i += 1) t.not(broadcast.publish('x'.repeat(16)) % 4, 0);
  t.is(slot.view.toString('latin1', 0, 4), 'kept');
  const subscription = listen(t, broadcast, { from: 0 });
  slot.commit(4);
  t.deepEqual(
    rest(subscription).map(([, sequence, lost]) => [sequence, lost]),
    [
      [0, 0],
      [10, 9],
      [11, 0],
    ],
  );
  // 12 would have been its place again, and was left out.
  t.like(subscription.receiveSync({ timeout: WATCHDOG_MILLISECONDS }), { sequence: 13, lost: 1 });
  const one = newBroadcast(t, { elements: 1 });
  one.claim();
  t.throws(() => one.publish('x'), { code: 'ERR_SEGMENT_BUSY' });
});

test('what is published may be the broadcast’s own memory', (t) => {
  const broadcast = newBroadcast(t, { elements: 2 });
  const subscription = listen(t, broadcast, { from: 0 });
  const slot = broadcast.claim();
  const { view } = slot;
  view.write('0123456789abcdef');
  broadcast.publish(view.subarray(2, 6));
  slot.commit(16);
  t.deepEqual(rest(subscription), [
    ['0123456789abcdef', 0, 0],
    ['2345', 1, 0],
  ]);
  broadcast.publish(view.subarray(8));
  t.deepEqual(rest(subscription), [['89abcdef', 2, 0]]);
});

test('one publisher at a time; the next when it has closed', (t) => {
  const broadcast = newBroadcast(t);
  const other = another(t, broadcast);
  // Who has opened it and published nothing is none.
  t.is(other.stats().next, 0);
  t.is(broadcast.publish('a'), 0);
  t.throws(() => other.publish('b'), { name: 'DisruptorError', code: 'ERR_PRODUCER_BUSY' });
  t.throws(() => other.claim(), { code: 'ERR_PRODUCER_BUSY' });
  const subscription = listen(t, other, { from: 0 });
  broadcast.claim();
  broadcast.close();
  t.is(other.publish('b'), 2);
  t.deepEqual(rest(subscription), [
    ['a', 0, 0],
    ['b', 2, 0],
  ]);
});

test('several publishers, as many as there is room for', (t) => {
  const broadcast = newBroadcast(t, { producers: 'multi', maxProducers: 2 });
  const [second, third] = [another(t, broadcast), another(t, broadcast)];
  const subscription = listen(t, broadcast);
  t.is(broadcast.publish('a'), 0);
  t.is(second.publish('b'), 1);
  t.throws(() => third.publish('c'), { code: 'ERR_TOO_MANY_PRODUCERS' });
  const slot = second.claim();
  t.is(broadcast.publish('d'), 3);
  slot.view.write('c');
  slot.commit(1);
  t.deepEqual(rest(subscription), [
    ['a', 0, 0],
    ['b', 1, 0],
    ['c', 2, 0],
    ['d', 3, 0],
  ]);
  second.close();
  t.is(third.publish('e'), 4);
});

test('closing drops what is open, ends publishing, and leaves subscriptions', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  broadcast.publish('x');
  const slot = broadcast.claim();
  const { view } = slot;
  broadcast.close();
  broadcast.close();
  t.true(broadcast.closed);
  t.is(view.length, 0);
  t.false(slot.commit(0));
  const released = { name: 'DisruptorError', code: 'ERR_RELEASED' };
  t.throws(() => broadcast.publish('x'), released);
  t.throws(() => broadcast.claim(), released);
  t.throws(() => broadcast.subscribe(), released);
  t.throws(() => broadcast.latest(), released);
  t.throws(() => broadcast.stats(), released);
  t.deepEqual(rest(subscription), [['x', 0, 0]]);
});

test('closing before anything was published', (t) => {
  const opened = another(t, newBroadcast(t));
  opened.close();
  const released = { code: 'ERR_RELEASED' };
  t.throws(() => opened.publish('x'), released);
  t.throws(() => opened.claim(), released);
});

test('its memory cannot be transferred away', (t) => {
  const broadcast = newBroadcast(t);
  const { view } = broadcast.claim();
  try {
    structuredClone(view, { transfer: [view.buffer as ArrayBuffer] });
  } catch {
    // Node 20 makes a copy instead.
  }
  t.is(view.length, 16);
});

test('a publisher that ends with its worker leaves its place', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const opened = another(t, broadcast);
  const subscription = listen(t, opened);
  broadcast.close();
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.library).then(({ Broadcast }) => {
       const broadcast = Broadcast.open(workerData.name);
       broadcast.publish('a');
       broadcast.claim().view.write('b');
       parentPort.postMessage('');
       setInterval(() => broadcast, 1000);
     });`,
    {
      eval: true,
      workerData: { library: import.meta.resolve('shm-disruptor'), name: broadcast.name },
    },
  );
  await once(worker, 'message');
  t.throws(() => opened.publish('c'), { code: 'ERR_PRODUCER_BUSY' });
  await worker.terminate();
  t.is(opened.publish('c'), 2);
  t.deepEqual(rest(subscription), [
    ['a', 0, 0],
    ['c', 2, 0],
  ]);
});
