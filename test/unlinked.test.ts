// What becomes of those whose segment is removed under them: by `rm`, or by the system.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import {
  Broadcast,
  Disruptor,
  DisruptorReadStream,
  DisruptorWriteStream,
  Queue,
  QueueReadStream,
  SharedMemory,
  SubscriptionReadStream,
  Ring,
} from 'shm-disruptor';
import type { OnUnlinked, UnlinkedMessage, WaitStrategy } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Scope } from './fixture.js';

/** As a user does it, who knows nothing of segments. */
const remove = (name: string) => {
  rmSync(join('/dev/shm', name));
};

const ended = { code: 'ERR_SEGMENT_UNLINKED' };
const fails = { onUnlinked: 'error' } as const;

/** What the channel is told about `name`, from now to the end of the test. */
function unlinkings(t: Scope, name: string): UnlinkedMessage[] {
  const told: UnlinkedMessage[] = [];
  const listener = (message: unknown) => {
    if ((message as UnlinkedMessage).name === name) told.push(message as UnlinkedMessage);
  };
  subscribe('shm-disruptor:unlinked', listener);
  t.teardown(() => {
    unsubscribe('shm-disruptor:unlinked', listener);
  });
  return told;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

interface Segment {
  readonly unlinked: boolean;
  stats?(): { unlinked: boolean };
  close(): void;
}

/** One of each kind, with a role of it as the channel has it. */
function kinds(options: { onUnlinked?: OnUnlinked; path?: string } = {}) {
  const small = { elements: 4, elementSize: 16, ...options };
  return {
    ring: (name: string): Segment => Ring.create(name, small),
    queue: (name: string): Segment => Queue.create(name, { capacity: 4096, ...options }),
    broadcast: (name: string): Segment => Broadcast.create(name, small),
    memory: (name: string): Segment => SharedMemory.create(name, 64, options),
  };
}

/** One test for each kind of segment. */
function overKinds(
  title: string,
  body: (t: ExecutionContext, make: (name: string) => Segment, role: string) => Promise<void>,
): void {
  for (const [role, make] of Object.entries(kinds())) {
    test(`${title} (${role})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, make, role);
    });
  }
}

overKinds('a segment that is removed says so, once, and goes on', async (t, make, role) => {
  const name = uniqueName(t);
  const told = unlinkings(t, name);
  const segment = make(name);
  t.false(segment.unlinked);
  remove(name);
  t.true(segment.unlinked);
  if (segment.stats) t.true(segment.stats().unlinked);
  await until(() => told.length > 0);
  t.deepEqual(told, [{ name, role }]);
  // Twice as long as it takes to look again.
  await sleep(1000);
  t.is(told.length, 1);
  // The name is free for another, which has nothing to do with it.
  const next = make(name);
  t.deepEqual([segment.unlinked, next.unlinked], [true, false]);
  next.close();
  segment.close();
  t.throws(() => segment.unlinked, { code: 'ERR_RELEASED' });
});

overKinds('a segment that was closed is looked at no more', async (t, make) => {
  const [first, second] = [uniqueName(t), uniqueName(t)];
  const told = unlinkings(t, first);
  const other = unlinkings(t, second);
  make(first).close();
  const open = make(second);
  remove(first);
  remove(second);
  await until(() => other.length > 0);
  t.deepEqual(told, []);
  open.close();
});

test('a segment that is replaced was not removed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const [name, removed] = [uniqueName(t), uniqueName(t)];
  const told = unlinkings(t, name);
  const other = unlinkings(t, removed);
  const options = { elements: 4, elementSize: 1, ...fails };
  using old = Ring.create(name, options);
  using producer = old.producer();
  using consumer = old.consumer();
  const waits = consumer.next();
  using fresh = Ring.create(name, { ...options, existing: 'replace' });
  using alone = Ring.create(removed, options);
  remove(removed);
  await t.throwsAsync(waits, { code: 'ERR_SEGMENT_REPLACED' });
  await until(() => other.length > 0);
  t.deepEqual(told, []);
  t.deepEqual([old.unlinked, fresh.unlinked, alone.unlinked], [false, false, true]);
  await t.throwsAsync(producer.publish('a'), { code: 'ERR_SEGMENT_REPLACED' });
});

test('a file in a directory', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const path = mkdtempSync(join(tmpdir(), 'shm-disruptor-test-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  for (const make of Object.values(kinds({ path }))) {
    const segment = make('/one');
    rmSync(join(path, 'one'));
    t.true(segment.unlinked);
    segment.close();
  }
  using queue = Queue.create('/jobs', { capacity: 4096, path, ...fails });
  const waits = queue.dequeue();
  rmSync(join(path, 'jobs'));
  await t.throwsAsync(waits, ended);
});

test('without the option nothing changes: messages go on between those who are there', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const told = unlinkings(t, name);
  using queue = Queue.create(name, { capacity: 4096 });
  using other = Queue.open(name);
  const waits = other.dequeue();
  Queue.unlink(name);
  await until(() => told.length === 2);
  await queue.enqueue('a');
  t.is((await waits).toString(), 'a');
  queue.enqueueSync('b');
  t.is(other.dequeueSync().toString(), 'b');
});

for (const wait of ['adaptive', 'block', 'yield'] satisfies WaitStrategy[]) {
  test(`waits that begin before and after fail, as promise and callback (${wait})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const name = uniqueName(t);
    using ring = Ring.create(name, { elements: 2, elementSize: 1, ...fails, wait });
    using consumer = ring.consumer();
    const waits = consumer.next();
    remove(name);
    await t.throwsAsync(waits, {
      ...ended,
      message: `The file of ${name} was removed: nobody else can open it any more. Close this and open ${name} again`,
    });
    const error = await new Promise((resolve) => {
      consumer.next(resolve);
    });
    t.like(error, ended);
    t.is(consumer.tryNext(), undefined);
  });
}

test('what is there is received before a wait fails, and nothing more is sent', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const told = unlinkings(t, name);
  using queue = Queue.create(name, { capacity: 4096, ...fails });
  using other = Queue.open(name);
  await queue.enqueue('a');
  remove(name);
  await until(() => told.length === 2);
  await t.throwsAsync(queue.enqueue('b'), ended);
  await t.throwsAsync(queue.enqueueMany(['b']), { ...ended, name: 'DisruptorError' });
  await t.throwsAsync(queue.claim(1), ended);
  t.is((await queue.dequeue()).toString(), 'a');
  await t.throwsAsync(queue.dequeue(), ended);
  // The other one was not told to fail.
  await other.enqueue('c');
  t.is((await queue.dequeue()).toString(), 'c');
});

