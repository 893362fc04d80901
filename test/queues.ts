// What the tests of queues share: queues that go when the test ends, their faces, and others who hold
// messages and die.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';
import type { Bytes, Callback, Message, QueueOptions, Space, WaitOptions } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Scope } from './fixture.js';

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

/** The methods that come as promise, with a callback and as `*Sync`. */
export interface QueueFace {
  readonly name: string;
  enqueue(queue: Queue, value: Bytes, options?: WaitOptions): Promise<number>;
  claim(queue: Queue, length: number, options?: WaitOptions): Promise<Space>;
  enqueueMany(queue: Queue, values: Iterable<Bytes>, options?: WaitOptions): Promise<number>;
  dequeue(queue: Queue, options?: WaitOptions): Promise<Buffer>;
  dequeueMany(queue: Queue, max: number, options?: WaitOptions): Promise<Buffer[]>;
  receive(queue: Queue, options?: WaitOptions): Promise<Message<Buffer>>;
}

export const promises: QueueFace = {
  name: 'promise',
  enqueue: (queue, value, options) => queue.enqueue(value, options),
  claim: (queue, length, options) => queue.claim(length, options),
  enqueueMany: (queue, values, options) => queue.enqueueMany(values, options),
  dequeue: (queue, options) => queue.dequeue(options),
  dequeueMany: (queue, max, options) => queue.dequeueMany(max, options),
  receive: (queue, options) => queue.receive(options),
};

/** A promise of what a callback is given. What the call itself throws rejects it, too. */
function given<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let returned = false;
    call((error, result) => {
      if (!returned) reject(new Error('called back before the method had returned'));
      if (error) reject(error);
      else resolve(result);
    });
    returned = true;
  });
}

export const callbacks: QueueFace = {
  name: 'callback',
  enqueue: (queue, value, options) =>
    given((done) => {
      if (options) queue.enqueue(value, options, done);
      else queue.enqueue(value, done);
    }),
  claim: (queue, length, options) =>
    given((done) => {
      if (options) queue.claim(length, options, done);
      else queue.claim(length, done);
    }),
  enqueueMany: (queue, values, options) =>
    given((done) => {
      if (options) queue.enqueueMany(values, options, done);
      else queue.enqueueMany(values, done);
    }),
  dequeueMany: (queue, max, options) =>
    given((done) => {
      if (options) queue.dequeueMany(max, options, done);
      else queue.dequeueMany(max, done);
    }),
  dequeue: (queue, options) =>
    given((done) => {
      if (options) queue.dequeue(options, done);
      else queue.dequeue(done);
    }),
  receive: (queue, options) =>
    given((done) => {
      if (options) queue.receive(options, done);
      else queue.receive(done);
    }),
};

/** A promise of what `call` returns or throws. */
function settled<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(call());
  });
}

/** Blocks the thread, so that every wait has an end. */
const bounded = (options?: WaitOptions) => ({ timeout: WATCHDOG_MILLISECONDS, ...options });

export const syncs: QueueFace = {
  name: 'sync',
  enqueue: (queue, value, options) => settled(() => queue.enqueueSync(value, bounded(options))),
  claim: (queue, length, options) => settled(() => queue.claimSync(length, bounded(options))),
  enqueueMany: (queue, values, options) =>
    settled(() => queue.enqueueManySync(values, bounded(options))),
  dequeue: (queue, options) => settled(() => queue.dequeueSync(bounded(options))),
  dequeueMany: (queue, max, options) => settled(() => queue.dequeueManySync(max, bounded(options))),
  receive: (queue, options) => settled(() => queue.receiveSync(bounded(options))),
};

/** The faces that wait without blocking the thread. */
export const patient: readonly QueueFace[] = [promises, callbacks];

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
