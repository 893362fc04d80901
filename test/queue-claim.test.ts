// Messages that are written where they lie.
import test from 'ava';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, CELLS, newQueue, overQueueFaces, rest } from './queues.js';

overQueueFaces('what is written in place is sent by commit', async (t, face) => {
  const queue = newQueue(t);
  const space = await face.claim(queue, 5);
  t.is(space.view.length, 5);
  space.view.write('hello');
  t.is(queue.tryDequeue(), undefined);
  t.true(space.commit());
  t.false(space.commit());
  t.false(space.abort());
  t.is((await face.dequeue(queue)).toString(), 'hello');
});

overQueueFaces('what is aborted goes to nobody', async (t, face) => {
  const queue = newQueue(t);
  const spaces = [];
  for (const text of ['a', 'b', 'c', 'd']) {
    const space = await face.claim(queue, 100);
    space.view.fill(text);
    spaces.push(space);
  }
  t.true(spaces[0]!.abort());
  t.false(spaces[0]!.abort());
  t.false(spaces[0]!.commit());
  t.true(spaces[1]!.commit());
  t.true(spaces[2]!.abort());
  t.true(spaces[3]!.commit());
  const texts = [await face.dequeue(queue), (await face.receive(queue)).data].map(String);
  t.deepEqual(
    texts,
    ['b', 'd'].map((text) => text.repeat(100)),
  );
  t.is(queue.tryDequeue(Buffer.alloc(200)), undefined);
});

test('only aborted messages are no messages, however they are asked for', (t) => {
  const queue = newQueue(t);
  const drop = () => {
    t.true(queue.tryClaim(3)!.abort());
  };
  drop();
  t.is(queue.tryDequeue(), undefined);
  drop();
  t.is(queue.tryReceive(), undefined);
  drop();
  t.is(queue.tryDequeue(Buffer.alloc(100)), undefined);
  drop();
  t.throws(() => queue.dequeueSync({ timeout: 0 }), { code: 'ERR_TIMEOUT' });
  t.is(queue.stats().free, 4096);
});

test('an empty space', (t) => {
  const queue = newQueue(t);
  const space = queue.tryClaim(0)!;
  t.is(space.view.length, 0);
  space.commit();
  t.deepEqual(rest(queue), ['']);
});

test('no room: undefined', (t) => {
  const queue = newQueue(t);
  const spaces = Array.from({ length: CELLS }, () => queue.tryClaim(24)!);
  t.is(queue.tryClaim(0), undefined);
  t.false(queue.tryEnqueue(''));
  for (const space of spaces) space.abort();
  t.is(queue.tryDequeue(), undefined);
  t.truthy(queue.tryClaim(4000));
});

test('messages of one sender come in the order of their claims', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const other = another(t, queue);
  const space = queue.tryClaim(5)!;
  t.true(queue.tryEnqueue('second'));
  const waiting = other.dequeue();
  t.true(await staysPending(waiting));
  space.view.write('first');
  space.commit();
  t.is((await waiting).toString(), 'first');
  t.deepEqual(rest(other), ['second']);
});

test('what was claimed when its sender closes goes to nobody', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const sender = another(t, queue);
  const space = sender.tryClaim(500)!;
  space.view.fill('x');
  t.true(queue.tryEnqueue('after'));
  sender.close();
  t.is(space.view.length, 0);
  t.is((await queue.dequeue()).toString(), 'after');
  t.deepEqual(queue.stats().gaps, { count: 1, elements: 16 });
});

test('bad lengths', (t) => {
  const queue = newQueue(t);
  for (const length of [-1, 1.5, NaN, 4089]) {
    t.throws(() => queue.tryClaim(length), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => queue.tryClaim('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
