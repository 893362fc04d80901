// What others see when a participant dies, through the public API.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Disruptor, DisruptorReadStream, listSegments, unlinkSegment } from 'shm-disruptor';
import type { Gap, GapMessage } from 'shm-disruptor';

import { asleep } from './asleep.js';
import { produce, valuesOf } from './compat/values.js';
import { callbackFace, promiseFace, syncFace } from './faces.js';
import { attach, ring, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Orders } from './recovery-child.js';

const CHILD = new URL('./recovery-child.js', import.meta.url);

interface Claim {
  prevClaimStart: number;
  prevClaimEnd: number;
}

/** A process that has carried out its orders. */
async function processOf(t: ExecutionContext, orders: Orders) {
  const child = fork(fileURLToPath(CHILD), [JSON.stringify(orders)]);
  t.teardown(() => child.kill('SIGKILL'));
  const [claim] = (await once(child, 'message')) as [Claim];
  return { child, claim };
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Each way to die, with orders carried out first. */
const deaths: Record<string, (t: ExecutionContext, orders: Orders) => Promise<void>> = {
  'kill -9': async (t, orders) => {
    const { child } = await processOf(t, orders);
    await killed(child);
  },
  'terminate()': async (_t, orders) => {
    const worker = new Worker(CHILD, { workerData: orders });
    await once(worker, 'message');
    await worker.terminate();
  },
  'release()': async (_t, { options, commits = 0, claims = 0 }) => {
    const d = new Disruptor(options);
    for (let i = 1; i <= commits; i += 1) produce(d, i);
    if (claims > 0) d.produceClaimManySync(claims);
    d.release();
    return Promise.resolve();
  },
  'an exit without release': async (t, orders) => {
    const { child } = await processOf(t, orders);
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  },
};

for (const [way, die] of Object.entries(deaths)) {
  for (const face of [promiseFace, callbackFace, syncFace]) {
    test(`after ${way}, what others committed arrives, and the gap is told (${face.name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const { name, creator } = ring.named(t, { spin: true });
      await die(t, { options: { name }, commits: 2, claims: 3 });
      const gaps: Gap[] = [];
      const values: number[] = [];
      // Its commit waits for the dead claim, and so for its closing.
      await promiseFace.claim(creator);
      creator.elements.writeUInt32LE(7, 4 * creator.prevClaimStart);
      t.true(await face.commit(creator));
      while (values.length < 3) {
        const consumed = await face.consume(creator);
        values.push(...valuesOf(consumed.bufs));
        gaps.push(...(face === syncFace ? creator.prevConsumeGaps : (consumed.gaps ?? [])));
      }
      t.deepEqual(values, [1, 2, 7]);
      t.deepEqual(gaps, [{ start: 2, end: 4 }]);
      t.deepEqual(creator.gaps, { count: 1, elements: 3 });
      t.false('gaps' in (await face.consume(attach(t, creator, { spin: false }))));
    });
  }
}

test('whoever waits when a producer dies goes on: for data, for room, for a commit', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { spin: true });
  const { child } = await processOf(t, { options: { name }, claims: 3 });
  produceLater(creator, 5);
  const committed = creator.produceCommit();
  const consumer = attach(t, creator, { spin: true });
  const consumed = consumer.consumeNew();
  const room = attach(t, creator, { spin: true }).produceClaimMany(5);
  await Promise.all([asleep(name, 'data'), asleep(name, 'space')]);
  await killed(child);
  t.true(await committed);
  t.deepEqual(await consumed, {
    bufs: [(await consumed).bufs[0]!],
    start: 3,
    gaps: [{ start: 0, end: 2 }],
  });
  t.deepEqual(valuesOf((await consumed).bufs), [5]);
  consumer.consumeCommit();
  t.is((await room).claimStart, 4);
});

/** Claims one element and fills it in. */
function produceLater(d: Disruptor, value: number): void {
  d.produceClaimSync().writeUInt32LE(value);
}

test('a producer that was stopped is alive: nothing of it is closed, and its commit succeeds', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, {});
  const { child, claim } = await processOf(t, { options: { name, spin: true }, claims: 2 });
  t.deepEqual(claim, { prevClaimStart: 0, prevClaimEnd: 1 });
  child.kill('SIGSTOP');
  const behind = attach(t, creator, { spin: true });
  produceLater(behind, 9);
  const committed = behind.produceCommit();
  const waiting = attach(t, creator, { spin: true }).consumeNew();
  await asleep(name);
  t.false(creator.recover());
  t.is(creator.cursor, 0);
  child.kill('SIGCONT');
  const answer = once(child, 'message');
  child.send('go on');
  t.true((await answer)[0]);
  t.true(await committed);
  const { start, gaps } = await waiting;
  t.is(start, 0);
  t.is(gaps, undefined);
  t.deepEqual(creator.gaps, { count: 0, elements: 0 });
});

test('a gap is told on the diagnostics channel, once', async (t) => {
  const { name, creator } = ring.named(t, { consumers: 2 });
  await deaths['release()']!(t, { options: { name }, claims: 2 });
  const heard: GapMessage[] = [];
  const listen = (message: unknown) => {
    if ((message as GapMessage).name === name) heard.push(message as GapMessage);
  };
  diagnostics.subscribe('shm-disruptor:gap', listen);
  t.teardown(() => diagnostics.unsubscribe('shm-disruptor:gap', listen));
  t.true(creator.recover());
  t.false(creator.recover());
  t.deepEqual(creator.consumeNewSync(), []);
  t.deepEqual(creator.prevConsumeGaps, [{ start: 0, end: 1 }]);
  t.deepEqual(creator.consumeNewSync(), []);
  t.deepEqual(creator.prevConsumeGaps, []);
  t.deepEqual(heard, [{ name, consumer: 0, start: 0, end: 1 }]);
});

for (const wait of ['adaptive', 'block', 'sleep', 'yield', 'busy-spin'] as const) {
  test(`a reading stream goes on behind a gap, and emits it: ${wait}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator } = ring.named(t, { elementSize: 1, wait });
    await deaths['release()']!(t, { options: { name }, claims: 3 });
    const stream = new DisruptorReadStream(creator);
    t.teardown(() => stream.destroy());
    const gap = once(stream, 'gap');
    const data = once(stream, 'data');
    const writer = attach(t, creator, { spin: true, wait });
    writer.produceClaimSync().write('x');
    const committed = writer.produceCommit();
    t.deepEqual(await gap, [{ start: 0, end: 2 }]);
    t.deepEqual(await data, [Buffer.from('x')]);
    t.true(await committed);
  });
}

