// Messages of broadcasts that cannot be decoded: what each way of receiving does with them.
import { once } from 'node:events';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast, defineRecord, SubscriptionReadStream } from 'shm-disruptor';

import { overReceivingFaces } from './broadcasts.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { failure, unreadable } from './unreadable.js';

/** Without a name: it is not compared. */
const text = {
  encode: (value: string) => Buffer.from(value),
  decode: (bytes: Buffer) => bytes.toString(),
};

/** A broadcast that is opened as one of JSON, and a way to publish what is none. */
function scene(t: ExecutionContext) {
  const options = { elements: 8, elementSize: 16, encoding: text };
  const texts = Broadcast.create(uniqueName(t), options);
  const broadcast = Broadcast.open(texts.name, { encoding: 'json' });
  const subscription = broadcast.subscribe();
  t.teardown(() => {
    subscription.close();
    broadcast.close();
    texts.close();
  });
  const publish = (...values: string[]) => texts.publishMany(values);
  return { broadcast, subscription, publish };
}

overReceivingFaces('it throws and stays the next one, until it is passed', async (t, face) => {
  const { broadcast, subscription, publish } = scene(t);
  publish('0', '{', '2');
  t.like(await face.receive(subscription), { data: 0, sequence: 0 });
  for (let tries = 0; tries < 3; tries += 1) {
    const error = await failure(() => face.receive(subscription));
    t.like(error, unreadable('broadcast', broadcast.name, 1));
    t.true(error.cause instanceof SyntaxError);
    t.is(subscription.position, error.sequence);
  }
  t.like(subscription.tryReceive(Buffer.alloc(8)), { length: 1, sequence: 1 }, 'as bytes');
  subscription.seek(1);
  const error = await failure(() => face.receive(subscription));
  subscription.seek(error.sequence + 1);
  t.like(await face.receive(subscription), { data: 2, sequence: 2, lost: 0 });
});

test('what was lost before it is told with it, however often it was tried', (t) => {
  const { subscription, publish } = scene(t);
  publish('0', '1', '2', '{', '4', '5', '6', '7', '8', '9', '10');
  for (let tries = 0; tries < 2; tries += 1) {
    t.throws(() => subscription.tryReceive(), { code: 'ERR_MESSAGE_UNREADABLE' });
  }
  t.like(subscription.tryReceive(Buffer.alloc(8)), { sequence: 3, lost: 3 });
});

test('several at once: the first ones come, and the failure is told next', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { broadcast, subscription, publish } = scene(t);
  publish('0', '1', '{', '3');
  const before = await subscription.receiveMany(10);
  t.deepEqual(
    before.map(({ data }) => data),
    [0, 1],
  );
  const error = await failure(() => subscription.receiveMany(10));
  t.like(error, unreadable('broadcast', broadcast.name, 2));
  subscription.seek(error.sequence + 1);
  t.like(await subscription.receiveMany(10), [{ data: 3 }]);
});

test('for await and streams end with it, and the next meets it again', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { broadcast, subscription, publish } = scene(t);
  publish('0', '{', '2');
  const got: unknown[] = [];
  const looped = await failure(async () => {
    for await (const { data } of subscription) got.push(data);
  });
  t.like(looped, unreadable('broadcast', broadcast.name, 1));
  const stream = new SubscriptionReadStream(subscription);
  const failing = once(stream, 'error');
  stream.resume();
  const [error] = (await failing) as [unknown];
  t.like(error, unreadable('broadcast', broadcast.name, 1));
  subscription.seek(looped.sequence + 1);
  for await (const { data } of subscription) {
    got.push(data);
    break;
  }
  t.deepEqual(got, [0, 2]);
});

test('latest fails with it, and takes nothing', async (t) => {
  const { broadcast, subscription, publish } = scene(t);
  publish('0', '{');
  for (const one of [broadcast, subscription]) {
    t.like(await failure(() => one.latest()), unreadable('broadcast', broadcast.name, 1));
  }
  t.like(subscription.tryReceive(), { data: 0 });
  publish('2');
  t.like(broadcast.latest(), { data: 2 });
});

test('a record of another length', async (t) => {
  const record = defineRecord({ price: 'f64' });
  using broadcast = Broadcast.create(uniqueName(t), { elements: 4, record });
  using subscription = broadcast.subscribe();
  broadcast.claim().commit(3);
  broadcast.publish({ price: 1 });
  const error = await failure(() => subscription.tryReceive());
  t.like(error, { ...unreadable('broadcast', broadcast.name, 0), encoding: 'record' });
  t.like(error.cause, { code: 'ERR_OUT_OF_RANGE' });
  subscription.seek(error.sequence + 1);
  t.is(subscription.tryReceive()?.data.price, 1);
});
