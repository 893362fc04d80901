// The package's JavaScript evaluated more than once in one environment, as test runners with module
// contexts do, or a bundle beside a copy: the binary is then the same for all.
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { succeeds } from './program.js';

const COPIES = 3;
const root = fileURLToPath(new URL('..', import.meta.resolve('shm-disruptor')));

/** A folder in which `dist` is there several times, and everything else once. */
function copies(t: { teardown(done: () => void): void }): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-twice-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  for (const name of readdirSync(root)) {
    if (!['dist', '.git'].includes(name)) symlinkSync(join(root, name), join(folder, name));
  }
  return Array.from({ length: COPIES }, (_, index) => {
    cpSync(join(root, 'dist'), join(folder, `dist-${index}`), { recursive: true });
    return join(folder, `dist-${index}`, 'index.js');
  });
}

const program = (files: string[], body: string) => `
  import { Worker } from 'node:worker_threads';
  // Nothing is found by the look that those who sleep take twice a second: only wakes count.
  globalThis.setInterval = (call, _, ...rest) => setTimeout(call, 2 ** 31 - 1, ...rest);
  const copies = [];
  for (const file of ${JSON.stringify(files)}) copies.push(await import(file));
  ${body}`;

for (const waker of ['', 'thread', 'look']) {
  test(`every copy is woken, has its own errors and ends in peace, with the waker '${waker}'`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const body = `
      const once = async () => {
        const queues = copies.map(({ Queue }) => Queue.create({ capacity: 4096 }));
        for (const [index, { Queue }] of copies.entries()) Queue.unlink(queues[index].name);
        for (let round = 0; round < 3; round += 1) {
          const waits = queues.map((queue) => queue.dequeue());
          await new Promise((resolve) => setTimeout(resolve, 30));
          for (const [index, queue] of queues.entries()) queue.enqueueSync('to ' + index);
          const got = (await Promise.all(waits)).map(String);
          if (got.some((each, index) => each !== 'to ' + index)) throw new Error(got.join());
        }
        for (const [index, { DisruptorError }] of copies.entries()) {
          queues[index].close();
          try {
            queues[index].tryDequeue();
          } catch (error) {
            if (!(error instanceof DisruptorError) || error.code !== 'ERR_RELEASED') throw error;
            continue;
          }
          throw new Error('no error');
        }
      };
      await once();
      // One still waits when the process ends.
      const last = copies[1].Queue.create({ capacity: 4096 });
      copies[1].Queue.unlink(last.name);
      last.unref().dequeue();
      await new Promise((resolve) => setTimeout(resolve, 30));`;
    const args = ['--input-type=module', '--eval', program(copies(t), body)];
    await t.notThrowsAsync(succeeds(t, args, { SHM_DISRUPTOR_WAKER: waker }));
  });
}

test('a worker with several copies is terminated while all of them wait', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const body = `
    const code = \`
      const { parentPort, workerData } = require('node:worker_threads');
      Promise.all(workerData.map((file) => import(file))).then(async (copies) => {
        for (const { Queue } of copies) {
          const queue = Queue.create({ capacity: 4096 });
          Queue.unlink(queue.name);
          queue.dequeue();
        }
        await new Promise((resolve) => setTimeout(resolve, 30));
        parentPort.postMessage('waiting');
      });\`;
    for (let round = 0; round < 3; round += 1) {
      const worker = new Worker(code, { eval: true, execArgv: [], workerData: ${JSON.stringify('FILES')} });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
    }`;
  const files = copies(t);
  const text = program(files, body.replace('"FILES"', JSON.stringify(files)));
  await t.notThrowsAsync(succeeds(t, ['--input-type=module', '--eval', text]));
});
