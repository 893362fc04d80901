// Messages that cannot be decoded, in every way of receiving.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { DisruptorError, Queue, QueueReadStream, UnreadableMessageError } from 'shm-disruptor';
import type { Message, QueueOpenOptions } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { fill, newQueue, rest } from './queues.js';
import { given, settled } from './settling.js';
import { failure, unreadable } from './unreadable.js';

type Values = Queue<unknown, unknown>;

const wait = { timeout: WATCHDOG_MILLISECONDS };
const first = ([value]: unknown[]) => value;
const done = (message: Message<unknown>) => {
  message.ack();
  return message.data;
};

async function streamed(queue: Values): Promise<unknown> {
  const stream = new QueueReadStream(queue);
  const [value] = (await once(stream, 'data')) as [unknown];
  stream.destroy();
  return value;
}

async function looped(queue: Values): Promise<unknown> {
  for await (const value of queue) return value;
  return undefined;
}

/** Each takes one message. */
const ways: Record<string, (queue: Values) => Promise<unknown>> = {
  dequeue: (queue) => queue.dequeue(wait),
  'dequeue, callback': (queue) =>
    given((callback) => {
      queue.dequeue(wait, callback);
    }),
  dequeueSync: (queue) => settled(() => queue.dequeueSync(wait)),
  tryDequeue: (queue) => settled(() => queue.tryDequeue()),
  dequeueMany: (queue) => queue.dequeueMany(1, wait).then(first),
  'dequeueMany, callback': (queue) =>
    given<unknown[]>((callback) => {
      queue.dequeueMany(1, wait, callback);
    }).then(first),
  dequeueManySync: (queue) => settled(() => first(queue.dequeueManySync(1, wait))),
  receive: (queue) => queue.receive(wait).then(done),
  'receive, callback': (queue) =>
    given<Message<unknown>>((callback) => {
      queue.receive(wait, callback);
    }).then(done),
  receiveSync: (queue) => settled(() => done(queue.receiveSync(wait))),
  tryReceive: (queue) => settled(() => done(queue.tryReceive()!)),
  'for await': looped,
  QueueReadStream: streamed,
};

