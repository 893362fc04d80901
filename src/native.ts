import { constants } from 'node:buffer';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { coreError, DisruptorError } from './errors.js';

/**
 * The whole interface of the addon, on one page. Its callers have checked every argument.
 *
 * The numbers of a call go through an *exchange*, an array that both sides see: converting arguments
 * and results costs more than the operations themselves.
 */

/** What each number of the exchange means; the same list stands in `addon/binding/exchange.h`. */
const Exchange = {
  Handle: 0,
  Start: 1,
  End: 2,
  Least: 3,
  Most: 4,
  Mark: 5,
  Consumer: 6,
  Milliseconds: 7,
  Word: 8,
  Key: 9,
  Status: 10,
  Outcome: 11,
} as const;

/** What a handle claimed and consumed last; the same list stands in `addon/binding/ring_handle.h`. */
const State = {
  ClaimStart: 0,
  ClaimEnd: 1,
  /** `[ConsumeStart, ConsumeNext)`; `ConsumeNext` is 0 once that is committed. */
  ConsumeStart: 2,
  ConsumeNext: 3,
  /** How many gaps consuming has passed that `nextGap` has not yet given. */
  Gaps: 4,
  /** 1 when what was consumed last had gone to a member of the group that died. */
  Redelivered: 5,
  /**
   * What the one producer of a ring may claim without asking the core: `[LeaseNext, LeaseLimit)`.
   * Claiming of it moves `LeaseNext`, which the core reads with the next call.
   */
  LeaseNext: 6,
  LeaseLimit: 7,
} as const;

/** How many numbers there are in it. */
const STATES = 8;

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

/** What the addon knows of a handle that it made. */
interface Made {
  readonly handle: number;
  readonly elements: ArrayBuffer;
  readonly elementCount: number;
  readonly elementSize: number;
  readonly consumerCount: number;
  /** Whether there is one producer at a time. */
  readonly single: boolean;
  readonly shape: number;
  readonly schema: bigint;
  readonly generation: bigint;
  readonly object: string;
}

/** What the addon knows of a subscriber. */
interface MadeSubscriber extends Omit<Made, 'elements' | 'consumerCount'> {
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Whether we may not even say that we sleep. */
  readonly quiet: boolean;
}

/** And of a publisher: all slots. */
type MadePublisher = MadeSubscriber & Pick<Made, 'elements'>;

/** What the addon knows of plain memory that it mapped. */
interface MadeMemory {
  readonly handle: number;
  readonly size: number;
  readonly object: string;
}

/** A consumer that is there from the beginning. */
export interface Declared {
  name: string;
  group: boolean;
  /** Indices of those that it comes after. */
  after: number[];
}

/** What a segment holds, as `Kind` in `addon/core/layout.h`. */
export const Kind = { Ring: 1, Queue: 2, Broadcast: 3, Memory: 4 } as const;

/** Creating a segment: what the addon needs to know. */
export interface Creation {
  kind: number;
  elements: number;
  elementSize: number;
  consumers: number;
  maxProducers: number;
  orphans: Orphans;
  deadConsumers: DeadConsumers;
  producers: Producers;
  /** What its elements are, and of which schema: see src/format.ts. */
  shape: number;
  schema: bigint;
  /** Whether consumers join and leave; those `declared` are there from the beginning. */
  joinable: boolean;
  declared: Declared[];
  mode: number;
  existing: Existing;
}

/** Where a consumer begins, in the order of `Start::Kind` in `addon/core/consumers.h`. */
export const Start = { Latest: 0, Oldest: 1, Sequence: 2 } as const;

/** A consumer that joins. */
export interface Joining {
  /** Empty for none. */
  name: string;
  group: boolean;
  /** Names of those to come after; undefined for whatever the ring says. */
  after: string[] | undefined;
  start: number;
  sequence: number;
}

/** Elements that a member of a group has taken, and the seat that holds them. */
export interface Share {
  slot: number;
  seat: number;
  start: number;
  /** The sequence after the last one. */
  next: number;
  redelivered: boolean;
}

/** In the order of `Role` in `addon/core/layout.h`. */
export const Role = { Indexed: 0, Vacant: 1, Anonymous: 2, Named: 3, Group: 4, Member: 5 } as const;

