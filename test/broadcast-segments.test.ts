// Broadcasts and their segments: other users, other processes, replacement, damage.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import { Broadcast, Queue, Ring, listSegments } from 'shm-disruptor';

import { another, count, listen, newBroadcast, rest } from './broadcasts.js';
import { asleep } from './asleep.js';
import { staysPending, staysPendingFor } from './compat/pending.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Scope } from './fixture.js';

const CHILD = fileURLToPath(new URL('broadcast-child.js', import.meta.url));
const NOBODY = '65534';

/** Starts one; `line` gives the next that it prints. */
function start(t: Scope, { name }: Broadcast, user: string, ...calls: string[]) {
  const child = spawn(process.execPath, [CHILD, name, user, ...calls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => code ?? signal);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const next = await lines.next();
    return next.done ? undefined : next.value;
  };
  return { line, ended };
}

test('a wait keeps its process alive, unless it may not', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const staying = start(t, broadcast, '', 'wait');
  const leaving = start(t, broadcast, '', 'unref', 'wait');
  t.is(await leaving.line(), 'waiting');
  t.is(await leaving.ended, 0);
  t.is(await staying.line(), 'waiting');
  t.true(await staysPendingFor(staying.ended, 500));
  broadcast.publish('news');
  t.is(await staying.line(), 'news');
  t.is(await staying.ended, 0);
});

test('a wait sleeps while nothing comes, and does not poll', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const { line, ended } = start(t, broadcast, '', 'wait');
  t.is(await line(), 'waiting');
  await asleep(broadcast.name);
  broadcast.publish('news');
  t.is(await line(), 'news');
  t.is(await ended, 0);
});

// Only root can become somebody else.
if (process.getuid?.() === 0) {
  test('another user who may read receives, waits, and cannot publish', async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const broadcast = newBroadcast(t, { mode: 0o644 });
    const child = start(t, broadcast, NOBODY, 'publish', 'claim', 'wait');
    for (const expected of ['EACCES', 'EACCES', 'waiting']) t.is(await child.line(), expected);
    // He cannot say that he sleeps, and stays all the same.
    t.true(await staysPendingFor(child.ended, 500));
    broadcast.publish('news');
    t.is(await child.line(), 'news');
    t.is(await child.ended, 0);
    const sync = start(t, broadcast, NOBODY, 'sync');
    t.is(await sync.line(), 'waiting');
    t.true(await staysPendingFor(sync.ended, 300));
    broadcast.publish('more');
    t.is(await sync.line(), 'more');
  });

  test('another user’s wait goes on when one beside it is closed, and may let go', async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const broadcast = newBroadcast(t, { mode: 0o644 });
    const child = start(t, broadcast, NOBODY, 'wait', 'wait beside another');
    t.is(await child.line(), 'waiting');
    t.is(await child.line(), 'ERR_RELEASED');
    t.true(await staysPendingFor(child.ended, 300));
    broadcast.publish('news');
    t.is(await child.line(), 'news');
    t.is(await child.ended, 0);
    const leaving = start(t, broadcast, NOBODY, 'unref', 'wait');
    t.is(await leaving.line(), 'waiting');
    t.is(await leaving.ended, 0);
  });

  test('another user who may not read does not', async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const child = start(t, newBroadcast(t), NOBODY);
    t.is(await child.line(), undefined);
    t.is(await child.ended, 1);
  });
}

test('replaced: publishers are told at once, subscribers when they have everything', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const other = listen(t, broadcast);
  const waiting = other.receive();
  broadcast.publish('old');
  t.is((await waiting).sequence, 0);
  const pending = other.receive();
  t.true(await staysPending(pending));
  const sizes = { elements: 4, elementSize: 8 };
  t.throws(() => Broadcast.create(broadcast.name, sizes), { code: 'ERR_SEGMENT_EXISTS' });
  const inUse = { code: 'ERR_SEGMENT_IN_USE' };
  t.throws(() => Broadcast.create(broadcast.name, { ...sizes, existing: 'replace-dead' }), inUse);
  using next = Broadcast.create(broadcast.name, { ...sizes, existing: 'replace' });
  const replaced = { name: 'DisruptorError', code: 'ERR_SEGMENT_REPLACED' };
  await t.throwsAsync(pending, replaced);
  t.throws(() => broadcast.publish('x'), replaced);
  t.throws(() => broadcast.subscribe(), replaced);
  t.is(subscription.tryReceive()?.sequence, 0);
  t.throws(() => subscription.tryReceive(), replaced);
  t.throws(() => subscription.receiveSync(), replaced);
  t.is(broadcast.latest()?.data.toString(), 'old');
  t.is(next.publish('new'), 0);
});

