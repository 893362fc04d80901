// Several messages at a time, one behind the other in memory.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';
import type { PartialSendError } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import {
  another,
  CELLS,
  fill,
  holders,
  newQueue,
  ONE_CELL,
  overQueueFaces,
  patient,
  rest,
} from './queues.js';
import type { QueueFace } from './queue-faces.js';

/** As arguments of `enqueuePacked`. */
function packed(texts: readonly string[]): [Buffer, Uint32Array] {
  const messages = texts.map((text) => Buffer.from(text));
  return [Buffer.concat(messages), Uint32Array.from(messages, ({ length }) => length)];
}

/** `count` of them from `target`. */
function unpacked(target: Uint8Array, lengths: Uint32Array, count: number): string[] {
  let end = 0;
  return Array.from(lengths.subarray(0, count), (length) => {
    end += length;
    return Buffer.from(target.subarray(end - length, end)).toString();
  });
}

/** What one call receives. */
async function received(face: QueueFace, queue: Queue, bytes = 4096, most = 1000) {
  const [target, lengths] = [Buffer.alloc(bytes), new Uint32Array(most)];
  return unpacked(target, lengths, await face.dequeuePacked(queue, target, lengths));
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
const TEXTS = ['', 'a', 'x'.repeat(ONE_CELL), 'y'.repeat(ONE_CELL + 1), '', 'z'.repeat(1000), 'ü'];

overQueueFaces('packed messages come out as they were, together or alone', async (t, face) => {
  const queue = newQueue(t);
  for (let round = 0; round < 10; round += 1) {
    const last = await face.enqueuePacked(queue, ...packed(TEXTS));
    t.is(await face.enqueue(queue, 'alone'), last + 1);
    t.deepEqual(await received(face, queue), [...TEXTS, 'alone']);
    await face.enqueueMany(queue, TEXTS);
    t.deepEqual(await received(face, queue, 4096, 2), TEXTS.slice(0, 2));
    t.deepEqual(rest(queue), TEXTS.slice(2));
  }
  t.is(await face.enqueuePacked(queue, ...packed([])), -1);
  t.is(queue.stats().unread, 0);
});

overQueueFaces(
  'what lies behind the last message, or message, is left as it is',
  async (t, face) => {
    const queue = newQueue(t);
    await face.enqueuePacked(queue, Buffer.from('abcdefgh'), Uint32Array.of(1, 3));
    const target = Buffer.alloc(6, '.');
    const lengths = new Uint32Array(4).fill(77);
    t.is(await face.dequeuePacked(queue, target, lengths), 2);
    t.is(target.toString(), 'abcd..');
    t.deepEqual([...lengths], [1, 3, 77, 77]);
  },
);

overQueueFaces('arrays in the middle of other memory', async (t, face) => {
  const queue = newQueue(t);
  const memory = new ArrayBuffer(64);
  const bytes = new Uint8Array(memory, 3, 5);
  bytes.set(Buffer.from('hello'));
  await face.enqueuePacked(queue, bytes, new Uint32Array(memory, 16, 2).fill(2));
  const shared = new SharedArrayBuffer(64);
  const target = new Uint8Array(shared, 1, 4);
  t.is(await face.dequeuePacked(queue, target, new Uint32Array(shared, 32, 8)), 2);
  t.is(Buffer.from(new Uint8Array(shared, 0, 6)).toString(), '\0hell\0');
});

overQueueFaces(
  'waits for a message, and takes as many as come',
  async (t, face) => {
    const queue = newQueue(t);
    const waiting = received(face, queue);
    t.true(await staysPending(waiting));
    await face.enqueuePacked(queue, ...packed(['a', 'b']));
    t.deepEqual(await waiting, ['a', 'b']);
  },
  patient,
);

overQueueFaces(
  'packed messages wake as many as they are',
  async (t, face) => {
    const queue = newQueue(t);
    const others = [another(t, queue), another(t, queue), another(t, queue)];
    const waiting = others.map((other) => face.dequeue(other));
    t.true(await staysPending(Promise.race(waiting)));
    await face.enqueuePacked(queue, ...packed(['a', 'b', 'c']));
    t.deepEqual((await Promise.all(waiting)).map(String).sort(), ['a', 'b', 'c']);
  },
  patient,
);

overQueueFaces('as many as fit, and the next is the next again', async (t, face) => {
  const queue = newQueue(t);
  await face.enqueueMany(queue, ['one', 'two', 'three', '', 'four']);
  t.deepEqual(await received(face, queue, 7), ['one', 'two']);
  await t.throwsAsync(() => received(face, queue, 4), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /at least 5 bytes for target/,
  });
  t.deepEqual(await received(face, queue, 5), ['three', '']);
  t.deepEqual(await received(face, queue, 4), ['four']);
  t.is(queue.stats().held, 0);
});

