// spin: true over the face that blocks the thread, in worker threads.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Disruptor } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, ring } from '../fixture.js';
import { staysPendingFor } from './pending.js';
import type { Outcome, Task } from './spinning-worker.js';
import { fillIn, produce, skip, valuesOf } from './values.js';

/** Longer than a blocked call stays in native code before it looks at JavaScript again. */
const BLOCKED_MILLISECONDS = 120;

interface Situation {
  /** Makes the call wait, on a ring of 8 elements that has moved on by 8. */
  block: (d: Disruptor) => void;
  /** Lets it go on. */
  unblock: (d: Disruptor) => void;
  outcome: Outcome;
}

const full = {
  block: (d: Disruptor) => {
    produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
  },
  unblock: (d: Disruptor) => {
    d.consumeNewSync();
    d.consumeCommit();
  },
};
const none = { claimStart: 1, claimEnd: 0, consumeStart: 0 };

const situations: Record<Task['call'], Situation> = {
  claim: { ...full, outcome: { ...none, result: [1], claimStart: 16, claimEnd: 16 } },
  claimMany: { ...full, outcome: { ...none, result: [1, 2, 3], claimStart: 16, claimEnd: 18 } },
  claimAvail: {
    ...full,
    outcome: { ...none, result: [1, 2, 3, 4, 5, 6, 7, 8], claimStart: 16, claimEnd: 23 },
  },
  commit: {
    block: (d) => {
      fillIn(d.produceClaimManySync(3), [1, 2, 3]);
    },
    unblock: (d) => {
      d.produceCommitSync(8, 8);
    },
    outcome: { ...none, result: true },
  },
  consume: {
    block: () => undefined,
    unblock: (d) => {
      produce(d, 1, 2, 3);
    },
    outcome: { ...none, result: [1, 2, 3], consumeStart: 8 },
  },
};

/** A worker that is blocked in `call`, and its answer to come. */
async function blocked(t: ExecutionContext, name: string, call: Task['call']) {
  const workerData: Task = { name, call };
  const worker = new Worker(new URL('./spinning-worker.js', import.meta.url), { workerData });
  t.teardown(() => worker.terminate());
  t.deepEqual(await once(worker, 'message'), ['calling']);
  const answer = once(worker, 'message') as Promise<[Outcome]>;
  t.true(await staysPendingFor(answer, BLOCKED_MILLISECONDS));
  return { worker, answer };
}

for (const [name, { block, unblock, outcome }] of Object.entries(situations)) {
  const call = name as Task['call'];

  test(`a worker that is blocked in ${call} goes on when it can`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator } = ring.named(t);
    skip(creator, 8);
    block(creator);
    const { worker, answer } = await blocked(t, name, call);
    const exits = once(worker, 'exit');
    unblock(creator);
    t.deepEqual(await answer, [outcome]);
    t.deepEqual(await exits, [0]);
  });

  test(`a worker that is blocked in ${call} can be terminated`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator } = ring.named(t);
    skip(creator, 8);
    block(creator);
    const { worker, answer } = await blocked(t, name, call);
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    t.is(await worker.terminate(), 1);
    // The ring goes on without it.
    const { cursor } = creator;
    unblock(creator);
    if (creator.cursor === cursor) produce(creator, 1, 2, 3);
    t.deepEqual(valuesOf(creator.consumeNewSync()), [1, 2, 3]);
    t.false(answered);
  });
}
