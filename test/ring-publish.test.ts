// Producing: publishing values, claiming elements, and waiting for room.
import test from 'ava';
import { Ring } from 'shm-disruptor';
import type { Claim, PartialSendError } from 'shm-disruptor';

import { fillIn } from './compat/values.js';
import { staysPending } from './compat/pending.js';
import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { KINDS, overFacesAndKinds, patient } from './ring-faces.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const REASON = new Error('enough');
const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
const RELEASED = { name: 'DisruptorError', code: 'ERR_RELEASED' };

overFacesAndKinds('values arrive in their order', async (t, face, producers) => {
  const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  for (let lap = 0; lap < 5; lap += 1) {
    const first = 7 * lap;
    for (const value of numbers(first, 4)) t.is(await face.publish(producer, word(value)), value);
    t.is(await face.publishMany(producer, words(first + 4, 3)), first + 6);
    t.is(producer.next, first + 7);
    const batch = await face.next(consumer);
    t.deepEqual([batch.start, batch.end, batch.length], [first, first + 6, 7]);
    t.deepEqual(wordsOf(batch), numbers(first, 7));
    t.true(consumer.commit());
  }
});

overFacesAndKinds('without consumers nobody is waited for', async (t, face, producers) => {
  const ring = ringOfRoles(t, { producers });
  using producer = ring.producer();
  t.is(await face.publishMany(producer, words(0, 100)), 99);
  for (const value of numbers(100, 20)) t.is(await face.publish(producer, word(value)), value);
  t.true(producer.tryPublish(word(120)));
  t.is(producer.next, 121);
});

overFacesAndKinds(
  'more values than there are elements, for a consumer that reads along',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const published = face.publishMany(producer, words(0, 1000));
    const got: number[] = [];
    while (got.length < 1000) got.push(...wordsOf(await consumer.next()));
    t.is(await published, 999);
    t.deepEqual(got, numbers(0, 1000));
  },
  patient,
);

overFacesAndKinds(
  'publishMany that takes too long says how many it has published',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    producer.publishManySync(words(0, 5));
    const late = () => face.publishMany(producer, words(5, 7), { timeout: 1 });
    t.like(await t.throwsAsync(late), { code: 'ERR_TIMEOUT', sent: 3 });
    t.like(await t.throwsAsync(late), { code: 'ERR_TIMEOUT', sent: 0 });
    t.deepEqual(drain(consumer), numbers(0, 8));
    t.is(await face.publishMany(producer, words(8, 8), { timeout: 0 }), 15);
    t.deepEqual(drain(consumer), numbers(8, 8));
  },
);

overFacesAndKinds(
  'publishMany has one timeout, however often it has to wait',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    const slow = await peers.thread(t, ring.name);
    await slow.ask({ do: 'consumer', name: 'all', options: { maxBatch: 1 } });
    // It makes room for one value each millisecond: for all of them that takes much longer.
    void slow.ask({ do: 'pass', count: 20_000 });
    const publishing = face.publishMany(producer, words(0, 20_000), { timeout: 100 });
    const error = await t.throwsAsync<PartialSendError>(publishing, { code: 'ERR_TIMEOUT' });
    t.is(error.sent, producer.next);
  },
);

overFacesAndKinds('publishMany without values', async (t, face, producers) => {
  const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
  using producer = ring.producer();
  t.is(await face.publishMany(producer, []), -1);
  t.is(producer.tryPublishMany([]), 0);
  t.is(producer.next, 0);
});

overFacesAndKinds(
  'publishMany that is aborted or closed says how many it has published',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    const producer = ring.producer();
    const controller = new AbortController();
    const aborted = face.publishMany(producer, words(0, 20), { signal: controller.signal });
    t.true(await staysPending(aborted));
    controller.abort();
    t.like(await t.throwsAsync(aborted), { name: 'AbortError', sent: 8 });
    const waiting = face.publishMany(producer, words(8, 2));
    t.true(await staysPending(waiting));
    producer.close();
    t.like(await t.throwsAsync(waiting), { code: 'ERR_RELEASED', sent: 0 });
  },
  patient,
);

