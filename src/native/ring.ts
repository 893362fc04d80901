import { constants } from 'node:buffer';

import { stepOf } from '../steps.js';
import type { Steps } from '../steps.js';
import { addon, ask } from './addon.js';
import type { RingFacts } from './addon.js';
import { Kind, numbered } from './creation.js';
import type { CoreStrategy, Creation } from './creation.js';
import { Exchange } from './exchange.js';
import type { RingSnapshot } from './facts.js';
import type { Joining } from './joining.js';

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

/** Elements that a member of a group has taken, and the seat that holds them. */
export interface Assignment {
  slot: number;
  memberSlot: number;
  start: number;
  /** The sequence after the last one. */
  next: number;
  redelivered: boolean;
}

// Constants of this module, which V8 compiles calls and accesses of directly.
const { exchange, claim, commit, commitLatest, awaitVisible, consume, commitConsumed } = addon;
const { sendMessage, moveMessage, sendMessages, moveMessages } = addon;

/** One handle on a ring. After `release` every method throws `ERR_RELEASED`. */
export class RingHandle {
  readonly #handle: number;
  readonly #state: Float64Array;
  #leasedSlot = 0;
  #comesAfter = false;
  // Its own: what the addon makes has its properties in a table.
  readonly #elementCount: number;
  // The handle in the addon lives as long as this object.
  readonly #made: RingFacts;

  /** Whether there is one producer at a time. */
  readonly single: boolean;

  private constructor(state: Float64Array, made: RingFacts) {
    this.single = made.single;
    this.#handle = made.handle;
    this.#elementCount = made.elementCount;
    this.#state = state;
    this.#made = made;
  }

  static *create(name: string, creation: Creation, strategy: CoreStrategy): Steps<RingHandle> {
    const { core, budget } = strategy;
    const state = newState();
    const made = yield* stepOf(
      addon.createRing,
      addon.createRingAsync,
      name,
      numbered(creation),
      constants.MAX_LENGTH,
      core,
      budget,
      state,
    );
    return new RingHandle(state, made);
  }

