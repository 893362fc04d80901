import { execFileSync, spawnSync } from 'node:child_process';

import test from 'ava';

// Root can make a mount namespace; others can where the kernel gives them a user namespace.
const unshare = process.getuid?.() === 0 ? ['-m'] : ['-m', '-r'];

if (spawnSync('unshare', [...unshare, 'true']).status === 0) {
  test('a segment is created, replaced and opened where /proc is not mounted', (t) => {
    const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
    const script = `
      const { SharedMemory } = await import(${library});
      const { readdirSync } = await import("node:fs");
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
