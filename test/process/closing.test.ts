// Memory that is closed while a request, a transfer or another thread still has it.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast, Disruptor, Queue, SharedMemory, Ring } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { collectUntil } from '../garbage.js';
import { KINDS } from './closing-uses.js';
import { succeeds } from './program.js';

const library = JSON.stringify(import.meta.resolve('shm-disruptor'));
const program = fileURLToPath(new URL('closing-child.js', import.meta.url));

async function survives(t: ExecutionContext, args: string[]): Promise<void> {
  t.timeout(WATCHDOG_MILLISECONDS);
  await t.notThrowsAsync(succeeds(t, args));
}

for (const kind of KINDS) {
  test(`a ${kind} is closed under requests of every kind`, (t) =>
    survives(t, [program, kind, 'here']));
  test(`a worker ends with a ${kind} under requests of every kind`, (t) =>
    survives(t, [program, kind, 'worker']));
}

/** Asks whether this process has mapped the segment of that name, which is there now. */
function mappingOf(name: string): () => boolean {
  const inode = String(statSync(join('/dev/shm', name)).ino);
  return () =>
    readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .some((line) => line.split(/ +/)[4] === inode);
}

/** One of each kind under that name: what closes it. */
const HOLDERS: Record<string, (name: string) => { close(): void }> = {
  ring: (name) => Ring.create(name, { elements: 8, elementSize: 64 }),
  'compatible object': (name) => {
    const ring = new Disruptor({ name, elements: 8, elementSize: 64, consumers: 1, init: true });
    return {
      close: () => {
        ring.release();
      },
    };
  },
  producer: (name) => {
    const ring = Ring.create(name, { elements: 8, elementSize: 64 });
    const producer = ring.producer();
    ring.close();
    return producer;
  },
  queue: (name) => Queue.create(name, { capacity: 4096 }),
  broadcast: (name) => {
    const broadcast = Broadcast.create(name, { elements: 8, elementSize: 64 });
    broadcast.publish('x');
    return broadcast;
  },
  subscription: (name) => {
    const broadcast = Broadcast.create(name, { elements: 8, elementSize: 64 });
    const subscription = broadcast.subscribe();
    broadcast.close();
    return subscription;
  },
  memory: (name) => {
    const memory = SharedMemory.create(name, 4096);
    return {
      close: () => {
        memory.close();
      },
      buffer: memory.buffer,
      view: memory.view(8, 8),
    };
  },
  'memory to be read': (name) => {
    SharedMemory.create(name, 4096).close();
    return SharedMemory.open(name, { readOnly: true });
  },
};

for (const [what, hold] of Object.entries(HOLDERS)) {
  test(`a ${what} that is closed gives its memory back at once`, (t) => {
    const name = uniqueName(t);
    const holder = hold(name);
    const mapped = mappingOf(name);
    t.true(mapped());
    holder.close();
    t.false(mapped());
  });
}

test('closing gives the memory back although a wait was sleeping', async (t) => {
  const memory = SharedMemory.create(uniqueName(t), 4096);
  const wait = memory.wait(0, 0);
  const other = SharedMemory.open(memory.name);
  // The event loop has gone from polling the word to watching it.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const mapped = mappingOf(memory.name);
  other.close();
  memory.close();
  await t.throwsAsync(wait, { code: 'ERR_RELEASED' });
  t.true(await collectUntil(() => !mapped()));
});

test('the addresses are given back when nothing can reach them any more', (t) =>
  survives(t, [
    '--expose-gc',
    '--input-type=module',
    '--eval',
    `import { readFileSync } from 'node:fs';
     import { setImmediate } from 'node:timers/promises';
     import { SharedMemory } from ${library};
     const SIZE = 64 << 20;
     const kilobytes = () => Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
     const before = kilobytes();
     for (let i = 0; i < 16; i += 1) {
       const memory = SharedMemory.create(SIZE);
       memory.unlink();
       if (memory.buffer.byteLength !== SIZE) throw new Error('wrong size');
       memory.close();
     }
     // Finalizers run between turns of the event loop. One ArrayBuffer may still be on the stack.
     for (let i = 0; i < 100 && kilobytes() - before > 2 * SIZE / 1024; i += 1) {
       gc();
       await setImmediate();
     }
     if (kilobytes() - before > 2 * SIZE / 1024) throw new Error('still ' + (kilobytes() - before));`,
  ]));

test('a view that was transferred reads as zeros after closing', (t) => {
  const memory = SharedMemory.create(uniqueName(t), 4096);
  const buffer = memory.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  const bytes = new Uint8Array(buffer.transfer?.() ?? buffer);
  bytes.fill(7);
  memory.close();
  // Node 20 cannot transfer: there it is empty.
  t.true(bytes.length === 0 || bytes.every((byte) => byte === 0));
});

for (const closing of [true, false]) {
  test(`a view that was posted to another thread outlives its owner's ${closing ? 'close' : 'end'}`, (t) =>
    survives(t, [
      '--input-type=module',
      '--eval',
      `import { Worker } from 'node:worker_threads';
       import { once } from 'node:events';
       const worker = new Worker(\`
         const { parentPort } = require('node:worker_threads');
         import(${library}).then(({ SharedMemory }) => {
           const memory = SharedMemory.create(1 << 20);
           memory.unlink();
           let bytes = new Uint8Array(memory.buffer).fill(7).buffer;
           try {
             if (bytes.transfer) bytes = bytes.transfer();
             parentPort.postMessage(bytes, [bytes]);
           } catch {
             parentPort.postMessage(new ArrayBuffer(1 << 20));
           }
           if (${closing}) memory.close();
         });\`, { eval: true, execArgv: [] });
       const ended = once(worker, 'exit');
       const [buffer] = await once(worker, 'message');
       await ended;
       const bytes = new Uint8Array(buffer);
       if (bytes.length !== 1 << 20) throw new Error('wrong length');
       if (!bytes.every((byte) => byte === 7 || byte === 0)) throw new Error('foreign bytes');`,
    ]));
}
