// What can be seen of segments from outside, and that nobody notices who looks.
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Disruptor, Queue } from 'shm-disruptor';

import type * as Observing from '../dist/observe/observation.js';
import type * as Rating from '../dist/observe/rates.js';
import { ring, ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { peers } from './ring-peers.js';
import { word } from './words.js';

const internal = async (file: string): Promise<unknown> =>
  import(new URL(`../../dist/observe/${file}.js`, import.meta.url).href);
const { observe, observeAll } = (await internal('observation')) as typeof Observing;
const { ratesBetween } = (await internal('rates')) as typeof Rating;

const pathOf = (name: string) => `/dev/shm${name}`;

/** Writes into a segment's file, as nobody should. */
function damage(name: string, offset: number, value: bigint): void {
  const file = openSync(pathOf(name), 'r+');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  writeSync(file, bytes, 0, 8, offset);
  closeSync(file);
}

/** Where the byte map (addon/core/layout.h) has them. */
const NEXT = 256;
const CURSOR = 384;
const CONSUMERS = 4096;
const VERSION = 8;
const ELEMENTS = 32;

test('a ring: how it was made, who takes part, and how far each has come', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const begun = Date.now();
  const created = ringOfRoles(t, {
    elements: 16,
    consumers: { journal: {}, mail: { group: true }, execute: { after: ['journal'] } },
    producers: 'multi',
    deadConsumers: 'hold',
  });
  const producer = created.producer();
  t.teardown(() => {
    producer.close();
  });
  for (const value of [1, 2, 3]) producer.tryPublish(word(value));
  const thread = await peers.thread(t, created.name);
  await thread.ask({ do: 'consumer', name: 'journal' });
  const other = await peers.process(t, created.name);
  await other.ask({ do: 'consumer', name: 'mail', options: { group: true } });
  await other.ask({ do: 'take' });
  producer.tryClaim(2);

  const seen = observe(created.name);
  t.like(seen, {
    name: created.name,
    kind: 'disruptor',
    bytes: statSync(pathOf(created.name)).size,
    owner: { uid: process.getuid!(), name: userInfo().username },
    mode: 0o600,
    attached: true,
    damaged: [],
    stuck: [],
    geometry: {
      elements: 16,
      elementSize: 4,
      holds: 'bytes',
      maxMessage: undefined,
      producers: 'multi',
      orphans: 'skip',
      deadConsumers: 'hold',
    },
    ring: { next: 5, cursor: 3, gating: 0, used: 5, free: 11, replaced: false },
  });
  t.true(seen.created <= seen.seen && seen.created > begun - 1000);
  const { consumers, producers, open } = seen.ring!;
  t.deepEqual(open, { start: 3, end: 4, orphaned: false });
  const [journal, mail, execute, member] = consumers;
  t.like(journal, { name: 'journal', role: 'consumer', after: [], alive: true, gating: 'gates' });
  t.like(journal, { pid: process.pid, sequence: 0, lag: 3 });
  t.not(journal?.thread, process.pid, 'a worker thread');
  t.like(mail, { name: 'mail', role: 'group', alive: true, sequence: 0, lag: 3, unread: 2 });
  t.like(execute, { name: 'execute', after: ['journal'], alive: false, pid: 0, lag: 3 });
  t.like(member, { name: 'mail', role: 'member', alive: true, gating: 'in a group', held: 1 });
  t.is(member?.thread, member?.pid, 'a main thread');
  t.like(producers, [{ pid: process.pid, alive: true, claimed: 2, first: 3 }]);
});

test('a queue, in cells', (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096, maxMessage: 100 });
  queue.tryEnqueue('one');
  queue.tryEnqueue('two');
  const message = queue.tryReceive();
  const seen = observe(queue.name);
  t.like(seen, {
    kind: 'queue',
    geometry: { elements: 128, elementSize: 32, holds: 'messages', maxMessage: 100 },
    ring: { cursor: 2, gating: 0, used: 2 },
  });
  t.like(seen.ring!.consumers[0], { role: 'group', lag: 2, unread: 1, alive: true });
  t.like(seen.ring!.consumers[1], { role: 'member', held: 1, alive: true });
  message?.ack();
  queue.close();
  t.false(observe(queue.name).attached);
});

