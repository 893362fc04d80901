import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { coreError, DisruptorError } from './errors.js';

/**
 * The whole interface of the addon, on one page. Its callers have checked every argument.
 *
 * The numbers of the hot calls go through an *exchange*, an array that both sides see: converting
 * arguments and results costs more than the operations themselves.
 */

/** What each number of an exchange means; the same list stands in `addon/binding/ring_handle.cc`. */
export const Exchange = {
  /** The latest claim: first and last sequence. Written by `claim` when it gives something. */
  ClaimStart: 0,
  ClaimEnd: 1,
  /** What was consumed last, `[start, next)`; `next` is 0 once that is committed. */
  ConsumeStart: 2,
  ConsumeNext: 3,
  /** For `claim`: how many sequences at least and at most. */
  Least: 4,
  Most: 5,
  /** For `commit` and `awaitVisible`: first and last sequence. */
  CommitStart: 6,
  CommitEnd: 7,
  /** For `commit`: 1 to commit now what becomes visible later, 0 to refuse that. */
  Mark: 8,
  /** How long `claim`, `commit`, `awaitVisible` and `consume` may block the thread. */
  Milliseconds: 9,
  /** What `claim` and `consume` (a slot, or one of {@link Outcome}) or a commit came to. */
  Outcome: 10,
} as const;

/** Outcomes of `claim` and `consume` other than the slot where the range begins. */
export const Outcome = { Nothing: -1, AllIgnored: -2 } as const;

/** Outcomes of `commit` and `awaitVisible`, in the order of `Commit` in `addon/core/sequencer.h`. */
export const Commit = { Refused: 0, Visible: 1, Pending: 2 } as const;

/** How a waker learns of a change, in the order of `Waker::Method` in `addon/binding/waker.h`. */
export const WakerMethod = {
  /** The event loop sleeps on the words itself (io_uring, Linux 6.7), or else as the next. */
  Best: 0,
  /** A thread sleeps on all words at once (futex_waitv, Linux 5.16), or else as the next. */
  Thread: 1,
  /** A thread looks every millisecond. */
  Look: 2,
} as const;

/** A new exchange. In memory of its own, which the garbage collector does not move. */
export function newExchange(): Float64Array {
  const numbers = new Float64Array(new ArrayBuffer(11 * Float64Array.BYTES_PER_ELEMENT));
  numbers[Exchange.ClaimStart] = 1;
  return numbers;
}

/** One handle on a ring. After `release` every method throws `ERR_RELEASED`. */
export interface NativeRing {
  /** All elements; detached, and thereby empty, after `release`. */
  readonly elements: ArrayBuffer;
  readonly elementCount: number;
  readonly elementSize: number;
  readonly consumerCount: number;
  /** Names the segment: the same for all handles on it, and for no others. */
  readonly object: string;

  readonly claim: () => void;
  readonly commit: () => void;
  readonly awaitVisible: () => void;
  /** Commits what was consumed before, then consumes what there is. */
  readonly consume: (consumer: number) => void;
  /** Commits what was consumed. False: another handle of this consumer has moved it. */
  readonly commitConsumed: (consumer: number) => boolean;
  readonly ignore: (consumer: number) => void;
  /** Whether a claim of `least` would find room, or a reason to fail. */
  readonly claimable: (least: number) => boolean;
  /** Whether `consume` would find data, or a reason to fail. */
  readonly consumable: (consumer: number) => boolean;
  /** Whether a commit from `start` on would find its turn come, or a reason to fail. */
  readonly committable: (start: number) => boolean;
  readonly uncommitted: (start: number, end: number) => boolean;
  readonly next: () => number;
  readonly cursor: () => number;
  readonly consumerSequence: (consumer: number) => number;
  readonly allIgnored: () => boolean;
  readonly status: () => number;
  readonly setStatus: (status: number) => void;
  /**
   * Announces a sleeper on the ring's word for data (0) or for space (1), and has the waker watch it
   * under `key`. Look again afterwards: what came before is not told.
   */
  readonly watch: (space: 0 | 1, key: number) => void;
  /** Has everybody who sleeps on that word look again. */
  readonly disturb: (space: 0 | 1) => void;
  readonly release: () => void;
}