/** As `Census` in `addon/core/census.h`. */
export interface Census {
  consumers: {
    index: number;
    role: number;
    name: string;
    after: number[];
    sequence: number;
    gates: boolean;
    /** A group: all below it was handed out. */
    handed: number;
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

/** What contradicts the header in a slot, in the order of `SlotFault::What` in `addon/core/broadcast_census.h`. */
export const SlotFault = { None: 0, Ahead: 1, Elsewhere: 2, Nobody: 3, TooLong: 4 } as const;

/** As `BroadcastCensus` there. */
export interface BroadcastCensus extends Pick<Census, 'next' | 'cursor'> {
  /** So many of the newest sequences were looked at. */
  looked: number;
  kept: number;
  dropped: number;
  missing: number;
  sleepers: { now: boolean; wakes: number };
  fault: { what: number; slot: number; value: number };
  publishers: Census['producers'];
}

/** How many may produce at a time. */
export type Producers = 'multi' | 'single';

/** In the order of `Producers` in `addon/core/layout.h`. */
const PRODUCERS: readonly Producers[] = ['multi', 'single'];

/** What becomes of what a producer claimed and had not committed when it died. */
export type Orphans = 'skip' | 'hold';

/** What becomes of a consumer that has died. */
export type DeadConsumers = 'hold' | 'detach';

/** In the order of `Orphans` in `addon/core/layout.h`. */
const ORPHANS: readonly Orphans[] = ['skip', 'hold'];

/** In the order of `DeadConsumers` there. */
const DEAD_CONSUMERS: readonly DeadConsumers[] = ['hold', 'detach'];

/** What creating does with a segment of that name, as `Existing` in `addon/core/segment.h`. */
const EXISTING = ['refuse', 'replace-dead', 'replace'] as const;
export type Existing = (typeof EXISTING)[number];

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
  census: Census;
  /** Of broadcasts. */
  broadcast: BroadcastCensus;
  producers: { alive: number; gone: number };
  consumers: { alive: number; gone: number };
}

/** How a handle waits when it blocks the thread: see src/waiting/strategy.ts. `budget` in microseconds. */
export interface CoreStrategy {
  core: number;
  budget: number;
}

interface Addon extends Record<
  | 'claim'
  | 'commit'
  | 'commitLatest'
  | 'awaitVisible'
  | 'consume'
  | 'commitConsumed'
  | 'attachConsumer'
  | 'share'
  | 'takeShare'
  | 'finishShare'
  | 'keepShare'
  | 'giveBackShare'
  | 'leave'
  | 'nextGap'
  | 'recover'
  | 'takeOver'
  | 'gaps'
  | 'ignore'
  | 'claimable'
  | 'consumable'
  | 'committable'
  | 'uncommitted'
  | 'next'
  | 'cursor'
  | 'consumerSequence'
  | 'allIgnored'
  | 'status'
  | 'setStatus'
  | 'tend'
  | 'watch'
  | 'passOn'
  | 'claimSlot'
  | 'commitSlot'
  | 'abortSlot'
  | 'nextSlot'
  | 'releasePublisher'
  | 'receive'
  | 'latest'
  | 'seek'
  | 'extent'
  | 'listen'
  | 'releaseSubscriber'
  | 'syncBroadcastNow'
  | 'syncNow'
  | 'memoryWait'
  | 'memoryLoad'
  | 'memoryNotify'
  | 'memoryWatch'
  | 'memoryReplaced'
  | 'memorySyncNow'
  | 'release',
  () => void
> {
  readonly exchange: Float64Array;
  createRing(
    name: string,
    creation: object,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  /** `mostBytes` is how many bytes of elements can be seen. */
  openRing(
    name: string,
    kind: number,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  /** Of the handle that the exchange names, as those that follow. */
  sendMessage: (bytes: Uint8Array) => void;
  moveMessage: (target: Uint8Array) => void;
  join(joining: Joining): number;
  census(): Census;
  createBroadcast(name: string, creation: object): MadePublisher;
  openPublisher(name: string): MadePublisher;
  openSubscriber(name: string, strategy: number, budget: number): MadeSubscriber;
  publish: (bytes: Uint8Array) => void;
  land(buffer: ArrayBuffer): void;
  receiveInto: (target: Uint8Array) => void;
  syncBroadcast(): Promise<void>;
  sync(): Promise<void>;
  createMemory(name: string, creation: object, strategy: number, budget: number): MadeMemory;
  openMemory(name: string, readOnly: boolean, strategy: number, budget: number): MadeMemory;
  /** Of the memory that the exchange names, as the one that follows. */
  memoryRead(target: Uint8Array): void;
  memoryView(): ArrayBuffer;
  memoryRelease(views: ArrayBuffer[]): void;
  memorySync(): Promise<void>;
  unlink(name: string): void;
  /** `directory` is empty for the system's place for shared memory. */
  list(directory: string): SegmentFacts[];
  inspect(name: string): SegmentFacts;
  userName(user: number): string;
  keepFreedMemory(): void;
  startWaker(changed: (keys: number[]) => void, method: number): void;
  forget(key: number): void;
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

const addon = load();
// Constants of this module, which V8 compiles calls and accesses of directly.
const { exchange, claim, commit, commitLatest, awaitVisible, consume, commitConsumed } = addon;
const { sendMessage, moveMessage, publish, receive, receiveInto } = addon;

function numbered(creation: Creation): object {
  return {
    ...creation,
    orphans: ORPHANS.indexOf(creation.orphans),
    deadConsumers: DEAD_CONSUMERS.indexOf(creation.deadConsumers),
    producers: PRODUCERS.indexOf(creation.producers),
    existing: EXISTING.indexOf(creation.existing),
  };
}

/** One handle on a ring. After `release` every method throws `ERR_RELEASED`. */
export class Ring {
  readonly #handle: number;
  readonly #state: Float64Array;
  #leasedSlot = 0;
  #comesAfter = false;
  // Its own: what the addon makes has its properties in a table.
  readonly #elementCount: number;
  // The handle in the addon lives as long as this object.
  readonly #made: Made;

  /** Whether there is one producer at a time. */
  readonly single: boolean;

  private constructor(state: Float64Array, made: Made) {
    this.single = made.single;
    this.#handle = made.handle;
    this.#elementCount = made.elementCount;
    this.#state = state;
    this.#made = made;
  }

  static create(name: string, creation: Creation, { core, budget }: CoreStrategy): Ring {
    const state = newState();
    const made = addon.createRing(
      name,
      numbered(creation),
      constants.MAX_LENGTH,
      core,
      budget,
      state,
    );
    return new Ring(state, made);
  }

  static open(name: string, { core, budget }: CoreStrategy, kind: number = Kind.Ring): Ring {
    const state = newState();
    const made = addon.openRing(name, kind, constants.MAX_LENGTH, core, budget, state);
    return new Ring(state, made);
  }

  /** All elements; detached, and thereby empty, after `release`. */
  get elements(): ArrayBuffer {
    return this.#made.elements;
  }

  get elementCount(): number {
    return this.#elementCount;
  }

  get elementSize(): number {
    return this.#made.elementSize;
  }

  get consumerCount(): number {
    return this.#made.consumerCount;
  }

  /** What its elements are, as its creator said. */
  get shape(): number {
    return this.#made.shape;
  }

  get schema(): bigint {
    return this.#made.schema;
  }

  /** Of the segment's creation, 64 bits: no other segment has it, also later and elsewhere. */
  get generation(): bigint {
    return this.#made.generation;
  }

  /** Names the segment: the same for all handles on it, and for no others. */
  get object(): string {
    return this.#made.object;
  }

  /** First sequence of the latest claim. */
  get claimStart(): number {
    return this.#state[State.ClaimStart]!;
  }

  /** Last sequence of the latest claim. */
  get claimEnd(): number {
    return this.#state[State.ClaimEnd]!;
  }

  /** Makes the latest claim one that gave nothing. */
  forgetClaim(): void {
    this.#state[State.ClaimStart] = 1;
    this.#state[State.ClaimEnd] = 0;
  }

  /** First sequence that was consumed last; 0 when there was nothing. */
  get consumeStart(): number {
    return this.#state[State.ConsumeStart]!;
  }

  /** The sequence after the last one consumed and not yet committed; 0 when there is none. */
  get consumeNext(): number {
    return this.#state[State.ConsumeNext]!;
  }

  /** Leaves of what was consumed only that before `next`: the rest is given again. */
  shortenConsumed(next: number): void {
    this.#state[State.ConsumeNext] = next;
  }

  /** `[start, next)` is what was consumed and is not committed. */
  keepConsumed(start: number, next: number): void {
    this.#state[State.ConsumeStart] = start;
    this.#state[State.ConsumeNext] = next;
  }

  /** Forgets what was consumed, so that it is given again. */
  forgetConsumed(): void {
    this.#state[State.ConsumeNext] = 0;
  }

  /** Claims one element of the lease, where there is one producer at a time. Its slot; -1 when there is none left. */
  claimLeased(): number {
    const state = this.#state;
    const next = state[State.LeaseNext]!;
    if (next >= state[State.LeaseLimit]!) return -1;
    const slot = this.#leasedSlot;
    this.#leasedSlot = slot + 1 === this.#elementCount ? 0 : slot + 1;
    state[State.ClaimStart] = next;
    state[State.ClaimEnd] = next;
    state[State.LeaseNext] = next + 1;
    return slot;
  }

  /** Blocks the thread for at most `milliseconds`. A slot, or one of {@link Outcome}. */
  claim(least: number, most: number, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Least] = least;
    exchange[Exchange.Most] = most;
    exchange[Exchange.Milliseconds] = milliseconds;
    claim();
    if (this.single) this.#leasedSlot = this.#state[State.LeaseNext]! % this.#elementCount;
    return exchange[Exchange.Outcome]!;
  }

  /**
   * `mark`: 1 to commit now what becomes visible later, 0 to refuse that. One of {@link Commit}.
   */
  commit(start: number, end: number, mark: 0 | 1): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    exchange[Exchange.Mark] = mark;
    exchange[Exchange.Milliseconds] = 0;
    commit();
    return exchange[Exchange.Outcome]!;
  }

  /** As `commit` for the latest claim. */
  commitLatest(mark: 0 | 1): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Mark] = mark;
    commitLatest();
    return exchange[Exchange.Outcome]!;
  }

