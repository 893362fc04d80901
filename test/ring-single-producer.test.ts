// producers: 'single': one at a time, which keeps its claims to itself.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Ring } from 'shm-disruptor';
import type { Claim } from 'shm-disruptor';

import { fillIn, valuesOf } from './compat/values.js';
import { attach, ring as compatible, ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';
import { overRingFaces } from './ring-faces.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const BUSY = { name: 'DisruptorError', code: 'ERR_PRODUCER_BUSY' };

function singleRing(t: ExecutionContext, elements = 8) {
  return ringOfRoles(t, { elements, producers: 'single', consumers: { all: {} } });
}

overRingFaces('a second living one is refused when it produces', async (t, face) => {
  const ring = singleRing(t);
  const first = ring.producer();
  using second = ring.producer();
  using consumer = ring.consumer('all');
  t.is(await face.publish(first, word(0)), 0);
  await t.throwsAsync(face.publish(second, word(9)), BUSY);
  await t.throwsAsync(face.publishMany(second, words(9, 2)), BUSY);
  await t.throwsAsync(face.claim(second, 1), BUSY);
  t.throws(() => second.tryPublish(word(9)), BUSY);
  t.throws(() => second.tryClaim(), BUSY);
  t.is(await face.publish(first, word(1)), 1);
  first.close();
  t.is(await face.publish(second, word(2)), 2);
  t.deepEqual(drain(consumer), [0, 1, 2]);
});

test('who only is there without producing is in nobody’s way', (t) => {
  const ring = singleRing(t);
  using idle = ring.producer();
  using producer = ring.producer();
  t.true(producer.tryPublish(word(0)));
  t.is(idle.next, 1);
});

test('from another process as well, until kill -9', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = singleRing(t);
  using consumer = ring.consumer('all');
  using producer = ring.producer();
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'producer' });
  t.deepEqual(await peer.ask({ do: 'publish', values: [0, 1] }), { start: 1 });
  t.throws(() => producer.tryPublish(word(9)), BUSY);
  await peer.end();
  t.true(producer.tryPublish(word(2)));
  const other = await peers.process(t, ring.name);
  await other.ask({ do: 'producer' });
  t.deepEqual(await other.ask({ do: 'publish', values: [9] }), { error: BUSY.code });
  t.deepEqual(drain(consumer), [0, 1, 2]);
});

