// Receiving without acknowledgement: a message was returned or is still there.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Queue } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, fill, newQueue, overQueueFaces, patient, rest } from './queues.js';

overQueueFaces(
  'waits for a message, and gets each once',
  async (t, face) => {
    const queue = newQueue(t);
    const other = another(t, queue);
    const waiting = [face.dequeue(queue), face.dequeue(queue), face.dequeue(other)];
    t.true(await staysPending(Promise.race(waiting)));
    for (const text of ['a', 'b', 'c']) await face.enqueue(queue, text);
    const got = (await Promise.all(waiting)).map(String);
    t.deepEqual(got.slice(0, 2), [...got.slice(0, 2)].sort(), 'those of one object in order');
    t.deepEqual(got.sort(), ['a', 'b', 'c']);
  },
  patient,
);

overQueueFaces('a timeout takes nothing', async (t, face) => {
  const queue = newQueue(t);
  await t.throwsAsync(() => face.dequeue(queue, { timeout: 1 }), { code: 'ERR_TIMEOUT' });
  await t.throwsAsync(() => face.receive(queue, { timeout: 1 }), { code: 'ERR_TIMEOUT' });
  await face.enqueue(queue, 'x');
  t.deepEqual(rest(queue), ['x']);
});

overQueueFaces(
  'an abort takes nothing',
  async (t, face) => {
    const queue = newQueue(t);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = [face.dequeue(queue, { signal }), face.receive(queue, { signal })];
    controller.abort();
    for (const wait of waiting) await t.throwsAsync<Error>(wait, { name: 'AbortError' });
    await face.enqueue(queue, 'x');
    t.deepEqual(rest(queue), ['x']);
  },
  patient,
);

/** Ways for two things to happen at about the same time. */
const orders: ((one: () => void, other: () => void) => Promise<unknown> | undefined)[] = [
  (one, other) => {
    one();
    other();
    return undefined;
  },
  (one, other) => {
    other();
    one();
    return undefined;
  },
  (one, other) => {
    one();
    return turn().then(other);
  },
  (one, other) => {
    other();
    return turn().then(one);
  },
  (one, other) => Promise.all([sleep(1).then(one), sleep(1).then(other)]),
];

const ROUNDS = 300;
const NUMBERS = Array.from({ length: ROUNDS }, (_, i) => String(i));

overQueueFaces(
  'an abort that races a delivery loses nothing',
  async (t, face) => {
    const queue = newQueue(t);
    const sender = another(t, queue);
    const got: string[] = [];
    let aborted = 0;
    for (const [i, text] of NUMBERS.entries()) {
      const controller = new AbortController();
      const waiting = face.dequeue(queue, { signal: controller.signal }).then(
        (bytes) => got.push(bytes.toString()),
        () => (aborted += 1),
      );
      const send = () => {
        sender.enqueueSync(text);
      };
      const abort = () => {
        controller.abort();
      };
      // One is delivered for certain, and the second, whose abort comes first, is not.
      await orders[i % orders.length]!(send, i === 0 ? () => undefined : abort);
      await waiting;
    }
    t.true(aborted > 0 && got.length > 0, `${aborted} aborted, ${got.length} delivered`);
    t.deepEqual([...got, ...rest(queue)], NUMBERS);
  },
  patient,
);

overQueueFaces(
  'a timeout that races a delivery loses nothing',
  async (t, face) => {
    const queue = newQueue(t);
    const sender = another(t, queue);
    const got: string[] = [];
    for (const [i, text] of NUMBERS.entries()) {
      const waiting = face.dequeue(queue, { timeout: 1 }).then(
        (bytes) => got.push(bytes.toString()),
        () => undefined,
      );
      if (i % 3 !== 0) await sleep(i % 3);
      await Promise.all([sender.enqueue(text), waiting]);
    }
    t.deepEqual([...got, ...rest(queue)], NUMBERS);
  },
  patient,
);

