// What a ring says of itself.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';

import { ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';
import { peers } from './ring-peers.js';
import { drain, word, words } from './words.js';

test('a ring in which nobody is', (t) => {
  t.deepEqual(ringOfRoles(t).stats(), {
    capacity: 8,
    next: 0,
    cursor: 0,
    gating: undefined,
    remaining: 8,
    rate: undefined,
    gaps: { count: 0, elements: 0 },
    forData: { now: false, wakes: 0 },
    forSpace: { now: false, wakes: 0 },
    unlinked: false,
    consumers: [],
    producers: [],
  });
});

test('counters', (t) => {
  const ring = ringOfRoles(t, { consumers: { fast: {}, slow: {} } });
  using producer = ring.producer();
  using fast = ring.consumer('fast');
  using slow = ring.consumer('slow');
  producer.publishManySync(words(0, 6));
  t.is(drain(fast).length, 6);
  t.is(slow.tryNext()?.length, 6);
  slow.commit(1);
  const claim = producer.claimSync(2);
  t.like(ring.stats(), { capacity: 8, next: 8, cursor: 6, gating: 2, remaining: 2 });
  claim.commit();
  t.like(ring.stats(), { next: 8, cursor: 8, gating: 2, remaining: 2 });
  slow.commit();
  t.like(ring.stats(), { gating: 6, remaining: 6 });
});

test('without consumers there is always room', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  producer.publishManySync(words(0, 100));
  t.like(ring.stats(), { next: 100, cursor: 100, gating: undefined, remaining: 8 });
});

test('consumers: who they are, whom they come after and how far they are', (t) => {
  const ring = ringOfRoles(t, {
    consumers: { log: {}, work: { group: true, after: 'log' }, nobody: { after: ['log', 'work'] } },
  });
  using producer = ring.producer();
  using log = ring.consumer('log');
  using member = ring.consumer('work', { group: true, maxBatch: 3 });
  using nameless = ring.consumer();
  producer.publishManySync(words(0, 5));
  t.is(drain(log).length, 5);
  t.is(member.tryNext()?.length, 3);
  t.is(nameless.tryNext()?.length, 5);
  member.commit(0);
  const { pid } = process;
  const idle = { rate: undefined, held: 0 };
  t.deepEqual(
    ring.stats().consumers.sort((a, b) => (a.name ?? 'z').localeCompare(b.name ?? 'z')),
    [
      {
        name: 'log',
        role: 'consumer',
        after: [],
        alive: true,
        pid,
        gates: true,
        sequence: 5,
        lag: 0,
        ...idle,
      },
      {
        name: 'nobody',
        role: 'consumer',
        after: ['log', 'work'],
        alive: false,
        pid: 0,
        gates: true,
        sequence: 0,
        lag: 5,
        ...idle,
      },
      {
        name: 'work',
        role: 'group',
        after: ['log'],
        alive: true,
        pid: 0,
        gates: true,
        sequence: 1,
        lag: 4,
        ...idle,
      },
      {
        name: 'work',
        role: 'member',
        after: [],
        alive: true,
        pid,
        gates: false,
        sequence: undefined,
        lag: 0,
        rate: undefined,
        held: 2,
      },
      {
        name: undefined,
        role: 'consumer',
        after: [],
        alive: true,
        pid,
        gates: true,
        sequence: 0,
        lag: 5,
        ...idle,
      },
    ],
  );
});

test('who has left does not gate', (t) => {
  const ring = ringOfRoles(t, { consumers: { stays: {} } });
  using producer = ring.producer();
  const leaves = ring.consumer('leaves');
  producer.publishManySync(words(0, 3));
  leaves.leave();
  const [, left] = ring.stats().consumers;
  t.like(left, { name: 'leaves', alive: false, gates: false, sequence: undefined, lag: 0 });
  t.is(ring.stats().gating, 0);
});

test('producers, living and dead', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { orphans: 'hold', consumers: { all: {} } });
  using producer = ring.producer();
  t.deepEqual(ring.stats().producers, [], 'who has not claimed');
  const claim = producer.claimSync(2);
  const { pid } = process;
  t.deepEqual(ring.stats().producers, [{ alive: true, pid, claimed: 2 }]);
  claim.commit();
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'producer' });
  await peer.ask({ do: 'claim', values: [1, 2, 3] });
  const both = ring.stats().producers;
  t.is(both.length, 2);
  t.true(both.every(({ alive }) => alive));
  const other = both.find((each) => each.pid !== pid);
  t.is(other?.claimed, 3);
  await peer.end();
  t.like(
    ring.stats().producers.find((each) => each.pid !== pid),
    { alive: false, claimed: 3 },
  );
});

test('consumers, living and dead', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {}, work: { group: true } } });
  const peer = await peers.process(t, ring.name);
  const state = () => ring.stats().consumers.map(({ role, alive }) => [role, alive]);
  t.deepEqual(state(), [
    ['consumer', false],
    ['group', false],
  ]);
  await peer.ask({ do: 'consumer', name: 'work', options: { group: true } });
  t.deepEqual(state(), [
    ['consumer', false],
    ['group', true],
    ['member', true],
  ]);
  await peer.end();
  t.deepEqual(state().slice(0, 2), [
    ['consumer', false],
    ['group', false],
  ]);
});

test('the one producer', (t) => {
  const ring = ringOfRoles(t, { producers: 'single', consumers: { all: {} } });
  using producer = ring.producer();
  producer.publishManySync(words(0, 3));
  t.like(ring.stats(), { cursor: 3, remaining: 5 });
  const [own, ...others] = ring.stats().producers;
  t.like(own, { alive: true, pid: process.pid });
  t.deepEqual(others, []);
});

test('rates are since the last call on the same object', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('all');
  producer.publishManySync(words(0, 5));
  t.is(drain(consumer).length, 5);
  const begin = performance.now();
  const first = ring.stats();
  t.is(first.rate, undefined);
  t.is(first.consumers[0]!.rate, undefined);
  await sleep(20);
  producer.publishManySync(words(5, 8));
  t.is(consumer.tryNext()?.length, 8);
  consumer.commit(8);
  const second = ring.stats();
  const seconds = (performance.now() - begin) / 1000;
  // Between the two calls it took no less than the sleep and no more than was measured.
  t.true(second.rate! >= 8 / seconds && second.rate! <= 8 / 0.018);
  t.true(second.consumers[0]!.rate! > 0 && second.consumers[0]!.rate! < second.rate!);
  await sleep(2);
  t.is(ring.stats().rate, 0);
  t.is(ring.stats().consumers[0]!.rate, 0);
});

test('gaps are counted', (t) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using consumer = ring.consumer('all');
  using producer = ring.producer();
  for (const count of [2, 1]) {
    const gone = ring.producer();
    gone.tryClaim(count);
    gone.close();
    producer.publishSync(word(1));
    t.deepEqual(consumer.nextSync({ timeout: 10_000 }).gaps.length, 1);
  }
  t.deepEqual(ring.stats().gaps, { count: 2, elements: 3 });
});

test('who sleeps, and is woken', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  using consumer = ring.consumer(undefined, { wait: 'block' });
  const next = consumer.next();
  while (!ring.stats().forData.now) await sleep(1);
  producer.publishSync(word(0));
  t.is((await next).length, 1);
  t.deepEqual(ring.stats().forData, { now: false, wakes: 1 });
  t.deepEqual(ring.stats().forSpace, { now: false, wakes: 0 });
});
