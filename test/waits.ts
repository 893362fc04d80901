// Every call that can wait, over every face, with wait options; and a ring on which it has to wait.
import type { Disruptor, WaitOptions } from 'shm-disruptor';

import { produce } from './compat/values.js';
import { attach, ring } from './fixture.js';
import type { Scope } from './fixture.js';

type Call = (d: Disruptor, options?: WaitOptions) => Promise<unknown>;
type FaceName = 'promise' | 'callback' | 'sync';

/** Where a call has to wait. */
export interface Scene {
  /** Whom to call. */
  waiting: Disruptor;
  /** Lets the call go on. */
  unblock: () => void;
}

/** One of the calls. */
export interface Waitable {
  block: (t: Scope) => Scene;
  calls: Record<FaceName, Call>;
  /** What the last call has taken from the ring. */
  taken: (d: Disruptor) => number[];
  /** What it takes once it was unblocked. */
  expected: number[];
}

/** A promise of what a callback is given. */
function given(call: (done: (error: Error | null, result: unknown) => void) => unknown) {
  return new Promise<unknown>((resolve, reject) => {
    call((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** A promise of what `call` returns or throws. */
function settled(call: () => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    resolve(call());
  });
}

/** All that the ring's counters say. */
export const state = (d: Disruptor) => [d.next, d.cursor, d.consumer];

/** A full ring of 8, whose elements are freed. */
function full(t: Scope): Scene {
  const waiting = ring(t, { spin: true });
  produce(waiting, 1, 2, 3, 4, 5, 6, 7, 8);
  const unblock = () => {
    waiting.consumeNewSync();
    waiting.consumeCommit();
  };
  return { waiting, unblock };
}

const claimed = (d: Disruptor) => [d.prevClaimStart, d.prevClaimEnd];

export const waitables: Record<string, Waitable> = {
  claim: {
    block: full,
    calls: {
      promise: (d, options) => d.produceClaim(options),
      callback: (d, options) =>
        given((done) => {
          d.produceClaim(options!, done);
        }),
      sync: (d, options) => settled(() => d.produceClaimSync(options)),
    },
    taken: claimed,
    expected: [8, 8],
  },
  claimMany: {
    block: full,
    calls: {
      promise: (d, options) => d.produceClaimMany(3, options),
      callback: (d, options) =>
        given((done) => {
          d.produceClaimMany(3, options!, done);
        }),
      sync: (d, options) => settled(() => d.produceClaimManySync(3, options)),
    },
    taken: claimed,
    expected: [8, 10],
  },
  claimAvail: {
    block: full,
    calls: {
      promise: (d, options) => d.produceClaimAvail(100, options),
      callback: (d, options) =>
        given((done) => {
          d.produceClaimAvail(100, options!, done);
        }),
      sync: (d, options) => settled(() => d.produceClaimAvailSync(100, options)),
    },
    taken: claimed,
    expected: [8, 15],
  },
  commit: {
    // One claim that somebody else does not commit yet, and one of two elements behind it.
    block: (t) => {
      const waiting = ring(t, { spin: true });
      const other = attach(t, waiting);
      other.produceClaimSync();
      waiting.produceClaimManySync(2);
      return { waiting, unblock: () => other.produceCommitSync() };
    },
    calls: {
      promise: (d, options) => d.produceCommit(options),
      callback: (d, options) =>
        given((done) => {
          d.produceCommit(options!, done);
        }),
      sync: (d, options) => settled(() => d.produceCommitSync(options)),
    },
    taken: (d) => [d.cursor],
    expected: [3],
  },
  'commit of a range': {
    block: (t) => waitables.commit!.block(t),
    calls: {
      promise: (d, options) => d.produceCommit(1, 2, options),
      callback: (d, options) =>
        given((done) => {
          d.produceCommit(1, 2, options!, done);
        }),
      sync: (d, options) => settled(() => d.produceCommitSync(1, 2, options)),
    },
    taken: (d) => [d.cursor],
    expected: [3],
  },
  consume: {
    block: (t) => {
      const waiting = ring(t, { spin: true });
      const unblock = () => {
        produce(attach(t, waiting), 1, 2, 3);
      };
      return { waiting, unblock };
    },
    calls: {
      promise: (d, options) => d.consumeNew(options),
      callback: (d, options) =>
        given((done) => {
          d.consumeNew(options!, done);
        }),
      sync: (d, options) => settled(() => d.consumeNewSync(options)),
    },
    taken: (d) => [d.prevConsumeStart, d.prevConsumeNext],
    expected: [0, 3],
  },
};
