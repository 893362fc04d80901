// Sending that never waits: the oldest unread messages make room.
import test from 'ava';

import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, CELLS, fill, holders, newQueue, rest } from './queues.js';

test('with room, nothing is dropped', (t) => {
  const queue = newQueue(t);
  t.is(queue.enqueueShift('a'), 0);
  t.is(queue.enqueueShift(''), 0);
  t.deepEqual(rest(queue), ['a', '']);
});

test('the oldest are dropped, as many as needed', (t) => {
  const queue = newQueue(t);
  for (let i = 0; i < CELLS; i += 1) t.is(queue.enqueueShift(String(i)), 0);
  t.is(queue.enqueueShift('a'), 1);
  t.is(queue.enqueueShift('b'.repeat(24 + 32)), 2);
  t.is(queue.enqueueShift('c'.repeat(24 + 64)), 3);
  const left = rest(queue);
  t.is(left[0], '6');
  t.deepEqual(
    left.slice(-3).map((text) => text[0]),
    ['a', 'b', 'c'],
  );
  t.is(left.length, CELLS - 6 + 3);
});

test('a message that needs all the room drops all', (t) => {
  const queue = newQueue(t);
  fill(queue);
  t.is(queue.enqueueShift('x'.repeat(queue.maxMessage)), CELLS);
  t.is(queue.enqueueShift('y'.repeat(queue.maxMessage)), 1);
  t.deepEqual(rest(queue), ['y'.repeat(queue.maxMessage)]);
});

test('what was aborted does not count as dropped', (t) => {
  const queue = newQueue(t);
  const spaces = Array.from({ length: CELLS }, () => queue.tryClaim(1)!);
  for (const space of spaces) space.abort();
  t.is(queue.enqueueShift('x'), 0);
  t.deepEqual(rest(queue), ['x']);
});

test('when the oldest is held, at most one is dropped in vain', (t) => {
  const queue = newQueue(t);
  const consumer = another(t, queue);
  for (let i = 0; i < CELLS; i += 1) queue.tryEnqueue(String(i));
  const held = consumer.tryReceive()!;
  for (let i = 0; i < 10; i += 1) {
    t.throws(() => queue.enqueueShift('x'), { code: 'ERR_QUEUE_FULL' });
  }
  t.is(held.data.toString(), '0');
  t.true(held.ack());
  t.is(queue.enqueueShift('x'), 1, 'it is counted');
  t.is(queue.enqueueShift('y'), 0);
  t.is(queue.enqueueShift('z'), 1);
  const left = rest(consumer);
  t.deepEqual([left[0], left.length, ...left.slice(-3)], ['3', CELLS, 'x', 'y', 'z']);
});

test('what is not dropped is for others to receive', (t) => {
  const queue = newQueue(t);
  const consumer = another(t, queue);
  for (let i = 0; i < CELLS; i += 1) queue.tryEnqueue(String(i));
  const held = consumer.tryReceive()!;
  t.throws(() => queue.enqueueShift('x'), { code: 'ERR_QUEUE_FULL' });
  t.true(held.ack());
  // All but the one that was held and the one that was dropped, though the other one lives.
  const all = Array.from({ length: CELLS }, (_, i) => String(i));
  t.deepEqual(rest(consumer), all.slice(2));
});

test('when all is held', (t) => {
  const queue = newQueue(t);
  const held = Array.from({ length: 4 }, () => {
    queue.tryEnqueue('x'.repeat(1000));
    return queue.tryReceive()!;
  });
  t.throws(() => queue.enqueueShift('y'.repeat(1000)), { code: 'ERR_QUEUE_FULL' });
  t.deepEqual(
    held.map(({ data }) => data.length),
    [1000, 1000, 1000, 1000],
  );
  for (const message of held) t.true(message.ack());
  t.is(queue.enqueueShift('y'.repeat(1000)), 0);
});

test('when what is in the way is claimed and not sent', (t) => {
  const queue = newQueue(t);
  const space = another(t, queue).tryClaim(queue.maxMessage)!;
  t.throws(() => queue.enqueueShift('x'), { code: 'ERR_QUEUE_FULL' });
  t.true(space.commit());
  t.is(queue.enqueueShift('x'), 1);
});

test('what the dead held can be dropped', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  fill(queue);
  const holder = await holders.process(t, queue, 2);
  await holder.end();
  t.is(queue.enqueueShift('x'.repeat(24 + 32)), 2);
  t.is(rest(queue).length, CELLS - 1);
});

test('what was not dropped remains for the others', (t) => {
  const queue = newQueue(t);
  for (let i = 0; i < CELLS; i += 1) queue.tryEnqueue(String(i));
  const consumer = another(t, queue);
  const dead = another(t, queue);
  t.is(dead.tryDequeue()?.toString(), '0');
  dead.tryReceive();
  dead.close();
  queue.tryEnqueue('a');
  t.is(queue.enqueueShift('b'), 1, 'that of the dead, behind which nothing is free');
  const left = rest(consumer);
  const texts = Array.from({ length: CELLS - 2 }, (_, i) => String(i + 2));
  t.deepEqual([...left].sort(), [...texts, 'a', 'b'].sort());
  t.is(queue.stats().free, 4096);
});

test('round and round, the newest remain', (t) => {
  const queue = newQueue(t);
  let dropped = 0;
  const texts = Array.from({ length: 20 * CELLS }, (_, i) => `${i} ${'.'.repeat((i * 7) % 90)}`);
  for (const text of texts) dropped += queue.enqueueShift(text);
  const left = rest(queue);
  t.is(left.length + dropped, texts.length);
  t.deepEqual(left, texts.slice(dropped));
});
