// Consumers that join, leave, and come back under their name.
import test from 'ava';
import { Ring } from 'shm-disruptor';

import { staysPending, staysPendingFor } from './compat/pending.js';
import { ring as compatible, ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const BUSY = { name: 'DisruptorError', code: 'ERR_CONSUMER_BUSY' };
const FULL = { name: 'DisruptorError', code: 'ERR_TOO_MANY_CONSUMERS' };
const GONE = { name: 'DisruptorError', code: 'ERR_SEQUENCE_GONE' };
const KIND = { name: 'DisruptorError', code: 'ERR_CONSUMER_KIND' };

test('latest: what is committed from now on', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  producer.publishManySync(words(0, 20));
  for (const consumer of [ring.consumer('a'), ring.consumer('b', { from: 'latest' })]) {
    t.is(consumer.tryNext(), undefined);
    t.deepEqual([consumer.sequence, consumer.lag], [20, 0]);
  }
  using nameless = ring.consumer();
  t.is(nameless.name, undefined);
  producer.publishManySync(words(20, 2));
  t.deepEqual(drain(nameless), [20, 21]);
});

test('oldest: as far back as the slowest', (t) => {
  const ring = ringOfRoles(t, { consumers: { slow: {}, slower: {} } });
  using producer = ring.producer();
  using slow = ring.consumer('slow');
  using slower = ring.consumer('slower');
  producer.publishManySync(words(0, 8));
  t.is(drain(slow).length, 8);
  t.is(slower.tryNext()?.length, 8);
  slower.commit(2);
  using late = ring.consumer('late', { from: 'oldest' });
  t.deepEqual(drain(late), numbers(3, 5));
  slower.commit();
  using later = ring.consumer({ from: 'oldest' });
  t.is(later.tryNext(), undefined);
});

test('oldest, with nobody there, is the latest', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  producer.publishManySync(words(0, 5));
  using consumer = ring.consumer({ from: 'oldest' });
  t.is(consumer.sequence, 5);
});

test('a sequence between the oldest and the latest', (t) => {
  const ring = ringOfRoles(t, { consumers: { slow: {} }, maxConsumers: 5 });
  using producer = ring.producer();
  using slow = ring.consumer('slow');
  producer.publishManySync(words(0, 8));
  t.is(slow.tryNext()?.length, 8);
  slow.commit(2);
  for (const from of [0, 2, 9, 1000]) {
    t.throws(() => ring.consumer('late', { from }), GONE);
    t.throws(() => ring.consumer({ from }), GONE);
  }
  for (const [i, from] of [3, 5, 8].entries()) {
    using late = ring.consumer(`late ${i}`, { from });
    t.is(late.sequence, from);
    t.deepEqual(drain(late), numbers(from, 8 - from));
  }
  t.is(producer.tryPublishMany(words(8, 8)), 3, 'who was refused holds nobody up');
});

test('who is known goes on where it was, whatever it asks for', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  const before = ring.consumer('a');
  producer.publishManySync(words(0, 6));
  t.is(before.tryNext()?.length, 6);
  before.commit(1);
  before.close();
  t.is(producer.tryPublishMany(words(6, 9)), 4, 'it goes on gating');
  for (const from of ['latest', 'oldest', 0, 1000] as const) {
    using again = ring.consumer('a', { from });
    t.deepEqual(wordsOf(again.tryNext()), numbers(2, 8));
  }
});

test('a name is resumed in another process, and after its death again here', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  producer.publishManySync(words(0, 8));
  const here = ring.consumer('all', { maxBatch: 4 });
  t.is(here.tryNext()?.length, 4);
  here.commit(1);
  here.close();
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'consumer', name: 'all', options: { maxBatch: 3 } });
  t.deepEqual((await peer.ask({ do: 'take' })).values, [2, 3, 4]);
  await peer.ask({ do: 'commit' });
  t.deepEqual((await peer.ask({ do: 'take' })).values, [5, 6, 7]);
  t.throws(() => ring.consumer('all'), BUSY);
  await peer.end();
  using back = ring.consumer('all');
  t.is(back.sequence, 5);
  t.deepEqual(wordsOf(back.tryNext()), [5, 6, 7]);
});

