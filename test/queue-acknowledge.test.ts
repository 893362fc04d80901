// Messages that stay until they are acknowledged.
import test from 'ava';
import type { Message } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, fill, holders, newQueue, overQueueFaces, patient, rest } from './queues.js';

const facts = ({ data, redelivered, deliveries }: Message<Buffer>) => ({
  text: data.toString(),
  redelivered,
  deliveries,
});
const fresh = (text: string) => ({ text, redelivered: false, deliveries: 1 });
const again = (text: string, deliveries = 2) => ({ text, redelivered: true, deliveries });

overQueueFaces('is out of the queue once it is acknowledged', async (t, face) => {
  const queue = newQueue(t);
  const sequence = await face.enqueue(queue, 'a');
  const message = await face.receive(queue);
  t.deepEqual(facts(message), fresh('a'));
  t.is(message.sequence, sequence);
  t.is(queue.stats().held, 32);
  t.true(message.ack());
  t.false(message.ack());
  t.false(message.nack());
  t.is(queue.stats().free, 4096);
  t.is(queue.tryReceive(), undefined);
});

overQueueFaces('goes to the next one when it is given back', async (t, face) => {
  const queue = newQueue(t);
  const other = another(t, queue);
  await face.enqueue(queue, 'a');
  for (const deliveries of [1, 2, 3]) {
    const message = await face.receive(deliveries % 2 ? queue : other);
    t.deepEqual(facts(message), deliveries === 1 ? fresh('a') : again('a', deliveries));
    t.true(message.nack());
    t.false(message.nack());
    t.false(message.ack());
  }
  const last = await face.receive(queue);
  t.is(last.deliveries, 4);
  t.true(last.ack());
  t.is(other.tryReceive(), undefined);
});

overQueueFaces('one’s own message comes again to oneself', async (t, face) => {
  const queue = newQueue(t);
  await face.enqueue(queue, 'a');
  (await face.receive(queue)).nack();
  const message = await face.receive(queue);
  t.deepEqual(facts(message), again('a'));
  t.true(message.ack());
});

overQueueFaces(
  'one who waits gets what is given back',
  async (t, face) => {
    const queue = newQueue(t);
    const other = another(t, queue);
    await face.enqueue(queue, 'a');
    const message = await face.receive(queue);
    const waiting = face.receive(other);
    t.true(await staysPending(waiting));
    message.nack();
    const received = await waiting;
    t.deepEqual(facts(received), again('a'));
    received.ack();
  },
  patient,
);

overQueueFaces(
  'one who waits gets what was held by one who closes',
  async (t, face) => {
    const queue = newQueue(t);
    const closes = another(t, queue);
    await face.enqueue(queue, 'a');
    const message = await face.receive(closes);
    const waiting = face.receive(queue);
    t.true(await staysPending(waiting));
    closes.close();
    t.is(message.data.length, 0, 'its view is empty');
    t.false(message.ack());
    t.false(message.nack());
    t.deepEqual(facts(await waiting), again('a'));
  },
  patient,
);

for (const way of ['process', 'thread'] as const) {
  overQueueFaces(`what was held when its holder was killed: ${way}`, async (t, face) => {
    const queue = newQueue(t);
    for (const text of ['a', 'b', 'c']) await face.enqueue(queue, text);
    const holder = await holders[way](t, queue, 2);
    const third = await face.receive(queue);
    t.deepEqual(facts(third), fresh('c'));
    await t.throwsAsync(() => face.receive(queue, { timeout: 30 }), { code: 'ERR_TIMEOUT' });
    const waiting = face.name === 'sync' ? undefined : face.receive(queue);
    await holder.end();
    const got = [await (waiting ?? face.receive(queue)), await face.receive(queue)];
    t.deepEqual(got.map(facts), [again('a'), again('b')]);
    for (const message of [...got, third]) t.true(message.ack());
    t.is(queue.stats().free, 4096);
  });
}

test('with nobody there, the next one to come gets it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  queue.tryEnqueue('a');
  const holder = await holders.process(t, queue, 1);
  await holder.end();
  t.deepEqual(queue.stats().holding, { alive: 0, dead: 1 });
  t.deepEqual(facts(await another(t, queue).receive()), again('a'));
});

test('one that is dequeued comes unmarked', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  queue.tryEnqueue('a');
  queue.tryReceive()!.nack();
  t.is((await queue.dequeue()).toString(), 'a');
  t.is(queue.tryReceive(), undefined);
});