test('looking changes no byte, and wakes nobody', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { spin: true });
  const waiting = creator.consumeNew();
  while (!observe(name).ring!.forData.now) await sleep(10);
  const before = readFileSync(pathOf(name));
  for (let i = 0; i < 20; i += 1) {
    observe(name);
    observeAll();
  }
  t.true(before.equals(readFileSync(pathOf(name))));
  t.is(observe(name).ring!.forData.wakes, 0);
  creator.produceClaimSync();
  creator.produceCommitSync();
  t.is((await waiting).bufs.length, 1);
  t.is(observe(name).ring!.forData.wakes, 1);
});

test('looking takes no place: whoever comes meanwhile gets it', (t) => {
  const { name, creator } = ring.named(t, { shared: false, maxProducers: 1 });
  creator.release();
  observe(name);
  const next = new Disruptor({ name, consumer: 0 });
  next.produceClaimSync();
  t.like(observe(name).ring!.consumers, [{ alive: true }]);
  t.like(observe(name).ring!.producers, [{ alive: true, claimed: 1 }]);
  next.release();
});

test('all segments, sorted, with those that are damaged', (t) => {
  const names = [ring.named(t).name, ring.named(t).name];
  damage(names[1]!, VERSION, 77n);
  const seen = observeAll();
  const kept = seen.filter(({ name }) => names.includes(name));
  t.deepEqual(
    kept.map(({ name, damaged }) => [name, damaged.map(({ code }) => code)]),
    [
      [names[0], []],
      [names[1], ['ERR_SEGMENT_VERSION']],
    ],
  );
  t.deepEqual(
    seen.map(({ name }) => name),
    seen.map(({ name }) => name).sort(),
  );
});

test('what is wrong with a damaged segment is said', (t) => {
  const damages: [(name: string) => void, string, RegExp][] = [
    [
      (name) => {
        damage(name, VERSION, 77n);
      },
      'ERR_SEGMENT_VERSION',
      /has layout 77, .* layout \d/,
    ],
    [
      (name) => {
        damage(name, ELEMENTS, 9n);
      },
      'ERR_SEGMENT_CORRUPT',
      /header was changed/,
    ],
    [
      (name) => {
        chmodSync(pathOf(name), 0o640);
      },
      'ERR_SEGMENT_MODE',
      /are 0640, .* set 0600/,
    ],
    [
      (name) => {
        truncateSync(pathOf(name), 4096);
      },
      'ERR_SEGMENT_TRUNCATED',
      /file has 4096 bytes/,
    ],
    [
      (name) => {
        damage(name, CURSOR, 1n << 60n);
      },
      'ERR_SEGMENT_CORRUPT',
      /cursor .* no sequence/,
    ],
    [
      (name) => {
        damage(name, NEXT, 100n);
      },
      'ERR_SEGMENT_CORRUPT',
      /100 elements are claimed/,
    ],
    [
      (name) => {
        damage(name, CONSUMERS, 3n);
      },
      'ERR_SEGMENT_CORRUPT',
      /#0 stands at 3, ahead of/,
    ],
    [
      (name) => {
        damage(name, CONSUMERS, 1n << 61n);
      },
      'ERR_SEGMENT_CORRUPT',
      /sequence of .* #0 is/,
    ],
  ];
  for (const [harm, code, reason] of damages) {
    const { name } = ring.named(t);
    harm(name);
    const { damaged } = observe(name);
    t.is(damaged[0]?.code, code);
    t.regex(damaged[0]!.reason, reason);
    t.true(observeAll().some((each) => each.name === name));
  }
});

test('what is no segment, or not there, is an error', (t) => {
  t.throws(() => observe(uniqueName()), { code: 'ENOENT' });
  t.throws(() => observe('/a/b'), { code: 'ERR_INVALID_ARG_VALUE' });
  const name = uniqueName(t);
  closeSync(openSync(pathOf(name), 'w'));
  t.throws(() => observe(name), { code: 'ERR_SEGMENT_TOO_SHORT' });
  truncateSync(pathOf(name), 8192);
  t.throws(() => observe(name), { code: 'ERR_SEGMENT_FOREIGN' });
});

const codes = (name: string) => observe(name).stuck.map(({ code }) => code);

