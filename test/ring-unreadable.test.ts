// Elements of rings that cannot be decoded: what each way of consuming does with them.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { defineRecord, utf8, Ring } from 'shm-disruptor';
import type { Batch, ErrorAction } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { overRingFaces } from './ring-faces.js';
import { failure, unreadable } from './unreadable.js';

/** Without a name: it is not compared. */
const text = {
  encode: (value: string) => Buffer.from(value),
  decode: (bytes: Buffer) => bytes.toString(),
};

/** A ring of JSON, and a way to publish what is none. */
function scene(t: ExecutionContext) {
  const ring = Ring.create(uniqueName(t), {
    elements: 8,
    elementSize: 12,
    encoding: 'json',
    consumers: { all: {} },
  });
  const texts = Ring.open(ring.name, { encoding: text });
  const producer = texts.producer();
  const consumer = ring.consumer('all');
  t.teardown(() => {
    for (const each of [consumer, producer, texts, ring]) each.close();
  });
  const publish = (...values: string[]) =>
    producer.publishManySync(values, { timeout: WATCHDOG_MILLISECONDS });
  return { ring, consumer, publish };
}

/** The values that can be read, and `undefined` for the others. */
function readable<Out>(batch: Batch<Out>): (Out | undefined)[] {
  return Array.from({ length: batch.length }, (_, i) => {
    try {
      return batch.at(batch.start + i);
    } catch {
      return undefined;
    }
  });
}

overRingFaces('a batch is taken, and its other elements can be read', async (t, face) => {
  const { ring, consumer, publish } = scene(t);
  // Beyond the ring's end, where slots and sequences differ.
  publish('0', '1', '2', '3', '4', '5');
  t.is((await face.next(consumer)).length, 6);
  consumer.commit();
  publish('6', '7', '{', '9');
  const batch = await face.next(consumer);
  const error = await failure(() => batch.at(8));
  t.like(error, unreadable('ring', ring.name, 8));
  t.true(error.cause instanceof SyntaxError);
  const seen: unknown[] = [];
  const looping = await failure(() => {
    for (const value of batch) seen.push(value);
  });
  t.like(looping, unreadable('ring', ring.name, 8));
  t.deepEqual(seen, [6, 7]);
  t.deepEqual(readable(batch), [6, 7, undefined, 9]);
  // Nothing was committed by that, and committing passes it.
  t.is(consumer.sequence, 6);
  t.true(consumer.commit(error.sequence));
  consumer.rewind();
  t.deepEqual([...(await face.next(consumer))], [9]);
});

const OUTCOMES: { action: ErrorAction; seen: unknown[]; position: number }[] = [
  // Given again: nothing of the batch is committed.
  { action: 'stop', seen: [0], position: 0 },
  // Passed with all that was in its batch.
  { action: 'skip', seen: [0, 3], position: 3 },
];

for (const { action, seen, position } of OUTCOMES) {
  test(`process: ${action}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { ring, consumer, publish } = scene(t);
    publish('0', '{', '2');
    const got: unknown[] = [];
    const errors: unknown[] = [];
    const controller = new AbortController();
    const processing = consumer.process(
      (batch) => {
        for (const value of batch) got.push(value);
        controller.abort();
      },
      {
        signal: controller.signal,
        onError: (error) => {
          errors.push(error);
          if (action === 'skip') publish('3');
          return action;
        },
      },
    );
    if (action === 'stop') t.true((await t.throwsAsync(processing)) === errors[0]);
    else await t.notThrowsAsync(processing);
    t.is(errors.length, 1);
    t.like(errors[0], unreadable('ring', ring.name, 1));
    t.deepEqual(got, seen);
    t.is(consumer.sequence, action === 'stop' ? position : position + 1);
  });
}

test('process: committing up to it and retrying passes it alone', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { consumer, publish } = scene(t);
  publish('0', '{', '2', '3', '(');
  const got: unknown[] = [];
  const passed: number[] = [];
  const controller = new AbortController();
  const onError = (error: unknown): ErrorAction => {
    const { code, sequence } = error as { code: string; sequence: number };
    if (code !== 'ERR_MESSAGE_UNREADABLE') return 'stop';
    passed.push(sequence);
    consumer.commit(sequence);
    if (sequence === 4) controller.abort();
    return 'retry';
  };
  await t.notThrowsAsync(
    consumer.process(
      (batch) => {
        for (const value of batch) got.push(value);
      },
      { onError, signal: controller.signal },
    ),
  );
  t.deepEqual(got, [0, 2, 3]);
  t.deepEqual(passed, [1, 4]);
  t.is(consumer.sequence, 5);
});

test('for await: leaving by the error has the batch given again; within the loop it can be passed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { ring, consumer, publish } = scene(t);
  publish('0', '{', '2');
  for (let tries = 0; tries < 2; tries += 1) {
    const error = await failure(async () => {
      for await (const batch of consumer) for (const value of batch) t.is(value, 0);
    });
    t.like(error, unreadable('ring', ring.name, 1));
    t.is(consumer.sequence, 0);
  }
  const got: unknown[] = [];
  for await (const batch of consumer) {
    got.push(...readable(batch));
    consumer.commit();
    break;
  }
  t.deepEqual(got, [0, undefined, 2]);
  t.is(consumer.sequence, 3);
});

test('a member of a group: it goes to another one, until it is committed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { ring, publish } = scene(t);
  const first = ring.consumer('group', { group: true });
  const second = ring.consumer('group', { group: true });
  publish('{', '1');
  const batch = await first.next();
  t.like(await failure(() => batch.at(0)), unreadable('ring', ring.name, 0));
  first.close();
  t.deepEqual([...(await second.next())], [1]);
  const again = await second.next();
  t.true(again.redelivered);
  const error = await failure(() => [...again]);
  t.like(error, unreadable('ring', ring.name, 0));
  t.true(second.commit(error.sequence));
  t.is(second.sequence, 2);
  second.close();
});

test('a length that leads out of the slot', async (t) => {
  const { ring, consumer } = scene(t);
  const texts: Ring<string, string> = Ring.open(ring.name, { encoding: text });
  using producer = texts.producer();
  texts.close();
  const claim = producer.claimSync();
  claim.bufs[0]!.writeUInt32LE(13, 0);
  claim.commit();
  producer.publishSync('1');
  const batch = consumer.tryNext()!;
  const error = await failure(() => batch.at(0));
  t.like(error, unreadable('ring', ring.name, 0));
  t.like(error.cause, { code: 'ERR_OUT_OF_RANGE' });
  t.is(batch.at(1), 1);
});

test('records and raw slots can always be read', (t) => {
  const Any = defineRecord({ name: utf8(4), price: 'f64', buy: 'bool' });
  using ring = Ring.create(uniqueName(t), {
    elements: 4,
    record: Any,
    consumers: { all: {} },
  });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  const claim = producer.claimSync();
  claim.bufs[0]!.fill(0xff);
  claim.commit();
  const [value] = consumer.tryNext()!;
  t.deepEqual(value!.toObject(), { name: '\ufffd'.repeat(4), price: NaN, buy: true });
});
