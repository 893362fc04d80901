// Waiting for words of plain memory, and telling of their change.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { SharedMemory } from 'shm-disruptor';
import type { WaitOptions, WaitResult } from 'shm-disruptor';

import { asleepOn } from './asleep.js';
import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { another, change, inProcess, inWorker, newMemory, wordsOf } from './memories.js';
import type { Other } from './memories.js';
import { takeTurns } from './memory-child.js';

type Face = (
  m: SharedMemory,
  offset: number,
  value: number,
  options?: WaitOptions,
) => Promise<WaitResult>;

const asynchronous: Record<string, Face> = {
  promise: (memory, offset, value, options) => memory.wait(offset, value, options),
  callback: (memory, offset, value, options) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, outcome: WaitResult) => {
        if (error) reject(error);
        else resolve(outcome);
      };
      if (options) memory.wait(offset, value, options, done);
      else memory.wait(offset, value, done);
    }),
};
const faces: Record<string, Face> = {
  ...asynchronous,
  sync: (memory, offset, value, options) =>
    new Promise((resolve) => {
      resolve(memory.waitSync(offset, value, options));
    }),
};

for (const [name, wait] of Object.entries(faces)) {
  test(`${name}: another value ends the wait at once`, async (t) => {
    const memory = newMemory(t);
    wordsOf(memory)[1] = -1;
    for (const [value, outcome] of [
      [0, 'not-equal'],
      [1, 'not-equal'],
    ] as const) {
      t.is(await wait(memory, 4, value), outcome);
    }
    // The same 32 bits, as Int32Array and Uint32Array have them.
    for (const value of [-1, 2 ** 32 - 1]) {
      await t.throwsAsync(wait(memory, 4, value, { timeout: 1 }), { code: 'ERR_TIMEOUT' });
    }
  });

  test(`${name}: wrong values`, async (t) => {
    const memory = newMemory(t);
    for (const value of [0.5, NaN, -(2 ** 31) - 1, 2 ** 32]) {
      await t.throwsAsync(wait(memory, 0, value), { code: 'ERR_OUT_OF_RANGE' });
    }
    await t.throwsAsync(wait(memory, 0, '0' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    await t.throwsAsync(wait(memory, 2, 0), { code: 'ERR_OUT_OF_RANGE' });
    await t.throwsAsync(wait(memory, 0, 0, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  });
}

for (const [name, wait] of Object.entries(asynchronous)) {
  for (const readOnly of [false, true]) {
    test(`${name}: waits until it is told of a change, read only ${readOnly}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const memory = newMemory(t);
      const waiting = wait(another(t, memory, { readOnly }), 8, 0);
      t.true(await staysPending(waiting));
      // Of another word, and of nothing.
      change(memory, 12, 1);
      memory.notify(8);
      t.true(await staysPending(waiting));
      change(memory, 8, 5);
      t.is(await waiting, 'ok');
    });
  }

  test(`${name}: abort and timeout end it, and nothing else`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const memory = newMemory(t);
    const { signal } = new AbortController();
    const controller = new AbortController();
    const kept = wait(memory, 0, 0, { signal });
    const aborted = wait(memory, 0, 0, { signal: controller.signal });
    const late = wait(memory, 4, 0, { timeout: 30 });
    t.true(await staysPending(aborted));
    controller.abort();
    await t.throwsAsync(aborted, { name: 'AbortError' });
    await t.throwsAsync(late, { code: 'ERR_TIMEOUT' });
    await t.throwsAsync(wait(memory, 0, 0, { signal: controller.signal }), { name: 'AbortError' });
    t.true(await staysPending(kept));
    change(memory, 0, 1);
    t.is(await kept, 'ok');
  });
}

test('many waits for one word, with values of their own', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  const others = [another(t, memory), another(t, memory, { readOnly: true })];
  const waits = Array.from({ length: 300 }, (_, i) => others[i % 2]!.wait(0, 0));
  t.true(await staysPending(waits[0]!));
  change(memory, 0, 1);
  const later = others[0]!.wait(0, 1);
  t.true((await Promise.all(waits)).every((outcome) => outcome === 'ok'));
  t.true(await staysPending(later));
  change(memory, 0, 0);
  t.is(await later, 'ok');
});

test('waits for many words at a time', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const count = 500;
  const memory = newMemory(t, count * 4);
  const waits = Array.from({ length: count }, (_, i) => memory.wait(i * 4, 0));
  t.true(await staysPending(waits[0]!));
  for (let i = count - 1; i >= 0; i -= 1) {
    change(memory, i * 4, 1);
    t.is(await waits[i]!, 'ok');
    if (i > 0) t.true(await staysPending(waits[0]!));
  }
});

test('a change that nobody tells of is seen all the same', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  const waiting = memory.wait(0, 0);
  t.true(await staysPending(waiting));
  Atomics.store(wordsOf(memory), 0, 1);
  t.is(await waiting, 'ok');
});

/** Waits until another participant's wait has begun. */
async function begun(t: ExecutionContext, does: string, memory: SharedMemory, other: Other) {
  if (does === 'wait sync') await asleepOn(memory, 0);
  else t.is(await other.heard(), 'waiting');
}

for (const [where, start] of Object.entries({ process: inProcess, worker: inWorker })) {
  for (const does of ['wait', 'wait sync'] as const) {
    test(`${does} in another ${where}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const memory = newMemory(t);
      const readOnly = does === 'wait';
      const other = await start(t, { name: memory.name, does, readOnly });
      await begun(t, does, memory, other);
      change(memory, 0, 1);
      t.is(await other.heard(), 'ok');
    });
  }

  test(`a ${where} that blocks or waits can be ended`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const memory = newMemory(t);
    for (const does of ['wait', 'wait sync'] as const) {
      const other = await start(t, { name: memory.name, does });
      await begun(t, does, memory, other);
      other.end();
      t.is(await other.heard(), 'ended');
    }
    // Nothing of it is left in the way.
    const waiting = memory.wait(0, 0);
    change(memory, 0, 1);
    t.is(await waiting, 'ok');
  });
}

test('those who sleep are counted', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  t.is(memory.notify(0), 0);
  const others = await Promise.all(
    [1, 2, 3].map(() => inProcess(t, { name: memory.name, does: 'wait sync' })),
  );
  // They go back to sleep, because nothing has changed.
  while (memory.notify(0) < 3) await sleep(1);
  t.true(memory.notify(0, 1) <= 1);
  t.is(memory.notify(0, 0), 0);
  change(memory, 0, 1);
  for (const other of others) t.is(await other.heard(), 'ok');
});

test('a wait that was given up lets go of the memory', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  for (const timeout of [1, 20]) {
    await t.throwsAsync(memory.wait(0, 0, { timeout }), { code: 'ERR_TIMEOUT' });
  }
  // Nobody sleeps any more.
  while (memory.notify(0) > 0) await sleep(1);
  const waiting = memory.wait(0, 0);
  t.true(await staysPending(waiting));
  change(memory, 0, 1);
  t.is(await waiting, 'ok');
});