test('a full ring says who is in the way for good', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const consumers = { journal: {}, mail: { group: true } };
  const created = ringOfRoles(t, { elements: 2, consumers });
  const producer = created.producer();
  t.teardown(() => {
    producer.close();
  });
  producer.tryPublish(word(1));
  t.deepEqual(codes(created.name), [], 'there is room');
  producer.tryPublish(word(2));
  t.deepEqual(codes(created.name), ['absent-consumer', 'absent-consumer']);
  const peer = await peers.process(t, created.name);
  await peer.ask({ do: 'consumer', name: 'journal' });
  const other = await peers.process(t, created.name);
  await other.ask({ do: 'consumer', name: 'mail', options: { group: true } });
  t.deepEqual(codes(created.name), [], 'both live');
  await peer.end();
  await other.end();
  const seen = observe(created.name);
  t.deepEqual(
    seen.stuck.map(({ code }) => code),
    ['dead-consumer', 'empty-group'],
  );
  t.regex(seen.stuck[0]!.reason, /^There is no room, and consumer journal, process \d+, is dead$/);
});

test('those whom producers let go of are not in the way', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const created = ringOfRoles(t, {
    elements: 1,
    consumers: { a: {} },
    deadConsumers: 'detach',
  });
  const producer = created.producer();
  t.teardown(() => {
    producer.close();
  });
  const peer = await peers.process(t, created.name);
  await peer.ask({ do: 'consumer', name: 'a' });
  producer.tryPublish(word(1));
  await peer.end();
  t.deepEqual(codes(created.name), []);
  const anonymous = ringOfRoles(t, { elements: 1 });
  const passing = await peers.process(t, anonymous.name);
  await passing.ask({ do: 'consumer' });
  const another = anonymous.producer();
  t.teardown(() => {
    another.close();
  });
  another.tryPublish(word(1));
  await passing.end();
  t.deepEqual(codes(anonymous.name), []);
});

for (const orphans of ['skip', 'hold'] as const) {
  test(`a dead producer's claim is told (${orphans})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const created = ringOfRoles(t, { orphans });
    const peer = await peers.process(t, created.name);
    await peer.ask({ do: 'producer' });
    await peer.ask({ do: 'claim', values: [1, 2] });
    t.deepEqual(observe(created.name).ring!.open, { start: 0, end: 1, orphaned: false });
    t.deepEqual(codes(created.name), []);
    await peer.end();
    const seen = observe(created.name);
    t.deepEqual(seen.ring!.open, { start: 0, end: 1, orphaned: true });
    t.like(seen.ring!.producers, [{ alive: false, claimed: 2, first: 0 }]);
    t.deepEqual(codes(created.name), ['dead-producer']);
    // Its place is somebody else's now, and with it its range: that it is dead is known all the same.
    const producer = created.producer();
    producer.tryClaim(1);
    t.like(observe(created.name).ring!.open, { start: 0, end: 1, orphaned: true });
    producer.close();
  });
}

test('rates come from two looks at the same segment', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const created = ringOfRoles(t, { elements: 64, consumers: { fast: {}, slow: {} } });
  const producer = created.producer();
  const fast = created.consumer('fast');
  const slow = created.consumer('slow');
  const before = observe(created.name);
  for (let value = 0; value < 50; value += 1) producer.tryPublish(word(value));
  fast.tryNext();
  fast.commit();
  const middle = observe(created.name);
  producer.tryClaim(1);
  await sleep(20);
  const after = observe(created.name);
  const first = ratesBetween(before, middle)!;
  const perSecond = 50 / first.seconds;
  t.deepEqual([first.committed, first.consumers], [perSecond, { 0: perSecond, 1: 0 }]);
  const then = ratesBetween(middle, after)!;
  t.deepEqual([then.committed, then.consumers], [0, { 0: 0, 1: 0 }]);
  t.deepEqual(
    then.stalled.map(({ code }) => code),
    ['slow-consumer'],
  );
  const last = ratesBetween(after, { ...observe(created.name), seen: after.seen + 1000 })!;
  t.deepEqual(
    last.stalled.map(({ code }) => code),
    ['open-claim', 'slow-consumer'],
  );
  t.is(ratesBetween(after, after), undefined);
  t.is(ratesBetween(after, observe(ring.named(t).name)), undefined);
  for (const each of [producer, fast, slow]) each.close();
});
