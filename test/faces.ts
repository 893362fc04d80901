// The three faces of a Disruptor behind one shape, so that one suite runs over all of them.
import type { Claimed, ClaimedMany, Consumed, Disruptor, Gap } from 'shm-disruptor';
import { settled } from './settling.js';

/** The methods that come as promise, with a callback and as `*Sync`. */
export interface Face {
  readonly name: string;
  claim(ring: Disruptor): Promise<Claimed>;
  claimMany(ring: Disruptor, count: number): Promise<ClaimedMany>;
  claimAvail(ring: Disruptor, max: number): Promise<ClaimedMany>;
  /** Commits the latest claim. */
  commit(ring: Disruptor): Promise<boolean>;
  commitRange(ring: Disruptor, claimStart: number, claimEnd: number): Promise<boolean>;
  consume(ring: Disruptor): Promise<Consumed>;
}

export const promiseFace: Face = {
  name: 'promise',
  claim: (ring) => ring.produceClaim(),
  claimMany: (ring, count) => ring.produceClaimMany(count),
  claimAvail: (ring, max) => ring.produceClaimAvail(max),
  commit: (ring) => ring.produceCommit(),
  commitRange: (ring, claimStart, claimEnd) => ring.produceCommit(claimStart, claimEnd),
  consume: (ring) => ring.consumeNew(),
};

type Done<Results extends unknown[]> = (error: Error | null, ...results: Results) => void;

/** A promise of what a callback is given, which `shape` makes one result of. */
function given<Results extends unknown[], T>(
  call: (done: Done<Results>) => unknown,
  shape: (...results: Results) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, ...results) => {
      if (error === null) resolve(shape(...results));
      else reject(error);
    });
  });
}

type ClaimResults<Bufs> = [Bufs, number, number, boolean];

function claimed(...[buf, claimStart, claimEnd, ignoring]: ClaimResults<Buffer>): Claimed {
  return { buf, claimStart, claimEnd, allConsumersIgnoring: ignoring };
}

function claimedMany(...[bufs, claimStart, claimEnd, ignoring]: ClaimResults<Buffer[]>) {
  return { bufs, claimStart, claimEnd, allConsumersIgnoring: ignoring };
}

const itself = (committed: boolean) => committed;

export const callbackFace: Face = {
  name: 'callback',
  claim: (ring) =>
    given((done) => {
      ring.produceClaim(done);
    }, claimed),
  claimMany: (ring, count) =>
    given((done) => {
      ring.produceClaimMany(count, done);
    }, claimedMany),
  claimAvail: (ring, max) =>
    given((done) => {
      ring.produceClaimAvail(max, done);
    }, claimedMany),
  commit: (ring) =>
    given((done) => {
      ring.produceCommit(done);
    }, itself),
  commitRange: (ring, claimStart, claimEnd) =>
    given((done) => {
      ring.produceCommit(claimStart, claimEnd, done);
    }, itself),
  consume: (ring) =>
    given(
      (done) => {
        ring.consumeNew(done);
      },
      (bufs: Buffer[], start: number, gaps?: Gap[]) => ({ bufs, start, ...(gaps && { gaps }) }),
    ),
};

/** What else a claim's promise says is on the object after a sync claim. */
function rest(ring: Disruptor, gave: boolean) {
  return {
    claimStart: ring.prevClaimStart,
    claimEnd: ring.prevClaimEnd,
    allConsumersIgnoring: !gave && ring.allConsumersIgnoring,
  };
}

export const syncFace: Face = {
  name: 'sync',
  claim: (ring) =>
    settled(() => {
      const buf = ring.produceClaimSync();
      return { buf, ...rest(ring, buf.length > 0) };
    }),
  claimMany: (ring, count) =>
    settled(() => {
      const bufs = ring.produceClaimManySync(count);
      return { bufs, ...rest(ring, bufs.length > 0) };
    }),
  claimAvail: (ring, max) =>
    settled(() => {
      const bufs = ring.produceClaimAvailSync(max);
      return { bufs, ...rest(ring, bufs.length > 0) };
    }),
  commit: (ring) => settled(() => ring.produceCommitSync()),
  commitRange: (ring, claimStart, claimEnd) =>
    settled(() => ring.produceCommitSync(claimStart, claimEnd)),
  consume: (ring) =>
    settled(() => {
      const bufs = ring.consumeNewSync();
      return { bufs, start: ring.prevConsumeStart };
    }),
};

/** The faces that wait without blocking the thread. */
export const waitingFaces: readonly Face[] = [promiseFace, callbackFace];
export const faces: readonly Face[] = [...waitingFaces, syncFace];
