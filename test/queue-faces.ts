// The three faces of a Queue behind one shape, so that one suite runs over all of them.
import type { BytesInput, Message, Queue, Space, WaitOptions } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { given, settled } from './settling.js';

/** The methods that come as promise, with a callback and as `*Sync`. */
export interface QueueFace {
  readonly name: string;
  enqueue(queue: Queue, value: BytesInput, options?: WaitOptions): Promise<number>;
  claim(queue: Queue, length: number, options?: WaitOptions): Promise<Space>;
  enqueueMany(queue: Queue, values: Iterable<BytesInput>, options?: WaitOptions): Promise<number>;
  enqueuePacked(
    queue: Queue,
    bytes: Uint8Array,
    lengths: Uint32Array,
    options?: WaitOptions,
  ): Promise<number>;
  dequeue(queue: Queue, options?: WaitOptions): Promise<Buffer>;
  dequeueInto(queue: Queue, target: Uint8Array, options?: WaitOptions): Promise<number>;
  dequeueMany(queue: Queue, max: number, options?: WaitOptions): Promise<Buffer[]>;
  dequeuePacked(
    queue: Queue,
    target: Uint8Array,
    lengths: Uint32Array,
    options?: WaitOptions,
  ): Promise<number>;
  receive(queue: Queue, options?: WaitOptions): Promise<Message<Buffer>>;
}

export const promises: QueueFace = {
  name: 'promise',
  enqueue: (queue, value, options) => queue.enqueue(value, options),
  claim: (queue, length, options) => queue.claim(length, options),
  enqueueMany: (queue, values, options) => queue.enqueueMany(values, options),
  enqueuePacked: (queue, bytes, lengths, options) => queue.enqueuePacked(bytes, lengths, options),
  dequeue: (queue, options) => queue.dequeue(options),
  dequeueInto: (queue, target, options) => queue.dequeue(target, options),
  dequeueMany: (queue, max, options) => queue.dequeueMany(max, options),
  dequeuePacked: (queue, target, lengths, options) => queue.dequeuePacked(target, lengths, options),
  receive: (queue, options) => queue.receive(options),
};

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
  enqueuePacked: (queue, bytes, lengths, options) =>
    given((done) => {
      if (options) queue.enqueuePacked(bytes, lengths, options, done);
      else queue.enqueuePacked(bytes, lengths, done);
    }),
  dequeuePacked: (queue, target, lengths, options) =>
    given((done) => {
      if (options) queue.dequeuePacked(target, lengths, options, done);
      else queue.dequeuePacked(target, lengths, done);
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
  dequeueInto: (queue, target, options) =>
    given((done) => {
      if (options) queue.dequeue(target, options, done);
      else queue.dequeue(target, done);
    }),
  receive: (queue, options) =>
    given((done) => {
      if (options) queue.receive(options, done);
      else queue.receive(done);
    }),
};

/** Blocks the thread, so that every wait has an end. */
const bounded = (options?: WaitOptions) => ({ timeout: WATCHDOG_MILLISECONDS, ...options });

export const syncs: QueueFace = {
  name: 'sync',
  enqueue: (queue, value, options) => settled(() => queue.enqueueSync(value, bounded(options))),
  claim: (queue, length, options) => settled(() => queue.claimSync(length, bounded(options))),
  enqueueMany: (queue, values, options) =>
    settled(() => queue.enqueueManySync(values, bounded(options))),
  enqueuePacked: (queue, bytes, lengths, options) =>
    settled(() => queue.enqueuePackedSync(bytes, lengths, bounded(options))),
  dequeue: (queue, options) => settled(() => queue.dequeueSync(bounded(options))),
  dequeueInto: (queue, target, options) =>
    settled(() => queue.dequeueSync(target, bounded(options))),
  dequeueMany: (queue, max, options) => settled(() => queue.dequeueManySync(max, bounded(options))),
  dequeuePacked: (queue, target, lengths, options) =>
    settled(() => queue.dequeuePackedSync(target, lengths, bounded(options))),
  receive: (queue, options) => settled(() => queue.receiveSync(bounded(options))),
};

/** The faces that wait without blocking the thread. */
export const patient: readonly QueueFace[] = [promises, callbacks];
