import { Worker } from 'node:worker_threads';

import test from 'ava';
import { Broadcast, Queue, SharedMemory, Ring } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { DIRECTORY, leavesLoopFree, lock, orBusy, REPLACEMENT } from './locks.js';

interface Holder {
  readonly name: string;
  close: () => void;
}

const ring = { elements: 8, elementSize: 4 };
const kinds = {
  ring: {
    create: (name?: string, options = {}) =>
      name === undefined
        ? Ring.createAsync({ ...ring, ...options })
        : Ring.createAsync(name, { ...ring, ...options }),
    wrong: () => Ring.createAsync({ ...ring, elements: '8' as never }),
    open: (name: string) => Ring.openAsync(name),
  },
  queue: {
    create: (name?: string, options = {}) =>
      name === undefined
        ? Queue.createAsync({ capacity: 4096, ...options })
        : Queue.createAsync(name, { capacity: 4096, ...options }),
    wrong: () => Queue.createAsync({ capacity: '1' as never }),
    open: (name: string) => Queue.openAsync(name),
  },
  broadcast: {
    create: (name?: string, options = {}) =>
      name === undefined
        ? Broadcast.createAsync({ ...ring, ...options })
        : Broadcast.createAsync(name, { ...ring, ...options }),
    wrong: () => Broadcast.createAsync({ ...ring, elements: '8' as never }),
    open: (name: string) => Broadcast.openAsync(name),
  },
  memory: {
    create: (name?: string, options = {}) =>
      name === undefined
        ? SharedMemory.createAsync(64, options)
        : SharedMemory.createAsync(name, 64, options),
    wrong: () => SharedMemory.createAsync('64' as never),
    open: (name: string) => SharedMemory.openAsync(name),
  },
} satisfies Record<
  string,
  {
    create: (name?: string, options?: object) => Promise<Holder>;
    wrong: () => Promise<unknown>;
    open: (name: string) => Promise<Holder>;
  }
>;

for (const [kind, { create, wrong, open }] of Object.entries(kinds)) {
  test(`${kind}: createAsync and openAsync do what create and open do`, async (t) => {
    const name = uniqueName(t);
    const created = await create(name);
    const opened = await open(name);
    t.is(created.name, name);
    t.is(opened.name, name);
    await t.throwsAsync(create(name), { code: 'ERR_SEGMENT_EXISTS' });
    const replacing = await create(name, { existing: 'replace' });
    for (const each of [created, opened, replacing]) each.close();
    const some = await create();
    t.notThrows(() => {
      SharedMemory.unlink(some.name);
    });
    some.close();
  });

  test(`${kind}: createAsync and openAsync reject where create and open throw`, async (t) => {
    const name = uniqueName(t);
    const missing = { code: 'ENOENT', message: /open/ };
    t.like(await t.throwsAsync(open(name), missing), { syscall: 'open', path: name, errno: -2 });
    await t.throwsAsync(open(`${name}/`), { code: 'ERR_INVALID_ARG_VALUE' });
    await t.throwsAsync(wrong(), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
    const other = kind === 'memory' ? kinds.queue : kinds.memory;
    const held = await other.create(name);
    await t.throwsAsync(open(name), { code: 'ERR_SEGMENT_KIND' });
    await t.throwsAsync(create(name, { existing: 'replace' }), { code: 'ERR_SEGMENT_KIND' });
    held.close();
  });

  test(`${kind}: createAsync leaves the event loop free while others hold up the creation`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const name = uniqueName(t);
    (await create(name)).close();
    const letGo = await lock(t, name, REPLACEMENT);
    const creation: Promise<Holder> = create(name, { existing: 'replace' });
    const outcome = orBusy(creation);
    t.true(await leavesLoopFree(outcome));
    await letGo();
    const created = (await outcome) ?? (await create(name, { existing: 'replace' }));
    t.is(created.name, name);
    created.close();
  });
}

