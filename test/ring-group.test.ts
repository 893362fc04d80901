// Groups: each element goes to exactly one of the members.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Ring } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { overRingFaces } from './ring-faces.js';
import type { Handled } from './ring-peer.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const WORK = { work: { group: true } };
const GROUP = { group: true };

overRingFaces('each element goes to one member, at most maxBatch at a time', async (t, face) => {
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  using one = ring.consumer('work', GROUP);
  using three = ring.consumer('work', { ...GROUP, maxBatch: 3 });
  producer.publishManySync(words(0, 8));
  t.deepEqual(wordsOf(await face.next(one)), [0]);
  t.deepEqual(wordsOf(await face.next(three)), [1, 2, 3]);
  t.deepEqual(wordsOf(await face.next(one)), [4]);
  const rest = await face.next(three);
  t.deepEqual([rest.start, rest.end, rest.endOfBatch, rest.redelivered], [5, 7, true, false]);
  t.is(one.tryNext(), undefined);
});

test('producers wait for what any member holds', (t) => {
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  using slow = ring.consumer('work', GROUP);
  using fast = ring.consumer('work', GROUP);
  producer.publishManySync(words(0, 8));
  t.deepEqual(wordsOf(slow.tryNext()), [0]);
  t.deepEqual(drain(fast), numbers(1, 7));
  t.deepEqual([slow.sequence, fast.sequence, fast.lag], [0, 0, 8]);
  t.false(producer.tryPublish(word(8)));
  t.true(slow.commit());
  t.deepEqual([slow.sequence, fast.sequence, fast.lag], [8, 8, 0]);
  t.is(producer.tryPublishMany(words(8, 8)), 8);
});

test('committing some of a share, and having it given again', (t) => {
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  using one = ring.consumer('work', { ...GROUP, maxBatch: 5 });
  using other = ring.consumer('work', { ...GROUP, maxBatch: 100 });
  producer.publishManySync(words(0, 8));
  t.is(one.tryNext()?.length, 5);
  one.commit(1);
  one.rewind();
  const again = one.tryNext()!;
  t.deepEqual(wordsOf(again), [2, 3, 4]);
  t.false(again.redelivered, 'nobody has died');
  t.deepEqual(drain(other), [5, 6, 7]);
  t.is(one.sequence, 2);
  one.commit();
  t.is(other.sequence, 8);
});