test('without spin, a commit behind a dead claim succeeds when it is tried again', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t);
  await deaths['release()']!(t, { options: { name }, claims: 2 });
  produceLater(creator, 3);
  while (!creator.produceCommitSync()) await sleep(1);
  t.deepEqual(valuesOf(creator.consumeNewSync()), [3]);
  t.deepEqual(creator.prevConsumeGaps, [{ start: 0, end: 1 }]);
});

test('with orphans held, a restarted program takes its claim over', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { orphans: 'hold' });
  const { child, claim } = await processOf(t, { options: { name }, commits: 1, claims: 2 });
  await killed(child);
  t.is(creator.consumeNewSync().length, 1);
  t.false(creator.recover());
  t.deepEqual(creator.consumeNewSync(), []);
  const heir = attach(t, creator);
  const { prevClaimStart, prevClaimEnd } = claim;
  const bufs = heir.produceRecover(prevClaimStart, prevClaimEnd);
  t.is(Buffer.concat(bufs).length, 8);
  bufs[0]!.writeUInt32LE(5, 0);
  bufs[0]!.writeUInt32LE(6, 4);
  t.true(heir.produceCommitSync(prevClaimStart, prevClaimEnd));
  t.deepEqual(valuesOf(creator.consumeNewSync()), [5, 6]);
  t.deepEqual(heir.produceRecover(prevClaimStart, prevClaimEnd), []);
});

test('a dead consumer’s elements wait for the next one under its index', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { consumers: 2, consumer: 0 });
  produce(creator, 1, 2, 3, 4, 5, 6, 7, 8);
  const { child } = await processOf(t, { options: { name, consumer: 1 }, consumes: true });
  creator.consumeNewSync();
  creator.consumeCommit();
  t.throws(() => new Disruptor({ name, consumer: 1 }), { code: 'ERR_CONSUMER_BUSY' });
  await killed(child);
  t.is(creator.produceClaimSync().length, 0);
  const next = attach(t, creator, { consumer: 1, shared: false });
  t.deepEqual(valuesOf(next.consumeNewSync()), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a dead consumer that is to be detached gives room to a producer that waits', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const options = { consumers: 2, consumer: 0, deadConsumers: 'detach', spin: true } as const;
  const { name, creator } = ring.named(t, options);
  const { child } = await processOf(t, { options: { name, consumer: 1 }, consumes: true });
  produce(creator, 1, 2, 3, 4, 5, 6, 7, 8);
  creator.consumeNewSync();
  creator.consumeCommit();
  const room = creator.produceClaim();
  await asleep(name, 'space');
  await killed(child);
  t.is((await room).claimStart, 8);
  t.true(creator.produceCommitSync());
  const back = attach(t, creator, { consumer: 1 });
  t.deepEqual(back.consumeNewSync(), []);
  t.is(back.consumer, 9);
});

