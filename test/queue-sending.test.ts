// Sending: what can be sent, and what happens when there is no room.
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import { Queue } from 'shm-disruptor';
import type { BytesInput, PartialSendError } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
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

/** One after the other, each as text. */
async function take(queue: Queue, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) got.push((await queue.dequeue()).toString());
  return got;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

overQueueFaces('enqueueMany: as many as there is room for, at once', async (t, face) => {
  const queue = newQueue(t);
  t.is(await face.enqueueMany(queue, numbers(CELLS)), CELLS - 1);
  t.deepEqual(rest(queue), numbers(CELLS));
  t.is(await face.enqueueMany(queue, []), -1);
  t.is(await face.enqueueMany(queue, new Set(['x', 'y'])), CELLS + 1);
  t.deepEqual(rest(queue), ['x', 'y']);
});

overQueueFaces(
  'enqueueMany waits for room in the middle',
  async (t, face) => {
    const queue = newQueue(t);
    const sent = face.enqueueMany(queue, numbers(3 * CELLS));
    t.deepEqual(await take(queue, 3 * CELLS), numbers(3 * CELLS));
    t.is(await sent, 3 * CELLS - 1);
  },
  patient,
);

test('enqueueManySync waits for room in the middle', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const receiver = new Worker(new URL('./queue-receiver.js', import.meta.url), {
    workerData: { name: queue.name, count: 10 * CELLS },
  });
  const got = once(receiver, 'message');
  queue.enqueueManySync(numbers(10 * CELLS), { timeout: WATCHDOG_MILLISECONDS });
  t.deepEqual(await got, [numbers(10 * CELLS)]);
});

overQueueFaces(
  'enqueueMany keeps its place among those that wait',
  async (t, face) => {
    const queue = newQueue(t);
    const other = another(t, queue);
    fill(queue);
    const sending = [
      // It needs more room than what comes behind it.
      face.enqueue(queue, 'y'.repeat(100)),
      face.enqueueMany(queue, numbers(2 * CELLS)),
      face.enqueue(queue, 'after'),
      face.enqueueMany(queue, ['a', 'b']),
    ];
    other.tryDequeue();
    t.true(await staysPending(Promise.race(sending)), 'one cell is too little for the first');
    const got = await take(other, CELLS - 1 + 1 + 2 * CELLS + 3);
    const expected = ['y'.repeat(100), ...numbers(2 * CELLS), 'after', 'a', 'b'];
    t.deepEqual(got.slice(CELLS - 1), expected);
    const sequences = await Promise.all(sending);
    t.deepEqual(
      sequences,
      [...sequences].sort((a, b) => a - b),
    );
  },
  patient,
);

overQueueFaces(
  'more values than one turn may send leave the event loop its turns',
  async (t, face) => {
    // All of them have room. And its waits never poll, so that nothing else has it go on.
    const queue = Queue.create(uniqueName(t), { capacity: 1 << 20, wait: 'block' });
    t.teardown(() => {
      queue.close();
    });
    let turns = 0;
    const state = { going: true };
    const sending = face.enqueueMany(queue, numbers(5000)).finally(() => {
      state.going = false;
    });
    while (state.going) {
      await turn();
      turns += 1;
    }
    t.is(await sending, 4999);
    t.deepEqual(rest(queue), numbers(5000));
    t.is(await face.enqueueMany(queue, numbers(5000), { timeout: 0 }), 9999, 'there was room');
    t.true(turns > 5, `${turns} turns`);
    t.deepEqual(rest(queue), numbers(5000));
  },
  patient,
);

overQueueFaces(
  'enqueueMany that is aborted says how many it has sent',
  async (t, face) => {
    const queue = newQueue(t);
    const controller = new AbortController();
    const { signal } = controller;
    const sending = face.enqueueMany(queue, numbers(CELLS + 5), { signal });
    const behind = face.enqueue(queue, 'behind');
    t.true(await staysPending(sending));
    controller.abort();
    await t.throwsAsync(sending, { name: 'AbortError' });
    t.like(await sending.catch((error: unknown) => error), { sent: CELLS });
    t.deepEqual(rest(queue), numbers(CELLS));
    await behind;
    t.deepEqual(rest(queue), ['behind']);
  },
  patient,
);

overQueueFaces('enqueueMany that takes too long says how many it has sent', async (t, face) => {
  const queue = newQueue(t);
  fill(queue);
  for (let i = 0; i < 3; i += 1) queue.tryDequeue();
  const error = await t.throwsAsync<PartialSendError>(
    () => face.enqueueMany(queue, ['a', 'b', 'c', 'd'], { timeout: 1 }),
    { code: 'ERR_TIMEOUT' },
  );
  t.is(error.sent, 3);
  t.deepEqual(rest(queue).slice(-3), ['a', 'b', 'c']);
  await face.enqueueMany(queue, ['x', 'y'], { timeout: 0 });
  t.deepEqual(rest(queue), ['x', 'y']);
});

overQueueFaces('enqueueMany of what cannot be sent: those before it are sent', async (t, face) => {
  const queue = newQueue(t, { capacity: 4096, maxMessage: 10 });
  const tooLong = ['a', 'b', 'x'.repeat(11), 'c'];
  t.like(await t.throwsAsync(() => face.enqueueMany(queue, tooLong)), {
    code: 'ERR_OUT_OF_RANGE',
    sent: 2,
  });
  t.deepEqual(rest(queue), ['a', 'b']);
  for (const values of [undefined, null, 7, {}]) {
    await t.throwsAsync(() => face.enqueueMany(queue, values as never), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
    });
  }
});

overQueueFaces('what values throw is thrown, and they are told when they end', async (t, face) => {
  const queue = newQueue(t);
  const told: string[] = [];
  const values = function* (last: () => BytesInput) {
    try {
      yield 'a';
      yield last();
      yield 'c';
      told.push('all');
    } finally {
      told.push('end');
    }
  };
  const thrown = await t.throwsAsync(
    () =>
      face.enqueueMany(
        queue,
        values(() => {
          throw new Error('mine');
        }),
      ),
    { message: 'mine' },
  );
  t.like(thrown, { sent: 1 });
  t.deepEqual(told.splice(0), ['end']);
  const wrong = values(() => 7 as never);
  await t.throwsAsync(() => face.enqueueMany(queue, wrong), { code: 'ERR_INVALID_ARG_TYPE' });
  t.deepEqual(told.splice(0), ['end']);
  await face.enqueueMany(
    queue,
    values(() => 'b'),
  );
  t.deepEqual(told, ['all', 'end']);
  fill(queue);
  await t.throwsAsync(
    () =>
      face.enqueueMany(
        queue,
        values(() => 'b'),
        { timeout: 1 },
      ),
    { code: 'ERR_TIMEOUT' },
  );
  t.deepEqual(told.slice(2), ['end']);
  t.deepEqual(rest(queue).slice(0, 5), ['a', 'a', 'a', 'b', 'c']);
});

overQueueFaces(
  'enqueueMany that was aborted before sends nothing',
  async (t, face) => {
    const queue = newQueue(t);
    const signal = AbortSignal.abort();
    const sending = face.enqueueMany(queue, ['x', 'y'], { signal });
    t.like(await t.throwsAsync(sending, { name: 'AbortError' }), { sent: 0 });
    await t.throwsAsync(() => face.enqueueMany(queue, ['x'], { timeout: -1 }), {
      code: 'ERR_OUT_OF_RANGE',
    });
    t.deepEqual(rest(queue), []);
  },
  patient,
);

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
    t.throws(() => queue.dequeueManySync(max), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => queue.tryDequeue('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.is(queue.stats().unread, 0);
});
