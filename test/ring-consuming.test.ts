// Consuming: taking batches, committing them and having them given again.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { Batch } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';
import { overRingFaces, patient } from './ring-faces.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const RELEASED = { name: 'DisruptorError', code: 'ERR_RELEASED' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };

overRingFaces('a batch is all there is, and taking one commits the one before', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  t.deepEqual([consumer.name, consumer.group], ['all', false]);
  producer.publishManySync(words(0, 5));
  const first = await face.next(consumer);
  t.deepEqual(
    [first.start, first.end, first.length, first.endOfBatch, first.redelivered, first.gaps],
    [0, 4, 5, true, false, []],
  );
  t.deepEqual([consumer.sequence, consumer.lag], [0, 5]);
  producer.publishManySync(words(5, 3));
  t.false(producer.tryPublish(word(8)), 'what is taken is still there');
  t.deepEqual(wordsOf(await face.next(consumer)), [5, 6, 7]);
  t.deepEqual([consumer.sequence, consumer.lag], [5, 3]);
  t.true(producer.tryPublish(word(8)));
});

overRingFaces('at most maxBatch, and whether there is more', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all', { maxBatch: 3 });
  producer.publishManySync(words(0, 7));
  const got: [number[], boolean][] = [];
  while (got.length < 3) {
    const batch = await face.next(consumer);
    got.push([wordsOf(batch), batch.endOfBatch]);
  }
  t.deepEqual(got, [
    [[0, 1, 2], false],
    [[3, 4, 5], false],
    [[6], true],
  ]);
});

overRingFaces('a wait that takes too long loses nothing', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  for (const timeout of [0, 20]) {
    const begin = performance.now();
    const late = { name: 'DisruptorError', code: 'ERR_TIMEOUT' };
    await t.throwsAsync(face.next(consumer, { timeout }), late);
    t.true(performance.now() - begin >= timeout - 1);
  }
  producer.publishManySync(words(0, 2));
  t.deepEqual(wordsOf(await face.next(consumer, { timeout: 0 })), [0, 1]);
});

overRingFaces(
  'waiting for data, and giving that up',
  async (t, face) => {
    const ring = ringOfRoles(t, { consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const controller = new AbortController();
    const aborted = face.next(consumer, { signal: controller.signal });
    t.true(await staysPending(aborted));
    t.throws(() => consumer.tryNext(), { code: 'ERR_CONSUME_PENDING' });
    await t.throwsAsync(face.next(consumer), { code: 'ERR_CONSUME_PENDING' });
    controller.abort();
    await t.throwsAsync(aborted, { name: 'AbortError', code: 'ABORT_ERR' });
    const signal = AbortSignal.abort();
    producer.publishManySync(words(0, 2));
    await t.throwsAsync(face.next(consumer, { signal }), { name: 'AbortError' });
    t.deepEqual(wordsOf(await face.next(consumer)), [0, 1]);
    const waiting = face.next(consumer);
    t.true(await staysPending(waiting));
    t.is(consumer.sequence, 2, 'who waits has committed what he had');
    producer.publishSync(word(2));
    t.deepEqual(wordsOf(await waiting), [2]);
  },
  patient,
);

overRingFaces(
  'a wait ends when the consumer closes or leaves',
  async (t, face) => {
    const ring = ringOfRoles(t, { consumers: { all: {}, other: {} } });
    for (const [name, end] of [
      ['all', 'close'],
      ['other', 'leave'],
    ] as const) {
      const consumer = ring.consumer(name);
      const waiting = face.next(consumer);
      t.true(await staysPending(waiting));
      consumer[end]();
      await t.throwsAsync(waiting, RELEASED);
    }
  },
  patient,
);

test('committing some of a batch', (t) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishManySync(words(0, 8));
  t.is(consumer.tryNext()?.length, 8);
  t.true(consumer.commit(2));
  t.is(consumer.sequence, 3);
  t.is(producer.tryPublishMany(words(8, 8)), 3);
  for (const sequence of [2, 0, 8, 9, -1, 3.5]) t.throws(() => consumer.commit(sequence), RANGE);
  t.throws(() => consumer.commit('3' as unknown as number), TYPE);
  t.true(consumer.commit(3));
  t.true(consumer.commit());
  t.is(consumer.sequence, 8);
  for (const sequence of [7, 8]) t.throws(() => consumer.commit(sequence), RANGE);
  t.deepEqual(drain(consumer), [8, 9, 10]);
});

test('rewinding has what is not committed given again', (t) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishManySync(words(0, 4));
  t.is(consumer.tryNext()?.length, 4);
  consumer.rewind();
  t.deepEqual(wordsOf(consumer.tryNext()), [0, 1, 2, 3]);
  consumer.commit(1);
  consumer.rewind();
  const again = consumer.tryNext()!;
  t.deepEqual([again.start, again.end], [2, 3]);
  t.deepEqual(wordsOf(again), [2, 3]);
  t.true(consumer.commit());
  consumer.rewind();
  t.is(consumer.tryNext(), undefined);
});

