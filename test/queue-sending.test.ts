// Sending: what can be sent, and what happens when there is no room.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import {
  another,
  CELLS,
  fill,
  LONGEST,
  newQueue,
  overQueueFaces,
  patient,
  rest,
} from './queues.js';

overQueueFaces('messages of any length come out in order, as they were', async (t, face) => {
  const queue = newQueue(t);
  const texts = ['', 'a', 'x'.repeat(24), 'y'.repeat(25), '', 'z'.repeat(1000), 'ü'];
  const sequences = [];
  for (const text of texts) sequences.push(await face.enqueue(queue, text));
  t.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
  for (const text of texts) t.is((await face.dequeue(queue)).toString(), text);
  t.is(queue.tryDequeue(), undefined);
});

overQueueFaces('bytes of all kinds', async (t, face) => {
  const queue = newQueue(t);
  const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  await face.enqueue(queue, bytes);
  await face.enqueue(queue, Buffer.from(bytes.buffer, 2, 3));
  await face.enqueue(queue, new Uint16Array(bytes.buffer, 2, 2));
  await face.enqueue(queue, new DataView(bytes.buffer, 7));
  const got = [];
  for (let i = 0; i < 4; i += 1) got.push([...(await face.dequeue(queue))]);
  t.deepEqual(got, [[...bytes], [3, 4, 5], [3, 4, 5, 6], [8]]);
});

overQueueFaces('a message longer than maxMessage is an error at once', async (t, face) => {
  const queue = newQueue(t, { capacity: 4096, maxMessage: 100 });
  const code = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
  await t.throwsAsync(() => face.enqueue(queue, 'x'.repeat(101)), code);
  await t.throwsAsync(() => face.claim(queue, 101), code);
  t.throws(() => queue.tryEnqueue('x'.repeat(101)), code);
  t.throws(() => queue.enqueueShift('x'.repeat(101)), code);
  t.throws(() => queue.tryClaim(101), code);
  await face.enqueue(queue, 'x'.repeat(100));
  t.is(rest(queue).length, 1);
});

overQueueFaces('a message as long as the capacity allows', async (t, face) => {
  const queue = newQueue(t);
  t.is(queue.maxMessage, LONGEST);
  for (const text of ['x', 'y']) {
    await face.enqueue(queue, text.repeat(LONGEST));
    t.false(queue.tryEnqueue(''));
    t.is((await face.dequeue(queue)).toString(), text.repeat(LONGEST));
  }
});

overQueueFaces('what cannot be sent is a mistake', async (t, face) => {
  const queue = newQueue(t);
  for (const value of [undefined, null, 7, {}, [1]]) {
    await t.throwsAsync(() => face.enqueue(queue, value as never), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
    });
  }
  t.is(queue.stats().unread, 0);
});

overQueueFaces('a full queue: a timeout sends nothing', async (t, face) => {
  const queue = newQueue(t);
  t.is(fill(queue), CELLS);
  const code = { code: 'ERR_TIMEOUT' };
  await t.throwsAsync(() => face.enqueue(queue, 'late', { timeout: 1 }), code);
  await t.throwsAsync(() => face.claim(queue, 1, { timeout: 1 }), code);
  t.deepEqual(rest(queue), new Array(CELLS).fill('x'));
});

overQueueFaces(
  'a full queue: senders wait for room, and come in order',
  async (t, face) => {
    const queue = newQueue(t);
    const other = another(t, queue);
    fill(queue);
    const mine = Buffer.from('first');
    const first = face.enqueue(queue, mine);
    mine.fill('?');
    const second = face.enqueue(queue, 'second');
    t.true(await staysPending(Promise.race([first, second])));
    t.is((await face.dequeue(other)).toString(), 'x');
    await first;
    t.true(await staysPending(second));
    t.is((await face.dequeue(other)).toString(), 'x');
    await second;
    t.deepEqual(rest(other).slice(-2), ['first', 'second']);
  },
  patient,
);

overQueueFaces(
  'an abort sends nothing',
  async (t, face) => {
    const queue = newQueue(t);
    fill(queue);
    const controller = new AbortController();
    const { signal } = controller;
    const sending = face.enqueue(queue, 'late', { signal });
    const claiming = face.claim(queue, 1, { signal });
    controller.abort();
    const name = { name: 'AbortError' };
    await t.throwsAsync(sending, name);
    await t.throwsAsync(claiming, name);
    await t.throwsAsync(() => face.enqueue(queue, 'late', { signal }), name);
    t.deepEqual(rest(queue), new Array(CELLS).fill('x'));
  },
  patient,
);

test('enqueueMany waits for room in the middle', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const texts = Array.from({ length: 3 * CELLS }, (_, i) => String(i));
  const sent = queue.enqueueMany(texts);
  const got: string[] = [];
  while (got.length < texts.length) got.push((await queue.dequeue()).toString());
  t.deepEqual(got, texts);
  t.is(await sent, 3 * CELLS - 1);
  t.is(await queue.enqueueMany([]), -1);
});

test('enqueueMany that is aborted has sent the first ones', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const controller = new AbortController();
  const texts = new Array<string>(CELLS + 5).fill('x');
  const sending = queue.enqueueMany(texts, { signal: controller.signal });
  t.true(await staysPending(sending));
  while (queue.stats().free > 0) await sleep(1);
  controller.abort();
  await t.throwsAsync(sending, { name: 'AbortError' });
  t.is(rest(queue).length, CELLS);
});

test('enqueueMany that was aborted before sends nothing', async (t) => {
  const queue = newQueue(t);
  const signal = AbortSignal.abort();
  await t.throwsAsync(queue.enqueueMany(['x', 'y'], { signal }), { name: 'AbortError' });
  await t.throwsAsync(queue.enqueueMany(['x'], { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  t.deepEqual(rest(queue), []);
});

test('bad wait options', async (t) => {
  const queue = newQueue(t);
  for (const timeout of [-1, 1.5, 2 ** 31]) {
    const code = { code: 'ERR_OUT_OF_RANGE' };
    t.throws(() => queue.enqueueSync('x', { timeout }), code);
    t.throws(() => queue.claimSync(1, { timeout }), code);
    t.throws(() => queue.dequeueSync({ timeout }), code);
    t.throws(() => queue.receiveSync({ timeout }), code);
    await t.throwsAsync(queue.enqueue('x', { timeout }), code);
    await t.throwsAsync(queue.dequeue({ timeout }), code);
  }
  for (const max of [0, -1, 0.5]) {
    await t.throwsAsync(queue.dequeueMany(max), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => queue.tryDequeue('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.is(queue.stats().unread, 0);
});
