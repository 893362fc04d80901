import { openSync, readSync, writeSync, closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { asleep } from './asleep.js';
import { attach, ring, WATCHDOG_MILLISECONDS } from './fixture.js';

/** Where a ring's word for data waiters lies: addon/core/layout.h. */
const DATA_WAITERS = 392;

/** Changes the word as a waker does, who then dies before he wakes anybody. */
function wakeAlmost(name: string): void {
  const file = openSync(`/dev/shm${name}`, 'r+');
  const word = Buffer.alloc(4);
  readSync(file, word, 0, 4, DATA_WAITERS);
  word.writeUInt32LE(word.readUInt32LE() + 1);
  writeSync(file, word, 0, 4, DATA_WAITERS);
  closeSync(file);
}

test('who sleeps notices what a dead waker has not told', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t);
  const consumer = attach(t, creator, { spin: true, wait: 'block' });
  const waits = consumer.consumeNew();
  await asleep(name);
  // It is robbed of its announcement.
  wakeAlmost(name);
  creator.produceClaimSync().writeUInt32LE(7);
  t.true(creator.produceCommitSync());
  t.is((await waits).bufs[0]?.readUInt32LE(), 7);
});

test('a thousand answers to callbacks come in the order of the calls', async (t) => {
  const d = ring(t, { elements: 1000 });
  const order: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 1000; i += 1) {
      d.produceClaim((_error, _buf, claimStart) => {
        order.push(claimStart);
        if (order.length === 1000) resolve();
      });
    }
  });
  t.deepEqual(
    order,
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test('and so do those to promises', async (t) => {
  const d = ring(t, { elements: 1000 });
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 1000 }, () =>
      d.produceClaim().then(({ claimStart }) => order.push(claimStart)),
    ),
  );
  t.deepEqual(
    order,
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test('a loop that always finds data lets timers run', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = ring(t, { elements: 4 });
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  t.teardown(() => {
    clearInterval(timer);
  });
  while (ticks < 3) {
    await d.produceClaim();
    await d.produceCommit();
    await d.consumeNew();
    d.consumeCommit();
  }
  t.true(d.cursor > 0);
});

test('twenty waits under one signal end with it, without a warning', async (t) => {
  const d = ring(t, { elements: 1, spin: true });
  d.produceClaimSync();
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  t.teardown(() => process.off('warning', warned));
  const controller = new AbortController();
  const waits = Array.from({ length: 20 }, () => d.produceClaim({ signal: controller.signal }));
  controller.abort();
  for (const outcome of await Promise.allSettled(waits)) t.is(outcome.status, 'rejected');
  await delay(1);
  t.deepEqual(warnings, []);
});
