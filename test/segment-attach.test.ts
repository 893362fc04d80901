import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Disruptor } from 'shm-disruptor';

import { ring, uniqueName } from './fixture.js';

const pathOf = (name: string) => `/dev/shm/${name.replace('/', '')}`;
const attach = (name: string) => new Disruptor(name, 8, 4, 1, 0, false, false);
const init = (name: string) => new Disruptor(name, 8, 4, 1, 0, true, false);

/** A name under which `make` has put something, removed at the end. */
function occupied(t: ExecutionContext, make: (path: string) => void): string {
  const name = uniqueName();
  make(pathOf(name));
  t.teardown(() => {
    fs.rmSync(pathOf(name), { recursive: true, force: true });
  });
  return name;
}

/** A ring whose file has `bytes` at `offset`. */
function damaged(t: ExecutionContext, offset: number, bytes: Buffer): string {
  const { name } = ring.named(t, {});
  const file = fs.openSync(pathOf(name), 'r+');
  fs.writeSync(file, bytes, 0, bytes.length, offset);
  fs.closeSync(file);
  return name;
}

test('attaching to a name that nobody has created', (t) => {
  const name = uniqueName();
  const error = t.throws<NodeJS.ErrnoException>(() => attach(name), { code: 'ENOENT' });
  t.is(error.message, 'Failed to open shared memory object: No such file or directory');
  t.like(error, { errno: -2, syscall: 'open', path: name });
  t.throws(() => new Disruptor({ name }), { code: 'ENOENT' });
});

test('attaching with another geometry than the creator says which number differs', (t) => {
  const { name } = ring.named(t, { elements: 8, elementSize: 4, consumers: 1 });
  const cases: [number, number, number, string][] = [
    [9, 4, 1, 'Expected 9 for elements but the segment was created with 8'],
    [8, 8, 1, 'Expected 8 for elementSize but the segment was created with 4'],
    [8, 4, 2, 'Expected 2 for consumers but the segment was created with 1'],
  ];
  for (const [elements, elementSize, consumers, message] of cases) {
    const expected = { name: 'DisruptorError', code: 'ERR_SEGMENT_GEOMETRY', message };
    t.throws(() => new Disruptor(name, elements, elementSize, consumers, 0, false), expected);
    t.throws(() => new Disruptor({ name, elements, elementSize, consumers }), expected);
  }
});

test('an object that says nothing of the geometry gets the creator’s', (t) => {
  const { name, creator } = ring.named(t, { elements: 5, elementSize: 3, consumers: 2 });
  const d = new Disruptor({ name, consumer: 1 });
  t.is(d.elementSize, 3);
  t.is(d.elements.length, 15);
  t.is(d.consumers.length, 16);
  creator.produceClaimManySync(5);
  creator.produceCommitSync();
  t.is(d.consumeNewSync()[0]?.length, 15);
  d.release();
});

test('what is not a regular file is told apart, and init leaves it alone', (t) => {
  const kinds: Record<string, (path: string) => void> = {
    directory: (path) => {
      fs.mkdirSync(path);
    },
    link: (path) => {
      fs.symlinkSync(pathOf(ring.named(t, {}).name), path);
    },
    'dangling link': (path) => {
      fs.symlinkSync('/dev/shm/nothing-there', path);
    },
    fifo: (path) => {
      execFileSync('mkfifo', [path]);
    },
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const name = occupied(t, make);
    const expected = { name: 'DisruptorError', code: 'ERR_SEGMENT_NOT_REGULAR' };
    t.throws(() => attach(name), expected, kind);
    t.throws(() => init(name), expected, kind);
    t.false(fs.lstatSync(pathOf(name)).isFile());
  }
});

