// Broadcasts and plain memory from outside, and segments in directories.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';
import { Broadcast, defineRecord, SharedMemory, listSegments } from 'shm-disruptor';

import type * as Observing from '../dist/observe/observation.js';
import type * as Rating from '../dist/observe/rates.js';
import { count, listen, newBroadcast } from './broadcasts.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { newMemory } from './memories.js';

const internal = async (file: string): Promise<unknown> =>
  import(new URL(`../../dist/observe/${file}.js`, import.meta.url).href);
const { observe, observeAll } = (await internal('observation')) as typeof Observing;
const { ratesBetween } = (await internal('rates')) as typeof Rating;

const LIBRARY = JSON.stringify(import.meta.resolve('shm-disruptor'));
const pathOf = (name: string) => `/dev/shm${name}`;

/** Where the byte map (addon/core/layout.h) has them: of 8 messages of 16 bytes, of one publisher. */
const VERSION = 8;
const NEXT = 256;
const CURSOR = 384;
const SLOTS = 3 * 4096;
const STRIDE = 32;
const WRITER_BITS = 11n;

/** Writes into a segment's file, as nobody should. */
function damage(name: string, offset: number, value: bigint): void {
  const file = openSync(pathOf(name), 'r+');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  writeSync(file, bytes, 0, 8, offset);
  closeSync(file);
}

