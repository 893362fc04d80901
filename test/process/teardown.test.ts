// Workers and processes that end while something waits, and rings that are released meanwhile: no
// crash, and the ring goes on for the others.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Disruptor } from 'shm-disruptor';

import { produce, valuesOf } from '../compat/values.js';
import { attach, ring, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { thorough } from '../thorough.js';
import type { Ending } from './teardown-child.js';
import type { Work } from './teardown-work.js';

const REPETITIONS = thorough ? 200 : 16;

/** Runs `round` so many times, two at a time. */
async function repeat(round: (number: number) => Promise<void>): Promise<void> {
  let number = 0;
  const lane = async () => {
    while (number < REPETITIONS) await round(number++);
  };
  await Promise.all([lane(), lane()]);
}

/** A ring for `work`. For `waits`, the first three elements are claimed. */
function scene(t: ExecutionContext, kind: Work['kind']) {
  const { name, creator } = ring.named(t, { elementSize: kind === 'streams' ? 1 : 4 });
  if (kind === 'waits') creator.produceClaimManySync(3);
  const work: Work = { name, kind };
  return { creator, work };
}

/** Whoever is left can use the ring as if nothing had happened. */
function usable(t: ExecutionContext, creator: Disruptor, kind: Work['kind']): void {
  if (kind === 'waits' && creator.cursor === 0) creator.produceCommitSync(0, 1);
  // What was committed with a wait is visible though the one who waited is gone.
  if (kind === 'waits') t.is(creator.cursor, 3);
  // A writer may have ended between a claim and its commit.
  if (creator.next > creator.cursor) creator.produceCommitSync(creator.cursor, creator.next - 1);
  t.is(creator.cursor, creator.next);
  const rest = attach(t, creator);
  rest.consumeNewSync();
  rest.consumeCommit();
  rest.produceClaimSync()[0] = 42;
  t.true(rest.produceCommitSync());
  t.is(rest.consumeNewSync()[0]![0], 42);
  rest.release();
  creator.release();
}

/** What happens on the ring at the moment when the worker is terminated. */
const moments: Record<string, { kind: Work['kind']; meanwhile?: (d: Disruptor) => void }> = {
  'waits pending': { kind: 'waits' },
  'waits just ending': { kind: 'waits', meanwhile: (d) => d.produceCommitSync(0, 1) },
  'a loop pending': { kind: 'loop' },
  'a loop that just gets data': {
    kind: 'loop',
    meanwhile: (d) => {
      produce(d, 1, 2, 3);
    },
  },
  'streams flowing': { kind: 'streams' },
};

for (const [title, { kind, meanwhile }] of Object.entries(moments)) {
  test.serial(`a worker is terminated with ${title}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    await repeat(async (number) => {
      const { creator, work } = scene(t, kind);
      const workerData = work;
      const worker = new Worker(new URL('./teardown-worker.js', import.meta.url), { workerData });
      t.teardown(() => worker.terminate());
      t.deepEqual(await once(worker, 'message'), ['ready']);
      if (number % 2 === 0) meanwhile?.(creator);
      const end = worker.terminate();
      if (number % 2 === 1) meanwhile?.(creator);
      t.is(await end, 1);
      usable(t, creator, kind);
    });
  });
}

const endings: Record<string, Omit<Ending, 'work'> & { kind: Work['kind'] }> = {
  'by process.exit with waits pending': { kind: 'waits', by: 'exit', workers: 0, milliseconds: 2 },
  'by itself with waits pending': { kind: 'waits', by: 'itself', workers: 0, milliseconds: 0 },
  'by process.exit with streams flowing': {
    kind: 'streams',
    by: 'exit',
    workers: 0,
    milliseconds: 2,
  },
  'by process.exit with waits pending in workers': {
    kind: 'waits',
    by: 'exit',
    workers: 2,
    milliseconds: 0,
  },
};

test.serial('processes end in every way', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ways = Object.entries(endings);
  await repeat(async (number) => {
    const [title, { kind, ...ending }] = ways[number % ways.length]!;
    const { creator, work } = scene(t, kind);
    const argument: Ending = { ...ending, work };
    const child = fork(fileURLToPath(new URL('./teardown-child.js', import.meta.url)), [
      JSON.stringify(argument),
    ]);
    // Nothing but the waits is to keep it.
    child.channel!.unref();
    t.teardown(() => child.kill('SIGKILL'));
    t.deepEqual(await once(child, 'exit'), [ending.by === 'exit' ? 7 : 0, null], title);
    usable(t, creator, kind);
  });
});

/** Calls `react` when data have come. */
const faces: Record<string, (d: Disruptor, react: () => void) => Promise<Buffer[]>> = {
  'a callback': (d, react) =>
    new Promise((resolve, reject) => {
      d.consumeNew((error, bufs) => {
        react();
        if (error) reject(error);
        else resolve(bufs);
      });
    }),
  'a promise’s reaction': async (d, react) => {
    const { bufs } = await d.consumeNew();
    react();
    return bufs;
  },
};

for (const [title, consume] of Object.entries(faces)) {
  test.serial(`release in ${title} while others wait on the same ring`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const code = { code: 'ERR_RELEASED' };
    for (let round = 0; round < REPETITIONS; round += 1) {
      const creator = ring(t, { consumers: 2, elements: 4 });
      const first = attach(t, creator, { spin: true });
      const second = attach(t, creator, { spin: true, consumer: 1 });
      const got = consume(first, () => {
        first.release();
      });
      const same = [first.produceClaimMany(4), first.produceClaimMany(4), first.produceClaim()];
      t.like(await Promise.all([same[0]]), [{ claimStart: 0, claimEnd: 3 }]);
      const others = [consume(second, () => undefined), second.produceClaim()] as const;
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const ends = Promise.all(same.slice(1).map((wait) => t.throwsAsync(wait, code)));
      t.true(creator.produceCommitSync(0, 3));
      // It has seen them, and its views are empty from then on.
      t.deepEqual(
        (await got).map((buf) => buf.length),
        [0],
      );
      await ends;
      t.is(valuesOf(await others[0]).length, 4);
      t.true(second.consumeCommit());
      // The room that `second` waits for comes from both consumers.
      creator.consumeNewSync();
      t.true(creator.consumeCommit());
      second.consumeCommit();
      t.is((await others[1]).claimStart, 4);
      second.release();
      creator.release();
    }
  });
}