test('empty, short and foreign files: not attached to, and init leaves them untouched', (t) => {
  const rows: [string, Buffer][] = [
    ['ERR_SEGMENT_TOO_SHORT', Buffer.alloc(0)],
    ['ERR_SEGMENT_TOO_SHORT', Buffer.alloc(10, 1)],
    ['ERR_SEGMENT_FOREIGN', Buffer.alloc(4096)],
    ['ERR_SEGMENT_FOREIGN', Buffer.alloc(100_000, 0x5a)],
  ];
  for (const [code, content] of rows) {
    const name = occupied(t, (path) => {
      fs.writeFileSync(path, content, { mode: 0o600 });
    });
    t.throws(() => attach(name), { name: 'DisruptorError', code });
    t.throws(() => init(name), { name: 'DisruptorError', code: 'ERR_SEGMENT_FOREIGN' });
    t.deepEqual(fs.readFileSync(pathOf(name)), content);
  }
});

test('a damaged header is told from a foreign one, and init replaces it', (t) => {
  const rows: [string, number, Buffer][] = [
    ['ERR_SEGMENT_VERSION', 8, Buffer.from([99])],
    ['ERR_SEGMENT_VERSION', 12, Buffer.from([99])],
    ['ERR_SEGMENT_CORRUPT', 24, Buffer.from([1])],
    ['ERR_SEGMENT_CORRUPT', 32, Buffer.alloc(8, 0xff)],
    ['ERR_SEGMENT_CORRUPT', 40, Buffer.alloc(8)],
    ['ERR_SEGMENT_CORRUPT', 120, Buffer.alloc(8, 7)],
  ];
  for (const [code, offset, bytes] of rows) {
    const name = damaged(t, offset, bytes);
    t.throws(() => attach(name), { name: 'DisruptorError', code });
    init(name).release();
    attach(name).release();
  }
});

test('a truncated or extended segment', (t) => {
  for (const length of [5000, 1_000_000]) {
    const { name } = ring.named(t, {});
    fs.truncateSync(pathOf(name), length);
    t.throws(() => attach(name), { code: 'ERR_SEGMENT_TRUNCATED' });
  }
});

test('a segment that has its length and not its memory', (t) => {
  const { name } = ring.named(t, { elements: 1, elementSize: 1 });
  // The header of a ring of 5 GiB, with the checksum that belongs to it, over a sparse file.
  const size = 5 * 2 ** 30;
  const header = fs.readFileSync(pathOf(name)).subarray(0, 128);
  const numbers = [8192 + size, 1, size, 1, 1, 0, 0, 0, 4096 + 128, 4096 + 256, 8192];
  numbers.forEach((number, i) => header.writeBigUInt64LE(BigInt(number), 24 + 8 * i));
  let sum = 0xcbf29ce484222325n;
  for (const byte of header.subarray(0, 120)) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  }
  header.writeBigUInt64LE(sum, 120);
  const file = fs.openSync(pathOf(name), 'r+');
  fs.ftruncateSync(file, 8192 + size);
  fs.writeSync(file, header, 0, 128, 0);
  fs.closeSync(file);
  // To touch it could end the process. (That one with its memory has more bytes than a Buffer can
  // have, ERR_SEGMENT_TOO_LARGE, takes more memory than a test should.)
  t.throws(() => new Disruptor(name, 1, 1, 1), { code: 'ERR_SEGMENT_TRUNCATED' });
});

test('counters beyond all reason are an error, not a crash', (t) => {
  const name = damaged(t, 384, Buffer.from('ffffffffffffff0f', 'hex'));
  const d = attach(name);
  t.throws(() => d.consumeNewSync(), { code: 'ERR_SEGMENT_CORRUPT' });
  d.release();
});

test('a new ring has mode 0600 under any umask, or exactly the one asked for', (t) => {
  const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
  const modes: (number | undefined)[] = [undefined, 0o640, 0o666];
  const names = modes.map((mode) => ({ name: uniqueName(t), mode }));
  // In a process of its own: threads share one umask.
  const script = `
    const { Disruptor } = await import(${library});
    for (const options of ${JSON.stringify(names)}) {
      new Disruptor({ ...options, elements: 8, elementSize: 4, init: true });
    }`;
  for (const umask of ['000', '077', '777']) {
    const run = `umask ${umask} && exec "$0" --input-type=module -e '${script}'`;
    execFileSync('sh', ['-c', run, process.execPath]);
    for (const { name, mode } of names) {
      t.is(fs.statSync(pathOf(name)).mode & 0o7777, mode ?? 0o600);
      attach(name).release();
    }
  }
});

