// Queues as objects of the system: names, kinds, and what becomes of them.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';
import { Disruptor, Queue, Ring, listSegments } from 'shm-disruptor';

import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, newQueue, rest } from './queues.js';

const fileOf = (name: string) => join('/dev/shm', name);

test('without a name it gets one that is free', (t) => {
  const queues = [1, 2, 3].map(() => Queue.create({ capacity: 4096 }));
  t.teardown(() => {
    for (const queue of queues) {
      queue.close();
      Queue.unlink(queue.name);
    }
  });
  t.is(new Set(queues.map(({ name }) => name)).size, 3);
  for (const queue of queues) {
    using opened = Queue.open(queue.name);
    opened.tryEnqueue('x');
    t.deepEqual(rest(queue), ['x']);
  }
});

test('unlinking leaves those attached working', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const other = another(t, queue);
  Queue.unlink(queue.name);
  t.false(existsSync(fileOf(queue.name)));
  t.throws(() => Queue.open(queue.name), { code: 'ENOENT' });
  const waiting = other.receive();
  await queue.enqueue('x');
  t.is((await waiting).data.toString(), 'x');
  using anew = Queue.create(queue.name, { capacity: 4096 });
  t.is(anew.tryDequeue(), undefined);
});

test('what is there outlives those who have it open', (t) => {
  const queue = newQueue(t);
  queue.tryEnqueue('x');
  queue.close();
  t.true(queue.closed);
  t.deepEqual(rest(another(t, queue)), ['x']);
});

test('a name that is taken', (t) => {
  const queue = newQueue(t);
  const options = { capacity: 8192 };
  t.throws(() => Queue.create(queue.name, options), { code: 'ERR_SEGMENT_EXISTS' });
  t.throws(() => Queue.create(queue.name, { ...options, existing: 'replace-dead' }), {
    code: 'ERR_SEGMENT_IN_USE',
  });
  using replacing = Queue.create(queue.name, { ...options, existing: 'replace' });
  t.is(replacing.stats().capacity, 8192);
  t.throws(() => queue.tryEnqueue('x'), { code: 'ERR_SEGMENT_REPLACED' });
  t.throws(() => queue.tryDequeue(), { code: 'ERR_SEGMENT_REPLACED' });
});

test('those who wait hear of it when the queue is replaced', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  const waiting = [queue.dequeue(), queue.receive()];
  using replacing = Queue.create(queue.name, { capacity: 4096, existing: 'replace' });
  for (const wait of waiting) {
    await t.throwsAsync<Error>(wait, { code: 'ERR_SEGMENT_REPLACED' });
  }
  t.true(replacing.tryEnqueue('x'));
});

test('permission bits', (t) => {
  const queue = newQueue(t, { capacity: 4096, mode: 0o640 });
  t.is(statSync(fileOf(queue.name)).mode & 0o777, 0o640);
});

test('a ring is no queue, and a queue is no ring', (t) => {
  const code = { name: 'DisruptorError', code: 'ERR_SEGMENT_KIND' };
  const ring = ringOfRoles(t);
  const queue = newQueue(t);
  t.throws(() => Queue.open(ring.name), code);
  t.throws(() => Ring.open(queue.name, {}), code);
  t.throws(() => new Disruptor({ name: queue.name }), code);
  t.like(
    listSegments().find(({ name }) => name === queue.name),
    { kind: 'queue' },
  );
});

test('no queue of that name', (t) => {
  t.throws(() => Queue.open(uniqueName()), { code: 'ENOENT' });
  t.throws(
    () => {
      Queue.unlink(uniqueName());
    },
    { code: 'ENOENT' },
  );
});

test('statistics', (t) => {
  const queue = newQueue(t);
  const other = another(t, queue);
  t.deepEqual(queue.stats(), {
    capacity: 4096,
    unread: 0,
    held: 0,
    free: 4096,
    maxMessage: 4088,
    holding: { alive: 0, dead: 0 },
    gaps: { count: 0, elements: 0 },
    unlinked: false,
  });
  for (const text of ['a', 'b'.repeat(50), 'c']) queue.tryEnqueue(text);
  other.tryReceive();
  queue.tryReceive();
  t.like(queue.stats(), { unread: 32, held: 96, free: 3968, holding: { alive: 2, dead: 0 } });
  other.close();
  t.like(queue.stats(), { unread: 32, held: 96, holding: { alive: 1, dead: 1 } });
  t.deepEqual(another(t, queue).stats(), queue.stats());
});

test('pending waits keep the process alive, or not', (t) => {
  const queue = newQueue(t);
  t.is(queue.unref(), queue);
  t.is(queue.ref(), queue);
});
