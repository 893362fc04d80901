// spin: true and the event loop; and how a wait ends without what it waits for.
import { setTimeout as sleep } from 'node:timers/promises';

import type { Disruptor } from 'shm-disruptor';

import { waitingFaces } from '../faces.js';
import type { Face } from '../faces.js';
import { attach, ring } from '../fixture.js';
import type { Scope } from '../fixture.js';
import { overFaces } from './over-faces.js';
import { staysPending } from './pending.js';
import { produce } from './values.js';

/** An object whose calls have to wait, and the call. */
type Wait = (t: Scope, face: Face) => { spinning: Disruptor; waits: Promise<unknown> };

const waits: Record<string, Wait> = {
  claim: (t, face) => {
    const spinning = ring(t, { spin: true });
    produce(spinning, 1, 2, 3, 4, 5, 6, 7, 8);
    return { spinning, waits: face.claim(spinning) };
  },
  claimMany: (t, face) => {
    const spinning = ring(t, { spin: true });
    produce(spinning, 1);
    return { spinning, waits: face.claimMany(spinning, 8) };
  },
  claimAvail: (t, face) => {
    const spinning = ring(t, { spin: true });
    produce(spinning, 1, 2, 3, 4, 5, 6, 7, 8);
    return { spinning, waits: face.claimAvail(spinning, 2) };
  },
  commit: (t, face) => {
    const other = ring(t);
    const spinning = attach(t, other, { spin: true });
    other.produceClaimSync();
    spinning.produceClaimSync();
    return { spinning, waits: face.commit(spinning) };
  },
  consume: (t, face) => {
    const spinning = ring(t, { spin: true });
    return { spinning, waits: face.consume(spinning) };
  },
};

for (const [name, begin] of Object.entries(waits)) {
  overFaces(
    `release ends a ${name} that waits`,
    async (t, face) => {
      const { spinning, waits } = begin(t, face);
      t.true(await staysPending(waits));
      spinning.release();
      await t.throwsAsync(waits, { name: 'DisruptorError', code: 'ERR_RELEASED' });
    },
    waitingFaces,
  );

  overFaces(
    `release ends a ${name} that has just begun to wait`,
    async (t, face) => {
      const { spinning, waits } = begin(t, face);
      spinning.release();
      await t.throwsAsync(waits, { code: 'ERR_RELEASED' });
    },
    waitingFaces,
  );

  overFaces(
    `timers and immediates go on while a ${name} waits`,
    async (t, face) => {
      const { spinning, waits } = begin(t, face);
      let pending = true;
      const over = waits.catch(() => {
        pending = false;
      });
      let immediates = 0;
      for (let i = 0; i < 100; i += 1) {
        await new Promise(setImmediate);
        immediates += 1;
      }
      for (let i = 0; i < 10; i += 1) await sleep(1);
      t.is(immediates, 100);
      t.true(pending);
      spinning.release();
      await over;
      t.false(pending);
    },
    waitingFaces,
  );
}

overFaces(
  'release ends everything that waits on an object, and nothing of another',
  async (t, face) => {
    const first = waits.claim!(t, face);
    const more = [face.claim(first.spinning), face.claimMany(first.spinning, 2)];
    const other = attach(t, first.spinning, { spin: true });
    const others = face.claim(other);
    first.spinning.release();
    for (const wait of [first.waits, ...more]) {
      await t.throwsAsync(wait, { code: 'ERR_RELEASED' });
    }
    t.true(await staysPending(others));
    other.consumeNewSync();
    other.consumeCommit();
    t.like(await others, { claimStart: 8 });
  },
  waitingFaces,
);

overFaces(
  'a consumer that is released for good elsewhere does not wait any longer',
  async (t, face) => {
    const { spinning, waits: wait } = waits.consume!(t, face);
    t.true(await staysPending(wait));
    attach(t, spinning).release(true);
    await t.throwsAsync(wait, { code: 'ERR_CONSUMER_IGNORED' });
  },
  waitingFaces,
);

overFaces(
  'calls that never have to wait leave the event loop its turns',
  async (t, face) => {
    const d = ring(t, { spin: true });
    const timer = { fired: false };
    setTimeout(() => {
      timer.fired = true;
    }, 1);
    let calls = 0;
    while (!timer.fired) {
      await face.claim(d);
      await face.commit(d);
      await face.consume(d);
      calls += 3;
    }
    t.is(d.cursor, calls / 3);
  },
  waitingFaces,
);
