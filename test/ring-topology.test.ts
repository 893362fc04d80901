// Who comes after whom: a consumer gets only what all of those have committed.
import test from 'ava';
import { Ring } from 'shm-disruptor';
import type { RingOptions } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { overRingFaces, patient } from './ring-faces.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const PIPELINE = { first: {}, second: { after: 'first' }, third: { after: ['second'] } };
const DIAMOND = { left: {}, right: {}, join: { after: ['left', 'right'] } };

overRingFaces('a pipeline', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: PIPELINE });
  using producer = ring.producer();
  using first = ring.consumer('first', { maxBatch: 5 });
  using second = ring.consumer('second', { maxBatch: 3 });
  using third = ring.consumer('third');
  producer.publishManySync(words(0, 8));
  t.is(second.tryNext(), undefined);
  t.deepEqual(wordsOf(await face.next(first)), numbers(0, 5));
  t.is(second.tryNext(), undefined, 'taken is not committed');
  t.true(first.commit());
  t.deepEqual(wordsOf(await face.next(second)), numbers(0, 3));
  t.is(third.tryNext(), undefined);
  t.true(second.commit());
  const batch = await face.next(third);
  t.deepEqual(wordsOf(batch), numbers(0, 3));
  t.true(batch.endOfBatch);
  t.deepEqual([first.sequence, second.sequence, third.sequence], [5, 3, 0]);
  t.deepEqual([first.lag, second.lag, third.lag], [3, 5, 8]);
});

overRingFaces('a diamond', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: DIAMOND });
  using producer = ring.producer();
  using left = ring.consumer('left');
  using right = ring.consumer('right');
  using join = ring.consumer('join');
  producer.publishManySync(words(0, 6));
  t.is((await face.next(left)).length, 6);
  t.is((await face.next(right)).length, 6, 'they do not wait for each other');
  left.commit();
  t.is(join.tryNext(), undefined);
  right.commit(3);
  t.deepEqual(wordsOf(await face.next(join)), numbers(0, 4));
  right.commit();
  t.deepEqual(wordsOf(await face.next(join)), [4, 5]);
});

test('producers wait for the last in each chain', (t) => {
  const ring = ringOfRoles(t, { consumers: { ...PIPELINE, branch: { after: 'first' } } });
  using producer = ring.producer();
  using first = ring.consumer('first');
  using second = ring.consumer('second');
  using third = ring.consumer('third');
  using branch = ring.consumer('branch');
  producer.publishManySync(words(0, 8));
  for (const consumer of [first, second, branch]) {
    t.deepEqual(drain(consumer), numbers(0, 8));
    t.false(producer.tryPublish(word(8)));
  }
  t.is(third.tryNext()?.length, 8);
  third.commit(1);
  t.is(producer.tryPublishMany(words(8, 8)), 2);
});

test('a branch joins later, after one that is there', (t) => {
  const ring = ringOfRoles(t, { consumers: { log: {} } });
  using producer = ring.producer();
  using log = ring.consumer('log');
  producer.publishManySync(words(0, 4));
  t.is(log.tryNext()?.length, 4);
  log.commit(1);
  using latest = ring.consumer('latest', { after: 'log' });
  t.is(latest.tryNext(), undefined);
  t.is(latest.sequence, 2, 'where the one before it is');
  log.commit();
  t.deepEqual(drain(latest), [2, 3]);
  producer.publishManySync(words(4, 4));
  t.is(latest.tryNext(), undefined);
  t.deepEqual(drain(log), numbers(4, 4));
  t.is(producer.tryPublishMany(words(8, 8)), 4, 'it holds producers up');
  t.deepEqual(drain(latest), numbers(4, 4));
});

test('after one that has left, one comes after those before it', (t) => {
  const ring = ringOfRoles(t, { consumers: PIPELINE });
  using producer = ring.producer();
  using first = ring.consumer('first');
  const second = ring.consumer('second');
  using third = ring.consumer('third');
  producer.publishManySync(words(0, 4));
  t.deepEqual(drain(first), numbers(0, 4));
  t.is(third.tryNext(), undefined);
  second.leave();
  t.deepEqual(drain(third), numbers(0, 4));
  producer.publishManySync(words(4, 4));
  t.is(third.tryNext(), undefined);
  t.deepEqual(drain(first), numbers(4, 4));
  t.deepEqual(drain(third), numbers(4, 4));
});

test('one that died is still before the others, and goes on when it is back', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: PIPELINE });
  using producer = ring.producer();
  using second = ring.consumer('second');
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'consumer', name: 'first' });
  producer.publishManySync(words(0, 4));
  t.deepEqual((await peer.ask({ do: 'take' })).values, numbers(0, 4));
  const waiting = second.next();
  await peer.end();
  t.true(await staysPending(waiting));
  using first = ring.consumer('first');
  t.deepEqual(drain(first), numbers(0, 4));
  t.deepEqual(wordsOf(await waiting), numbers(0, 4));
});

test('after a group, and a group after a consumer', (t) => {
  const ring = ringOfRoles(t, {
    consumers: { log: {}, work: { group: true, after: 'log' }, report: { after: 'work' } },
  });
  using producer = ring.producer();
  using log = ring.consumer('log');
  using one = ring.consumer('work', { group: true, maxBatch: 2 });
  using two = ring.consumer('work', { group: true, maxBatch: 2 });
  using report = ring.consumer('report');
  producer.publishManySync(words(0, 4));
  t.is(one.tryNext(), undefined);
  t.deepEqual(drain(log), numbers(0, 4));
  t.deepEqual(wordsOf(one.tryNext()), [0, 1]);
  t.deepEqual(wordsOf(two.tryNext()), [2, 3]);
  two.commit();
  t.is(report.tryNext(), undefined, 'what comes before is not done with');
  one.commit(0);
  t.deepEqual(wordsOf(report.tryNext()), [0]);
  one.commit();
  t.deepEqual(wordsOf(report.tryNext()), [1, 2, 3]);
});

