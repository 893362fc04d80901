// What the tests of plain memory share: memory that goes when the test ends, and others who use it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { ExecutionContext } from 'ava';
import { SharedMemory } from 'shm-disruptor';
import type { SharedMemoryOpenOptions, SharedMemoryOptions } from 'shm-disruptor';

import { uniqueName } from './fixture.js';
import type { Scope } from './fixture.js';
import type { Part } from './memory-child.js';

/** New memory under a name of its own, closed and removed when the test ends. */
export function newMemory(t: Scope, size = 64, options: SharedMemoryOptions = {}): SharedMemory {
  const memory = SharedMemory.create(uniqueName(t), size, options);
  t.teardown(() => {
    memory.close();
  });
  return memory;
}

/** Another object on it. */
export function another(
  t: Scope,
  { name }: SharedMemory,
  options?: SharedMemoryOpenOptions,
): SharedMemory {
  const memory = SharedMemory.open(name, options);
  t.teardown(() => {
    memory.close();
  });
  return memory;
}

export const wordsOf = (memory: SharedMemory) =>
  new Int32Array(memory.buffer, 0, Math.floor(memory.size / 4));

/** Stores a word and tells of it. */
export function change(memory: SharedMemory, offset: number, value: number): number {
  Atomics.store(wordsOf(memory), offset / 4, value);
  return memory.notify(offset);
}

/** Somebody who uses memory elsewhere. */
export interface Other {
  /** What it says next. */
  heard: () => Promise<unknown>;
  end: () => void;
}

/** Another process. */
export interface OtherProcess extends Other {
  /** Stops it for as long as the test lasts. */
  stop: () => void;
}

type Port = NodeJS.EventEmitter;

async function listen(port: Port, ended: Promise<unknown>, end: () => void): Promise<Other> {
  const messages: unknown[] = [];
  let wake: () => void = () => undefined;
  port.on('message', (message: unknown) => {
    messages.push(message);
    wake();
  });
  let over = false;
  void ended.then(() => {
    over = true;
    wake();
  });
  const heard = async () => {
    while (messages.length === 0 && !over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return messages.length > 0 ? messages.shift() : 'ended';
  };
  const other = { heard, end };
  if ((await heard()) !== 'ready') throw new Error('it did not begin');
  return other;
}

const CHILD = new URL('./memory-child.js', import.meta.url);

/** A process that does its part; resolves when it has begun. */
export async function inProcess(t: ExecutionContext, part: Part, env = {}): Promise<OtherProcess> {
  const child = fork(fileURLToPath(CHILD), [JSON.stringify(part)], {
    env: { ...process.env, ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const other = await listen(child, once(child, 'exit'), () => child.kill('SIGKILL'));
  return { ...other, stop: () => child.kill('SIGSTOP') };
}

/** The same in a worker. */
export function inWorker(t: ExecutionContext, part: Part): Promise<Other> {
  const worker = new Worker(CHILD, { workerData: part });
  t.teardown(() => worker.terminate());
  return listen(worker, once(worker, 'exit'), () => void worker.terminate());
}
