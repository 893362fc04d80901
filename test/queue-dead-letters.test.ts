// Messages that nobody acknowledges.
import test from 'ava';
import { Queue } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { fill, holders, newQueue, overQueueFaces, rest } from './queues.js';

overQueueFaces('goes to the dead letters after maxDeliveries', async (t, face) => {
  const dead = newQueue(t);
  const queue = newQueue(t, { capacity: 4096, maxDeliveries: 2 });
  t.is(queue.deadLetters, undefined);
  queue.deadLetters = dead;
  t.is(queue.deadLetters, dead);
  await face.enqueue(queue, 'poison');
  for (const deliveries of [1, 2]) {
    const message = await face.receive(queue);
    t.is(message.deliveries, deliveries);
    message.nack();
  }
  await face.enqueue(queue, 'good');
  const message = await face.receive(queue);
  t.deepEqual([message.data.toString(), message.deliveries], ['good', 1]);
  message.ack();
  await t.throwsAsync(() => face.receive(queue, { timeout: 50 }), { code: 'ERR_TIMEOUT' });
  t.deepEqual(rest(dead), ['poison']);
  t.is(queue.stats().free, 4096);
});

test('deliveries count wherever they were', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const dead = newQueue(t);
  const queue = newQueue(t, { capacity: 4096, maxDeliveries: 2 });
  queue.deadLetters = dead;
  queue.tryEnqueue('kills');
  for (const way of ['process', 'thread'] as const) await (await holders[way](t, queue, 1)).end();
  await t.throwsAsync(queue.receive({ timeout: 1000 }), { code: 'ERR_TIMEOUT' });
  t.deepEqual(rest(dead), ['kills']);
});

test('without a queue for them they come again and again', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t, { capacity: 4096, maxDeliveries: 1 });
  queue.tryEnqueue('a');
  for (const deliveries of [1, 2, 3]) {
    const message = await queue.receive();
    t.is(message.deliveries, deliveries);
    message.nack();
  }
});

overQueueFaces('no room among the dead letters: an error, and nothing lost', async (t, face) => {
  const dead = newQueue(t);
  const queue = newQueue(t, { capacity: 4096, maxDeliveries: 1 });
  queue.deadLetters = dead;
  await face.enqueue(queue, 'poison');
  (await face.receive(queue)).nack();
  fill(dead);
  for (const time of ['once', 'again']) {
    await t.throwsAsync(() => face.receive(queue), { code: 'ERR_QUEUE_FULL' }, time);
  }
  rest(dead);
  await t.throwsAsync(() => face.receive(queue, { timeout: 1 }), { code: 'ERR_TIMEOUT' });
  t.deepEqual(rest(dead), ['poison']);
});

test('too long for the dead letters: an error, and nothing lost', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const dead = newQueue(t, { capacity: 4096, maxMessage: 5 });
  const queue = newQueue(t, { capacity: 4096, maxDeliveries: 1 });
  queue.deadLetters = dead;
  queue.tryEnqueue('poison');
  (await queue.receive()).nack();
  await t.throwsAsync(queue.receive(), { code: 'ERR_QUEUE_FULL' });
  queue.deadLetters = undefined;
  t.is((await queue.receive()).data.toString(), 'poison');
});

test('what cannot be decoded goes there as it is', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const json = { capacity: 4096, encoding: 'json' } as const;
  using dead = Queue.create(uniqueName(t), json);
  using queue = Queue.create(uniqueName(t), { ...json, maxDeliveries: 2 });
  queue.deadLetters = dead as Queue;
  using raw = Queue.open(queue.name);
  raw.tryEnqueue('{');
  raw.tryEnqueue('[7]');
  for (const time of ['once', 'again']) {
    await t.throwsAsync(queue.receive(), { code: 'ERR_MESSAGE_UNREADABLE' }, time);
  }
  t.deepEqual((await queue.receive()).data, [7]);
  const letter = Buffer.alloc(10);
  t.is(dead.tryDequeue(letter), 1);
  t.is(letter.toString('utf8', 0, 1), '{');
});

test('bad ones', (t) => {
  const queue = newQueue(t);
  for (const wrong of [null, {}, 'queue']) {
    t.throws(() => (queue.deadLetters = wrong as never), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});
