// Segments in directories of the user's choice: files, which are there when everybody has gone.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Disruptor, Queue, SharedMemory, Ring, listSegments } from 'shm-disruptor';
import type { DisruptorOptions } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, uniqueName } from './fixture.js';

const LIBRARY = JSON.stringify(import.meta.resolve('shm-disruptor'));
const CHILD = fileURLToPath(new URL('./directory-child.js', import.meta.url));

function newDirectory(t: ExecutionContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'shm-disruptor-directory-'));
  t.teardown(() => {
    fs.rmSync(path, { recursive: true });
  });
  return path;
}

/** Everything that has options where a segment lies. */
interface Closable {
  close(): void;
  sync(): Promise<void>;
  syncSync(): void;
}
const kinds: Record<
  string,
  {
    create: (name: string, path: string) => Closable;
    open: (name: string, path: string) => Closable;
  }
> = {
  'the compatible class': {
    create: (name, path) => compatible({ name, path, elements: 4, elementSize: 4, init: true }),
    open: (name, path) => compatible({ name, path }),
  },
  Disruptor: {
    create: (name, path) => Ring.create(name, { path, elements: 4, elementSize: 4 }),
    open: (name, path) => Ring.open(name, { path }),
  },
  Queue: {
    create: (name, path) => Queue.create(name, { path, capacity: 4096 }),
    open: (name, path) => Queue.open(name, { path }),
  },
  SharedMemory: {
    create: (name, path) => SharedMemory.create(name, 64, { path }),
    open: (name, path) => SharedMemory.open(name, { path }),
  },
};

function compatible(options: DisruptorOptions): Closable {
  const d = new Disruptor(options);
  return {
    close: () => {
      d.release();
    },
    sync: () => d.sync(),
    syncSync: () => {
      d.syncSync();
    },
  };
}