  /** Blocks the thread for at most `milliseconds`. One of {@link Commit}. */
  awaitVisible(end: number, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.End] = end;
    exchange[Exchange.Milliseconds] = milliseconds;
    awaitVisible();
    return exchange[Exchange.Outcome]!;
  }

  /**
   * Commits what was consumed before, then consumes what there is. Blocks the thread for at most
   * `milliseconds`. A slot, or one of {@link Outcome}.
   */
  consume(consumer: number, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Consumer] = consumer;
    exchange[Exchange.Milliseconds] = milliseconds;
    consume();
    return exchange[Exchange.Outcome]!;
  }

  /** Commits what was consumed. False: another handle of this consumer has moved it. */
  commitConsumed(consumer: number): boolean {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Consumer] = consumer;
    commitConsumed();
    return exchange[Exchange.Outcome] === 1;
  }

  // Everything below is seldom called.
  #ask(method: () => void): number {
    exchange[Exchange.Handle] = this.#handle;
    method();
    return exchange[Exchange.Outcome]!;
  }

  /** Makes us that consumer: alone, or as one of several who share it. */
  attachConsumer(consumer: number, shared: boolean): void {
    exchange[Exchange.Consumer] = consumer;
    exchange[Exchange.Mark] = shared ? 1 : 0;
    this.#ask(addon.attachConsumer);
  }

  /** Becomes a consumer, or a member of a group. The index to consume under. */
  join(joining: Joining): number {
    exchange[Exchange.Handle] = this.#handle;
    const index = addon.join(joining);
    const own = this.census().consumers.find((one) => one.index === index);
    // A member comes after its group.
    this.#comesAfter = (own?.after.length ?? 0) > 0;
    return index;
  }

  /** Whether we come after other consumers, or share a group's work: only we can tend to those. */
  get comesAfter(): boolean {
    return this.#comesAfter;
  }

  /** Ends our gating until we come back. */
  leave(): void {
    this.#ask(addon.leave);
  }

  /** How many elements a member takes at a time, at most. */
  share(most: number): void {
    exchange[Exchange.Most] = most;
    this.#ask(addon.share);
  }

  /**
   * Takes one more share of the group's elements, beside those that we hold. Blocks the thread for at
   * most `milliseconds`. Undefined when there is none.
   */
  takeShare(milliseconds: number): Share | undefined {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    addon.takeShare();
    const slot = exchange[Exchange.Outcome]!;
    if (slot < 0) return undefined;
    return {
      slot,
      seat: exchange[Exchange.Key]!,
      start: exchange[Exchange.Start]!,
      next: exchange[Exchange.End]!,
      redelivered: exchange[Exchange.Mark] === 1,
    };
  }

  /**
   * Sends a queue's message. Blocks the thread for at most `milliseconds`. Its sequence; -1 when there
   * is no room.
   */
  sendMessage(bytes: Uint8Array, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    sendMessage(bytes);
    return exchange[Exchange.Outcome]!;
  }

  /**
   * Copies the next message of a queue to `target` and is done with it. Blocks the thread for at most
   * `milliseconds`. Its length; -1 when there is none; -1 minus its length when it is longer than that,
   * and the next again.
   */
  moveMessage(target: Uint8Array, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    moveMessage(target);
    return exchange[Exchange.Outcome]!;
  }

  /** The share in that seat is done with. False: there is none. */
  finishShare(seat: number): boolean {
    exchange[Exchange.Key] = seat;
    return this.#ask(addon.finishShare) === 1;
  }

  /** The share in that seat is given again by the next `takeShare`. False: there is none. */
  keepShare(seat: number): boolean {
    exchange[Exchange.Key] = seat;
    return this.#ask(addon.keepShare) === 1;
  }

  /** The share in that seat is for another member. False: there is none. */
  giveBackShare(seat: number): boolean {
    exchange[Exchange.Key] = seat;
    return this.#ask(addon.giveBackShare) === 1;
  }

  /** Whether what was consumed last had gone to a member of the group that died. */
  get redelivered(): boolean {
    return this.#state[State.Redelivered] === 1;
  }

  census(): Census {
    exchange[Exchange.Handle] = this.#handle;
    return addon.census();
  }

  /** How many gaps consuming has passed that `nextGap` has not yet given. */
  get gapsPassed(): number {
    return this.#state[State.Gaps]!;
  }

  /** The oldest of them, both ends inclusive. */
  nextGap(): { start: number; end: number } {
    this.#ask(addon.nextGap);
    return { start: exchange[Exchange.Start]!, end: exchange[Exchange.End]! - 1 };
  }

  /** Closes what a dead producer holds up. Whether that made anything visible. */
  recover(): boolean {
    return this.#ask(addon.recover) === 1;
  }

  /** Makes `[start, end]` ours, if nobody else who lives claimed it and nothing is committed. */
  takeOver(start: number, end: number): boolean {
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    return this.#ask(addon.takeOver) === 1;
  }

  /** How many gaps there were since creation, and how many elements in them. */
  gaps(): { count: number; elements: number } {
    this.#ask(addon.gaps);
    return { count: exchange[Exchange.Start]!, elements: exchange[Exchange.End]! };
  }

  /**
   * Whether `[start, end]`, which somebody claimed who is dead or knows no more, was committed: certain
   * when it says so. When there were gaps behind `start` it says no.
   */
  wasCommitted(start: number, end: number): boolean {
    this.recover();
    // In this order: a gap raises the limit before the cursor passes it.
    const cursor = this.cursor();
    this.#ask(addon.gaps);
    if (exchange[Exchange.Most]! > start) return false;
    if (cursor > start) return true;
    // Out of turn, behind somebody who has not committed yet; or not at all.
    return this.next() > end && !this.uncommitted(start, end);
  }

  ignore(consumer: number): void {
    exchange[Exchange.Consumer] = consumer;
    this.#ask(addon.ignore);
  }

  /** Whether a claim of `least` would find room, or a reason to fail. */
  claimable(least: number): boolean {
    exchange[Exchange.Least] = least;
    return this.#ask(addon.claimable) === 1;
  }

  /** Whether `consume` would find data, or a reason to fail. */
  consumable(consumer: number): boolean {
    exchange[Exchange.Consumer] = consumer;
    return this.#ask(addon.consumable) === 1;
  }

  /** Whether a commit from `start` on would find its turn come, or a reason to fail. */
  committable(start: number): boolean {
    exchange[Exchange.Start] = start;
    return this.#ask(addon.committable) === 1;
  }

  /** Whether `[start, end]` is claimed and nothing of it is committed. */
  uncommitted(start: number, end: number): boolean {
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    return this.#ask(addon.uncommitted) === 1;
  }

  next(): number {
    return this.#ask(addon.next);
  }

  cursor(): number {
    return this.#ask(addon.cursor);
  }

  consumerSequence(consumer: number): number {
    exchange[Exchange.Consumer] = consumer;
    return this.#ask(addon.consumerSequence);
  }

  allIgnored(): boolean {
    return this.#ask(addon.allIgnored) === 1;
  }

  status(): number {
    return this.#ask(addon.status);
  }

  setStatus(status: number): void {
    exchange[Exchange.Status] = status;
    this.#ask(addon.setStatus);
  }

  /**
   * Announces a sleeper on the ring's word for data (0) or for space (1), and has the waker watch it
   * under `key`. Look again afterwards: what came before is not told.
   */
  watch(word: number, key: number): void {
    exchange[Exchange.Word] = word;
    exchange[Exchange.Key] = key;
    this.#ask(addon.watch);
  }

  /** Has another one look for messages: we may have been woken for one, and no longer wait. */
  passOn(word: number): void {
    if (word === 0) this.#ask(addon.passOn);
  }

  /** Does something about the dead who hold up whoever waits for data (0) or for space (1). */
  tend(word: number): void {
    exchange[Exchange.Word] = word;
    this.#ask(addon.tend);
  }

  /**
   * Differs when something has happened that waits for that word may wait for; undefined where only
   * they can tell.
   */
  fingerprint(word: number): string | undefined {
    // Room comes from any of the consumers.
    return word === 0 ? `${this.cursor()} ${this.status()}` : undefined;
  }

  /** Has it written to its medium. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#handle;
    await addon.sync();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    this.#ask(addon.syncNow);
  }

  release(): void {
    // Nothing can be claimed any more without the core's saying so.
    this.#state[State.LeaseLimit] = 0;
    this.#ask(addon.release);
  }
}

/** So many views are remembered before those that nobody has any more are looked for. */
const VIEWS_KEPT = 64;