test('single values of a batch, over the end of the ring', (t) => {
  const ring = ringOfRoles(t, { elements: 7, consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishManySync(words(0, 5));
  t.is(drain(consumer).length, 5);
  producer.publishManySync(words(5, 6));
  const batch = consumer.tryNext()!;
  t.deepEqual(
    batch.bufs.map((buf) => buf.length),
    [8, 16],
  );
  t.deepEqual(
    numbers(5, 6).map((sequence) => batch.at(sequence).readUInt32LE()),
    numbers(5, 6),
  );
  t.deepEqual(
    Array.from(batch, (bytes) => bytes.readUInt32LE()),
    numbers(5, 6),
  );
  t.is([...batch].length, 6, 'more than once');
  for (const sequence of [4, 11, 5.5, NaN]) t.throws(() => batch.at(sequence), RANGE);
  t.throws(() => batch.at('5' as unknown as number), TYPE);
});

test('for await gives batches, and each is committed when the next is asked for', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  const published = producer.publishMany(words(0, 100));
  const got: number[] = [];
  for await (const batch of consumer) {
    t.is(consumer.sequence, batch.start);
    got.push(...wordsOf(batch));
    if (got.length === 100) break;
  }
  t.deepEqual(got, numbers(0, 100));
  t.is(await published, 99);
});

const ways: Record<string, (batch: Batch<Buffer>) => void> = {
  break: () => undefined,
  throw: () => {
    throw new Error('cannot');
  },
};

for (const [way, leave] of Object.entries(ways)) {
  test(`leaving the loop leaves the last batch to be given again: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all', { maxBatch: 2 });
    producer.publishManySync(words(0, 6));
    const loop = async () => {
      for await (const batch of consumer) {
        if (batch.start < 2) continue;
        leave(batch);
        break;
      }
    };
    if (way === 'throw') await t.throwsAsync(loop(), { message: 'cannot' });
    else await loop();
    t.is(consumer.sequence, 2);
    t.deepEqual(wordsOf(consumer.tryNext()), [2, 3]);
  });
}

test('leaving the loop after a commit leaves nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all', { maxBatch: 4 });
  producer.publishManySync(words(0, 6));
  for await (const batch of consumer) {
    t.true(consumer.commit(batch.start + 1));
    break;
  }
  t.deepEqual(drain(consumer), [2, 3, 4, 5]);
});

test('a loop ends when its signal is aborted, and fails when its timeout is over', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  const got: number[] = [];
  const read = async (options: { signal?: AbortSignal; timeout?: number }) => {
    for await (const batch of consumer.batches(options)) got.push(...wordsOf(batch));
  };
  producer.publishSync(word(0));
  await t.throwsAsync(read({ timeout: 5 }), { code: 'ERR_TIMEOUT' });
  const controller = new AbortController();
  const reading = read({ signal: controller.signal });
  producer.publishSync(word(1));
  while (got.length < 2) await sleep(1);
  t.true(await staysPending(reading));
  controller.abort();
  await t.notThrowsAsync(reading);
  t.deepEqual(got, [0, 1]);
  t.is(consumer.sequence, 2);
  await t.throwsAsync(read({ timeout: -1 }), RANGE);
});

test('gaps are told with the batch behind them, and with no other', (t) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishSync(word(0));
  const gone = ring.producer();
  gone.tryClaim(2);
  producer.publishSync(word(3));
  gone.close();
  const batches = [consumer.nextSync({ timeout: 10_000 }), consumer.nextSync({ timeout: 10_000 })];
  producer.publishSync(word(4));
  batches.push(consumer.tryNext()!);
  t.deepEqual(batches.map(wordsOf), [[0], [3], [4]]);
  t.deepEqual(
    batches.map(({ gaps }) => gaps),
    [[], [{ start: 1, end: 2 }], []],
  );
  t.deepEqual(ring.stats().gaps, { count: 1, elements: 2 });
});

test('after closing, everything says so', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  const consumer = ring.consumer('all');
  producer.publishManySync(words(0, 3));
  const batch = consumer.tryNext()!;
  consumer.close();
  consumer.close();
  t.true(consumer.closed);
  t.throws(() => consumer.tryNext(), RELEASED);
  t.throws(() => consumer.nextSync({ timeout: 0 }), RELEASED);
  t.throws(() => consumer.commit(), RELEASED);
  t.throws(() => consumer.commit(1), RELEASED);
  t.throws(() => consumer.sequence, RELEASED);
  t.throws(() => consumer.lag, RELEASED);
  t.throws(() => {
    consumer.leave();
  }, RELEASED);
  await t.throwsAsync(consumer.next(), RELEASED);
  await t.throwsAsync(
    consumer.process(() => undefined),
    RELEASED,
  );
  t.throws(() => batch.at(0), undefined, 'its memory is gone');
});