overQueueFaces('a timeout, or an abort, takes nothing', async (t, face) => {
  const queue = newQueue(t);
  const target = Buffer.alloc(10, '.');
  const lengths = new Uint32Array(3);
  const late = { timeout: 1 };
  await t.throwsAsync(() => face.dequeuePacked(queue, target, lengths, late), {
    code: 'ERR_TIMEOUT',
  });
  if (face.name !== 'sync') {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = face.dequeuePacked(queue, target, lengths, { signal });
    controller.abort();
    await t.throwsAsync(waiting, { name: 'AbortError' });
  }
  await face.enqueuePacked(queue, ...packed(['a', 'b']));
  t.is(target.toString(), '.'.repeat(10));
  t.deepEqual(rest(queue), ['a', 'b']);
});

overQueueFaces('packed messages beyond the room say how many were sent', async (t, face) => {
  const queue = newQueue(t);
  fill(queue);
  for (let i = 0; i < 3; i += 1) queue.tryDequeue();
  const error = await t.throwsAsync<PartialSendError>(
    () => face.enqueuePacked(queue, ...packed(['a', 'b', 'c', 'd']), { timeout: 1 }),
    { code: 'ERR_TIMEOUT' },
  );
  t.is(error.sent, 3);
  t.deepEqual(rest(queue).slice(-3), ['a', 'b', 'c']);
  t.is(await face.enqueuePacked(queue, ...packed(['x', 'y']), { timeout: 0 }), CELLS + 4);
  t.deepEqual(rest(queue), ['x', 'y']);
});

overQueueFaces(
  'packed messages wait for room in the middle, and keep their place',
  async (t, face) => {
    const queue = newQueue(t);
    const other = another(t, queue);
    const sending = [
      face.enqueuePacked(queue, ...packed(numbers(5 * CELLS))),
      face.enqueue(queue, 'after'),
      face.enqueuePacked(queue, ...packed(['a', 'b'])),
    ];
    t.true(await staysPending(Promise.race(sending)));
    const got: string[] = [];
    while (got.length < 5 * CELLS + 3) got.push(...(await received(face, other)));
    t.deepEqual(got, [...numbers(5 * CELLS), 'after', 'a', 'b']);
    t.deepEqual(await Promise.all(sending), [5 * CELLS - 1, 5 * CELLS, 5 * CELLS + 2]);
  },
  patient,
);

overQueueFaces(
  'packed messages that are aborted in the middle',
  async (t, face) => {
    const queue = newQueue(t);
    const controller = new AbortController();
    const { signal } = controller;
    const sending = face.enqueuePacked(queue, ...packed(numbers(CELLS + 5)), { signal });
    const behind = face.enqueuePacked(queue, ...packed(['behind']));
    t.true(await staysPending(sending));
    controller.abort();
    const error = await t.throwsAsync(sending, { name: 'AbortError' });
    t.like(error, { sent: CELLS });
    t.deepEqual(rest(queue), numbers(CELLS));
    await behind;
    t.deepEqual(rest(queue), ['behind']);
  },
  patient,
);

test('trying: those for which there is room', (t) => {
  const queue = newQueue(t);
  t.is(queue.tryEnqueuePacked(...packed(numbers(CELLS + 5))), CELLS);
  t.is(queue.tryEnqueuePacked(...packed(['late'])), 0);
  const [target, lengths] = [Buffer.alloc(4096), new Uint32Array(1000)];
  t.is(queue.tryDequeuePacked(target, lengths), CELLS);
  t.deepEqual(unpacked(target, lengths, CELLS), numbers(CELLS));
  t.is(queue.tryDequeuePacked(target, lengths), 0);
});

overQueueFaces('an encoding has no part in it', async (t, face) => {
  const raw = newQueue(t);
  const queue = Queue.open(raw.name, { encoding: 'json' }) as unknown as Queue;
  t.teardown(() => {
    queue.close();
  });
  await face.enqueuePacked(queue, ...packed(['{"a":1}', '7']));
  t.deepEqual(await face.dequeueMany(queue, 10), [{ a: 1 }, 7] as never);
  await face.enqueue(queue, 'x');
  t.deepEqual(await received(face, queue), ['"x"']);
});