/** One handle on plain memory. After `release` every method throws `ERR_RELEASED`. */
export class Memory {
  // The handle in the addon lives as long as this object.
  readonly #made: MadeMemory;

  /** Whether it is only to be read. */
  readonly readOnly: boolean;
  /** Nobody takes part in memory. */
  readonly comesAfter = false;
  #views: WeakRef<ArrayBuffer>[] = [];
  #mostViews = VIEWS_KEPT;

  private constructor(made: MadeMemory, readOnly: boolean) {
    this.#made = made;
    this.readOnly = readOnly;
  }

  static create(name: string, creation: Creation, { core, budget }: CoreStrategy): Memory {
    return new Memory(addon.createMemory(name, numbered(creation), core, budget), false);
  }

  static open(name: string, readOnly: boolean, { core, budget }: CoreStrategy): Memory {
    return new Memory(addon.openMemory(name, readOnly, core, budget), readOnly);
  }

  /** The bytes from `start` to before `end`, where they may be written. Detached by `release`. */
  view(start: number, end: number): ArrayBuffer {
    exchange[Exchange.Handle] = this.#made.handle;
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    const view = addon.memoryView();
    if (this.#views.length >= this.#mostViews) {
      this.#views = this.#views.filter((each) => each.deref() !== undefined);
      this.#mostViews = Math.max(VIEWS_KEPT, 2 * this.#views.length);
    }
    this.#views.push(new WeakRef(view));
    return view;
  }