test('who has opened a broadcast that was replaced since publishes nowhere', (t) => {
  const broadcast = newBroadcast(t);
  const opened = another(t, broadcast);
  using next = Broadcast.create(broadcast.name, {
    elements: 8,
    elementSize: 16,
    existing: 'replace',
  });
  next.close();
  t.throws(() => opened.publish('x'), { code: 'ERR_SEGMENT_REPLACED' });
});

test('other kinds are refused', (t) => {
  using queue = Queue.create(uniqueName(t), { capacity: 4096 });
  const kind = { code: 'ERR_SEGMENT_KIND' };
  t.throws(() => Broadcast.open(queue.name), kind);
  const { name } = newBroadcast(t);
  t.throws(() => Queue.open(name), kind);
  t.throws(() => Ring.open(name), kind);
});

test('it is listed', (t) => {
  const broadcast = newBroadcast(t);
  count(broadcast, 0, 2);
  const info = listSegments().find(({ name }) => name === broadcast.name);
  t.like(info, { kind: 'broadcast', elements: 8, elementSize: 16, next: 3, attached: true });
});

// As in addon/core/layout.h: one slot has its state, its length and its bytes.
const NEXT = 256;
const CURSOR = 384;
const SLOTS = 3 * 4096;
const STRIDE = 32;
const WRITER_BITS = 11n;

/** Writes into the segment behind everybody's back. */
function damage({ name }: Broadcast, offset: number, value: bigint): void {
  const file = openSync(join('/dev/shm', name), 'r+');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  writeSync(file, bytes, 0, 8, offset);
  closeSync(file);
}

test('damaged numbers are errors, and nothing is read or written elsewhere', (t) => {
  const corrupt = { code: 'ERR_SEGMENT_CORRUPT' };
  const stateOf = (sequence: bigint) => (sequence + 1n) << WRITER_BITS;
  const fresh = () => {
    const broadcast = newBroadcast(t);
    const subscription = listen(t, broadcast);
    count(broadcast, 0, 2);
    return { broadcast, subscription };
  };
  for (const length of [17n, 0xffffffffn]) {
    const { broadcast, subscription } = fresh();
    damage(broadcast, SLOTS + 8, length);
    t.throws(() => subscription.tryReceive(), corrupt);
    t.throws(() => subscription.tryReceive(Buffer.alloc(64)), corrupt);
    subscription.seek(1);
    t.is(subscription.tryReceive()?.sequence, 1);
  }
  for (const state of [stateOf(8n), stateOf(2n ** 52n), 2n ** 64n - 1n]) {
    const { broadcast, subscription } = fresh();
    damage(broadcast, SLOTS, state);
    t.throws(() => subscription.tryReceive(), corrupt);
    damage(broadcast, SLOTS + 2 * STRIDE, state);
    t.throws(() => subscription.latest(), corrupt);
  }
  for (const next of [2n ** 53n, 2n ** 63n - 1n, -1n]) {
    const { broadcast, subscription } = fresh();
    damage(broadcast, NEXT, next);
    for (let i = 0; i < 3; i += 1) t.is(subscription.tryReceive()?.sequence, i);
    t.throws(() => subscription.tryReceive(), corrupt);
  }
  for (const cursor of [1n, 2n ** 62n]) {
    const { broadcast } = fresh();
    damage(broadcast, CURSOR, cursor);
    t.throws(() => broadcast.publish('x'), corrupt);
    t.throws(() => broadcast.claim(), corrupt);
  }
});

test('several publishers, and numbers that are damaged', (t) => {
  const exhausted = { code: 'ERR_SEQUENCE_EXHAUSTED' };
  const broadcast = newBroadcast(t, { producers: 'multi', maxProducers: 1 });
  count(broadcast, 0, 2);
  damage(broadcast, NEXT, 2n ** 53n - 1n);
  t.throws(() => broadcast.publish('x'), exhausted);
  // Slots that are ahead of what comes next: laps and laps.
  damage(broadcast, NEXT, 5n);
  for (let slot = 0; slot < 8; slot += 1) {
    damage(broadcast, SLOTS + slot * STRIDE, (2n ** 50n) << WRITER_BITS);
  }
  t.throws(() => broadcast.publish('x'), { code: 'ERR_SEGMENT_BUSY' });
  // Being written, by somebody who never was.
  for (let slot = 0; slot < 8; slot += 1) {
    damage(broadcast, SLOTS + slot * STRIDE, (1n << WRITER_BITS) | 2000n);
  }
  damage(broadcast, NEXT, 100n);
  const subscription = listen(t, broadcast);
  t.is(broadcast.publish('x'), 100);
  t.deepEqual(rest(subscription), [['x', 100, 0]]);
});
