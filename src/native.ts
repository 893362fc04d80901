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

/** What the addon knows of a handle that it made. */
interface Made {
  readonly handle: number;
  readonly elements: ArrayBuffer;
  readonly elementCount: number;
  readonly elementSize: number;
  readonly consumerCount: number;
  readonly object: string;
}

/** Creating a segment: what the addon needs to know. */
export interface Creation {
  elements: number;
  elementSize: number;
  consumers: number;
  maxProducers: number;
  orphans: Orphans;
  deadConsumers: DeadConsumers;
  mode: number;
  existing: Existing;
}

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
  bytes: number;
  owner: number;
  mode: number;
  elements: number;
  elementSize: number;
  consumerCount: number;
  maxProducers: number;
  orphans: number;
  deadConsumers: number;
  next: number;
  cursor: number;
  gaps: number;
  lost: number;
  attached: boolean;
  producers: { alive: number; gone: number };
  consumers: { alive: number; gone: number };
}

/** How a handle waits when it blocks the thread: see src/strategy.ts. `budget` in microseconds. */
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
  | 'watch'
  | 'disturb'
  | 'release',
  () => void
> {
  readonly exchange: Float64Array;
  createRing(
    name: string,
    elements: number,
    elementSize: number,
    consumers: number,
    producers: number,
    orphans: number,
    deadConsumers: number,
    mode: number,
    existing: number,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  /** `mostBytes` is how many bytes of elements can be seen. */
  openRing(
    name: string,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  unlink(name: string): void;
  list(): SegmentFacts[];
  keepFreedMemory(): void;
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

const addon = load();
// Constants of this module, which V8 compiles calls and accesses of directly.
const { exchange, claim, commit, commitLatest, awaitVisible, consume, commitConsumed } = addon;

/** One handle on a ring. After `release` every method throws `ERR_RELEASED`. */
export class Ring {
  readonly #handle: number;
  readonly #state: Float64Array;
  // The handle in the addon lives as long as this object.
  readonly #made: Made;

  private constructor(state: Float64Array, made: Made) {
    this.#handle = made.handle;
    this.#state = state;
    this.#made = made;
  }

  static create(name: string, creation: Creation, { core, budget }: CoreStrategy): Ring {
    const state = newState();
    const made = addon.createRing(
      name,
      creation.elements,
      creation.elementSize,
      creation.consumers,
      creation.maxProducers,
      ORPHANS.indexOf(creation.orphans),
      DEAD_CONSUMERS.indexOf(creation.deadConsumers),
      creation.mode,
      EXISTING.indexOf(creation.existing),
      constants.MAX_LENGTH,
      core,
      budget,
      state,
    );
    return new Ring(state, made);
  }

  static open(name: string, { core, budget }: CoreStrategy): Ring {
    const state = newState();
    return new Ring(state, addon.openRing(name, constants.MAX_LENGTH, core, budget, state));
  }

  /** All elements; detached, and thereby empty, after `release`. */
  get elements(): ArrayBuffer {
    return this.#made.elements;
  }

  get elementCount(): number {
    return this.#made.elementCount;
  }

  get elementSize(): number {
    return this.#made.elementSize;
  }

  get consumerCount(): number {
    return this.#made.consumerCount;
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

  /** Forgets what was consumed, so that it is given again. */
  forgetConsumed(): void {
    this.#state[State.ConsumeNext] = 0;
  }

  /** Blocks the thread for at most `milliseconds`. A slot, or one of {@link Outcome}. */
  claim(least: number, most: number, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Least] = least;
    exchange[Exchange.Most] = most;
    exchange[Exchange.Milliseconds] = milliseconds;
    claim();
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
  watch(word: 0 | 1, key: number): void {
    exchange[Exchange.Word] = word;
    exchange[Exchange.Key] = key;
    this.#ask(addon.watch);
  }

  /** Has everybody who sleeps on that word look again. */
  disturb(word: 0 | 1): void {
    exchange[Exchange.Word] = word;
    this.#ask(addon.disturb);
  }

  release(): void {
    this.#ask(addon.release);
  }
}

/** In memory of its own, which the garbage collector does not move. */
function newState(): Float64Array {
  const state = new Float64Array(new ArrayBuffer(5 * Float64Array.BYTES_PER_ELEMENT));
  state[State.ClaimStart] = 1;
  return state;
}

export function unlink(name: string): void {
  addon.unlink(name);
}

/** Every segment of ours that this user may read, by name. */
export function list(): SegmentFacts[] {
  return addon.list();
}

export const orphansOf = (facts: SegmentFacts): Orphans => ORPHANS[facts.orphans]!;
export const deadConsumersOf = (facts: SegmentFacts): DeadConsumers =>
  DEAD_CONSUMERS[facts.deadConsumers]!;

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
