// Broadcasts as async iterators and as Node streams.
import { once } from 'node:events';

import test from 'ava';
import { SubscriptionReadStream } from 'shm-disruptor';
import type { ReceivedMessage } from 'shm-disruptor';

import { count, listen, newBroadcast, rest } from './broadcasts.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';

test('an iterator gives everything, waits, and can be left', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t, { elements: 1024 });
  const subscription = listen(t, broadcast);
  count(broadcast, 0, 600);
  const got: number[] = [];
  for await (const { data, sequence, lost } of subscription) {
    t.is(lost, 0);
    if (String(sequence) !== data.toString()) t.fail(String(sequence));
    got.push(sequence);
    if (sequence === 600) setTimeout(() => broadcast.publish('601'), 20);
    if (sequence === 601) break;
  }
  t.deepEqual(
    got,
    Array.from({ length: 602 }, (_, i) => i),
  );
  t.false(subscription.closed);
  broadcast.publish('602');
  t.deepEqual(rest(subscription), [['602', 602, 0]]);
});

test('an iterator lets timers run, however much there is', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const timer = new AbortController();
  setTimeout(() => {
    timer.abort();
  }, 5);
  for await (const received of listen(t, broadcast, { from: broadcast.publish('x') })) {
    t.is(received.lost, 0);
    broadcast.publish('x');
    if (timer.signal.aborted) break;
  }
  t.true(timer.signal.aborted);
});

test('closing ends an iterator', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const subscription = listen(t, newBroadcast(t));
  const next = subscription[Symbol.asyncIterator]().next();
  subscription.close();
  t.deepEqual(await next, { done: true, value: undefined });
  await t.throwsAsync(subscription[Symbol.asyncIterator]().next(), { code: 'ERR_RELEASED' });
});

test('a stream gives messages with their losses', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const stream = new SubscriptionReadStream(subscription);
  t.true(stream.readableObjectMode);
  t.is(stream.subscription, subscription);
  count(broadcast, 0, 20);
  const got: ReceivedMessage<Buffer>[] = [];
  for await (const received of stream) {
    got.push(received as ReceivedMessage<Buffer>);
    if (got.length === 8) setTimeout(() => broadcast.publish('21'), 20);
    if (got.length === 9) break;
  }
  t.deepEqual(got.slice(0, 2), [
    { data: Buffer.from('13'), sequence: 13, lost: 13 },
    { data: Buffer.from('14'), sequence: 14, lost: 0 },
  ]);
  t.true(stream.destroyed);
  t.false(subscription.closed);
});

test('a stream that nobody reads takes one message and loses the others', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const stream = new SubscriptionReadStream(listen(t, broadcast));
  const first = once(stream, 'readable');
  stream.read(0);
  broadcast.publish('0');
  await first;
  count(broadcast, 1, 100);
  const got: number[][] = [];
  for await (const { sequence, lost } of stream as AsyncIterable<ReceivedMessage<Buffer>>) {
    got.push([sequence, lost]);
    if (sequence === 100) break;
  }
  t.deepEqual(got.slice(0, 2), [
    [0, 0],
    [93, 92],
  ]);
});

test('destroying a stream that waits takes nothing, and closing ends it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const stream = new SubscriptionReadStream(subscription);
  stream.resume();
  await new Promise(setImmediate);
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
  broadcast.publish('x');
  t.deepEqual(rest(subscription), [['x', 0, 0]]);
  const other = new SubscriptionReadStream(subscription);
  other.resume();
  await new Promise(setImmediate);
  const ended = once(other, 'error');
  subscription.close();
  t.like(await ended, [{ code: 'ERR_RELEASED' }]);
});