test('those who wait for memory that is replaced are told', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  const waiting = memory.wait(0, 0);
  t.true(await staysPending(waiting));
  SharedMemory.create(memory.name, 8, { existing: 'replace' }).close();
  const expected = { code: 'ERR_SEGMENT_REPLACED' };
  await t.throwsAsync(waiting, expected);
  await t.throwsAsync(memory.wait(0, 0), expected);
  t.throws(() => memory.waitSync(0, 0), expected);
});

async function turns(
  t: ExecutionContext,
  rounds: number,
  { sync = false, waker = '' }: { sync?: boolean; waker?: string },
) {
  t.timeout(WATCHDOG_MILLISECONDS);
  const memory = newMemory(t);
  const part = { name: memory.name, does: sync ? 'turns sync' : 'turns', until: rounds } as const;
  const env = { SHM_DISRUPTOR_WAKER: waker };
  const other = await inProcess(t, part, env);
  await takeTurns(memory, 0, rounds, sync);
  while (memory.load(0) < rounds) await memory.wait(0, memory.load(0));
  t.is(await other.heard(), 'done');
  t.is(memory.load(0), rounds);
}

// Each turn is one wake, and none may be lost: then all would wait for a moment, and too many moments
// for this test to end.
test.serial('processes that block take turns', (t) => turns(t, 100_000, { sync: true }));
for (const waker of ['', 'thread', 'look', 'none']) {
  test.serial(`processes that wait take turns, the waker of one is '${waker}'`, (t) =>
    turns(t, waker === 'look' || waker === 'none' ? 2000 : 20_000, { waker }),
  );
}