/** One test for each way. */
function overWays(
  title: string,
  body: (t: ExecutionContext, take: (queue: Values) => Promise<unknown>) => Promise<void>,
): void {
  for (const [name, take] of Object.entries(ways)) {
    test(`${title} (${name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, take);
    });
  }
}

/** A queue that others take for one of JSON, with something in it that is not. */
function poisoned(t: ExecutionContext, ...texts: string[]): Queue {
  const raw = newQueue(t);
  for (const text of texts) raw.tryEnqueue(text);
  return raw;
}

function asJson(
  t: ExecutionContext,
  { name }: Queue,
  options: QueueOpenOptions<never> = {},
): Values {
  const queue = Queue.open(name, { ...options, encoding: 'json' });
  t.teardown(() => {
    queue.close();
  });
  return queue;
}

overWays('is tried maxDeliveries times, and goes to the dead letters', async (t, take) => {
  const raw = poisoned(t, '{', '[7]');
  const dead = newQueue(t);
  const queue = asJson(t, raw, { maxDeliveries: 3 });
  queue.deadLetters = dead;
  for (let tries = 0; tries < 3; tries += 1) {
    const error = await failure(() => take(queue));
    t.like(error, unreadable('queue', raw.name, 0));
    t.true(error instanceof DisruptorError);
    t.true(error.cause instanceof SyntaxError);
    t.true(error.message.startsWith(`Message 0 of queue '${raw.name}'`), error.message);
    t.deepEqual(rest(dead), []);
  }
  t.deepEqual(await take(queue), [7]);
  t.deepEqual(rest(dead), ['{']);
  t.is(raw.stats().free, 4096);
});

test('what is thrown and is no Error is told as well', (t) => {
  const raw = newQueue(t);
  const encoding = {
    encode: (value: string) => Buffer.from(value),
    decode: (): string => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw { reason: 'none' };
    },
  };
  const queue = Queue.open(raw.name, { encoding });
  t.teardown(() => {
    queue.close();
  });
  raw.tryEnqueue('a');
  const error = t.throws(() => queue.tryDequeue(), { instanceOf: UnreadableMessageError });
  t.regex(error.message, /cannot be read with its encoding: \{ reason: 'none' \}\. /);
  t.deepEqual(error.cause, { reason: 'none' });
});

overWays('is counted wherever it was tried', async (t, take) => {
  const raw = poisoned(t, '{');
  const dead = newQueue(t);
  for (let tries = 0; tries < 3; tries += 1) {
    const queue = asJson(t, raw, { maxDeliveries: 3 });
    queue.deadLetters = dead;
    await failure(() => take(queue));
    queue.close();
  }
  raw.tryEnqueue('[7]');
  const queue = asJson(t, raw, { maxDeliveries: 3 });
  queue.deadLetters = dead;
  t.deepEqual(await take(queue), [7]);
  // What a consumer left waits until there is nothing else.
  t.is(queue.tryDequeue(), undefined);
  t.deepEqual(rest(dead), ['{']);
});

overWays('comes again without maxDeliveries, until it is rejected', async (t, take) => {
  const raw = poisoned(t, '[1]', '{', '[7]');
  const queue = asJson(t, raw);
  t.deepEqual(await take(queue), [1]);
  for (let tries = 0; tries < 5; tries += 1) {
    t.like(await failure(() => take(queue)), unreadable('queue', raw.name, 1));
  }
  t.true(queue.reject(1));
  t.false(queue.reject(1));
  t.deepEqual(await take(queue), [7]);
  t.is(raw.stats().free, 4096);
});

test('a message that was received too often goes to the dead letters in every way', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  for (const [name, take] of Object.entries(ways)) {
    const raw = poisoned(t, '[1]');
    const dead = newQueue(t);
    const queue = asJson(t, raw, { maxDeliveries: 2 });
    queue.deadLetters = dead;
    for (let deliveries = 1; deliveries <= 2; deliveries += 1) {
      const message = await queue.receive(wait);
      t.is(message.deliveries, deliveries, name);
      message.nack();
    }
    raw.tryEnqueue('[7]');
    t.deepEqual(await take(queue), [7], name);
    t.is(queue.tryDequeue(), undefined, name);
    t.deepEqual(rest(dead), ['[1]'], name);
  }
});

test('several at once: the first ones come, and the failure is told and counted next', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, '1', '2', '{', '3');
  const dead = newQueue(t);
  const queue = asJson(t, raw, { maxDeliveries: 1 });
  queue.deadLetters = dead;
  t.deepEqual(await queue.dequeueMany(10), [1, 2]);
  t.like(await failure(() => queue.dequeueMany(10)), unreadable('queue', raw.name, 2));
  t.deepEqual(await queue.dequeueMany(10), [3]);
  t.deepEqual(rest(dead), ['{']);
});

test('rejecting moves to the dead letters at once', (t) => {
  const raw = poisoned(t, '{', '[7]');
  const dead = newQueue(t);
  const queue = asJson(t, raw);
  queue.deadLetters = dead;
  t.throws(() => queue.tryReceive(), { code: 'ERR_MESSAGE_UNREADABLE' });
  fill(dead);
  t.throws(() => queue.reject(0), { code: 'ERR_QUEUE_FULL' });
  rest(dead);
  t.true(queue.reject(0));
  t.deepEqual(rest(dead), ['{']);
  t.deepEqual(queue.tryDequeue(), [7]);
});

test('only what the latest call could not read is rejected', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, '{', '[7]', '(', '[8]');
  const queue = asJson(t, raw);
  t.false(queue.reject(0), 'nothing was taken');
  // All that wait fail with the same message.
  const both = await Promise.all([failure(() => queue.dequeue()), failure(() => queue.dequeue())]);
  t.deepEqual(
    both.map(({ sequence }) => sequence),
    [0, 0],
  );
  t.false(queue.reject(1), 'it is not in hand');
  t.deepEqual(
    both.map(({ sequence }) => queue.reject(sequence)),
    [true, false],
  );
  t.deepEqual(queue.tryDequeue(), [7]);
  t.throws(() => queue.tryDequeue(), { code: 'ERR_MESSAGE_UNREADABLE' });
  t.is(queue.tryDequeue(Buffer.alloc(8)), 1, 'as bytes');
  t.false(queue.reject(2), 'it is out of the queue');
  t.is(raw.tryDequeue()?.toString(), '[8]', 'and nothing else was taken');
  t.is(raw.stats().free, 4096);
  t.throws(() => queue.reject('0' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => queue.reject(-1), { code: 'ERR_OUT_OF_RANGE' });
});

test('rejecting leaves alone what is held and what a dead consumer had', (t) => {
  const raw = poisoned(t, '"held"', '"dead"', '{', '"last"');
  const other = asJson(t, raw);
  const queue = asJson(t, raw);
  const held = queue.tryReceive()!;
  t.is(other.tryReceive()!.data, 'dead');
  t.throws(() => queue.tryDequeue(), { code: 'ERR_MESSAGE_UNREADABLE' });
  other.close();
  t.true(queue.reject(2));
  const values = [queue.tryDequeue(), queue.tryDequeue()];
  t.deepEqual(values.sort(), ['dead', 'last']);
  t.true(held.ack());
  t.is(raw.stats().free, 4096);
});

test('a decoder that ends its process is counted', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, 'deadly');
  for (let deaths = 0; deaths < 2; deaths += 1) {
    const child = fork(fileURLToPath(new URL('./queue-unreadable-child.js', import.meta.url)), [
      raw.name,
    ]);
    t.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  }
  const dead = newQueue(t);
  const queue = asJson(t, raw, { maxDeliveries: 2 });
  queue.deadLetters = dead;
  t.is(queue.tryDequeue(), undefined);
  t.deepEqual(rest(dead), ['deadly']);
});

test('a message that ends the process of a stream’s reader is counted', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, 'deadly');
  const dead = newQueue(t);
  const queue = newQueueOver(t, raw, { maxDeliveries: 2 });
  queue.deadLetters = dead;
  for (let deaths = 0; deaths < 2; deaths += 1) {
    const reader = Queue.open(raw.name);
    const stream = new QueueReadStream(reader);
    const taken = once(stream, 'data');
    stream.once('data', () => {
      // As a process that dies here: what it holds is the next consumer's.
      reader.close();
    });
    stream.once('error', () => undefined);
    await taken;
  }
  t.is(queue.tryDequeue(), undefined);
  t.deepEqual(rest(dead), ['deadly']);
});

test('what a stream gives back unread is not counted', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const queue = newQueue(t);
  queue.tryEnqueue('a');
  for (let i = 0; i < 3; i += 1) {
    const stream = new QueueReadStream(queue, { highWaterMark: 1 });
    stream.once('readable', () => undefined);
    await once(stream, 'readable');
    const closed = once(stream, 'close');
    stream.destroy();
    await closed;
  }
  const message = await queue.receive(wait);
  t.like(message, { deliveries: 1, redelivered: true });
});

test('null, which streams cannot carry, is tried maxDeliveries times as well', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, 'null', '[7]');
  const dead = newQueue(t);
  const queue = asJson(t, raw, { maxDeliveries: 2 });
  queue.deadLetters = dead;
  for (let tries = 0; tries < 2; tries += 1) {
    const error = await failure(() => streamed(queue));
    t.like(error, unreadable('queue', raw.name, 0));
    t.like(error.cause, { code: 'ERR_INVALID_ARG_TYPE' });
  }
  t.deepEqual(await streamed(queue), [7]);
  t.deepEqual(rest(dead), ['null']);
});

test('a decoder that gives nothing: the same, whatever its name', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const forgetful = {
    encode: (value: string) => Buffer.from(value),
    decode: (bytes: Buffer) => (bytes.length > 1 ? undefined : bytes.toString()),
  };
  for (const name of [undefined, 'forgetful 1']) {
    const encoding = { ...forgetful, name };
    using queue = Queue.create(uniqueName(t), { capacity: 4096, encoding });
    queue.tryEnqueue('ab');
    queue.tryEnqueue('c');
    for (const take of Object.values(ways)) {
      const error = await failure(() => take(queue));
      t.like(error, { ...unreadable('queue', queue.name, 0), encoding: name });
      t.like(error.cause, { code: 'ERR_INVALID_RETURN_VALUE' });
    }
    t.true(queue.reject(0));
    t.is(queue.tryDequeue(), 'c');
  }
});

test('a message that is tried for ever is not taken for a dropped one', (t) => {
  const raw = poisoned(t, '{');
  const space = raw.tryClaim(1)!;
  const words = new Uint32Array(space.view.buffer);
  space.abort();
  words[1] = 0xffff_fffd;
  const queue = asJson(t, raw);
  for (let tries = 0; tries < 4; tries += 1) {
    t.throws(() => queue.tryDequeue(), { code: 'ERR_MESSAGE_UNREADABLE' });
  }
  t.is(words[1], 0xffff_fffe);
});

test('a message whose header is damaged is named and dropped', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, '[1]');
  const space = raw.tryClaim(1)!;
  const words = new Uint32Array(space.view.buffer);
  space.abort();
  words[0] = 1000;
  const queue = asJson(t, raw);
  const { message } = await t.throwsAsync(queue.dequeue(), { code: 'ERR_SEGMENT_CORRUPT' });
  t.true(message.startsWith(`Message 0 of '${raw.name}'`), message);
  raw.tryEnqueue('[7]');
  t.deepEqual(await queue.dequeue(), [7]);
});

test('what could not be read goes to another when its consumer closes', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const raw = poisoned(t, '{');
  const queue = asJson(t, raw);
  t.throws(() => queue.tryReceive(), { code: 'ERR_MESSAGE_UNREADABLE' });
  queue.close();
  const message = await raw.receive();
  t.deepEqual([message.data.toString(), message.redelivered], ['{', true]);
  t.is(message.deliveries, 2);
});

function newQueueOver(
  t: ExecutionContext,
  { name }: Queue,
  options: QueueOpenOptions<never>,
): Queue {
  const queue = Queue.open(name, options);
  t.teardown(() => {
    queue.close();
  });
  return queue;
}