for (const [kind, { create, open }] of Object.entries(kinds)) {
  test(`${kind}: a file of its name in the directory`, async (t) => {
    const path = newDirectory(t);
    const name = uniqueName();
    const created = create(name, path);
    t.deepEqual(fs.readdirSync(path), [name.slice(1)]);
    t.false(fs.existsSync(join('/dev/shm', name)));
    t.is(fs.statSync(join(path, name)).mode & 0o7777, 0o600);
    // A slash in front of the name, or none; the directory as it is seen from here, or not.
    const others = [open(name, path), open(name.slice(1), `${path}/`)];
    others.push(open(name, relative('.', path)));
    t.deepEqual(
      listSegments({ path }).map((info) => [info.name, info.attached]),
      [[name, true]],
    );
    t.false(listSegments().some((info) => info.name === name));
    t.throws(() => open(name, join(path, '..')), { code: 'ENOENT' });
    for (const one of [created, ...others]) {
      await one.sync();
      one.syncSync();
      one.close();
      await t.throwsAsync(one.sync(), { code: 'ERR_RELEASED' });
      t.throws(
        () => {
          one.syncSync();
        },
        { code: 'ERR_RELEASED' },
      );
    }
    Ring.unlink(name, { path });
    t.deepEqual(fs.readdirSync(path), []);
  });

  test(`${kind}: directories that will not do`, (t) => {
    const path = newDirectory(t);
    const missing = join(path, 'none');
    const name = uniqueName();
    for (const call of [create, open]) {
      const expected = { code: 'ENOENT', syscall: 'open', path: join(missing, name) };
      t.like(
        t.throws<NodeJS.ErrnoException>(() => call(name, missing)),
        expected,
      );
      const file = join(path, 'file');
      fs.writeFileSync(file, '');
      t.throws(() => call(name, file), { code: 'ENOTDIR' });
      t.throws(() => call(name, ''), { code: 'ERR_INVALID_ARG_VALUE' });
      t.throws(() => call(name, 'a\0b'), { code: 'ERR_INVALID_ARG_VALUE' });
      t.throws(() => call(name, 1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
      t.throws(() => call('a/b', path), { code: 'ERR_INVALID_ARG_VALUE' });
      t.throws(() => call('..', path), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    // What is not a segment stays as it is.
    fs.writeFileSync(join(path, 'foreign'), 'x'.repeat(10_000), { mode: 0o600 });
    t.throws(() => open('foreign', path), { code: 'ERR_SEGMENT_FOREIGN' });
    t.throws(() => open('.', path), { code: 'ERR_INVALID_ARG_VALUE' });
    fs.symlinkSync('foreign', join(path, 'link'));
    t.throws(() => open('link', path), { code: 'ERR_SEGMENT_NOT_REGULAR' });
  });
}

test('names that are free, and lists and unlinking with wrong directories', (t) => {
  const path = newDirectory(t);
  const memory = SharedMemory.create(8, { path });
  t.deepEqual(fs.readdirSync(path), [memory.name.slice(1)]);
  memory.unlink();
  t.deepEqual(fs.readdirSync(path), []);
  memory.close();
  const missing = join(path, 'none');
  t.like(
    t.throws<NodeJS.ErrnoException>(() => listSegments({ path: missing })),
    {
      code: 'ENOENT',
      syscall: 'opendir',
      path: missing,
    },
  );
  t.like(
    t.throws<NodeJS.ErrnoException>(() => {
      Queue.unlink('/x', { path });
    }),
    { code: 'ENOENT', path: join(path, 'x') },
  );
  t.throws(() => listSegments(path as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.deepEqual(listSegments({ path }), []);
});

test('a ring’s roles go where the ring is, wherever the process goes', (t) => {
  const path = newDirectory(t);
  const script = `
    const { Ring } = await import(${LIBRARY});
    process.chdir(${JSON.stringify(path)});
    const ring = Ring.create('ring', { path: '.', elements: 4, elementSize: 4 });
    process.chdir('/');
    const consumer = ring.consumer('reader');
    ring.producer().publishSync(Buffer.from('1234'));
    console.log(consumer.tryNext().bufs[0].toString());`;
  const args = ['--input-type=module', '-e', script];
  t.is(execFileSync(process.execPath, args, { encoding: 'utf8' }), '1234\n');
});

for (const ending of ['killed', 'returns']) {
  test(`what segments hold is there when every process has ended: ${ending}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const path = newDirectory(t);
    const { status, signal, stderr } = spawnSync(process.execPath, [CHILD, path, ending], {
      encoding: 'utf8',
    });
    t.deepEqual(
      [status, signal, stderr],
      ending === 'killed' ? [null, 'SIGKILL', ''] : [0, null, ''],
    );
    t.true(listSegments({ path }).every(({ attached }) => attached === false));

    // Consumer 0 had consumed five and committed none; a claim of its producer is lost.
    const d = new Disruptor({ name: '/compatible', path, consumer: 0, spin: true });
    const values: number[] = [];
    while (values.length < 6) {
      const { bufs } = await d.consumeNew({ timeout: WATCHDOG_MILLISECONDS });
      const bytes = Buffer.concat(bufs);
      for (let i = 0; i < bytes.length; i += 4) values.push(bytes.readUInt32LE(i));
    }
    t.deepEqual(values, [1, 2, 3, 4, 5, 7]);
    t.deepEqual(d.gaps, { count: 1, elements: 1 });
    d.release();

    const ring = Ring.open('/ring', { path, encoding: 'utf8' });
    const reader = ring.consumer('reader', { maxBatch: 10 });
    t.deepEqual([...(await reader.next())], ['b', 'c']);
    ring.producer().publishSync('d');
    t.deepEqual([...(await reader.next())], ['d']);
    for (const one of [reader, ring]) one.close();

    const queue = Queue.open('/queue', { path });
    const texts = new Set([(await queue.dequeue()).toString(), (await queue.dequeue()).toString()]);
    t.deepEqual(texts, new Set(['two', 'three']));
    queue.close();

    const memory = SharedMemory.open('/memory', { path });
    t.is(memory.read(0, 4).toString(), 'kept');
    const waiting = memory.wait(96, 0);
    new Int32Array(memory.buffer)[24] = 1;
    memory.notify(96);
    t.is(await waiting, 'ok');
    memory.close();
  });
}

test('syncing goes on while it is closed, and ends with its worker', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const path = newDirectory(t);
  const memory = SharedMemory.create('/memory', 2 ** 20, { path });
  new Uint8Array(memory.buffer).fill(1);
  const syncing = [memory.sync(), memory.sync()];
  memory.close();
  await Promise.all(syncing);
  for (let i = 0; i < 5; i += 1) {
    const script = `
      const { parentPort } = require('node:worker_threads');
      import(${LIBRARY}).then(({ SharedMemory }) => {
        const memory = SharedMemory.open('/memory', { path: ${JSON.stringify(path)} });
        new Uint8Array(memory.buffer).fill(${i});
        for (let i = 0; i < 3; i += 1) void memory.sync();
        setInterval(() => undefined, 1000);
        parentPort.postMessage('syncing');
      });`;
    const worker = new Worker(script, { eval: true });
    t.teardown(() => worker.terminate());
    await once(worker, 'message');
    t.is(await worker.terminate(), 1);
  }
  const again = SharedMemory.open('/memory', { path });
  await again.sync();
  again.close();
});

const root = process.getuid!() === 0;

test('a directory where this user may not write', (t) => {
  const path = newDirectory(t);
  fs.chmodSync(path, 0o555);
  const script = `
    const { SharedMemory } = await import(${LIBRARY});
    if (process.getuid() === 0) {
      process.setgid(65534);
      process.setuid(65534);
    }
    try {
      SharedMemory.create('/memory', 8, { path: ${JSON.stringify(path)} });
    } catch ({ code, path }) {
      console.log(JSON.stringify([code, path]));
    }`;
  const args = ['--input-type=module', '-e', script];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
  t.deepEqual(JSON.parse(output), ['EACCES', join(path, 'memory')]);
  t.deepEqual(fs.readdirSync(path), []);
  fs.chmodSync(path, 0o755);
});

const unshare = root ? ['-m'] : ['-m', '-r'];

if (spawnSync('unshare', [...unshare, 'true']).status === 0) {
  /** What a script says that sees `path` with something else mounted there. */
  const mounted = (t: ExecutionContext, mount: string, script: string) => {
    const path = newDirectory(t);
    const program = `
      const { Disruptor, Queue, SharedMemory } = await import(${LIBRARY});
      const { readdirSync } = await import("node:fs");
      const path = "${path}";
      const seen = (call) => { try { return call(); } catch (error) { return error.code; } };
      ${script}`;
    const run = `"${process.execPath}" --input-type=module -e '${program}'`;
    const command = `${mount.replace('PATH', path)} && exec ${run}`;
    const output = execFileSync('unshare', [...unshare, 'sh', '-c', command], { encoding: 'utf8' });
    return JSON.parse(output) as unknown;
  };

  test('a full file system is ENOSPC, and nothing is left behind', (t) => {
    const said = mounted(
      t,
      'mount -t tmpfs -o size=256k tmpfs PATH',
      `const full = [
        () => SharedMemory.create("/full", 1_000_000, { path }),
        () => Queue.create("/full", { path, capacity: 1_000_000 }),
        () => new Disruptor({ name: "/full", path, elements: 1_000_000, elementSize: 4, init: true }),
      ].map(seen);
      const left = readdirSync(path);
      SharedMemory.create("/fits", 1000, { path }).close();
      console.log(JSON.stringify([full, left]));`,
    );
    t.deepEqual(said, [['ENOSPC', 'ENOSPC', 'ENOSPC'], []]);
  });

  test('a file system that is only to be read', (t) => {
    const said = mounted(
      t,
      'mount -t tmpfs -o ro tmpfs PATH',
      `console.log(JSON.stringify(seen(() => SharedMemory.create("/memory", 8, { path }))));`,
    );
    t.is(said, 'EROFS');
  });

  // Has no unnamed files, no permission bits of its own and no room for a segment.
  test('a file system that has no files but the kernel’s', (t) => {
    const said = mounted(
      t,
      'mount -t proc proc PATH',
      `console.log(JSON.stringify(seen(() => SharedMemory.create("/memory", 8, { path }))));`,
    );
    t.regex(String(said), /^E[A-Z]+$/);
  });
}