  get size(): number {
    return this.#made.size;
  }

  /** As {@link Ring.object}. */
  get object(): string {
    return this.#made.object;
  }

  #ask(method: () => void): number {
    exchange[Exchange.Handle] = this.#made.handle;
    method();
    return exchange[Exchange.Outcome]!;
  }

  /**
   * Blocks the thread for at most `milliseconds`, until the word at `offset` is not `value`. Whether
   * it is not.
   */
  wait(offset: number, value: number, milliseconds: number): boolean {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Mark] = value;
    exchange[Exchange.Milliseconds] = milliseconds;
    return this.#ask(addon.memoryWait) === 1;
  }

  load(offset: number): number {
    exchange[Exchange.Start] = offset;
    return this.#ask(addon.memoryLoad);
  }

  /** Wakes at most `count` who sleep on that word: how many. */
  notify(offset: number, count: number): number {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Most] = count;
    return this.#ask(addon.memoryNotify);
  }

  /** Copies to all of `target` what begins at `offset`. */
  read(offset: number, target: Uint8Array): void {
    exchange[Exchange.Handle] = this.#made.handle;
    exchange[Exchange.Start] = offset;
    addon.memoryRead(target);
  }

  /** As {@link Ring.watch}, for the word at `offset`. */
  watch(offset: number, key: number): void {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Key] = key;
    this.#ask(addon.memoryWatch);
  }

  /** As {@link Ring.tend}: there is nobody who could hold up others. */
  tend(): void {
    return;
  }

  /** As {@link Ring.fingerprint}. */
  fingerprint(offset: number): string {
    return `${this.load(offset)} ${this.replaced()}`;
  }

  replaced(): boolean {
    return this.#ask(addon.memoryReplaced) === 1;
  }

  /** As {@link Ring.sync}. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#made.handle;
    await addon.memorySync();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    this.#ask(addon.memorySyncNow);
  }

  release(): void {
    exchange[Exchange.Handle] = this.#made.handle;
    addon.memoryRelease(this.#views.flatMap((each) => each.deref() ?? []));
    this.#views = [];
  }
}

/** In memory of its own, which the garbage collector does not move. */
function newState(): Float64Array {
  const state = new Float64Array(new ArrayBuffer(STATES * Float64Array.BYTES_PER_ELEMENT));
  state[State.ClaimStart] = 1;
  return state;
}

