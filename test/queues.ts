// What the tests of queues share: queues that go when the test ends, their faces, and others who hold
// messages and die.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';
import type { QueueOptions } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Scope } from './fixture.js';
import { patient, syncs } from './queue-faces.js';
import type { QueueFace } from './queue-faces.js';

export { patient } from './queue-faces.js';

/** Cells that a queue of one page has; a message of up to 24 bytes takes one of them. */
export const CELLS = 128;
/** The longest message that one cell has room for. */
export const ONE_CELL = 24;
/** The longest message that such a queue has room for. */
export const LONGEST = 4096 - 8;

/** A new queue of bytes under a name of its own, closed and removed when the test ends. */
export function newQueue(
  t: Scope,
  options: Omit<QueueOptions<never>, 'encoding'> = { capacity: 4096 },
): Queue {
  const queue = Queue.create(uniqueName(t), options);
  t.teardown(() => {
    queue.close();
  });
  return queue;
}

/** Another object on it. */
export function another(t: Scope, { name }: Queue): Queue {
  const queue = Queue.open(name);
  t.teardown(() => {
    queue.close();
  });
  return queue;
}

/** All that there is to be had now, as text. */
export function rest(queue: Queue): string[] {
  const messages = [];
  for (let bytes = queue.tryDequeue(); bytes; bytes = queue.tryDequeue()) {
    messages.push(bytes.toString());
  }
  return messages;
}

/** Sends `text`s of one cell until there is no room for another. */
export function fill(queue: Queue, text = 'x'): number {
  let count = 0;
  while (queue.tryEnqueue(text)) count += 1;
  return count;
}

/** One test for each face. */
export function overQueueFaces(
  title: string,
  body: (t: ExecutionContext, face: QueueFace) => Promise<void>,
  over: readonly QueueFace[] = [...patient, syncs],
): void {
  for (const face of over) {
    test(`${title} (${face.name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, face);
    });
  }
}

const HOLDER = new URL('./queue-holder.js', import.meta.url);

/** Somebody who has received messages and does nothing with them. */
export interface Holder {
  /** Ends it at once: `kill -9`, or `terminate()`. */
  end(): Promise<void>;
}

async function process(t: Scope, { name }: Queue, count: number): Promise<Holder> {
  const child = fork(fileURLToPath(HOLDER), [name, String(count)]);
  const gone = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  t.teardown(end);
  await once(child, 'message');
  return { end };
}

async function thread(t: Scope, { name }: Queue, count: number): Promise<Holder> {
  const worker = new Worker(HOLDER, { workerData: [name, count] });
  const end = async () => {
    await worker.terminate();
  };
  t.teardown(end);
  await once(worker, 'message');
  return { end };
}

/** Each has received so many messages. */
export const holders = { process, thread };
