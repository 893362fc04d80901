// How much a queue holds, and what its sizes may be.
import { constants } from 'node:buffer';

import test from 'ava';
import { Queue } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, CELLS, fill, newQueue, ONE_CELL, rest } from './queues.js';

test('the capacity is rounded up to whole pages', (t) => {
  for (const [capacity, rounded] of [
    [1, 4096],
    [4096, 4096],
    [4097, 8192],
    [100_000, 102_400],
  ] as const) {
    const queue = newQueue(t, { capacity });
    t.like(queue.stats(), { capacity: rounded, free: rounded, maxMessage: rounded - 8 });
  }
});

test('a message takes 8 bytes more than it has, rounded up to 32', (t) => {
  for (const [length, bytes] of [
    [0, 32],
    [ONE_CELL, 32],
    [ONE_CELL + 1, 64],
    [56, 64],
    [57, 96],
    [4088, 4096],
  ] as const) {
    const queue = newQueue(t);
    t.true(queue.tryEnqueue('x'.repeat(length)));
    t.like(queue.stats(), { unread: bytes, held: 0, free: 4096 - bytes });
  }
});

test('messages of one size', (t) => {
  const queue = newQueue(t, { messageSize: 100, length: 1000 });
  t.is(queue.maxMessage, 100);
  let sent = 0;
  while (queue.tryEnqueue('x'.repeat(100))) sent += 1;
  t.true(sent >= 1000 && sent < 1032, `${sent}: rounded up to a whole page`);
  t.throws(() => queue.tryEnqueue('x'.repeat(101)), { code: 'ERR_OUT_OF_RANGE' });
  rest(queue);
  t.true(queue.tryEnqueue('shorter'));
  t.is(newQueue(t, { messageSize: 8, length: 3, maxMessage: 6 }).maxMessage, 6);
});

test('messages of no bytes at all', (t) => {
  const queue = newQueue(t, { messageSize: 0, length: 5 });
  t.is(fill(queue, ''), CELLS);
  t.deepEqual(rest(queue), new Array(CELLS).fill(''));
  t.throws(() => queue.tryEnqueue('x'), { code: 'ERR_OUT_OF_RANGE' });
});

/** A generator of numbers that look random and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (const seed of [1, 2, 3]) {
  test(`messages of random lengths, over the end again and again: ${seed}`, (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const next = numbers(seed);
    const queue = newQueue(t, { capacity: 8192 });
    const other = another(t, queue);
    const expected: Buffer[] = [];
    const target = Buffer.alloc(8192);
    let sent = 0;
    for (let i = 0; i < 20_000; i += 1) {
      if (next(2) === 0) {
        const bytes = Buffer.alloc(next(next(8) === 0 ? 4000 : 120), sent);
        if (next(3) > 0) {
          if (!queue.tryEnqueue(bytes)) continue;
        } else {
          const space = queue.tryClaim(bytes.length);
          if (!space) continue;
          space.view.set(bytes);
          space.commit();
        }
        sent += 1;
        expected.push(bytes);
      } else if (expected.length > 0) {
        const bytes = expected.shift()!;
        const way = next(3);
        if (way === 0) {
          t.deepEqual(other.tryDequeue(), bytes);
        } else if (way === 1) {
          const message = other.tryReceive()!;
          if (!bytes.equals(message.data)) t.deepEqual(message.data, bytes);
          message.ack();
        } else {
          t.is(other.tryDequeue(target), bytes.length);
          if (!bytes.equals(target.subarray(0, bytes.length))) t.fail(`message ${sent}`);
        }
      }
    }
    t.true(sent > 5000);
    t.deepEqual(rest(other).length, expected.length);
  });
}

const create = (options: object) => Queue.create(uniqueName(), options as never);

test('sizes that cannot be', (t) => {
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
  for (const options of [
    { capacity: 0 },
    { capacity: -1 },
    { capacity: 1.5 },
    { capacity: Infinity },
    { capacity: constants.MAX_LENGTH },
    { capacity: 4096, maxMessage: 4089 },
    { capacity: 4096, maxMessage: -1 },
    { messageSize: 100, length: 0 },
    { messageSize: -1, length: 10 },
    { messageSize: 100, length: 10, maxMessage: 5000 },
    { capacity: 4096, maxHeld: 0 },
    { capacity: 4096, maxHeld: 2047 },
    { capacity: 4096, maxProducers: 0 },
    { capacity: 4096, maxDeliveries: 0 },
    { capacity: 4096, mode: 0o1000 },
    { capacity: 4096, existing: 'keep' },
    { capacity: 4096, encoding: 'xml' },
    { capacity: 4096, wait: 'never' },
    { capacity: 4096, pollingBudget: -1 },
  ]) {
    t.throws(() => create(options), range, JSON.stringify(options));
  }
});

test('options of the wrong kind', (t) => {
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };
  for (const options of [
    {},
    undefined,
    null,
    4096,
    { capacity: '4096' },
    { capacity: 4096, messageSize: 10 },
    { capacity: 4096, length: 10 },
    { length: 10 },
    { messageSize: 10 },
    { capacity: 4096, maxMessage: '1' },
    { capacity: 4096, maxDeliveries: '1' },
    { capacity: 4096, encoding: 7 },
  ]) {
    t.throws(() => create(options as object), type, JSON.stringify(options));
    t.throws(() => Queue.create(options as never), type, JSON.stringify(options));
  }
  t.throws(() => Queue.open(7 as never), type);
  t.throws(() => Queue.open('/x', 7 as never), type);
});

test('options that cannot be make no queue', (t) => {
  const name = uniqueName(t);
  t.throws(() => Queue.create(name, { capacity: 4096, maxDeliveries: 0 }));
  t.throws(() => Queue.open(name), { code: 'ENOENT' });
});
