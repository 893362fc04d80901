// Plain memory: creating, opening, seeing and copying it, and what is refused.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { threadId } from 'node:worker_threads';

import test from 'ava';
import { Disruptor, Queue, SharedMemory, Ring, listSegments } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, inProcess, inWorker, newMemory, wordsOf } from './memories.js';

const fileOf = (name: string) => `/dev/shm${name}`;

test('all who open memory see the same bytes, zero at first', (t) => {
  for (const size of [1, 3, 4096, 4097]) {
    const one = newMemory(t, size);
    const other = another(t, one);
    t.is(one.buffer, one.buffer);
    t.deepEqual(new Uint8Array(one.buffer), new Uint8Array(size));
    new Uint8Array(one.buffer)[size - 1] = 7;
    t.is(new Uint8Array(other.buffer)[size - 1], 7);
    t.deepEqual([other.size, other.name, other.readOnly], [size, one.name, false]);
  }
});

test('without a name a free one is chosen', (t) => {
  const memories = [SharedMemory.create(8), SharedMemory.create(8, { mode: 0o640 })];
  for (const memory of memories) {
    t.is(SharedMemory.open(memory.name).size, 8);
    memory.unlink();
    t.throws(() => SharedMemory.open(memory.name), { code: 'ENOENT' });
    t.throws(
      () => {
        memory.unlink();
      },
      { code: 'ENOENT' },
    );
    memory.close();
  }
});