/**
 * A handle with the same members in the same places as every other: looking them up costs a few
 * nanoseconds less on each call than in an object that the addon made. Keeps that object, to whose
 * life the handle is tied.
 */
export class Handle implements NativeRing {
  readonly owner: NativeRing;
  readonly elements: NativeRing['elements'];
  readonly elementCount: NativeRing['elementCount'];
  readonly elementSize: NativeRing['elementSize'];
  readonly consumerCount: NativeRing['consumerCount'];
  readonly object: NativeRing['object'];
  readonly claim: NativeRing['claim'];
  readonly commit: NativeRing['commit'];
  readonly awaitVisible: NativeRing['awaitVisible'];
  readonly consume: NativeRing['consume'];
  readonly commitConsumed: NativeRing['commitConsumed'];
  readonly ignore: NativeRing['ignore'];
  readonly claimable: NativeRing['claimable'];
  readonly consumable: NativeRing['consumable'];
  readonly committable: NativeRing['committable'];
  readonly uncommitted: NativeRing['uncommitted'];
  readonly next: NativeRing['next'];
  readonly cursor: NativeRing['cursor'];
  readonly consumerSequence: NativeRing['consumerSequence'];
  readonly allIgnored: NativeRing['allIgnored'];
  readonly status: NativeRing['status'];
  readonly setStatus: NativeRing['setStatus'];
  readonly watch: NativeRing['watch'];
  readonly disturb: NativeRing['disturb'];
  readonly release: NativeRing['release'];

  constructor(owner: NativeRing) {
    this.owner = owner;
    this.elements = owner.elements;
    this.elementCount = owner.elementCount;
    this.elementSize = owner.elementSize;
    this.consumerCount = owner.consumerCount;
    this.object = owner.object;
    this.claim = owner.claim;
    this.commit = owner.commit;
    this.awaitVisible = owner.awaitVisible;
    this.consume = owner.consume;
    this.commitConsumed = owner.commitConsumed;
    this.ignore = owner.ignore;
    this.claimable = owner.claimable;
    this.consumable = owner.consumable;
    this.committable = owner.committable;
    this.uncommitted = owner.uncommitted;
    this.next = owner.next;
    this.cursor = owner.cursor;
    this.consumerSequence = owner.consumerSequence;
    this.allIgnored = owner.allIgnored;
    this.status = owner.status;
    this.setStatus = owner.setStatus;
    this.watch = owner.watch;
    this.disturb = owner.disturb;
    this.release = owner.release;
  }
}

interface Addon {
  createRing(
    name: string,
    elements: number,
    elementSize: number,
    consumers: number,
    mode: number,
    replace: boolean,
    mostBytes: number,
    strategy: number,
    budget: number,
    exchange: Float64Array,
  ): NativeRing;
  /**
   * `mostBytes` is how many bytes of elements can be seen; `strategy` and `budget`, in microseconds,
   * are those of src/strategy.ts.
   */
  openRing(
    name: string,
    mostBytes: number,
    strategy: number,
    budget: number,
    exchange: Float64Array,
  ): NativeRing;
  /**
   * Starts this environment's waker: `changed` is called with the keys of the words that have
   * changed. `method` is one of {@link WakerMethod}.
   */
  startWaker(changed: (keys: number[]) => void, method: number): void;
  setErrorFactory(factory: (errc: number, errno: number, syscall: string) => Error): void;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  const root = fileURLToPath(new URL('..', import.meta.url));
  const find = require('node-gyp-build') as (root: string) => Addon;
  let addon: Addon;
  try {
    addon = find(root);
  } catch (cause) {
    throw new DisruptorError(
      'ERR_NO_BINARY',
      `shm-disruptor has no binary for ${process.platform}-${process.arch}. ` +
        `Build one with: npx node-gyp rebuild --directory ${JSON.stringify(root)}`,
      { cause },
    );
  }
  addon.setErrorFactory(coreError);
  return addon;
}

export const addon = load();