for (const way of ['process', 'thread'] as const) {
  test(`nobody else can be who lives: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { consumers: 1 });
    const own = ring.consumer(0);
    t.throws(() => ring.consumer('0'), BUSY);
    const peer = await peers[way](t, ring.name);
    t.deepEqual(await peer.ask({ do: 'consumer', name: '0' }), { error: BUSY.code });
    own.close();
    t.deepEqual(await peer.ask({ do: 'consumer', name: '0' }), {});
    t.throws(() => ring.consumer(0), BUSY);
    await peer.ask({ do: 'close' });
    ring.consumer(0).close();
  });
}

test('who leaves holds nobody up, and begins anew', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  const first = ring.consumer('a');
  producer.publishManySync(words(0, 8));
  t.is(first.tryNext()?.length, 8);
  t.false(producer.tryPublish(word(8)));
  first.leave();
  t.true(first.closed);
  first.close();
  t.is(producer.tryPublishMany(words(8, 8)), 8);
  using again = ring.consumer('a');
  t.is(again.tryNext(), undefined);
  t.true(producer.tryPublish(word(16)));
  t.deepEqual(drain(again), [16]);
});

test('leaving gives room to a producer that waits', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { stays: {}, leaves: {} } });
  using producer = ring.producer();
  using stays = ring.consumer('stays');
  const leaves = ring.consumer('leaves');
  producer.publishManySync(words(0, 8));
  t.is(drain(stays).length, 8);
  const waiting = producer.publish(word(8));
  t.true(await staysPending(waiting));
  leaves.leave();
  t.is(await waiting, 8);
});

test('a declared consumer gates before anybody is it', (t) => {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  using producer = ring.producer();
  t.is(producer.tryPublishMany(words(0, 10)), 8);
  using consumer = ring.consumer('all', { from: 'latest' });
  t.deepEqual(drain(consumer), numbers(0, 8));
});

test('a table that is full', (t) => {
  const ring = ringOfRoles(t, { consumers: { declared: {} }, maxConsumers: 3 });
  const named = ring.consumer('named');
  const nameless = ring.consumer();
  t.throws(() => ring.consumer('another'), FULL);
  t.throws(() => ring.consumer(), FULL);
  t.throws(() => ring.consumer('group', { group: true }), FULL);
  ring.consumer('declared').close();
  named.leave();
  t.throws(() => ring.consumer('another'), FULL, 'a name stays known');
  ring.consumer('named').leave();
  nameless.close();
  for (let i = 0; i < 10; i += 1) ring.consumer().close();
  using another = ring.consumer('another');
  t.is(another.name, 'another');
  t.throws(() => ring.consumer(), FULL);
});

test('a nameless one ends when it closes', (t) => {
  const ring = ringOfRoles(t);
  using producer = ring.producer();
  const nameless = ring.consumer();
  t.is(producer.tryPublishMany(words(0, 10)), 8);
  nameless.close();
  t.is(producer.tryPublishMany(words(8, 10)), 8);
  t.deepEqual(ring.stats().consumers, []);
});

for (const way of ['process', 'thread'] as const) {
  test(`a nameless one that died gives room to a producer that waits: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { maxConsumers: 1 });
    using producer = ring.producer();
    const peer = await peers[way](t, ring.name);
    await peer.ask({ do: 'consumer' });
    producer.publishManySync(words(0, 8));
    t.is((await peer.ask({ do: 'take' })).values?.length, 8);
    const waiting = producer.publishMany(words(8, 3));
    t.true(await staysPending(waiting));
    t.throws(() => ring.consumer(), FULL);
    await peer.end();
    t.is(await waiting, 10);
    ring.consumer().close();
  });

  test(`a named one that died is waited for, unless it is to be detached: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    for (const deadConsumers of ['hold', 'detach'] as const) {
      const ring = ringOfRoles(t, { deadConsumers });
      using producer = ring.producer();
      const peer = await peers[way](t, ring.name);
      await peer.ask({ do: 'consumer', name: 'mortal' });
      producer.publishManySync(words(0, 8));
      await peer.end();
      const waiting = producer.publish(word(8));
      if (deadConsumers === 'hold') t.true(await staysPendingFor(waiting, 600));
      else t.is(await waiting, 8);
      using back = ring.consumer('mortal');
      t.deepEqual(drain(back), deadConsumers === 'hold' ? numbers(0, 8) : []);
      t.is(await waiting, 8);
    }
  });
}

test('a consumer is no group, and a group is no consumer', (t) => {
  const ring = ringOfRoles(t, { consumers: { one: {}, work: { group: true } } });
  t.throws(() => ring.consumer('one', { group: true }), KIND);
  t.throws(() => ring.consumer('work'), KIND);
  t.throws(() => ring.consumer('work', { group: false }), KIND);
  using member = ring.consumer('work', { group: true });
  t.deepEqual([member.name, member.group], ['work', true]);
});

test('what is no way to join', (t) => {
  const ring = ringOfRoles(t);
  const consumer = ring.consumer.bind(ring) as (...given: unknown[]) => unknown;
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  for (const name of ['', 'x'.repeat(65), 'ü'.repeat(33), 'a\0b']) {
    t.throws(() => consumer(name), value);
  }
  for (const name of [null, true, 5n, Symbol('x')]) t.throws(() => consumer(name), type);
  for (const index of [-1, 1.5, NaN]) t.throws(() => consumer(index), range);
  t.throws(() => consumer({ group: true }), type);
  t.throws(() => consumer(undefined, { group: true }), type);
  for (const options of ['x', 5, true]) t.throws(() => consumer('a', options), type);
  t.throws(() => consumer('a', { group: 1 }), type);
  for (const maxBatch of [0, -1, 1.5]) t.throws(() => consumer('a', { maxBatch }), range);
  t.throws(() => consumer('a', { maxBatch: '1' }), type);
  for (const from of ['newest', 'toString', -1, 1.5])
    t.throws(() => consumer('a', { from }), range);
  for (const from of [true, null, {}]) t.throws(() => consumer('a', { from }), type);
  t.throws(() => consumer('a', { wait: 'patiently' }), range);
  t.deepEqual(ring.stats().consumers, []);
  using longest = ring.consumer('ü'.repeat(32));
  t.is(longest.name, 'ü'.repeat(32));
});

test('a ring of the compatible constructor knows its consumers by their index alone', (t) => {
  const { name, creator } = compatible.named(t, { consumers: 2, shared: false });
  using ring = Ring.open(name);
  t.throws(() => ring.consumer(2), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => ring.consumer(0), BUSY);
  t.throws(() => ring.consumer('somebody'), FULL);
  t.throws(() => ring.consumer(), FULL);
  using consumer = ring.consumer(1);
  creator.produceClaimSync().writeUInt32LE(7);
  t.true(creator.produceCommitSync());
  t.deepEqual([...consumer.tryNext()!], [word(7)]);
});