test('only those fail who are told to, of those who wait in one thread', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using ring = Ring.create(name, { elements: 4, elementSize: 1, ...fails });
  using strict = ring.consumer();
  using patient = ring.consumer({ onUnlinked: 'ignore' });
  using producer = ring.producer({ onUnlinked: 'ignore' });
  const [failing, waiting] = [strict.next(), patient.next()];
  remove(name);
  await t.throwsAsync(failing, ended);
  await producer.publish('a');
  t.is((await waiting).at(0).toString(), 'a');
});

test('a participant has its ring’s options, but for those that it is given', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using ring = Ring.create(name, { elements: 4, elementSize: 1, ...fails });
  using consumer = ring.consumer({ wait: 'block' });
  const waits = consumer.next();
  remove(name);
  await t.throwsAsync(waits, ended);
});

test('producers that wait for room, also where they block the thread', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using ring = Ring.create(name, {
    elements: 2,
    elementSize: 1,
    consumers: { slow: {} },
    ...fails,
  });
  using producer = ring.producer();
  using blocked = ring.producer();
  await producer.publishMany(['a', 'b']);
  const waits = producer.publish('c');
  remove(name);
  await t.throwsAsync(waits, ended);
  const limit = { timeout: WATCHDOG_MILLISECONDS };
  t.throws(() => blocked.publishSync('c', limit), ended);
  t.throws(() => blocked.claimSync(1, limit), ended);
});

test('waits that block the thread, however short each is', (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const again = (attempt: () => unknown) => {
    for (const end = Date.now() + WATCHDOG_MILLISECONDS; Date.now() < end;) {
      try {
        attempt();
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'ERR_TIMEOUT') throw error;
      }
    }
  };
  // So that they end in any case.
  const limit = { timeout: WATCHDOG_MILLISECONDS };
  using ring = Ring.create(name, { elements: 2, elementSize: 1, ...fails });
  using consumer = ring.consumer();
  remove(name);
  t.throws(() => {
    again(() => consumer.nextSync({ timeout: 20 }));
  }, ended);
  using queue = Queue.create(name, { capacity: 4096, ...fails });
  remove(name);
  t.throws(() => queue.dequeueSync(limit), ended);
  t.throws(() => queue.receiveSync(limit), ended);
  t.throws(() => queue.dequeueSync(Buffer.alloc(1), limit), ended);
  using broadcast = Broadcast.create(name, { elements: 2, elementSize: 1, ...fails });
  using subscription = broadcast.subscribe();
  remove(name);
  t.throws(() => subscription.receiveSync(limit), ended);
  using memory = SharedMemory.create(name, 64, fails);
  remove(name);
  t.throws(() => memory.waitSync(0, 0, limit), ended);
  using disruptor = new Disruptor({
    ...{ name, elements: 2, elementSize: 1, consumer: 0, init: true, spin: true },
    ...fails,
  });
  remove(name);
  t.throws(() => disruptor.consumeNewSync(limit), ended);
  t.true(disruptor.unlinked);
});

