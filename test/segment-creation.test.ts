import { execFileSync, spawnSync } from 'node:child_process';

import test from 'ava';
import { Broadcast, Queue, Ring } from 'shm-disruptor';

import type * as Addon from '../dist/native/addon.js';
import { uniqueName } from './fixture.js';

const { addon } = (await import(
  new URL('../../dist/native/addon.js', import.meta.url).href
)) as typeof Addon;

// What `constants.MAX_LENGTH` is elsewhere: Node 20 has a lower limit than newer ones.
const limits = { ring: 8 * 4, queue: 2 * 4096, broadcast: 4 * 32 };
const kinds = { ring: 1, queue: 2, broadcast: 3 };

for (const kind of ['ring', 'queue', 'broadcast'] as const) {
  test(`${kind}: more elements than this Node can see at once are ERR_SEGMENT_TOO_LARGE`, async (t) => {
    const name = uniqueName(t);
    if (kind === 'ring') Ring.create(name, { elements: 8, elementSize: 4 }).close();
    if (kind === 'queue') Queue.create(name, { capacity: 4096 }).close();
    if (kind === 'broadcast') Broadcast.create(name, { elements: 4, elementSize: 16 }).close();
    const open = (most: number) => {
      const file = name.slice(1);
      if (kind === 'broadcast')
        return [addon.openPublisher, addon.openPublisherAsync].map(
          (call) => () => call(file, most),
        );
      return [addon.openRing, addon.openRingAsync].map(
        (call) => () => call(file, kinds[kind], most, 0, 0, new Float64Array(8)),
      );
    };
    const tooLarge = { name: 'DisruptorError', code: 'ERR_SEGMENT_TOO_LARGE' };
    for (const call of open(limits[kind] - 1)) {
      await t.throwsAsync(async () => call(), tooLarge);
    }
    for (const call of open(limits[kind])) {
      const made = await call();
      t.is(made.elements.byteLength, limits[kind]);
    }
  });
}

// Where the scripts of other processes begin.
const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
const begin = `
  const { Broadcast, SharedMemory } = await import(${library});
  const { closeSync, existsSync, openSync, readdirSync } = await import("node:fs");`;

test('a broadcast that its creator cannot open after all has no name', (t) => {
  const name = uniqueName(t);
  const script = `${begin}
    const name = ${JSON.stringify(name)};
    const create = () => Broadcast.create(name, { elements: 4, elementSize: 8 });
    create().close();
    Broadcast.unlink(name);
    const open = [];
    try { for (;;) open.push(openSync("/dev/null")); } catch {}
    // Each of the publisher and the subscriber takes one, and opening the subscriber another.
    const seen = [];
    while (!existsSync("/dev/shm" + name)) {
      closeSync(open.pop());
      try { create(); } catch ({ code }) { seen.push(code, existsSync("/dev/shm" + name)); }
    }
    console.log(JSON.stringify(seen));`;
  const args = ['--input-type=module', '-e', script];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
  t.deepEqual(JSON.parse(output), ['EMFILE', false, 'EMFILE', false]);
});

// Root can make a mount namespace; others can where the kernel gives them a user namespace.
const unshare = process.getuid?.() === 0 ? ['-m'] : ['-m', '-r'];

if (spawnSync('unshare', [...unshare, 'true']).status === 0) {
  test('a segment is created, replaced and opened where /proc is not mounted', (t) => {
    const script = `${begin}
      const first = SharedMemory.create("/without", 8);
      const refused = (() => {
        try { SharedMemory.create("/without", 8); } catch (error) { return error.code; }
      })();
      const second = SharedMemory.create("/without", 8, { existing: "replace" });
      new Int32Array(second.buffer)[0] = 7;
      const seen = SharedMemory.open("/without").load(0);
      console.log(JSON.stringify({
        proc: readdirSync("/proc"), refused, seen, replaced: first.replaced,
        left: readdirSync("/dev/shm"),
      }));`;
    const run = `"${process.execPath}" --input-type=module -e '${script}'`;
    const command = `mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc && exec ${run}`;
    const output = execFileSync('unshare', [...unshare, 'sh', '-c', command], { encoding: 'utf8' });
    t.deepEqual(JSON.parse(output), {
      proc: [],
      refused: 'ERR_SEGMENT_EXISTS',
      seen: 7,
      replaced: true,
      left: ['without'],
    });
  });
}