const declaring = (consumers: NonNullable<RingOptions['consumers']>) => () =>
  Ring.create({ elements: 8, elementSize: 4, consumers });

test('circles are refused, with their names', (t) => {
  const circle = { name: 'DisruptorError', code: 'ERR_DEPENDENCY_CYCLE' };
  t.throws(declaring({ a: { after: 'a' } }), circle);
  t.throws(declaring({ a: { after: 'b' }, b: { after: 'a' } }), circle);
  const { message } = t.throws(
    declaring({ root: {}, a: { after: ['root', 'c'] }, b: { after: 'a' }, c: { after: 'b' } }),
    circle,
  );
  t.regex(message, /\ba\b.*\bc\b.*\bb\b.*\ba\b/);
});

test('nobody comes after somebody unknown', (t) => {
  const unknown = { name: 'DisruptorError', code: 'ERR_UNKNOWN_CONSUMER' };
  t.throws(declaring({ a: { after: 'b' } }), { ...unknown, message: /'b'/ });
  t.throws(declaring({ a: {}, b: { after: ['a', 'toString'] } }), unknown);
  const ring = ringOfRoles(t, { consumers: { a: {} } });
  t.throws(() => ring.consumer('b', { after: 'c' }), unknown);
  t.throws(() => ring.consumer('b', { after: ['a', 'b'] }), unknown);
  t.throws(() => ring.consumer({ after: 'c' }), unknown);
  t.deepEqual(
    ring.stats().consumers.map(({ name }) => name),
    ['a'],
  );
});

test('more than eight to come after, and what is no name', (t) => {
  const names = numbers(0, 9).map(String);
  const many = Object.fromEntries(names.map((name) => [name, {}]));
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(declaring({ ...many, last: { after: names } }), value);
  const ring = ringOfRoles(t, { consumers: { ...many, eight: { after: names.slice(1) } } });
  t.throws(() => ring.consumer('last', { after: names }), value);
  using eight = ring.consumer('eight', { after: [...names.slice(1), '1'] });
  using producer = ring.producer();
  producer.publishSync(word(7));
  for (const name of names.slice(1)) {
    t.is(eight.tryNext(), undefined);
    using before = ring.consumer(name);
    t.deepEqual(drain(before), [7]);
  }
  t.deepEqual(drain(eight), [7]);
  for (const after of ['', 'x'.repeat(65), 'a\0b']) {
    t.throws(() => ring.consumer('last', { after }), value);
  }
  for (const after of [5, null, {}, [5]] as unknown as string[]) {
    t.throws(() => ring.consumer('last', { after }), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('a known one comes after the same as before', (t) => {
  const ring = ringOfRoles(t, { consumers: DIAMOND });
  const mismatch = { name: 'DisruptorError', code: 'ERR_DEPENDENCIES' };
  for (const after of ['left', [], ['left', 'right', 'join']]) {
    t.throws(() => ring.consumer('join', { after }), mismatch);
  }
  t.throws(() => ring.consumer('left', { after: 'right' }), mismatch);
  ring.consumer('left', { after: [] }).close();
  ring.consumer('join').close();
  ring.consumer('join', { after: ['left', 'right'] }).close();
});

test('in whatever order they are named', (t) => {
  const ring = ringOfRoles(t, { consumers: DIAMOND });
  t.notThrows(() => {
    ring.consumer('join', { after: ['right', 'left'] }).close();
  });
});

test('without options a name says all', (t) => {
  using ring = Ring.create(uniqueName(t), {
    elements: 8,
    elementSize: 4,
    consumers: { b: { after: 'a' }, a: {} },
  });
  using producer = ring.producer();
  using b = ring.consumer('b');
  using a = ring.consumer('a');
  producer.publishSync(word(1));
  t.is(b.tryNext(), undefined);
  t.deepEqual(drain(a), [1]);
  t.deepEqual(drain(b), [1]);
});

// Whoever is not woken finds out by looking, which takes far longer than the watchdog here.
for (const face of patient) {
  test(`whoever sleeps is woken by the one before (${face.name})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { consumers: PIPELINE, pollingBudget: 0 });
    using producer = ring.producer();
    using second = ring.consumer('second');
    using third = ring.consumer('third');
    const peer = await peers.thread(t, ring.name);
    await peer.ask({ do: 'consumer', name: 'first' });
    const passing = peer.ask({ do: 'pass', count: 200 });
    for (const value of numbers(0, 200)) {
      const last = face.next(third);
      producer.publishSync(word(value));
      t.deepEqual(wordsOf(await face.next(second)), [value]);
      second.commit();
      t.deepEqual(wordsOf(await last), [value]);
      third.commit();
    }
    t.deepEqual(await passing, {});
  });
}

for (const way of ['process', 'thread'] as const) {
  test(`whoever blocks is woken by the one before: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const count = 1000;
    const ring = ringOfRoles(t, { elements: 1, consumers: PIPELINE });
    using producer = ring.producer();
    const passing = Object.keys(PIPELINE).map(async (name) => {
      const peer = await peers[way](t, ring.name);
      const joined = await peer.ask({ do: 'consumer', name, options: { wait: 'block' } });
      t.deepEqual(joined, {});
      return peer.ask({ do: 'pass', count });
    });
    for (const value of numbers(0, count)) await producer.publish(word(value));
    for (const each of passing) t.deepEqual(await each, {});
    t.deepEqual(
      ring.stats().consumers.map(({ sequence }) => sequence),
      [count, count, count],
    );
  });
}
