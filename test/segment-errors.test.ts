// What errors about a segment say: which file, what was attempted, and what to do.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';
import {
  Broadcast,
  Disruptor,
  DisruptorError,
  Queue,
  SharedMemory,
  Ring,
  listSegments,
} from 'shm-disruptor';

import type * as Observing from '../dist/observe/observation.js';
import { uniqueName } from './fixture.js';
import type { Scope } from './fixture.js';

const { observe } = (await import(
  new URL('../../dist/observe/observation.js', import.meta.url).href
)) as typeof Observing;

const SIZES = { elements: 8, elementSize: 4 };

/** Everything that opens, replaces or removes what has the name. */
const OPENERS: Record<string, (name: string, path?: string) => unknown> = {
  'new Disruptor': (name, path) => new Disruptor({ name, ...(path !== undefined && { path }) }),
  'Ring.open': (name, path) => Ring.open(name, path === undefined ? {} : { path }),
  'Queue.open': (name, path) => Queue.open(name, path === undefined ? {} : { path }),
  'Broadcast.open': (name, path) => Broadcast.open(name, path === undefined ? {} : { path }),
  'SharedMemory.open': (name, path) => SharedMemory.open(name, path === undefined ? {} : { path }),
  'SharedMemory.open readOnly': (name, path) =>
    SharedMemory.open(name, { readOnly: true, ...(path !== undefined && { path }) }),
  observe: (name, path) => observe(name, path === undefined ? {} : { path }),
};
const REPLACERS: typeof OPENERS = {
  'new Disruptor, init': (name, path) =>
    new Disruptor({ name, ...SIZES, init: true, ...(path !== undefined && { path }) }),
  unlink: (name, path) => {
    Ring.unlink(name, path === undefined ? {} : { path });
  },
};

function newDirectory(t: Scope): string {
  const directory = mkdtempSync(join(tmpdir(), 'shm-disruptor-errors-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

for (const [how, attempt] of Object.entries({ ...OPENERS, ...REPLACERS })) {
  test(`a foreign file is named, with the way out: ${how}`, (t) => {
    const directory = join(newDirectory(t), "it's here");
    mkdirSync(directory);
    const name = uniqueName(t);
    const quoted = `'${directory.replace("'", String.raw`'\''`)}${name}'`;
    for (const [path, file, argument] of [
      [undefined, `/dev/shm${name}`, `/dev/shm${name}`],
      [directory, `${directory}${name}`, quoted],
    ] as const) {
      writeFileSync(file, Buffer.alloc(8192, 1));
      const error = t.throws<DisruptorError>(() => attempt(name, path), {
        instanceOf: DisruptorError,
        code: 'ERR_SEGMENT_FOREIGN',
      });
      t.is(error.path, file);
      t.is(
        error.message,
        `${file} was not made by shm-disruptor. If shared-memory-disruptor left it, ` +
          `remove it: rm ${argument}`,
      );
      t.true(existsSync(file), 'it is left alone');
      // As small as a segment of that package may be.
      writeFileSync(file, 'small');
      const short = t.throws<DisruptorError>(() => attempt(name, path));
      t.regex(short.code, /^ERR_SEGMENT_(TOO_SHORT|FOREIGN)$/);
      t.is(short.path, file);
      t.true(short.message.endsWith(`remove it: rm ${argument}`), short.message);
    }
  });
}

test('other errors of a segment name its file, too', (t) => {
  const name = uniqueName(t);
  using queue = Queue.create(name, { capacity: 4096 });
  t.is(queue.name, name);
  const path = `/dev/shm${name}`;
  for (const [attempt, code] of [
    [() => Ring.open(name), 'ERR_SEGMENT_KIND'],
    [() => Queue.create(name, { capacity: 4096 }), 'ERR_SEGMENT_EXISTS'],
  ] as const) {
    const error = t.throws<DisruptorError>(attempt, { code });
    t.is(error.path, path);
    t.true(error.message.startsWith(`${path}: `), error.message);
  }
  chmodSync(path, 0o640);
  t.is(t.throws<DisruptorError>(() => Queue.open(name)).path, path);
  chmodSync(path, 0o600);
  const timeout = t.throws<DisruptorError>(() => queue.dequeueSync({ timeout: 1 }));
  t.is(timeout.code, 'ERR_TIMEOUT');
  t.false('path' in timeout);
});

test('errors of the system say what was attempted', (t) => {
  const path = newDirectory(t);
  const name = uniqueName();
  const gone = join(path, 'gone');
  const missing = `No such file or directory: the directory ${gone} is missing`;
  const rows: [attempt: () => unknown, message: string, syscall: string, where: string][] = [
    [
      () => Queue.open(name, { path }),
      'Failed to open shared memory object: No such file or directory',
      'open',
      join(path, name),
    ],
    [
      () => {
        Queue.unlink(name, { path });
      },
      'Failed to remove shared memory object: No such file or directory',
      'open',
      join(path, name),
    ],
    [
      () => Queue.create(name, { capacity: 4096, path: gone }),
      `Failed to create shared memory object: ${missing}`,
      'open',
      join(gone, name),
    ],
    [
      () => Broadcast.create(name, { ...SIZES, path: gone }),
      `Failed to create shared memory object: ${missing}`,
      'open',
      join(gone, name),
    ],
    [
      () => SharedMemory.create(name, 8, { path: gone }),
      `Failed to create shared memory object: ${missing}`,
      'open',
      join(gone, name),
    ],
    [
      () => Queue.open(name, { path: gone }),
      `Failed to open shared memory object: ${missing}`,
      'open',
      join(gone, name),
    ],
    [
      () => listSegments({ path: gone }),
      `Failed to list shared memory objects: ${missing}`,
      'opendir',
      gone,
    ],
  ];
  for (const [attempt, message, syscall, where] of rows) {
    const error = t.throws<NodeJS.ErrnoException>(attempt, { message, code: 'ENOENT' });
    t.like(error, { syscall, path: where, errno: -2 });
  }
});