test('several held at a time, ended in any order', (t) => {
  const queue = newQueue(t);
  const other = another(t, queue);
  for (const text of ['a', 'b', 'c', 'd']) queue.tryEnqueue(text);
  const [a, b, c] = [queue.tryReceive()!, queue.tryReceive()!, queue.tryReceive()!];
  t.deepEqual([a, b, c].map(facts), [fresh('a'), fresh('b'), fresh('c')]);
  t.deepEqual(rest(other), ['d'], 'the others go on');
  t.deepEqual(queue.stats().holding, { alive: 3, dead: 0 });
  t.true(b.ack());
  t.is(queue.stats().held, 4 * 32, 'nothing of it is free before the oldest is');
  t.true(c.ack());
  t.is(a.data.toString(), 'a');
  t.true(a.ack());
  t.is(queue.stats().free, 4096);
});

test('a held message holds up nobody until the queue has gone round to it', (t) => {
  const queue = newQueue(t);
  const other = another(t, queue);
  queue.tryEnqueue('held');
  const held = queue.tryReceive()!;
  for (let i = 1; i < 128; i += 1) {
    t.true(queue.tryEnqueue(String(i)));
    t.deepEqual(rest(other), [String(i)]);
  }
  t.false(queue.tryEnqueue('more'));
  t.like(queue.stats(), { unread: 0, held: 4096, free: 0, holding: { alive: 1, dead: 0 } });
  t.is(held.data.toString(), 'held');
  held.ack();
  t.is(fill(queue), 128);
});

test('as many held as the queue was made for', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t, { capacity: 4096, maxHeld: 3 });
  const other = another(t, queue);
  for (const text of ['a', 'b', 'c', 'd']) queue.tryEnqueue(text);
  t.deepEqual(facts(other.tryReceive()!), fresh('a'));
  const held = [queue.tryReceive()!, queue.tryReceive()!];
  const code = { name: 'DisruptorError', code: 'ERR_TOO_MANY_CONSUMERS' };
  t.throws(() => queue.tryReceive(), code);
  t.throws(() => queue.receiveSync({ timeout: 0 }), code);
  await t.throwsAsync(queue.receive(), code);
  t.throws(() => another(t, queue).tryReceive(), code);
  held[0]!.ack();
  t.deepEqual(facts(queue.tryReceive()!), fresh('d'));
  other.close();
  held[1]!.ack();
  t.deepEqual(facts(await queue.receive()), again('a'));
});

test('giving back and holding again goes on for ever', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t, { capacity: 4096, maxHeld: 4 });
  const other = another(t, queue);
  for (let i = 0; i < 200; i += 1) {
    queue.tryEnqueue(String(i));
    const first = await (i % 2 ? queue : other).receive();
    t.deepEqual(facts(first), fresh(String(i)));
    first.nack();
    const second = await (i % 3 ? queue : other).receive();
    t.deepEqual(facts(second), again(String(i)));
    second.ack();
  }
  t.is(queue.stats().free, 4096);
});

test('using gives back what was not acknowledged', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  queue.tryEnqueue('a');
  const take = async (done: boolean) => {
    using message = await queue.receive();
    if (done) message.ack();
    return message.deliveries;
  };
  t.is(await take(false), 1);
  t.is(await take(true), 2);
  t.is(queue.tryReceive(), undefined);
});

test('the only one there can be gets its own again', (t) => {
  const queue = newQueue(t, { capacity: 4096, maxHeld: 1 });
  queue.tryEnqueue('a');
  queue.tryReceive()!.nack();
  t.deepEqual(facts(queue.tryReceive()!), again('a'));
});

test('a transfer of its memory ends a queue object, and loses no message', (t) => {
  const queue = newQueue(t);
  const other = another(t, queue);
  for (const text of ['a', 'b', 'c']) other.enqueueSync(text);
  const message = queue.receiveSync();
  const { data } = message;
  // A byte stream takes all of the ArrayBuffer. Node 20 copies it.
  new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(data as Buffer<ArrayBuffer>);
    },
  });
  t.true(message.ack());
  if (data.length === 0) {
    const lost = { code: 'ERR_RELEASED', message: /transferred/ };
    t.throws(() => queue.tryReceive(), lost);
    t.throws(() => queue.tryDequeue(), lost);
    t.throws(() => queue.tryClaim(1), lost);
  }
  queue.close();
  other.enqueueSync('d');
  t.deepEqual(rest(other), ['b', 'c', 'd']);
});