  static *open(name: string, strategy: CoreStrategy, kind: number = Kind.Ring): Steps<RingHandle> {
    const { core, budget } = strategy;
    const state = newState();
    const made = yield* stepOf(
      addon.openRing,
      addon.openRingAsync,
      name,
      kind,
      constants.MAX_LENGTH,
      core,
      budget,
      state,
    );
    return new RingHandle(state, made);
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

  /**
   * Makes us that consumer: alone, or as one of several who share it. Blocks the thread for at most
   * `milliseconds` while another participant holds its lock for a moment.
   */
  attachConsumer(consumer: number, shared: boolean, milliseconds: number): void {
    exchange[Exchange.Milliseconds] = milliseconds;
    exchange[Exchange.Consumer] = consumer;
    exchange[Exchange.Mark] = shared ? 1 : 0;
    ask(this.#handle, addon.attachConsumer);
  }

  /**
   * Becomes a consumer, or a member of a group. Blocks the thread for at most `milliseconds` while
   * others join. The index to consume under.
   */
  join(joining: Joining, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    const index = addon.join(joining);
    const own = this.snapshot().consumers.find((one) => one.index === index);
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
    ask(this.#handle, addon.leave);
  }

  /**
   * Ends the gating of a consumer or group that nobody who lives is, until it comes back.
   *
   * @param consumer - the index of its entry
   * @throws DisruptorError `ERR_CONSUMER_BUSY`, `ERR_CONSUMER_KIND`, `ERR_UNKNOWN_CONSUMER`,
   * `ERR_SEGMENT_BUSY`
   */
  detach(consumer: number): void {
    exchange[Exchange.Consumer] = consumer;
    ask(this.#handle, addon.detach);
  }

  /** How many elements a member takes at a time, at most. */
  assignment(most: number): void {
    exchange[Exchange.Most] = most;
    ask(this.#handle, addon.assignment);
  }

  /**
   * Takes one more share of the group's elements, beside those that we hold. Blocks the thread for at
   * most `milliseconds`. Undefined when there is none.
   */
  takeAssignment(milliseconds: number): Assignment | undefined {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    addon.takeAssignment();
    const slot = exchange[Exchange.Outcome]!;
    if (slot < 0) return undefined;
    return {
      slot,
      memberSlot: exchange[Exchange.Key]!,
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

  /**
   * Sends several messages that lie one behind the other, none longer than `longest`, as many as there
   * is room for. Blocks the thread for at most `milliseconds` if there is none. How many were sent;
   * `lastSent` is then the sequence of the last, and `bytesSent` how many bytes they have. -1 when the
   * first goes on behind the bytes or is longer.
   */
  sendMessages(
    bytes: Uint8Array,
    lengths: Uint32Array,
    longest: number,
    milliseconds: number,
  ): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Most] = longest;
    exchange[Exchange.Milliseconds] = milliseconds;
    sendMessages(bytes, lengths);
    return exchange[Exchange.Outcome]!;
  }

  /** Good until the next call of any ring. */
  get lastSent(): number {
    return exchange[Exchange.Start]!;
  }

  /** Good until the next call of any ring. */
  get bytesSent(): number {
    return exchange[Exchange.End]!;
  }

  /**
   * Copies the next messages of a queue to `target`, one behind the other, and is done with them: as
   * many as there are and fit, at most as many as there are `lengths`, which become theirs. Blocks the
   * thread for at most `milliseconds`. How many; -1 when there is none; -1 minus its length when the
   * first does not fit, and is the next again.
   */
  moveMessages(target: Uint8Array, lengths: Uint32Array, milliseconds: number): number {
    exchange[Exchange.Handle] = this.#handle;
    exchange[Exchange.Milliseconds] = milliseconds;
    moveMessages(target, lengths);
    return exchange[Exchange.Outcome]!;
  }

  /** The share in that seat is done with. False: there is none. */
  finishAssignment(memberSlot: number): boolean {
    exchange[Exchange.Key] = memberSlot;
    return ask(this.#handle, addon.finishAssignment) === 1;
  }

  /** The share in that seat is given again by the next `takeShare`. False: there is none. */
  keepAssignment(memberSlot: number): boolean {
    exchange[Exchange.Key] = memberSlot;
    return ask(this.#handle, addon.keepAssignment) === 1;
  }

  /** The share in that seat is for another member. False: there is none. */
  returnAssignment(memberSlot: number): boolean {
    exchange[Exchange.Key] = memberSlot;
    return ask(this.#handle, addon.returnAssignment) === 1;
  }

  /** Whether what was consumed last had gone to a member of the group that died. */
  get redelivered(): boolean {
    return this.#state[State.Redelivered] === 1;
  }

  snapshot(): RingSnapshot {
    exchange[Exchange.Handle] = this.#handle;
    return addon.snapshot();
  }

  /** How many gaps consuming has passed that `nextGap` has not yet given. */
  get gapsPassed(): number {
    return this.#state[State.Gaps]!;
  }

  /** The oldest of them, both ends inclusive. */
  nextGap(): { start: number; end: number } {
    ask(this.#handle, addon.nextGap);
    return { start: exchange[Exchange.Start]!, end: exchange[Exchange.End]! - 1 };
  }

  /** Closes what a dead producer holds up. Whether that made anything visible. */
  recover(): boolean {
    return ask(this.#handle, addon.recover) === 1;
  }

  /** Makes `[start, end]` ours, if nobody else who lives claimed it and nothing is committed. */
  takeOver(start: number, end: number): boolean {
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    return ask(this.#handle, addon.takeOver) === 1;
  }

  /** How many gaps there were since creation, and how many elements in them. */
  gaps(): { count: number; elements: number } {
    ask(this.#handle, addon.gaps);
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
    ask(this.#handle, addon.gaps);
    if (exchange[Exchange.Most]! > start) return false;
    if (cursor > start) return true;
    // Out of turn, behind somebody who has not committed yet; or not at all.
    return this.next() > end && !this.uncommitted(start, end);
  }

  ignore(consumer: number): void {
    exchange[Exchange.Consumer] = consumer;
    ask(this.#handle, addon.ignore);
  }

  /** Whether a claim of `least` would find room, or a reason to fail. */
  claimable(least: number): boolean {
    exchange[Exchange.Least] = least;
    return ask(this.#handle, addon.claimable) === 1;
  }

  /** Whether `consume` would find data, or a reason to fail. */
  consumable(consumer: number): boolean {
    exchange[Exchange.Consumer] = consumer;
    return ask(this.#handle, addon.consumable) === 1;
  }

  /** Whether a commit from `start` on would find its turn come, or a reason to fail. */
  committable(start: number): boolean {
    exchange[Exchange.Start] = start;
    return ask(this.#handle, addon.committable) === 1;
  }

  /** Whether `[start, end]` is claimed and nothing of it is committed. */
  uncommitted(start: number, end: number): boolean {
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    return ask(this.#handle, addon.uncommitted) === 1;
  }

  next(): number {
    return ask(this.#handle, addon.next);
  }

  cursor(): number {
    return ask(this.#handle, addon.cursor);
  }

  consumerSequence(consumer: number): number {
    exchange[Exchange.Consumer] = consumer;
    return ask(this.#handle, addon.consumerSequence);
  }

  allIgnored(): boolean {
    return ask(this.#handle, addon.allIgnored) === 1;
  }

  status(): number {
    return ask(this.#handle, addon.status);
  }

  setStatus(status: number): void {
    exchange[Exchange.Status] = status;
    ask(this.#handle, addon.setStatus);
  }

  /**
   * Announces a sleeper on the ring's word for data (0) or for space (1), and has the waker watch it
   * under `key`. Look again afterwards: what came before is not told. False: nothing watches it.
   */
  watch(word: number, key: number): boolean {
    exchange[Exchange.Word] = word;
    exchange[Exchange.Key] = key;
    return ask(this.#handle, addon.watch) === 1;
  }

  /** Wakes another sleeper for what this one was woken for, where only one is woken. */
  passOn(word: number): void {
    if (word === 0) ask(this.#handle, addon.passOn);
  }

  /** Does something about the dead who hold up whoever waits for data (0) or for space (1). */
  unblock(word: number): void {
    exchange[Exchange.Word] = word;
    ask(this.#handle, addon.unblock);
  }

  /**
   * Differs when something has happened that waits for that word may wait for; undefined where only
   * they can tell.
   */
  fingerprint(word: number): string | undefined {
    // Room comes from any of the consumers.
    return word === 0 ? `${this.cursor()} ${this.status()}` : undefined;
  }

  /** Whether the segment was removed: nobody else can open it. One system call. */
  unlinked(): boolean {
    return ask(this.#handle, addon.unlinked) === 1;
  }

  /** Takes the name away from the segment, which was just created, if it is still its own. */
  withdraw(): void {
    ask(this.#handle, addon.withdraw);
  }

  /** Has it written to its medium. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#handle;
    await addon.sync();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    ask(this.#handle, addon.syncNow);
  }

  release(): void {
    // Nothing can be claimed any more without the core's saying so.
    this.#state[State.LeaseLimit] = 0;
    ask(this.#handle, addon.release);
  }
}

/** In memory of its own, which the garbage collector does not move. */
function newState(): Float64Array {
  const state = new Float64Array(new ArrayBuffer(STATES * Float64Array.BYTES_PER_ELEMENT));
  state[State.ClaimStart] = 1;
  return state;
}