for (const way of ['process', 'thread'] as const) {
  test(`what a member held when it died is redelivered to another: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { consumers: WORK });
    using producer = ring.producer();
    using heir = ring.consumer('work', { ...GROUP, maxBatch: 2 });
    const peer = await peers[way](t, ring.name);
    await peer.ask({ do: 'consumer', name: 'work', options: { ...GROUP, maxBatch: 4 } });
    producer.publishManySync(words(0, 8));
    t.deepEqual((await peer.ask({ do: 'take' })).values, [0, 1, 2, 3]);
    await peer.ask({ do: 'commit' });
    t.deepEqual((await peer.ask({ do: 'take' })).values, [4, 5, 6, 7]);
    producer.publishSync(word(8));
    const fresh = await heir.next();
    t.deepEqual([wordsOf(fresh), fresh.redelivered], [[8], false]);
    const waiting = heir.next();
    t.true(await staysPending(waiting), 'it lives');
    await peer.end();
    const got: number[] = [];
    const first = await waiting;
    t.true(first.redelivered);
    got.push(...wordsOf(first));
    while (got.length < 4) {
      const batch = await heir.next();
      t.true(batch.redelivered);
      got.push(...wordsOf(batch));
    }
    t.deepEqual(got, [4, 5, 6, 7]);
    heir.commit();
    t.is(heir.sequence, 9);
    producer.publishSync(word(9));
    t.false((await heir.next()).redelivered);
  });
}

test('with nobody left in it, a group waits, and what was held is redelivered', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'consumer', name: 'work', options: { ...GROUP, maxBatch: 3 } });
  producer.publishManySync(words(0, 8));
  await peer.ask({ do: 'take' });
  await peer.end();
  t.false(producer.tryPublish(word(8)));
  using member = ring.consumer('work', GROUP);
  const batches = [];
  for (let i = 0; i < 8;) {
    const { length, redelivered } = await member.next();
    batches.push(...numbers(i, length).map((value) => [value, redelivered]));
    i += length;
  }
  t.deepEqual(
    batches,
    numbers(0, 8).map((value) => [value, value < 3]),
  );
});

test('a member that closes leaves what it held to the others', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  const closes = ring.consumer('work', { ...GROUP, maxBatch: 2 });
  using stays = ring.consumer('work', { ...GROUP, maxBatch: 8 });
  producer.publishManySync(words(0, 4));
  t.deepEqual(wordsOf(closes.tryNext()), [0, 1]);
  t.deepEqual(drain(stays), [2, 3]);
  const waiting = stays.next();
  closes.close();
  const batch = await waiting;
  t.deepEqual([wordsOf(batch), batch.redelivered], [[0, 1], true]);
});

test('a member that leaves leaves what it held to the others', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  const leaves = ring.consumer('work', { ...GROUP, maxBatch: 2 });
  using stays = ring.consumer('work', { ...GROUP, maxBatch: 8 });
  producer.publishManySync(words(0, 4));
  t.deepEqual(wordsOf(leaves.tryNext()), [0, 1]);
  t.deepEqual(drain(stays), [2, 3]);
  leaves.leave();
  t.true(leaves.closed);
  const batch = await stays.next({ timeout: 20_000 });
  t.deepEqual(wordsOf(batch), [0, 1]);
});

test('the last who leaves ends the group’s gating', (t) => {
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  const [first, last] = [ring.consumer('work', GROUP), ring.consumer('work', GROUP)];
  producer.publishManySync(words(0, 8));
  first.leave();
  t.false(producer.tryPublish(word(8)));
  last.leave();
  t.is(producer.tryPublishMany(words(8, 20)), 8);
  using again = ring.consumer('work', GROUP);
  t.is(again.tryNext(), undefined, 'it begins anew');
  producer.publishSync(word(16));
  t.deepEqual(drain(again), [16]);
});

test('a group can join, and from the oldest', (t) => {
  const ring = ringOfRoles(t, { consumers: { log: {} } });
  using producer = ring.producer();
  producer.publishManySync(words(0, 6));
  using one = ring.consumer('work', { ...GROUP, from: 'oldest' });
  using two = ring.consumer('work', { ...GROUP, from: 'latest' });
  t.deepEqual(wordsOf(one.tryNext()), [0]);
  t.deepEqual(wordsOf(two.tryNext()), [1]);
});

test('members come and go for as long as anybody likes', (t) => {
  const ring = ringOfRoles(t, { consumers: WORK, maxConsumers: 3 });
  using producer = ring.producer();
  using stays = ring.consumer('work', GROUP);
  for (const value of numbers(0, 50)) {
    using passing = ring.consumer('work', GROUP);
    t.throws(() => ring.consumer('work', GROUP), { code: 'ERR_TOO_MANY_CONSUMERS' });
    producer.publishSync(word(value));
    t.deepEqual(drain(value % 2 ? passing : stays), [value]);
  }
});

test('a gap goes to nobody', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: WORK });
  using producer = ring.producer();
  const gone = ring.producer();
  using one = ring.consumer('work', GROUP);
  using two = ring.consumer('work', GROUP);
  producer.publishSync(word(0));
  gone.tryClaim(3);
  producer.publishManySync(words(4, 2));
  gone.close();
  const got = [await one.next(), await two.next(), await one.next()];
  t.deepEqual(got.map(wordsOf).sort(), [[0], [4], [5]]);
  t.deepEqual(
    got.flatMap(({ gaps }) => gaps),
    [{ start: 1, end: 3 }],
  );
  two.commit();
  one.commit();
  t.is(one.sequence, 6);
});

/** Elements handled by `members`, of whom some are ended meanwhile, as they tell it. */
async function handledBy(
  t: ExecutionContext,
  { members, dying, count }: { members: (keyof typeof peers)[]; dying: number; count: number },
): Promise<Handled[]> {
  const work = ringOfRoles(t, { elements: 64, consumers: WORK });
  using results = Ring.create(uniqueName(t), {
    elements: 64,
    elementSize: 64,
    encoding: 'json',
    consumers: { test: {} },
  });
  using told = results.consumer('test');
  const all = await Promise.all(
    members.map(async (way, peer) => {
      const member = await peers[way](t, work.name);
      const maxBatch = 1 + peer * 2;
      await member.ask({ do: 'handle', name: 'work', results: results.name, peer, maxBatch });
      return member;
    }),
  );
  using producer = work.producer();
  const published = producer.publishMany(words(0, count));
  const handled: Handled[] = [];
  const done = new Set<number>();
  let alive = dying;
  while (done.size < count) {
    for (const each of await told.next()) {
      handled.push(each as Handled);
      done.add((each as Handled).value);
    }
    told.commit();
    if (alive > 0 && handled.length > (count * (dying - alive + 1)) / (dying + 1)) {
      alive -= 1;
      await all[alive]!.end();
    }
  }
  t.is(await published, count - 1);
  return handled;
}

/** Every member got what it got in order, except for what was another's before. */
function inOrder(t: ExecutionContext, handled: readonly Handled[]): void {
  for (const peer of new Set(handled.map((each) => each.peer))) {
    const own = handled.filter((each) => each.peer === peer && !each.redelivered);
    const values = own.map(({ value }) => value);
    t.deepEqual(
      values,
      [...values].sort((a, b) => a - b),
    );
  }
}

for (const members of [
  ['process', 'process', 'process'],
  ['thread', 'thread', 'thread'],
  ['process', 'thread'],
] as (keyof typeof peers)[][]) {
  test(`exactly once, in order: ${members.join(', ')}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const handled = await handledBy(t, { members, dying: 0, count: 3000 });
    const values = handled.map(({ value }) => value);
    t.deepEqual(
      values.sort((a, b) => a - b),
      numbers(0, 3000),
    );
    t.false(handled.some(({ redelivered }) => redelivered));
    inOrder(t, handled);
  });
}

for (const way of ['process', 'thread'] as const) {
  test(`with members that die, nothing is lost, and what comes twice is marked: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const members = [way, way, way, 'process'] as const;
    const handled = await handledBy(t, { members: [...members], dying: 3, count: 2000 });
    t.deepEqual(
      [...new Set(handled.map(({ value }) => value))].sort((a, b) => a - b),
      numbers(0, 2000),
    );
    const before = new Set<number>();
    for (const { value, redelivered } of handled) {
      if (before.has(value)) t.true(redelivered, `${value} came again, unmarked`);
      before.add(value);
    }
    inOrder(t, handled);
  });
}
