// What only callbacks have: when they are called, and with what.
import test from 'ava';
import type { Disruptor } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach, ring } from '../fixture.js';
import { produce } from './values.js';

type Call = (ring: Disruptor, done: (...args: unknown[]) => void) => void;

const calls: Record<string, Call> = {
  produceClaim: (d, done) => {
    d.produceClaim(done);
  },
  produceClaimMany: (d, done) => {
    d.produceClaimMany(2, done);
  },
  produceClaimAvail: (d, done) => {
    d.produceClaimAvail(2, done);
  },
  produceCommit: (d, done) => {
    d.produceCommit(done);
  },
  'produceCommit of a range': (d, done) => {
    d.produceCommit(0, 0, done);
  },
  consumeNew: (d, done) => {
    d.consumeNew(done);
  },
};

/** Rings on which every call has something to give, nothing to give, and fails. */
const situations: Record<string, (d: Disruptor) => void> = {
  'with something to give': (d) => {
    produce(d, 1);
    d.produceClaimSync();
  },
  'with nothing to give': (d) => {
    produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
    d.consumeNewSync();
  },
  'when it fails': (d) => {
    d.release();
  },
};

for (const [name, call] of Object.entries(calls)) {
  for (const [situation, prepare] of Object.entries(situations)) {
    test(`${name} ${situation} calls back once, and later`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const d = ring(t);
      prepare(d);
      let returned = false;
      let times = 0;
      const fails = await new Promise((resolve) => {
        call(d, (error) => {
          times += 1;
          t.true(returned);
          resolve(error !== null);
        });
        returned = true;
      });
      t.is(fails, situation === 'when it fails');
      await new Promise(setImmediate);
      t.is(times, 1);
    });
  }

  test(`${name} is never synchronous, however many calls there were`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const d = ring(t);
    const other = attach(t, d);
    let synchronous = 0;
    for (let i = 0; i < 1000; i += 1) {
      await new Promise<void>((resolve) => {
        let returned = false;
        call(i % 2 === 0 ? d : other, () => {
          if (!returned) synchronous += 1;
          resolve();
        });
        returned = true;
      });
    }
    t.is(synchronous, 0);
  });
}

test('a failure is the only argument', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = ring(t);
  d.release();
  for (const call of Object.values(calls)) {
    const args = await new Promise<unknown[]>((resolve) => {
      call(d, (...all) => {
        resolve(all);
      });
    });
    t.is(args.length, 1);
    t.like(args[0], { name: 'DisruptorError', code: 'ERR_RELEASED' });
  }
});