overQueueFaces(
  'an abort that races room: sent, or not sent',
  async (t, face) => {
    const queue = newQueue(t);
    const consumer = another(t, queue);
    fill(queue, 'x');
    const sent: string[] = [];
    for (const [i, text] of NUMBERS.entries()) {
      const controller = new AbortController();
      const waiting = face.enqueue(queue, text, { signal: controller.signal }).then(
        () => sent.push(text),
        () => queue.tryEnqueue('x'),
      );
      const makeRoom = () => {
        consumer.tryDequeue();
      };
      const abort = () => {
        controller.abort();
      };
      await orders[i % orders.length]!(makeRoom, i === 0 ? () => undefined : abort);
      await waiting;
    }
    const left = rest(consumer).filter((text) => text !== 'x');
    t.true(sent.length > 0 && sent.length < ROUNDS);
    t.deepEqual(left, sent.slice(-left.length));
  },
  patient,
);

overQueueFaces('closing ends the waits', async (t, face) => {
  const queue = newQueue(t);
  if (face.name !== 'sync') {
    const waiting = [face.dequeue(queue), face.receive(queue)];
    queue.close();
    for (const wait of waiting) await t.throwsAsync<Error>(wait, { code: 'ERR_RELEASED' });
  }
  queue.close();
  t.true(queue.closed);
  const code = { code: 'ERR_RELEASED' };
  await t.throwsAsync(() => face.dequeue(queue), code);
  await t.throwsAsync(() => face.receive(queue), code);
  await t.throwsAsync(() => face.enqueue(queue, 'x'), code);
  await t.throwsAsync(() => face.claim(queue, 1), code);
  await t.throwsAsync(() => face.enqueueMany(queue, ['x']), code);
  await t.throwsAsync(() => face.dequeueMany(queue, 1), code);
  t.throws(() => queue.tryDequeue(), code);
  t.throws(() => queue.tryDequeue(Buffer.alloc(1)), code);
  t.throws(() => queue.tryEnqueue('x'), code);
  t.throws(() => queue.enqueueShift('x'), code);
  t.throws(() => queue.stats(), code);
});

test('into the caller’s memory', (t) => {
  const queue = newQueue(t);
  const target = Buffer.alloc(10, '.');
  t.is(queue.tryDequeue(target), undefined);
  for (const text of ['hello', '', '0123456789']) queue.tryEnqueue(text);
  t.is(queue.tryDequeue(target), 5);
  t.is(target.toString(), 'hello.....');
  t.is(queue.tryDequeue(target), 0);
  t.is(target.toString(), 'hello.....');
  t.is(queue.tryDequeue(target), 10);
  t.is(target.toString(), '0123456789');
});

overQueueFaces('into the caller’s memory, waiting for it', async (t, face) => {
  const queue = newQueue(t);
  const target = Buffer.alloc(6, '.');
  const first = face.name === 'sync' ? undefined : face.dequeueInto(queue, target);
  if (first) t.true(await staysPending(first));
  await face.enqueue(queue, 'hello');
  t.is(await (first ?? face.dequeueInto(queue, target)), 5);
  t.is(target.toString(), 'hello.');
  await t.throwsAsync(() => face.dequeueInto(queue, target, { timeout: 1 }), {
    code: 'ERR_TIMEOUT',
  });
  await face.enqueue(queue, 'too long');
  await t.throwsAsync(() => face.dequeueInto(queue, target), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /at least 8 bytes/,
  });
  t.is(target.toString(), 'hello.');
  t.deepEqual(rest(queue), ['too long']);
});

test('what is no target is none, whichever face', async (t) => {
  const queue = newQueue(t);
  queue.tryEnqueue('x');
  const error = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE', message: /target/ };
  const wrong = new Float64Array(8) as unknown as Uint8Array;
  t.throws(() => queue.tryDequeue(wrong), error);
  t.throws(() => queue.dequeueSync(wrong), error);
  await t.throwsAsync(() => queue.dequeue(wrong), error);
  t.deepEqual(rest(queue), ['x']);
});