test('a publisher, which never waits, and its subscribers', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const told = unlinkings(t, name);
  using broadcast = Broadcast.create(name, { elements: 4, elementSize: 16, ...fails });
  using subscription = broadcast.subscribe();
  using patient = broadcast.subscribe({ onUnlinked: 'ignore' });
  broadcast.publish('a');
  const slot = broadcast.claim();
  slot.view.write('b');
  remove(name);
  await until(() => told.length === 3);
  t.throws(() => broadcast.publish('c'), ended);
  t.throws(() => broadcast.claim(), ended);
  t.true(slot.commit(1));
  t.is((await subscription.receive()).data.toString(), 'a');
  t.is((await subscription.receive()).data.toString(), 'b');
  await t.throwsAsync(subscription.receive(), ended);
  t.is((await patient.receive()).data.toString(), 'a');
  t.deepEqual(
    [broadcast, subscription, patient].map(({ unlinked }) => unlinked),
    [true, true, true],
  );
});

test('who waits for a word of memory', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using memory = SharedMemory.create(name, 64, fails);
  using reader = SharedMemory.open(name, { readOnly: true, ...fails });
  const waits = [memory.wait(0, 0), memory.wait(4, 0), reader.wait(0, 0)];
  remove(name);
  await Promise.all(waits.map((wait) => t.throwsAsync(wait, ended)));
  t.is(await memory.wait(0, 1), 'not-equal');
});

test('memory does not take a name away that is another’s by now', (t) => {
  const name = uniqueName(t);
  using memory = SharedMemory.create(name, 64);
  remove(name);
  using next = SharedMemory.create(name, 64);
  t.throws(
    () => {
      memory.unlink();
    },
    { code: 'ENOENT' },
  );
  t.false(next.unlinked);
});

test('streams fail', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const failed = async (stream: NodeJS.EventEmitter) => {
    t.like(await new Promise((resolve) => stream.once('error', resolve)), ended);
  };
  const ring = { name, elements: 4, elementSize: 1, ...fails };
  using disruptor = new Disruptor({ ...ring, consumer: 0, init: true });
  const reader = new DisruptorReadStream(disruptor);
  reader.resume();
  remove(name);
  await failed(reader);
  using writing = new Disruptor({ ...ring, init: true });
  const writer = new DisruptorWriteStream(writing);
  writer.write('more than there is room for');
  remove(name);
  await failed(writer);
  using queue = Queue.create(name, { capacity: 4096, ...fails });
  const messages = new QueueReadStream(queue);
  messages.resume();
  remove(name);
  await failed(messages);
  using broadcast = Broadcast.create(name, { elements: 4, elementSize: 16, ...fails });
  using subscription = broadcast.subscribe();
  const received = new SubscriptionReadStream(subscription);
  received.resume();
  remove(name);
  await failed(received);
});

test('the words of the option', (t) => {
  for (const onUnlinked of ['never', '']) {
    const options = { capacity: 4096, onUnlinked: onUnlinked as never };
    t.throws(() => Queue.create(uniqueName(t), options), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('what was created and opened without blocking the event loop fails as well', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const small = { elements: 4, elementSize: 16, ...fails };
  const [ring, queue, broadcast, memory] = [1, 2, 3, 4].map(() => uniqueName(t));
  const made = [
    await Ring.createAsync(ring!, small),
    await Queue.createAsync(queue!, { capacity: 4096, ...fails }),
    await Broadcast.createAsync(broadcast!, small),
    await SharedMemory.createAsync(memory!, 64, fails),
  ] as const;
  const opened = [
    await Ring.openAsync(ring!, fails),
    await Queue.openAsync(queue!, fails),
    await Broadcast.openAsync(broadcast!, fails),
    await SharedMemory.openAsync(memory!, fails),
  ] as const;
  const waits = [];
  for (const [rings, queues, broadcasts, memories] of [made, opened]) {
    waits.push(
      (await rings.consumerAsync()).next(),
      queues.receive(),
      broadcasts.subscribe().receive(),
      memories.wait(0, 0),
    );
  }
  for (const name of [ring, queue, broadcast, memory]) remove(name!);
  await Promise.all(waits.map((wait) => t.throwsAsync(wait, ended)));
  for (const one of [...made, ...opened]) {
    t.true(one.unlinked);
    one.close();
  }
});