/** A publisher of a broadcast. After `release` every method throws `ERR_RELEASED`. */
export class Publisher {
  readonly #handle: number;
  readonly made: Readonly<MadePublisher>;

  private constructor(made: MadePublisher) {
    this.#handle = made.handle;
    this.made = made;
  }

  static create(name: string, creation: Creation): Publisher {
    return new Publisher(addon.createBroadcast(name, numbered(creation)));
  }

  static open(name: string): Publisher {
    return new Publisher(addon.openPublisher(name));
  }

  /** Publishes the first `length` bytes. The sequence. */
  publish(bytes: Uint8Array, length: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Most] = length;
    publish(bytes);
    return exchange[Exchange.Outcome]!;
  }

  /** Opens a slot to be written in place; drops the one that was open. */
  claim(): { sequence: number; slot: number } {
    const sequence = this.#ask(addon.claimSlot);
    return { sequence, slot: exchange[Exchange.Start]! };
  }

  /** Ends the open slot as a message of so many bytes. */
  commit(length: number): void {
    exchange[Exchange.Most] = length;
    this.#ask(addon.commitSlot);
  }

  /** Ends the open slot: nobody gets it. */
  abort(): void {
    this.#ask(addon.abortSlot);
  }

  /** First sequence that nobody has taken. */
  next(): number {
    return this.#ask(addon.nextSlot);
  }

  release(): void {
    this.#ask(addon.releasePublisher);
  }

  #ask(method: () => void): number {
    exchange[Exchange.Handle] = this.#handle;
    method();
    return exchange[Exchange.Outcome]!;
  }
}

