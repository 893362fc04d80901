import { DEAD_CONSUMERS, ORPHANS, PRODUCERS } from './creation.js';
import type { DeadConsumerPolicy, OrphanPolicy, ProducerMode } from './creation.js';

/** In the order of `Role` in `addon/core/layout.h`. */
export const Role = { Indexed: 0, Vacant: 1, Anonymous: 2, Named: 3, Group: 4, Member: 5 } as const;

/** As `Snapshot` in `addon/core/snapshot.h`. */
export interface RingSnapshot {
  consumers: {
    index: number;
    role: number;
    name: string;
    after: number[];
    sequence: number;
    gates: boolean;
    /** A group: all below it was handed out. */
    handed: number;
    /** A member: the first element that it holds, and how many. */
    begin: number;
    held: number;
    alive: boolean;
    pid: number;
    /** The kernel's number of the thread. */
    thread: number;
    /** What its sequence says instead of a sequence. */
    joining: boolean;
    ignored: boolean;
    detached: boolean;
  }[];
  producers: {
    index: number;
    pid: number;
    thread: number;
    alive: boolean;
    claimed: number;
    /** The first of those claimed. */
    first: number;
  }[];
  next: number;
  cursor: number;
  replaced: boolean;
  gaps: number;
  lost: number;
  /** What is claimed at the cursor and not committed: `[begin, end)`. */
  hole: { begin: number; end: number; orphaned: boolean };
  forData: { now: boolean; wakes: number };
  forSpace: { now: boolean; wakes: number };
}

/** What contradicts the header in a slot, in the order of `SlotFault::What` in `addon/core/broadcast_snapshot.h`. */
export const SlotFault = { None: 0, Ahead: 1, Elsewhere: 2, Nobody: 3, TooLong: 4 } as const;

/** As `BroadcastSnapshot` there. */
export interface BroadcastSnapshot extends Pick<RingSnapshot, 'next' | 'cursor'> {
  /** So many of the newest sequences were looked at. */
  looked: number;
  kept: number;
  dropped: number;
  missing: number;
  sleepers: { now: boolean; wakes: number };
  fault: { what: number; slot: number; value: number };
  publishers: RingSnapshot['producers'];
}

/** What can be seen of a segment from outside, as `SegmentFacts` in `addon/core/inspect.h`. */
export interface SegmentFacts {
  name: string;
  /** The core's error that opening would fail with; 0 for none. */
  damage: number;
  /** One of `Kind`. */
  kind: number;
  bytes: number;
  owner: number;
  mode: number;
  /** Milliseconds since 1970. */
  created: number;
  /** Names the object: the same for as long as it is the same. */
  object: string;
  /** What its header says, true or not. */
  header: { version: number; kind: number; mode: number; bytes: number };
  /** The layout version that this build knows. */
  version: number;
  elements: number;
  elementSize: number;
  consumerCount: number;
  maxProducers: number;
  /** A queue: the longest message. */
  shape: number;
  orphans: number;
  deadConsumers: number;
  producerPolicy: number;
  attached: boolean;
  replaced: boolean;
  /** Of rings and queues. */
  snapshot: RingSnapshot;
  /** Of broadcasts. */
  broadcast: BroadcastSnapshot;
  producers: { alive: number; gone: number };
  consumers: { alive: number; gone: number };
}

export const orphansOf = (facts: SegmentFacts): OrphanPolicy => ORPHANS[facts.orphans]!;

export const deadConsumersOf = (facts: SegmentFacts): DeadConsumerPolicy =>
  DEAD_CONSUMERS[facts.deadConsumers]!;

export const producersOf = (facts: SegmentFacts): ProducerMode => PRODUCERS[facts.producerPolicy]!;