for (const way of ['process', 'thread'] as const) {
  test(`what it had claimed when it died is claimed anew: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = singleRing(t);
    using consumer = ring.consumer('all');
    const peer = await peers[way](t, ring.name);
    await peer.ask({ do: 'producer' });
    await peer.ask({ do: 'publish', values: [0, 1] });
    t.deepEqual(await peer.ask({ do: 'claim', values: [77, 78, 79] }), { start: 2 });
    const waiting = consumer.next();
    t.deepEqual(wordsOf(await waiting), [0, 1]);
    const more = consumer.next();
    await peer.end();
    using producer = ring.producer();
    t.is(producer.publishSync(word(2)), 2);
    t.deepEqual(wordsOf(await more), [2]);
    t.deepEqual(ring.stats().gaps, { count: 0, elements: 0 });
  });

  test(`what it had committed out of order arrives, behind a gap: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = singleRing(t);
    using consumer = ring.consumer('all');
    const peer = await peers[way](t, ring.name);
    await peer.ask({ do: 'producer' });
    await peer.ask({ do: 'publish', values: [0] });
    await peer.ask({ do: 'claim', values: [77, 78] });
    await peer.ask({ do: 'claim', values: [3, 4] });
    await peer.ask({ do: 'claim', values: [79] });
    await peer.ask({ do: 'commitClaim', nth: 1 });
    t.deepEqual(drain(consumer), [0]);
    const more = consumer.next();
    await peer.end();
    using producer = ring.producer();
    const sequence = producer.publishSync(word(5));
    const first = await more;
    t.deepEqual(first.gaps, [{ start: 1, end: 2 }]);
    const got = [...wordsOf(first), ...drain(consumer)];
    t.deepEqual(got, [3, 4, 5]);
    t.is(consumer.sequence, sequence + 1);
  });

  test(`without a successor, those who read go on, too: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = singleRing(t);
    using consumer = ring.consumer('all');
    const peer = await peers[way](t, ring.name);
    await peer.ask({ do: 'producer' });
    await peer.ask({ do: 'claim', values: [77] });
    await peer.ask({ do: 'claim', values: [1] });
    await peer.ask({ do: 'commitClaim', nth: 1 });
    const waiting = consumer.next();
    await peer.end();
    const batch = await waiting;
    t.deepEqual([wordsOf(batch), batch.gaps], [[1], [{ start: 0, end: 0 }]]);
  });
}

test('claim after claim for as long as there is room, committed in any order', (t) => {
  const ring = singleRing(t, 16);
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  for (let lap = 0; lap < 10; lap += 1) {
    const claims: Claim[] = [];
    for (let claim = producer.tryClaim(); claim; claim = producer.tryClaim()) claims.push(claim);
    t.is(claims.length, 16);
    t.is(producer.next, 16 * (lap + 1));
    t.deepEqual(
      claims.map(({ start, end }) => [start, end]),
      numbers(16 * lap, 16).map((sequence) => [sequence, sequence]),
    );
    for (const { bufs, start } of claims) fillIn(bufs, [start]);
    // Odd ones first, from behind.
    const [odd, even] = [1, 0].map((rest) => claims.filter(({ start }) => start % 2 === rest));
    for (const claim of odd!.reverse()) t.true(claim.commit());
    t.is(consumer.tryNext(), undefined);
    for (const claim of even!.reverse()) t.true(claim.commit());
    t.deepEqual(drain(consumer), numbers(16 * lap, 16));
    for (const claim of claims) t.false(claim.commit());
  }
});

for (const elements of [1, 7, 8]) {
  test(`round and round a ring of ${elements}, in claims of all sizes`, (t) => {
    const ring = singleRing(t, elements);
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const got: number[] = [];
    let sent = 0;
    for (let i = 0; sent < 500; i += 1) {
      const count = (i % elements) + 1;
      switch (i % 4) {
        case 0: {
          const claim = producer.tryClaim(count);
          if (!claim) break;
          t.is(claim.start, sent);
          fillIn(claim.bufs, numbers(sent, count));
          t.true(claim.commit());
          sent += count;
          break;
        }
        case 1:
          sent += producer.tryPublishMany(words(sent, count));
          break;
        default:
          if (producer.tryPublish(word(sent))) sent += 1;
      }
      if (i % 3 > 0) got.push(...drain(consumer));
    }
    got.push(...drain(consumer));
    t.deepEqual(got, numbers(0, sent));
    t.is(consumer.sequence, sent);
  });
}

test('it waits for who joins while it has room left', (t) => {
  const ring = ringOfRoles(t, { producers: 'single' });
  using producer = ring.producer();
  for (const value of numbers(0, 20)) t.true(producer.tryPublish(word(value)));
  using late = ring.consumer('late');
  let sent = 20;
  while (producer.tryPublish(word(sent))) {
    sent += 1;
    if (sent > 40) break;
  }
  t.is(sent, 28, 'no element of the one who joined is overwritten');
  t.deepEqual(drain(late), numbers(20, 8));
  t.true(producer.tryPublish(word(28)));
});

test('the compatible constructor produces alone, too', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = compatible.named(t, { producers: 'single' });
  for (let lap = 0; lap < 5; lap += 1) {
    for (const value of numbers(8 * lap, 8)) {
      creator.produceClaimSync().writeUInt32LE(value);
      t.true(creator.produceCommitSync());
    }
    t.is(creator.produceClaimSync().length, 0);
    t.deepEqual(valuesOf(creator.consumeNewSync()), numbers(8 * lap, 8));
    t.true(creator.consumeCommit());
  }
  const { bufs, claimStart, claimEnd } = await creator.produceClaimMany(3);
  fillIn(bufs, [40, 41, 42]);
  t.true(await creator.produceCommit(claimStart, claimEnd));
  const other = attach(t, creator);
  t.throws(() => other.produceClaimSync(), BUSY);
  await t.throwsAsync(other.produceClaim(), BUSY);
  const peer = await peers.process(t, name);
  t.deepEqual(await peer.ask({ do: 'compatible', producers: 'single' }), { error: BUSY.code });
  t.deepEqual(valuesOf(other.consumeNewSync()), [40, 41, 42]);
  creator.release();
  t.throws(() => creator.produceClaimSync(), { code: 'ERR_RELEASED' });
  t.is(other.produceClaimSync().length, 4);
});

test('a ring of the compatible constructor opens as one of roles, single producer and all', (t) => {
  const { name, creator } = compatible.named(t, { producers: 'single', consumers: 2 });
  using ring = Ring.open(name);
  using producer = ring.producer();
  using consumer = ring.consumer(1);
  t.true(producer.tryPublish(word(5)));
  t.throws(() => creator.produceClaimSync(), BUSY);
  t.deepEqual(
    Array.from(consumer.nextSync({ timeout: 10_000 }), (value) => value),
    [word(5)],
  );
  t.deepEqual(valuesOf(creator.consumeNewSync()), [5]);
});