test('a target that is too small leaves the message in the queue', (t) => {
  const queue = newQueue(t);
  queue.tryEnqueue('hello');
  queue.tryEnqueue('after');
  const small = Buffer.alloc(4, '.');
  for (const again of [1, 2]) {
    const error = t.throws(() => queue.tryDequeue(small), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
    });
    t.regex(error.message, /at least 5 bytes/, String(again));
  }
  t.throws(() => queue.tryDequeue(Buffer.alloc(0)), { code: 'ERR_OUT_OF_RANGE' });
  t.is(small.toString(), '....');
  t.deepEqual(rest(queue), ['hello', 'after']);
  t.is(queue.stats().held, 0);
});

test('a view in the middle of other memory', (t) => {
  const queue = newQueue(t);
  const memory = Buffer.alloc(12, '.');
  queue.tryEnqueue('hello');
  t.is(queue.tryDequeue(new Uint8Array(memory.buffer, memory.byteOffset + 3, 5)), 5);
  t.is(memory.toString(), '...hello....');
});

overQueueFaces('several at once, at least one', async (t, face) => {
  const queue = newQueue(t);
  if (face.name !== 'sync') {
    const waiting = face.dequeueMany(queue, 3);
    t.true(await staysPending(waiting));
    await face.enqueue(queue, 'first');
    t.deepEqual((await waiting).map(String), ['first']);
  }
  await face.enqueueMany(queue, ['a', 'b', 'c', 'd', 'e']);
  t.deepEqual((await face.dequeueMany(queue, 3)).map(String), ['a', 'b', 'c']);
  t.deepEqual((await face.dequeueMany(queue, 100)).map(String), ['d', 'e']);
  await t.throwsAsync(() => face.dequeueMany(queue, 2, { timeout: 1 }), { code: 'ERR_TIMEOUT' });
});

overQueueFaces(
  'several at once: an abort takes nothing',
  async (t, face) => {
    const queue = newQueue(t);
    const controller = new AbortController();
    const waiting = face.dequeueMany(queue, 3, { signal: controller.signal });
    controller.abort();
    await t.throwsAsync(waiting, { name: 'AbortError' });
    await face.enqueueMany(queue, ['a', 'b']);
    t.deepEqual(rest(queue), ['a', 'b']);
  },
  patient,
);

overQueueFaces('several at once: what cannot be decoded loses none before it', async (t, face) => {
  const raw = newQueue(t);
  // The faces are those of every queue, whatever its values.
  const queue = Queue.open(raw.name, { encoding: 'json' }) as unknown as Queue;
  t.teardown(() => {
    queue.close();
  });
  for (const text of ['1', '{', '3']) raw.tryEnqueue(text);
  t.deepEqual(await face.dequeueMany(queue, 10), [1] as never);
  await t.throwsAsync(() => face.dequeueMany(queue, 10), {
    code: 'ERR_MESSAGE_UNREADABLE',
  });
  t.is(queue.tryDequeue(Buffer.alloc(10)), 1);
  t.deepEqual(await face.dequeueMany(queue, 10), [3] as never);
});

test('for await', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const texts = ['a', '', 'c', 'end', 'rest'];
  const sending = queue.enqueueMany(texts);
  const got = [];
  for await (const bytes of queue) {
    got.push(bytes.toString());
    if (got.at(-1) === 'end') break;
  }
  await sending;
  t.deepEqual(got, ['a', '', 'c', 'end']);
  t.deepEqual(rest(queue), ['rest'], 'nothing was taken beyond');
});

test('one who only sends is no consumer', (t) => {
  const queue = newQueue(t, { capacity: 4096, maxHeld: 1 });
  const sender = another(t, queue);
  queue.tryEnqueue('a');
  sender.tryEnqueue('b');
  t.deepEqual(rest(queue), ['a', 'b']);
  t.throws(() => sender.tryDequeue(), { code: 'ERR_TOO_MANY_CONSUMERS' });
  queue.close();
  sender.tryEnqueue('c');
  t.deepEqual(rest(sender), ['c']);
});