/** Some times as long as the core waits for who stands still. */
const HELD_UP_MILLISECONDS = 200;

/** A subscriber of a broadcast. After `release` every method throws `ERR_RELEASED`. */
export class Subscriber {
  readonly #handle: number;
  readonly made: Readonly<MadeSubscriber>;

  private constructor(made: MadeSubscriber) {
    this.#handle = made.handle;
    this.made = made;
  }

  static open(name: string, { core, budget }: CoreStrategy): Subscriber {
    return new Subscriber(addon.openSubscriber(name, core, budget));
  }

  /** Names the segment: the same for all handles on it, and for no others. */
  get object(): string {
    return this.made.object;
  }

  /** Nobody comes before us. */
  readonly comesAfter = false;

  #heldUpAt = '';
  #heldUpSince = 0;

  /**
   * Nobody wakes who may not say that he sleeps, or waits for somebody who stands still. That is over
   * soon, unless all who have come since stand still or are dead: then the next one wakes us.
   */
  get quiet(): boolean {
    if (this.made.quiet) return true;
    const { newest, position } = this.extent();
    if (newest <= position + 1) return false;
    const where = `${position} ${newest}`;
    const now = performance.now();
    if (where !== this.#heldUpAt) this.#heldUpSince = now;
    this.#heldUpAt = where;
    return now - this.#heldUpSince < HELD_UP_MILLISECONDS;
  }

  /** Messages land there from now on. */
  land(buffer: ArrayBuffer): void {
    exchange[Exchange.Handle] = this.#handle;
    addon.land(buffer);
  }

  /**
   * Copies the next message to `at` in the landing buffer. Its length; -1 when there is none; -1 minus
   * its length when there is no room for it, and it is the next again. Blocks the thread for at most
   * `milliseconds`.
   */
  receive(at: number, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Most] = at;
    exchange[Exchange.Milliseconds] = milliseconds;
    receive();
    return exchange[Exchange.Outcome]!;
  }