test('one consumer alone or several who share; the positional constructor shares', (t) => {
  const { name, creator } = ring.named(t, { shared: false });
  const busy = { name: 'DisruptorError', code: 'ERR_CONSUMER_BUSY' };
  t.throws(() => new Disruptor({ name, consumer: 0 }), busy);
  t.throws(() => new Disruptor({ name, consumer: 0, shared: true }), busy);
  const positional = new Disruptor(name, 8, 4, 1, 0, false, false);
  t.throws(() => positional.consumeNewSync(), busy);
  t.is(positional.produceClaimSync().length, 4);
  creator.release();
  t.deepEqual(positional.consumeNewSync(), []);
  const other = new Disruptor(name, 8, 4, 1, 0, false, false);
  t.deepEqual(other.consumeNewSync(), []);
  t.throws(() => new Disruptor({ name, consumer: 0 }), busy);
  positional.release();
  other.release();
  new Disruptor({ name, consumer: 0 }).release();
});

test('init: new is refused while somebody lives there, and takes over from the dead', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const fresh = { name, elements: 16, elementSize: 4, init: 'new' } as const;
  const first = new Disruptor(fresh);
  const { child } = await processOf(t, { options: { name } });
  t.throws(() => new Disruptor(fresh), { code: 'ERR_SEGMENT_IN_USE' });
  first.release();
  t.throws(() => new Disruptor(fresh), { code: 'ERR_SEGMENT_IN_USE' });
  await killed(child);
  const second = new Disruptor({ ...fresh, elements: 32 });
  t.is(second.elements.length, 128);
  second.release();
});

test('unlink takes the name away; those attached go on', (t) => {
  const { name, creator } = ring.named(t);
  unlinkSegment(name);
  t.throws(() => new Disruptor({ name }), { code: 'ENOENT' });
  t.throws(
    () => {
      unlinkSegment(name);
    },
    { code: 'ENOENT' },
  );
  produce(creator, 4);
  t.deepEqual(valuesOf(creator.consumeNewSync()), [4]);
});

test('list tells of every segment, and who lives there', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { consumers: 2, orphans: 'hold', elements: 100 });
  creator.consumeNewSync();
  const dying = await processOf(t, { options: { name, consumer: 1 }, consumes: true });
  await killed(dying.child);
  produce(creator, 1, 2);
  creator.produceClaimSync();
  const info = listSegments().find((each) => each.name === name);
  t.like(info, {
    kind: 'disruptor',
    elements: 100,
    elementSize: 4,
    mode: 0o600,
    owner: process.getuid!(),
    next: 3,
    cursor: 2,
    orphans: 'hold',
    deadConsumers: 'hold',
    attached: true,
    gaps: { count: 0, elements: 0 },
    producers: { alive: 1, gone: 0 },
    consumers: { count: 2, alive: 1, gone: 1 },
  });
  creator.release();
  t.false(listSegments().find((each) => each.name === name)!.attached);
});

test('options of recovery are checked', (t) => {
  const name = uniqueName(t);
  const make = (options: object) =>
    new Disruptor({ name, elements: 8, elementSize: 4, init: true, ...options });
  for (const [option, wrong] of Object.entries({
    orphans: 'keep',
    deadConsumers: 'skip',
    maxProducers: 0,
  })) {
    t.throws(() => make({ [option]: wrong }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => make({ [option]: {} }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const wrong of [{ init: 'old' }, { shared: 1, consumer: 0 }]) {
    t.throws(() => make(wrong), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  const d = make({ maxProducers: 1 });
  const other = new Disruptor({ name });
  t.is(d.produceClaimSync().length, 4);
  t.throws(() => other.produceClaimSync(), { code: 'ERR_TOO_MANY_PRODUCERS' });
  d.release();
  t.is(other.produceClaimSync().length, 4);
  other.release();
});