overQueueFaces('bad arrays', async (t, face) => {
  const queue = newQueue(t, { capacity: 4096, maxMessage: 100 });
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' };
  const bytes = Buffer.alloc(200);
  const none = new Uint32Array(0);
  for (const wrong of [undefined, 'x', [1], new Uint16Array(4), bytes.buffer, none]) {
    await t.throwsAsync(() => face.enqueuePacked(queue, wrong as never, Uint32Array.of(1)), type);
    await t.throwsAsync(() => face.dequeuePacked(queue, wrong as never, Uint32Array.of(1)), type);
  }
  for (const wrong of [undefined, 7, [1], bytes, new Float64Array(2)]) {
    await t.throwsAsync(() => face.enqueuePacked(queue, bytes, wrong as never), type);
    await t.throwsAsync(() => face.dequeuePacked(queue, bytes, wrong as never), type);
  }
  for (const lengths of [[101], [100, 100, 1], [1, 0xffff_ffff]]) {
    const sending = () => face.enqueuePacked(queue, bytes, Uint32Array.from(lengths));
    await t.throwsAsync(sending, range);
    t.throws(() => queue.tryEnqueuePacked(bytes, Uint32Array.from(lengths)), range);
  }
  t.is(queue.stats().unread, 0, 'nothing is sent of what is wrong somewhere');
  const disguised = new Uint8Array(400);
  Object.setPrototypeOf(disguised, Uint32Array.prototype);
  await t.throwsAsync(() => face.enqueuePacked(queue, bytes, disguised as never), type);
  await t.throwsAsync(() => face.dequeuePacked(queue, bytes, disguised as never), type);
  queue.tryEnqueue('x');
  await t.throwsAsync(() => face.dequeuePacked(queue, bytes, none), range);
  t.throws(() => queue.tryDequeuePacked(bytes, none), range);
  t.deepEqual(rest(queue), ['x']);
});

overQueueFaces(
  'arrays that change under way are not believed',
  async (t, face) => {
    const queue = newQueue(t);
    const changing = packed(numbers(CELLS + 10));
    const sending = face.enqueuePacked(queue, ...changing);
    t.true(await staysPending(sending));
    changing[1].fill(1000);
    t.deepEqual(rest(queue), numbers(CELLS));
    const error = await t.throwsAsync(sending, { code: 'ERR_OUT_OF_RANGE' });
    t.like(error, { sent: CELLS });
    // Given away: some of them are sent before, or none.
    for (const [sent, array] of [
      [CELLS, 0],
      [CELLS, 1],
      [0, 0],
      [0, 1],
    ] as const) {
      if (sent === 0) fill(queue);
      const given = packed(numbers(CELLS + 10));
      const [bytes, lengths] = [Uint8Array.from(given[0]), given[1]];
      const failing = face.enqueuePacked(queue, bytes, lengths);
      t.true(await staysPending(failing));
      const { buffer } = array === 0 ? bytes : lengths;
      structuredClone(buffer, { transfer: [buffer] });
      queue.tryDequeue();
      t.like(await t.throwsAsync(failing, { code: 'ERR_OUT_OF_RANGE' }), { sent });
      rest(queue);
    }
    const lengths = new Uint32Array(3);
    const waiting = face.dequeuePacked(queue, Buffer.alloc(10), lengths);
    t.true(await staysPending(waiting));
    structuredClone(lengths, { transfer: [lengths.buffer] });
    queue.tryEnqueue('x');
    await t.throwsAsync(waiting, { code: 'ERR_OUT_OF_RANGE' });
    t.deepEqual(rest(queue), ['x']);
  },
  patient,
);

overQueueFaces('after closing', async (t, face) => {
  const queue = newQueue(t);
  queue.close();
  const code = { code: 'ERR_RELEASED' };
  await t.throwsAsync(() => face.enqueuePacked(queue, ...packed(['x'])), code);
  await t.throwsAsync(() => received(face, queue), code);
  t.throws(() => queue.tryEnqueuePacked(...packed(['x'])), code);
  t.throws(() => queue.tryDequeuePacked(Buffer.alloc(9), new Uint32Array(1)), code);
});

for (const [how, hold] of Object.entries(holders)) {
  test(`what another ${how} held comes with the rest once it is dead`, async (t: ExecutionContext) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const queue = newQueue(t);
    queue.tryEnqueuePacked(...packed(numbers(10)));
    const holder = await hold(t, queue, 3);
    await holder.end();
    const [target, lengths] = [Buffer.alloc(4096), new Uint32Array(100)];
    const got: string[] = [];
    while (got.length < 10) {
      const count = await queue.dequeuePacked(target, lengths);
      got.push(...unpacked(target, lengths, count));
    }
    t.deepEqual([...got].sort(), numbers(10));
    t.is(queue.stats().held, 0);
  });
}