test('a ring that was opened so has its producers and consumers', async (t) => {
  const name = uniqueName(t);
  const created = await Ring.createAsync(name, {
    elements: 8,
    elementSize: 16,
    encoding: 'json',
  });
  await t.throwsAsync(Ring.openAsync(name, { encoding: 'utf8' }), {
    code: 'ERR_SCHEMA_MISMATCH',
  });
  const opened = await Ring.openAsync(name, { encoding: 'json' });
  const consumer = await opened.consumerAsync('reader', { from: 'oldest' });
  const producer = created.producer();
  await producer.publish({ a: 1 });
  const batch = await consumer.next();
  t.deepEqual([...batch], [{ a: 1 }]);
  for (const each of [producer, consumer, created, opened]) each.close();
});

test('joining leaves the event loop free while another participant joins', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const ring = Ring.create(name, { elements: 8, elementSize: 4 });
  const letGo = await lock(t, name, DIRECTORY);
  const joining = orBusy(ring.consumerAsync('late'));
  t.true(await leavesLoopFree(joining));
  await letGo();
  const consumer = (await joining) ?? (await ring.consumerAsync('late'));
  t.is(consumer.name, 'late');
  consumer.close();
  ring.close();
});

const faces = {
  dequeue: (queue: Queue) => queue.dequeue(),
  'dequeue into memory': async (queue: Queue) => {
    const target = Buffer.alloc(5);
    return target.subarray(0, await queue.dequeue(target));
  },
  dequeueMany: async (queue: Queue) => (await queue.dequeueMany(3))[0]!,
  dequeuePacked: async (queue: Queue) => {
    const [target, lengths] = [Buffer.alloc(5), new Uint32Array(1)];
    await queue.dequeuePacked(target, lengths);
    return target.subarray(0, lengths[0]);
  },
  receive: async (queue: Queue) => Buffer.from((await queue.receive()).data),
} satisfies Record<string, (queue: Queue) => Promise<Buffer>>;

for (const [face, receive] of Object.entries(faces)) {
  test(`queue: ${face} leaves the event loop free while another participant joins`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const name = uniqueName(t);
    const queue = Queue.create(name, { capacity: 4096 });
    queue.enqueueSync('first');
    const letGo = await lock(t, name, DIRECTORY);
    const first = orBusy(receive(queue));
    t.true(await leavesLoopFree(first));
    await letGo();
    t.is(String((await first) ?? (await receive(queue))), 'first');
    queue.close();
  });
}

test('a participant that never gets on with joining is an error of those behind it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const queue = Queue.create(name, { capacity: 4096 });
  queue.enqueueSync('first');
  const letGo = await lock(t, name, DIRECTORY);
  t.is(queue.tryDequeue(), undefined);
  await t.throwsAsync(queue.dequeue(), { code: 'ERR_SEGMENT_BUSY' });
  t.throws(() => queue.dequeueSync(), { code: 'ERR_SEGMENT_BUSY' });
  await letGo();
  t.is((await queue.dequeue()).toString(), 'first');
  queue.close();
});

test('a worker may end while a segment is created or opened', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
  const name = uniqueName(t);
  SharedMemory.create(name, 64).close();
  const letGo = await lock(t, name, REPLACEMENT);
  const script = `
    import(${library}).then(({ SharedMemory }) => {
      for (let i = 0; i < 3; i += 1) {
        SharedMemory.createAsync(${JSON.stringify(name)}, 64, { existing: "replace" }).catch(() => {});
        SharedMemory.openAsync(${JSON.stringify(name)}).catch(() => {});
      }
      // Until it is ended.
      setInterval(() => {}, 1000);
      require("node:worker_threads").parentPort.postMessage("begun");
    });`;
  const worker = new Worker(script, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  const ended = worker.terminate();
  await letGo();
  t.is(await ended, 1);
  // Whatever became of the requests, the name is somebody's or nobody's, and can be had.
  SharedMemory.create(name, 64, { existing: 'replace' }).close();
});