for (const producers of KINDS) {
  test(`what is tried does not wait, ${producers}`, (t) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    t.true(producer.tryPublish(word(0)));
    t.is(producer.tryPublishMany(words(1, 4)), 4);
    t.is(producer.tryPublishMany(words(5, 10)), 3);
    t.is(producer.tryPublishMany(words(8, 1)), 0);
    t.is(producer.tryPublishMany([]), 0);
    t.false(producer.tryPublish(word(8)));
    t.is(producer.tryClaim(), undefined);
    t.is(producer.next, 8);
    t.deepEqual(drain(consumer), numbers(0, 8));
    t.true(producer.tryPublish(word(8)));
    t.is(producer.tryClaim(8), undefined, 'all or nothing');
    t.is(producer.tryClaim(7)?.end, 15);
  });

  test(`claims are visible in their order, in whatever order they are committed, ${producers}`, (t) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const claims = [2, 1, 3].map((count) => producer.tryClaim(count)!);
    t.deepEqual(
      claims.map(({ start, end }) => [start, end]),
      [
        [0, 1],
        [2, 2],
        [3, 5],
      ],
    );
    for (const { bufs, start, end } of claims) fillIn(bufs, numbers(start, end - start + 1));
    const [first, second, third] = claims as [Claim, Claim, Claim];
    t.true(third.commit());
    t.is(consumer.tryNext(), undefined);
    t.true(first.commit());
    t.deepEqual(drain(consumer), [0, 1]);
    t.false(first.commit(), 'it was committed before');
    t.false(third.commit());
    t.true(second.commit());
    t.deepEqual(drain(consumer), [2, 3, 4, 5]);
    t.false(second.commit());
  });

  test(`what is published behind a claim waits for it, ${producers}`, (t) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const claim = producer.tryClaim()!;
    t.is(producer.publishSync(word(1)), 1);
    t.is(producer.publishManySync(words(2, 2)), 3);
    t.is(consumer.tryNext(), undefined);
    fillIn(claim.bufs, [0]);
    t.true(claim.commit());
    t.deepEqual(drain(consumer), [0, 1, 2, 3]);
  });

  test(`after closing, everything says so, ${producers}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { producers });
    const producer = ring.producer();
    const claim = producer.tryClaim()!;
    t.false(producer.closed);
    producer.close();
    producer.close();
    t.true(producer.closed);
    for (const call of [
      () => claim.commit(),
      () => producer.tryClaim(2),
      () => producer.tryClaim(),
      () => producer.claimSync(),
      () => producer.tryPublish(word(1)),
      () => producer.publishSync(word(1)),
      () => producer.tryPublishMany(words(1, 2)),
      () => producer.tryPublishMany(words(1, 1)),
      () => producer.publishManySync(words(1, 2)),
      () => producer.next,
    ]) {
      t.throws(call, RELEASED, String(call));
    }
    await t.throwsAsync(producer.claim(), RELEASED);
    await t.throwsAsync(producer.publish(word(1)), RELEASED);
    await t.throwsAsync(producer.publishMany(words(1, 2)), RELEASED);
  });
}

overFacesAndKinds(
  'a claim over the end of the ring has two buffers',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    producer.publishManySync(words(0, 6));
    t.is(drain(consumer).length, 6);
    const { start, end, bufs } = await face.claim(producer, 5);
    t.deepEqual([start, end], [6, 10]);
    t.deepEqual(
      bufs.map((buf) => buf.length),
      [8, 12],
    );
    fillIn(bufs, numbers(6, 5));
    producer.publishManySync(words(11, 3));
    t.is(consumer.tryNext(), undefined);
  },
);

overFacesAndKinds('a bad count claims nothing', async (t, face, producers) => {
  using producer = ringOfRoles(t, { producers }).producer();
  for (const count of [0, -1, 9, 1.5, NaN]) {
    await t.throwsAsync(face.claim(producer, count), RANGE);
    t.throws(() => producer.tryClaim(count), RANGE);
  }
  for (const count of ['1', null, 1n, {}] as unknown as number[]) {
    await t.throwsAsync(face.claim(producer, count), TYPE);
    t.throws(() => producer.tryClaim(count), TYPE);
  }
  t.is(producer.next, 0);
});

overFacesAndKinds('a value that does not fit leaves no hole', async (t, face, producers) => {
  const ring = Ring.create(uniqueName(t), {
    elements: 8,
    elementSize: 8,
    encoding: 'utf8',
    producers,
    consumers: { all: {} },
  });
  t.teardown(() => {
    ring.close();
  });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  const long = 'x'.repeat(9);
  for (const [wrong, expected] of [
    [long, RANGE],
    [5 as unknown as string, TYPE],
  ] as const) {
    await t.throwsAsync(face.publish(producer, wrong), expected);
    await t.throwsAsync(face.publishMany(producer, ['good', 'good', wrong]), expected);
    t.throws(() => producer.tryPublish(wrong), expected);
    t.throws(() => producer.tryPublishMany(['good', wrong]), expected);
  }
  await t.throwsAsync(face.publishMany(producer, 5 as unknown as string[]), TYPE);
  t.is(producer.next, 0);
  t.is(await face.publish(producer, 'x'.repeat(8)), 0);
  t.deepEqual([...(await face.next(consumer))], ['x'.repeat(8)]);
});

for (const [what, start] of Object.entries({
  publish: (face: (typeof patient)[number]) =>
    [8, (producer, options) => face.publish(producer, word(8), options)] as Start,
  publishMany: (face: (typeof patient)[number]) =>
    [9, (producer, options) => face.publishMany(producer, words(8, 2), options)] as Start,
  claim: (face: (typeof patient)[number]) =>
    [
      9,
      async (producer, options) => {
        const claim = await face.claim(producer, 2, options);
        fillIn(claim.bufs, [8, 9]);
        claim.commit();
        return claim.end;
      },
    ] as Start,
})) {
  overFacesAndKinds(
    `${what} waits for room, until it is aborted or takes too long`,
    async (t, face, producers) => {
      const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
      using producer = ring.producer();
      using consumer = ring.consumer('all');
      producer.publishManySync(words(0, 8));
      const [last, call] = start(face);
      await t.throwsAsync(call(producer, { timeout: 5 }), { code: 'ERR_TIMEOUT' });
      await t.throwsAsync(call(producer, { timeout: 0 }), { code: 'ERR_TIMEOUT' });
      const controller = new AbortController();
      const aborted = call(producer, { signal: controller.signal });
      t.true(await staysPending(aborted));
      controller.abort(REASON);
      const error = await t.throwsAsync(aborted, { name: 'AbortError', code: 'ABORT_ERR' });
      t.is(error.cause, REASON);
      t.is(producer.next, 8, 'nothing is claimed');
      const waiting = call(producer);
      t.true(await staysPending(waiting));
      t.deepEqual(drain(consumer), numbers(0, 8));
      t.is(await waiting, last);
      t.deepEqual(drain(consumer), numbers(8, last - 7));
    },
    patient,
  );

  overFacesAndKinds(
    `${what} that waits ends when its producer is closed`,
    async (t, face, producers) => {
      const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
      const producer = ring.producer();
      producer.publishManySync(words(0, 8));
      const waiting = start(face)[1](producer);
      t.true(await staysPending(waiting));
      producer.close();
      await t.throwsAsync(waiting, RELEASED);
    },
    patient,
  );
}

type Start = [
  last: number,
  call: (
    producer: ReturnType<ReturnType<typeof ringOfRoles>['producer']>,
    options?: { timeout?: number; signal?: AbortSignal },
  ) => Promise<number>,
];

overFacesAndKinds('a wait that takes too long has changed nothing', async (t, face, producers) => {
  const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishManySync(words(0, 8));
  for (const timeout of [0, 20]) {
    const begin = performance.now();
    const late = { name: 'DisruptorError', code: 'ERR_TIMEOUT' };
    await t.throwsAsync(face.publish(producer, word(9), { timeout }), late);
    await t.throwsAsync(face.claim(producer, 1, { timeout }), late);
    await t.throwsAsync(face.publishMany(producer, words(9, 2), { timeout }), late);
    t.true(performance.now() - begin >= 3 * (timeout - 1));
  }
  t.is(producer.next, 8);
  t.deepEqual(drain(consumer), numbers(0, 8));
  t.is(await face.publish(producer, word(8), { timeout: 0 }), 8);
});

overFacesAndKinds(
  'of many values those stay for which there was room',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const late = { code: 'ERR_TIMEOUT' };
    await t.throwsAsync(face.publishMany(producer, words(0, 11), { timeout: 5 }), late);
    t.deepEqual(drain(consumer), numbers(0, 8));
    t.is(producer.next, 8);
  },
);

overFacesAndKinds(
  'what is published is the value as it was, however long it waits',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    producer.publishManySync(words(0, 8));
    const [one, many] = [word(8), words(9, 2)];
    const waiting = [face.publish(producer, one), face.publishMany(producer, many)];
    for (const bytes of [one, ...many]) bytes.fill(0xff);
    t.true(await staysPending(Promise.race(waiting)));
    t.is(drain(consumer).length, 8);
    await Promise.all(waiting);
    t.deepEqual(drain(consumer), [8, 9, 10]);
  },
  patient,
);

overFacesAndKinds(
  'publishing without waiting for the one before keeps the order',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const published = numbers(0, 40).map((value) => face.publish(producer, word(value)));
    const got: number[] = [];
    while (got.length < 40) got.push(...wordsOf(await consumer.next()));
    t.deepEqual(await Promise.all(published), numbers(0, 40));
    t.deepEqual(got, numbers(0, 40));
  },
  patient,
);

overFacesAndKinds(
  'what is published later does not overtake what waits',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    producer.publishManySync(words(0, 8));
    const waiting = face.publish(producer, word(8));
    t.true(await staysPending(waiting));
    const got = drain(consumer);
    const later = face.publish(producer, word(9));
    await Promise.all([waiting, later]);
    t.deepEqual([...got, ...drain(consumer)], numbers(0, 10));
  },
  patient,
);

overFacesAndKinds(
  'what waits and is given up is in nobody’s way',
  async (t, face, producers) => {
    const ring = ringOfRoles(t, { producers, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    producer.publishManySync(words(0, 7));
    const controller = new AbortController();
    const aborted = face.claim(producer, 5, { signal: controller.signal });
    const late = face.claim(producer, 5, { timeout: 20 });
    const [one, many] = [face.publish(producer, word(7)), face.publishMany(producer, words(8, 2))];
    t.true(await staysPending(one));
    controller.abort();
    await t.throwsAsync(aborted, { name: 'AbortError' });
    await t.throwsAsync(late, { code: 'ERR_TIMEOUT' });
    t.is(await one, 7);
    t.deepEqual(drain(consumer), numbers(0, 8));
    t.is(await many, 9);
    t.deepEqual(drain(consumer), [8, 9]);
  },
  patient,
);

test('several producers share a ring, and each keeps its order', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { elements: 16, consumers: { all: {} } });
  using consumer = ring.consumer('all');
  const producers = numbers(0, 4).map(() => ring.producer());
  const published = producers.map(async (producer, i) => {
    for (const value of numbers(0, 250)) await producer.publish(word(1000 * i + value));
    producer.close();
  });
  const got: number[] = [];
  while (got.length < 1000) got.push(...wordsOf(await consumer.next()));
  await Promise.all(published);
  for (const i of numbers(0, 4)) {
    const own = got.filter((value) => Math.floor(value / 1000) === i);
    t.deepEqual(own, numbers(1000 * i, 250));
  }
});

test('a claim that its producer never commits becomes a gap', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using consumer = ring.consumer('all');
  const gone = ring.producer();
  using producer = ring.producer();
  producer.publishSync(word(1));
  gone.tryClaim(3);
  producer.publishSync(word(2));
  gone.close();
  const batches = [await consumer.next(), await consumer.next()];
  t.deepEqual(batches.map(wordsOf), [[1], [2]]);
  t.deepEqual(
    batches.map(({ gaps }) => gaps),
    [[], [{ start: 1, end: 3 }]],
  );
  t.is(batches[1]!.start, 4);
});

test('more producers than the ring takes', (t) => {
  const ring = ringOfRoles(t, { maxProducers: 1 });
  const first = ring.producer();
  using second = ring.producer();
  t.is(first.publishSync(word(1)), 0);
  t.throws(() => second.tryPublish(word(2)), { code: 'ERR_TOO_MANY_PRODUCERS' });
  first.close();
  t.true(second.tryPublish(word(2)));
});
