// Aborts and timeouts that race with what is waited for: every element is delivered exactly once.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { WaitOptions } from 'shm-disruptor';

import { random } from './compat/random.js';
import { valuesOf } from './compat/values.js';
import { WATCHDOG_MILLISECONDS, attach, ring } from './fixture.js';
import type { Side } from './waiting-races-worker.js';
import { waitables } from './waits.js';

const COUNT = 600;
const FACES = ['promise', 'callback'] as const;

/** Wait options that end a wait sooner or later. */
function impatience(below: (limit: number) => number): WaitOptions {
  if (below(4) === 0) return { timeout: below(3) };
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  const soon = [
    queueMicrotask,
    (end: () => void) => {
      process.nextTick(end);
    },
    setImmediate,
    (end: () => void) => setTimeout(end, below(4)),
  ];
  soon[below(soon.length)]!(abort);
  return { signal: controller.signal };
}

/** Whether the wait gave something; otherwise it was given up. */
async function succeeds(t: ExecutionContext, wait: Promise<unknown>): Promise<boolean> {
  try {
    await wait;
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ABORT_ERR' && code !== 'ERR_TIMEOUT') throw error;
    t.is((error as Error).name, code === 'ABORT_ERR' ? 'AbortError' : 'DisruptorError');
    return false;
  }
}

function other(t: ExecutionContext, side: Side) {
  const worker = new Worker(new URL('./waiting-races-worker.js', import.meta.url), {
    workerData: side,
  });
  t.teardown(() => worker.terminate());
  return { answer: once(worker, 'message') as Promise<[number[]]>, exit: once(worker, 'exit') };
}

const numbers = Array.from({ length: COUNT }, (_, i) => i + 1);

for (const face of FACES) {
  test(`consumes that are given up at any moment lose nothing (${face})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator: d } = ring.named(t, { spin: true });
    const below = random(1);
    const early = waitables.consume!.calls[face](d, { timeout: 1 });
    t.false(await succeeds(t, early));
    const { exit } = other(t, { name, produces: true, count: COUNT, seed: 2 });
    const got: number[] = [];
    while (got.length < COUNT) {
      const wait = waitables.consume!.calls[face](d, impatience(below));
      let bufs: Buffer[] = [];
      const result = wait.then((value) => {
        bufs = face === 'promise' ? (value as { bufs: Buffer[] }).bufs : (value as Buffer[]);
      });
      if (await succeeds(t, result)) got.push(...valuesOf(bufs));
    }
    t.deepEqual(got, numbers);
    t.deepEqual(await exit, [0]);
  });

  test(`claims that are given up at any moment claim nothing (${face})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator: d } = ring.named(t, { elements: 4, spin: true });
    const below = random(3);
    const { answer, exit } = other(t, { name, produces: false, count: COUNT, seed: 4 });
    let claimed = 0;
    while (claimed < COUNT) {
      if (!(await succeeds(t, waitables.claim!.calls[face](d, impatience(below))))) continue;
      t.is(d.prevClaimStart, claimed);
      claimed += 1;
      d.elements.writeUInt32LE(claimed, 4 * (d.prevClaimStart % 4));
      t.true(await d.produceCommit());
    }
    t.is(d.next, COUNT);
    t.deepEqual(await answer, [numbers]);
    t.deepEqual(await exit, [0]);
  });

  test(`commits that are given up at any moment are made all the same (${face})`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const d = ring(t, { spin: true });
    const first = attach(t, d, { spin: true });
    const below = random(5);
    for (let round = 0; round < COUNT / 2; round += 1) {
      first.produceClaimSync();
      d.produceClaimManySync(2);
      // The first is given up for certain.
      const options = round === 0 ? { timeout: 1 } : impatience(below);
      const wait = succeeds(t, waitables.commit!.calls[face](d, options));
      if (round === 0) t.false(await wait);
      const pause = below(4);
      if (pause === 0) await new Promise(setImmediate);
      if (pause === 1) await sleep(below(3));
      t.true(await first.produceCommit());
      t.is(d.cursor, 3 * (round + 1));
      await wait;
      t.is(Buffer.concat(d.consumeNewSync()).length, 12);
      d.consumeCommit();
    }
  });
}

test('sync waits with a timeout lose nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator: d } = ring.named(t, { spin: true });
  const below = random(6);
  const { exit } = other(t, { name, produces: true, count: COUNT, seed: 7 });
  const got: number[] = [];
  while (got.length < COUNT) {
    try {
      got.push(...valuesOf(d.consumeNewSync({ timeout: below(4) })));
    } catch (error) {
      t.is((error as NodeJS.ErrnoException).code, 'ERR_TIMEOUT');
      // A worker's start needs this thread.
      await new Promise(setImmediate);
    }
  }
  t.deepEqual(got, numbers);
  t.deepEqual(await exit, [0]);
});