test('wrong arguments', (t) => {
  const name = uniqueName(t);
  const create = (...args: unknown[]) =>
    (SharedMemory.create as (...all: unknown[]) => unknown)(...args);
  t.throws(() => create(), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => create(name), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    t.throws(() => create(name, size), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => create(name, '8'), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => create(name, 8, 1), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => create(name, 8, { mode: 0o1000 }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => create(name, 8, { existing: 'no' }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => create(name, 8, { wait: 'no' }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => create('a/b', 8), { code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => SharedMemory.open(name, { readOnly: 1 as never }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.false(fs.existsSync(fileOf(name)));

  const memory = newMemory(t, 10);
  for (const [offset, length] of [
    [-1, 1],
    [0, 11],
    [11, 0],
    [5, 6],
    [1.5, 1],
  ] as const) {
    t.throws(() => memory.read(offset, length), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => memory.view(offset, length), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => memory.view(0, 0), { code: 'ERR_OUT_OF_RANGE' });
  // The last word that is all there begins at 4.
  for (const offset of [-4, 1, 2, 8, 12, NaN]) {
    t.throws(() => memory.load(offset), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => memory.notify(offset), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => memory.waitSync(offset, 0), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => memory.notify(0, -1), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => memory.load('0' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => newMemory(t, 3).load(0), { code: 'ERR_OUT_OF_RANGE' });
});

test('more than there is, is an error of the system before anything is mapped', (t) => {
  const name = uniqueName(t);
  for (const size of [2 ** 45, Number.MAX_SAFE_INTEGER]) {
    const error = t.throws<NodeJS.ErrnoException>(() => SharedMemory.create(name, size));
    t.regex(error.code!, /^(ENOSPC|EFBIG|ENOMEM)$/);
    t.like(error, { path: name, syscall: 'posix_fallocate' });
    t.false(fs.existsSync(fileOf(name)));
  }
});

test('what is there is refused, or replaced when asked for', (t) => {
  const old = newMemory(t);
  const { name } = old;
  t.throws(() => SharedMemory.create(name, 8), { code: 'ERR_SEGMENT_EXISTS' });
  t.throws(() => SharedMemory.create(name, 8, { existing: 'replace-dead' }), {
    code: 'ERR_SEGMENT_IN_USE',
  });
  t.false(old.replaced);
  const next = SharedMemory.create(name, 8, { existing: 'replace' });
  t.true(old.replaced);
  t.is(old.buffer.byteLength, 64);
  t.throws(
    () => {
      old.unlink();
    },
    { code: 'ERR_SEGMENT_REPLACED' },
  );
  t.is(SharedMemory.open(name).size, 8);
  t.false(next.replaced);
  next.close();
});

test('each kind is told from the others', (t) => {
  const memory = newMemory(t);
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  const ring = Ring.create(uniqueName(t), { elements: 4, elementSize: 4 });
  const expected = { code: 'ERR_SEGMENT_KIND' };
  t.throws(() => Ring.open(memory.name), expected);
  t.throws(() => Queue.open(memory.name), expected);
  t.throws(() => new Disruptor({ name: memory.name }), expected);
  for (const { name } of [queue, ring]) {
    t.throws(() => SharedMemory.open(name), expected);
    t.throws(() => SharedMemory.open(name, { readOnly: true }), expected);
    t.throws(() => SharedMemory.create(name, 8, { existing: 'replace' }), expected);
  }
  queue.close();
  ring.close();
});

test('damaged, foreign and other objects are typed errors', (t) => {
  const name = uniqueName(t);
  fs.writeFileSync(fileOf(name), Buffer.alloc(10_000, 1), { mode: 0o600 });
  t.throws(() => SharedMemory.open(name), { code: 'ERR_SEGMENT_FOREIGN' });
  t.throws(() => SharedMemory.create(name, 8, { existing: 'replace' }), {
    code: 'ERR_SEGMENT_FOREIGN',
  });
  for (const [code, offset, bytes] of [
    ['ERR_SEGMENT_VERSION', 8, [99]],
    ['ERR_SEGMENT_CORRUPT', 40, [1, 2, 3]],
    ['ERR_SEGMENT_CORRUPT', 120, [1, 2, 3]],
  ] as const) {
    const memory = newMemory(t);
    const file = fs.openSync(fileOf(memory.name), 'r+');
    fs.writeSync(file, Buffer.from(bytes), 0, bytes.length, offset);
    fs.closeSync(file);
    for (const readOnly of [false, true]) {
      t.throws(() => SharedMemory.open(memory.name, { readOnly }), { code });
    }
  }
  const memory = newMemory(t, 5000);
  fs.truncateSync(fileOf(memory.name), 9000);
  t.throws(() => SharedMemory.open(memory.name), { code: 'ERR_SEGMENT_TRUNCATED' });
});

test('the list has memory with its size', (t) => {
  const memory = newMemory(t, 100, { mode: 0o640 });
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  const own = listSegments().find(({ name }) => name === memory.name);
  const owner = process.getuid!();
  const expected = {
    name: memory.name,
    kind: 'memory',
    bytes: 8292,
    owner,
    mode: 0o640,
    size: 100,
  };
  t.deepEqual<unknown, unknown>(own, { ...expected, attached: true });
  t.is(listSegments().find(({ name }) => name === queue.name)?.kind, 'queue');
  queue.close();
  memory.close();
  t.like(
    listSegments().find(({ name }) => name === memory.name),
    { attached: false },
  );
  SharedMemory.unlink(memory.name);
  t.throws(
    () => {
      SharedMemory.unlink(memory.name);
    },
    { code: 'ENOENT', message: /No such file/ },
  );
});

test('memory for reading alone has no buffer, and copies', (t) => {
  const memory = newMemory(t, 100);
  const reader = another(t, memory, { readOnly: true });
  Buffer.from(memory.buffer).write('hello', 50);
  t.is(reader.read(50, 5).toString(), 'hello');
  t.is(reader.read(100, 0).length, 0);
  wordsOf(memory)[3] = -5;
  t.is(reader.load(12), -5);
  t.true(reader.readOnly);
  t.throws(() => reader.buffer, { code: 'ERR_READ_ONLY' });
  t.throws(() => reader.view(0, 4), { code: 'ERR_READ_ONLY' });
  // A copy: it stays, and is nobody else's.
  const copy = reader.read(0, 100);
  copy.fill(1);
  t.is(reader.load(0), 0);
  reader.close();
  t.is(copy[0], 1);
});

test('closing detaches every view of it, and what comes later says so', (t) => {
  const memory = newMemory(t, 64);
  const whole = new Uint8Array(memory.buffer);
  const parts = Array.from({ length: 200 }, (_, i) => new Uint8Array(memory.view(i % 60, 4)));
  parts[8]![3] = 5;
  t.deepEqual([whole[11], parts[68]![3]], [5, 5]);
  const other = another(t, memory);
  const waiting = other.wait(0, 0);
  memory.close();
  t.is(whole.length, 0);
  t.true(parts.every((part) => part.length === 0));
  t.true(memory.closed);
  for (const use of [
    () => memory.buffer,
    () => memory.view(0, 4),
    () => memory.read(0, 4),
    () => memory.load(0),
    () => memory.notify(0),
    () => memory.waitSync(0, 0),
    () => memory.replaced,
    () => {
      memory.unlink();
    },
    () => {
      memory.syncSync();
    },
  ]) {
    t.throws(use, { code: 'ERR_RELEASED' });
  }
  memory.close();
  other.close();
  return t.throwsAsync(waiting, { code: 'ERR_RELEASED' });
});

test('a view keeps the memory that nobody else has', async (t) => {
  const { name } = newMemory(t);
  const view = (() => new Uint8Array(SharedMemory.open(name).view(0, 8)))();
  SharedMemory.unlink(name);
  for (let i = 0; i < 20; i += 1) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  view[0] = 3;
  t.is(view[0], 3);
});

test('a buffer cannot be given to another thread', (t) => {
  const { buffer } = newMemory(t);
  const { port1, port2 } = new MessageChannel();
  // Node 20 gives a copy, later ones refuse.
  try {
    port1.postMessage(buffer, [buffer]);
  } catch (error) {
    t.is((error as Error).name, 'DataCloneError');
  }
  t.is(buffer.byteLength, 64);
  port1.close();
  port2.close();
});

test('Atomics count between processes and threads', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  const part = { name: memory.name, does: 'add', until: 200_000 } as const;
  const others = await Promise.all([inProcess(t, part), inProcess(t, part), inWorker(t, part)]);
  for (const other of others) t.is(await other.heard(), 'done');
  t.is(Atomics.load(wordsOf(memory), 0), 600_000);
});

// Only root can become somebody else.
const asRoot = process.getuid!() === 0 ? test : test.skip;

asRoot('who may only read needs permission for no more', (t) => {
  const memory = newMemory(t, 64, { mode: 0o644 });
  wordsOf(memory)[0] = 42;
  const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
  const script = `
    const { SharedMemory } = await import(${library});
    process.setgid(65534);
    process.setuid(65534);
    const memory = SharedMemory.open('${memory.name}', { readOnly: true });
    let refused;
    try { SharedMemory.open('${memory.name}'); } catch (error) { refused = error.code; }
    console.log(JSON.stringify([memory.load(0), refused]));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  t.deepEqual(JSON.parse(output), [42, 'EACCES']);
});

// A disk gives so much room without writing it; memory would take it.
const MORE_THAN_A_BUFFER = 2 ** 32 + 2 ** 20;
const here = fs.statfsSync('.');

if (here.bavail * here.bsize > 4 * MORE_THAN_A_BUFFER) {
  test('more than 4 GiB', async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const path = fs.mkdtempSync(`build/memory-${process.pid}-${threadId}-`);
    t.teardown(() => {
      fs.rmSync(path, { recursive: true });
    });
    const memory = SharedMemory.create('large', MORE_THAN_A_BUFFER, { path });
    const reader = SharedMemory.open('large', { path, readOnly: true });
    t.is(reader.size, MORE_THAN_A_BUFFER);
    const last = MORE_THAN_A_BUFFER - 4;
    const words = new Int32Array(memory.view(last, 4));
    const waiting = reader.wait(last, 0);
    Atomics.store(words, 0, 9);
    memory.notify(last);
    t.is(await waiting, 'ok');
    t.is(reader.load(last), 9);
    t.deepEqual(reader.read(last - 4, 8), Buffer.from([0, 0, 0, 0, 9, 0, 0, 0]));
    t.is(reader.load(last - 2 ** 32), 0);
    memory.close();
    t.is(words.length, 0);
    reader.close();
  });
}

const root = process.getuid!() === 0;
const unshare = root ? ['-m'] : ['-m', '-r'];

if (spawnSync('unshare', [...unshare, 'true']).status === 0) {
  test('a full /dev/shm is ENOSPC, and nothing is left behind', (t) => {
    const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
    const script = `
      const { SharedMemory } = await import(${library});
      const { readdirSync } = await import("node:fs");
      let seen;
      try { SharedMemory.create("/full", 1_000_000); } catch (error) { seen = error.code; }
      const left = readdirSync("/dev/shm");
      SharedMemory.create("/fits", 1000).close();
      console.log(JSON.stringify([seen, left]));`;
    const run = `"${process.execPath}" --input-type=module -e '${script}'`;
    const command = `mount -t tmpfs -o size=256k tmpfs /dev/shm && exec ${run}`;
    const output = execFileSync('unshare', [...unshare, 'sh', '-c', command], { encoding: 'utf8' });
    t.deepEqual(JSON.parse(output), ['ENOSPC', []]);
  });
}