test('permission bits that were changed after creation are refused', (t) => {
  const { name } = ring.named(t, {});
  fs.chmodSync(pathOf(name), 0o666);
  t.throws(() => attach(name), { code: 'ERR_SEGMENT_MODE' });
});

const root = process.getuid?.() === 0;

// Only root can give a file away.
if (root) {
  test('another user’s private segment is refused', (t) => {
    const { name } = ring.named(t, {});
    fs.chownSync(pathOf(name), 12345, 12345);
    t.throws(() => attach(name), { code: 'ERR_SEGMENT_OWNER' });
    t.throws(() => init(name), { code: 'ERR_SEGMENT_OWNER' });
  });

  test('who may not take a name away does not harm those who use it', (t) => {
    const { name, creator } = ring.named(t, { mode: 0o666 });
    const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
    const script = `
      const { Disruptor } = await import(${library});
      process.setgid(65534);
      process.setuid(65534);
      try { new Disruptor('${name}', 8, 4, 1, 0, true); } catch (e) { console.log(e.code); }`;
    const args = ['--input-type=module', '-e', script];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
    t.is(output.trim(), 'EPERM');
    t.is(creator.produceClaimSync().length, 4);
  });
}

test('init over a ring in use: the new one is empty, the old one’s users are told', async (t) => {
  const { name, creator } = ring.named(t, {});
  const waiting = new Disruptor(name, 8, 4, 1, 0, false, true);
  creator.produceClaimSync().writeUInt32LE(7);
  t.true(creator.produceCommitSync());
  t.is((await waiting.consumeNew()).bufs[0]?.readUInt32LE(), 7);
  const pending = waiting.consumeNew();

  const next = init(name);
  t.is(next.cursor, 0);
  t.deepEqual(next.elements, Buffer.alloc(32));
  const expected = { name: 'DisruptorError', code: 'ERR_SEGMENT_REPLACED' };
  await t.throwsAsync(pending, expected);
  await t.throwsAsync(waiting.consumeNew(), expected);
  await t.throwsAsync(creator.produceClaim(), expected);
  t.throws(() => creator.produceClaimSync(), expected);
  t.throws(() => creator.produceCommitSync(0, 0), expected);
  t.throws(() => waiting.consumeNewSync(), expected);
  waiting.release();
  next.release();
});

// Root can make a mount namespace; others can where the kernel gives them a user namespace.
const unshare = root ? ['-m'] : ['-m', '-r'];

if (spawnSync('unshare', [...unshare, 'true']).status === 0) {
  test('a full /dev/shm is ENOSPC at creation, and nothing is left behind', (t) => {
    const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
    const script = `
      const { Disruptor } = await import(${library});
      const { readdirSync, statfsSync } = await import("node:fs");
      const free = () => statfsSync("/dev/shm").bfree;
      const before = free();
      let seen;
      try { new Disruptor("/full", 1_000_000, 4, 1, 0, true, false); } catch (e) { seen = e; }
      const { code, errno, syscall, path, message } = seen ?? {};
      const left = readdirSync("/dev/shm");
      const leaked = before - free();
      new Disruptor("/fits", 100, 4, 1, 0, true, false).release();
      console.log(JSON.stringify({ code, errno, syscall, path, message, left, leaked }));`;
    const run = `"${process.execPath}" --input-type=module -e '${script}'`;
    const command = `mount -t tmpfs -o size=256k tmpfs /dev/shm && exec ${run}`;
    const output = execFileSync('unshare', [...unshare, 'sh', '-c', command], { encoding: 'utf8' });
    t.deepEqual(JSON.parse(output), {
      code: 'ENOSPC',
      errno: -28,
      syscall: 'posix_fallocate',
      path: '/full',
      message: 'Failed to size shared memory object: No space left on device',
      left: [],
      leaked: 0,
    });
  });
}