  /** As `receive` without waiting. */
  receiveInto(target: Uint8Array): number {
    exchange[Exchange.Handle] = this.#handle;
    receiveInto(target);
    return exchange[Exchange.Outcome]!;
  }

  /** As `receive` for the newest message, whatever was received. */
  latest(at: number): number {
    exchange[Exchange.Most] = at;
    return this.#ask(addon.latest);
  }

  /** The sequence of what was received last; to be read before anything else is called. */
  get sequence(): number {
    return exchange[Exchange.Start]!;
  }

  /** How many were lost before it; as `sequence`. */
  get lost(): number {
    return exchange[Exchange.End]!;
  }

  /** Goes on with that sequence, before which so many were lost. False: it lies in the future. */
  seek(sequence: number, lost = 0): boolean {
    exchange[Exchange.Start] = sequence;
    exchange[Exchange.End] = lost;
    return this.#ask(addon.seek) === 1;
  }

  /** The oldest sequence that may be there, the first that is not there yet, and ours. */
  extent(): { oldest: number; newest: number; position: number } {
    const position = this.#ask(addon.extent);
    return { oldest: exchange[Exchange.Start]!, newest: exchange[Exchange.End]!, position };
  }

  /** Announces a sleeper, and has the waker watch for messages under `key`. */
  watch(_word: number, key: number): void {
    exchange[Exchange.Key] = key;
    this.#ask(addon.listen);
  }

  /** Nobody holds us up. */
  tend(): void {
    // Publishers wait for nobody, and we only for them.
  }

  /** Differs when something has come since. */
  fingerprint(): string | undefined {
    const { newest, position } = this.extent();
    return newest > position + 1 ? undefined : String(newest);
  }

  /** Has it written to its medium. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#handle;
    await addon.syncBroadcast();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    this.#ask(addon.syncBroadcastNow);
  }

  release(): void {
    this.#ask(addon.releaseSubscriber);
  }

  #ask(method: () => void): number {
    exchange[Exchange.Handle] = this.#handle;
    method();
    return exchange[Exchange.Outcome]!;
  }
}

export function unlink(name: string): void {
  addon.unlink(name);
}

/** Every segment of ours that this user may read in a directory, by name; empty for the usual one. */
export function list(directory: string): SegmentFacts[] {
  return addon.list(directory);
}

/** One of them. Nothing is mapped, locked or changed. */
export function inspect(name: string): SegmentFacts {
  return addon.inspect(name);
}

/** What a user is called; empty where the system does not know. */
export function userName(user: number): string {
  return addon.userName(user);
}

export const orphansOf = (facts: SegmentFacts): Orphans => ORPHANS[facts.orphans]!;
export const deadConsumersOf = (facts: SegmentFacts): DeadConsumers =>
  DEAD_CONSUMERS[facts.deadConsumers]!;
export const producersOf = (facts: SegmentFacts): Producers => PRODUCERS[facts.producerPolicy]!;

/** Has memory that is given back kept for the next who asks, about 32 MiB of it. */
export function keepFreedMemory(): void {
  addon.keepFreedMemory();
}

/**
 * Starts this environment's waker: `changed` is called with the keys of the words that have changed.
 * `method` is one of {@link WakerMethod}.
 */
export function startWaker(changed: (keys: number[]) => void, method: number): void {
  addon.startWaker(changed, method);
}

/** Ends the waker's watching of that key, and its hold on the mapping, as if the word had changed. */
export function forget(key: number): void {
  addon.forget(key);
}