/** Somebody who publishes two messages and dies in the middle of a third. */
function publishAndDie(name: string): void {
  const program = `
    const { Broadcast } = await import(${LIBRARY});
    const broadcast = Broadcast.open(${JSON.stringify(name)});
    broadcast.publishMany(['one', 'two']);
    broadcast.claim();
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  if (signal !== 'SIGKILL') throw new Error('it did not publish');
}

test('a broadcast: how it was made, what is in it, and who publishes', (t) => {
  const broadcast = newBroadcast(t, { producers: 'multi', maxProducers: 5 });
  count(broadcast, 0, 9);
  const claim = broadcast.claim();
  const seen = observe(broadcast.name);
  t.like(seen, {
    name: broadcast.name,
    path: undefined,
    kind: 'broadcast',
    attached: true,
    damaged: [],
    stuck: [],
    ring: undefined,
    memory: undefined,
    geometry: {
      elements: 8,
      elementSize: 16,
      holds: 'bytes',
      joinable: false,
      maxConsumers: 0,
      maxProducers: 5,
      maxMessage: 16,
      producers: 'multi',
    },
  });
  const { producers, ...figures } = seen.broadcast!;
  t.deepEqual(figures, {
    next: 11,
    oldest: 3,
    looked: 8,
    kept: 7,
    dropped: 0,
    missing: 0,
    forData: { now: false, wakes: 0 },
    replaced: false,
  });
  t.is(producers.length, 1);
  t.like(producers[0], { index: 0, pid: process.pid, alive: true, claimed: 1, first: 10 });
  claim.abort();
  t.like(observe(broadcast.name).broadcast, { kept: 7, dropped: 1 });
  broadcast.close();
  t.like(observe(broadcast.name), { attached: false, broadcast: { producers: [] } });
});

test('a broadcast: what its messages are', (t) => {
  const sizes = { elements: 4, elementSize: 64 };
  const values = Broadcast.create(uniqueName(t), { ...sizes, encoding: 'json' });
  const record = defineRecord({ price: 'f64' });
  const records = Broadcast.create(uniqueName(t), { elements: 4, record });
  t.is(observe(values.name).geometry!.holds, 'values');
  t.like(observe(records.name).geometry, { holds: 'records', elementSize: 8, producers: 'single' });
  values.close();
  records.close();
});

test('a broadcast: a publisher who died in the middle of a message', (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  broadcast.close();
  publishAndDie(broadcast.name);
  const { attached, stuck, broadcast: seen } = observe(broadcast.name);
  t.deepEqual([attached, stuck], [false, []], 'nobody waits for it');
  t.like(seen, { next: 3, kept: 2, dropped: 0, missing: 0 });
  t.like(seen!.producers, [{ alive: false, claimed: 1, first: 2 }]);
  t.like(
    listSegments().find(({ name }) => name === broadcast.name),
    { producers: { alive: 0, gone: 1 } },
  );
  const next = Broadcast.open(broadcast.name);
  next.publish('three');
  t.like(observe(broadcast.name).broadcast, { kept: 3, dropped: 1 });
  t.like(observe(broadcast.name).broadcast!.producers, [{ alive: true, claimed: 0 }]);
  next.close();
});

test('a broadcast: looking changes no byte, and who waits is seen and not woken', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  count(broadcast, 0, 3);
  const subscription = listen(t, broadcast);
  const receiving = subscription.receive();
  while (!observe(broadcast.name).broadcast!.forData.now) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const before = readFileSync(pathOf(broadcast.name));
  for (let i = 0; i < 20; i += 1) observe(broadcast.name);
  t.true(before.equals(readFileSync(pathOf(broadcast.name))));
  broadcast.publish('it');
  t.is((await receiving).data.toString(), 'it');
});

test('plain memory: its size, and whether somebody is attached', (t) => {
  const memory = newMemory(t, 100);
  const before = readFileSync(pathOf(memory.name));
  t.like(observe(memory.name), {
    kind: 'memory',
    attached: true,
    damaged: [],
    stuck: [],
    ring: undefined,
    broadcast: undefined,
    memory: { size: 100, replaced: false },
    geometry: { elements: 1, elementSize: 100, maxConsumers: 0, maxProducers: 0 },
  });
  t.true(before.equals(readFileSync(pathOf(memory.name))));
  memory.close();
  t.false(observe(memory.name).attached);
});

test('what was replaced under its name says so', (t) => {
  const replaced = 1n << 63n;
  const { name } = newBroadcast(t);
  damage(name, NEXT, replaced | 3n);
  t.like(observe(name), { broadcast: { replaced: true, next: 3 }, damaged: [] });
  t.is(observe(name).stuck[0]?.code, 'replaced');
  const memory = newMemory(t);
  damage(memory.name, NEXT, replaced);
  t.is(observe(memory.name).stuck[0]?.code, 'replaced');
});

test('what is wrong with the header of a broadcast or of memory', (t) => {
  const rows: [(name: string) => void, string][] = [
    [
      (name) => {
        damage(name, VERSION, 77n);
      },
      'ERR_SEGMENT_VERSION',
    ],
    [
      (name) => {
        damage(name, 32, 99n);
      },
      'ERR_SEGMENT_CORRUPT',
    ],
    [
      (name) => {
        chmodSync(pathOf(name), 0o640);
      },
      'ERR_SEGMENT_MODE',
    ],
    [
      (name) => {
        truncateSync(pathOf(name), 5000);
      },
      'ERR_SEGMENT_TRUNCATED',
    ],
  ];
  for (const [harm, code] of rows) {
    for (const [kind, { name }] of [
      ['broadcast', newBroadcast(t)],
      ['memory', newMemory(t)],
    ] as const) {
      harm(name);
      const { damaged, ...seen } = observe(name);
      t.is(damaged[0]?.code, code);
      t.like(seen, { kind, geometry: undefined, broadcast: undefined, memory: undefined });
      t.like(
        listSegments().find((each) => each.name === name),
        { kind, damage: code },
      );
    }
  }
});

test('slots that contradict the header of a broadcast', (t) => {
  const slot = (index: number) => SLOTS + index * STRIDE;
  const state = (sequence: bigint, writer = 0n) => ((sequence + 1n) << WRITER_BITS) | writer;
  const rows: [offset: number, value: bigint, reason: RegExp][] = [
    [NEXT, 1n, /^Slot 1 has sequence 1, ahead of the next at 1$/],
    [NEXT, 1n << 60n, /^The next sequence \d+ is none$/],
    [CURSOR, 5n, /^The cursor is 5, and broadcasts have none$/],
    [slot(5), state(5n), /^Slot 5 has sequence 5, ahead of the next at 2$/],
    [slot(1), state(0n), /^Slot 1 has sequence 0, which belongs to another$/],
    [slot(1), state(1n, 7n), /^Slot 1 is being written by publisher #6, who was never there$/],
    [slot(1) + 8, 17n, /^Slot 1 has a message of 17 bytes, and the longest have 16$/],
  ];
  for (const [offset, value, reason] of rows) {
    const broadcast = newBroadcast(t);
    count(broadcast, 0, 1);
    t.deepEqual(observe(broadcast.name).damaged, []);
    damage(broadcast.name, offset, value);
    const { damaged } = observe(broadcast.name);
    t.is(damaged[0]?.code, 'ERR_SEGMENT_CORRUPT');
    t.regex(damaged[0]!.reason, reason);
  }
});

test('no message is taken for damage while it is written', (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t, { elements: 4 });
  const program = `
    const { Broadcast } = await import(${LIBRARY});
    const broadcast = Broadcast.open(${JSON.stringify(broadcast.name)});
    const end = Date.now() + 1000;
    while (Date.now() < end || broadcast.stats().next < 5000) broadcast.publish('message');`;
  const looker = `
    const { observe } = await import(${JSON.stringify(
      new URL('../../dist/observe/observation.js', import.meta.url).href,
    )});
    const end = Date.now() + ${WATCHDOG_MILLISECONDS / 2};
    for (;;) {
      const { damaged, broadcast } = observe(${JSON.stringify(broadcast.name)});
      if (damaged.length > 0) throw new Error(damaged[0].reason);
      if (broadcast.next >= 5000 && broadcast.producers.length === 0) break;
      if (Date.now() > end) throw new Error('nobody published');
    }
    console.log('sound');`;
  const shell = `"$NODE" --input-type=module -e "$PUBLISH" & "$NODE" --input-type=module -e "$LOOK"; wait`;
  const env = { ...process.env, NODE: process.execPath, PUBLISH: program, LOOK: looker };
  const { stdout, stderr } = spawnSync('sh', ['-c', shell], { env, encoding: 'utf8' });
  t.deepEqual([stdout, stderr], ['sound\n', '']);
});

test('rates of a broadcast, and who stands still; memory has none', (t) => {
  const broadcast = newBroadcast(t);
  const before = observe(broadcast.name);
  count(broadcast, 0, 49);
  const claim = broadcast.claim();
  const middle = { ...observe(broadcast.name), seen: before.seen + 1000 };
  t.like(ratesBetween(before, middle), { committed: 51, consumers: {}, lost: 0, stalled: [] });
  const after = { ...observe(broadcast.name), seen: before.seen + 2000 };
  const then = ratesBetween(middle, after)!;
  t.is(then.committed, 0);
  t.deepEqual(
    then.stalled.map(({ code }) => code),
    ['open-message'],
  );
  claim.commit();
  const last = { ...observe(broadcast.name), seen: before.seen + 3000 };
  t.deepEqual(ratesBetween(after, last)!.stalled, []);
  const memory = newMemory(t);
  const seen = observe(memory.name);
  t.is(ratesBetween(seen, { ...seen, seen: seen.seen + 1000 }), undefined);
});

test('the list has what fits a broadcast, and nothing of a ring', (t) => {
  const broadcast = newBroadcast(t, { elements: 4 });
  count(broadcast, 0, 5);
  const { name } = broadcast;
  t.deepEqual<unknown, unknown>(
    listSegments().find((each) => each.name === name),
    {
      name,
      kind: 'broadcast',
      bytes: readFileSync(pathOf(name)).length,
      owner: process.getuid!(),
      mode: 0o600,
      elements: 4,
      elementSize: 16,
      next: 6,
      oldest: 2,
      attached: true,
      producers: { alive: 1, gone: 0 },
    },
  );
});

test('segments in a directory', (t) => {
  const path = mkdtempSync(join(tmpdir(), 'shm-disruptor-observe-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  const name = uniqueName();
  const memory = SharedMemory.create(name, 10, { path });
  const sizes = { elements: 2, elementSize: 8 };
  const broadcast = Broadcast.create(`${name}-b`, { ...sizes, path });
  t.like(observe(name, { path }), { name, path, kind: 'memory', attached: true });
  t.deepEqual(
    observeAll({ path }).map((each) => [each.name, each.path, each.kind]),
    [
      [name, path, 'memory'],
      [`${name}-b`, path, 'broadcast'],
    ],
  );
  t.false(observeAll().some((each) => each.name === name));
  t.throws(() => observe(name), { code: 'ENOENT' });
  const missing = join(path, 'none');
  t.throws<NodeJS.ErrnoException>(() => observeAll({ path: missing }), { code: 'ENOENT' });
  const error = t.throws<NodeJS.ErrnoException>(() => observe(name, { path: missing }));
  t.is(error.path, join(missing, name));
  t.throws(() => observe(name, { path: '' }), { code: 'ERR_INVALID_ARG_VALUE' });
  memory.close();
  broadcast.close();
});
