import { constants } from 'node:buffer';

import { stepOf } from '../steps.js';
import type { Steps } from '../steps.js';
import { addon, ask } from './addon.js';
import type { PublisherFacts, SubscriberFacts } from './addon.js';
import { numbered } from './creation.js';
import type { CoreStrategy, Creation } from './creation.js';
import { Exchange } from './exchange.js';
import { now as clock } from '../timers.js';

// Constants of this module, which V8 compiles calls and accesses of directly.
const { exchange, publish, receive, receiveInto } = addon;

/** A publisher of a broadcast. After `release` every method throws `ERR_RELEASED`. */
export class PublisherHandle {
  readonly #handle: number;
  readonly made: Readonly<PublisherFacts>;

  private constructor(made: PublisherFacts) {
    this.#handle = made.handle;
    this.made = made;
  }

  static *create(name: string, creation: Creation): Steps<PublisherHandle> {
    const { createBroadcast, createBroadcastAsync } = addon;
    const args = [name, numbered(creation), constants.MAX_LENGTH] as const;
    return new PublisherHandle(yield* stepOf(createBroadcast, createBroadcastAsync, ...args));
  }

  static *open(name: string): Steps<PublisherHandle> {
    const { openPublisher, openPublisherAsync } = addon;
    return new PublisherHandle(
      yield* stepOf(openPublisher, openPublisherAsync, name, constants.MAX_LENGTH),
    );
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
    const sequence = ask(this.#handle, addon.claimSlot);
    return { sequence, slot: exchange[Exchange.Start]! };
  }

  /** Ends the open slot as a message of so many bytes. */
  commit(length: number): void {
    exchange[Exchange.Most] = length;
    ask(this.#handle, addon.commitSlot);
  }

  /** Ends the open slot: nobody gets it. */
  abort(): void {
    ask(this.#handle, addon.abortSlot);
  }

  /** First sequence that nobody has taken. */
  next(): number {
    return ask(this.#handle, addon.nextSlot);
  }

  /** As {@link RingHandle.withdraw}. */
  withdraw(): void {
    ask(this.#handle, addon.withdrawBroadcast);
  }

  release(): void {
    ask(this.#handle, addon.releasePublisher);
  }
}

/** Some times as long as the core waits for who stands still. */
const HELD_UP_MILLISECONDS = 200;

/** A subscriber of a broadcast. After `release` every method throws `ERR_RELEASED`. */
export class SubscriberHandle {
  readonly #handle: number;
  readonly made: Readonly<SubscriberFacts>;

  private constructor(made: SubscriberFacts) {
    this.#handle = made.handle;
    this.made = made;
  }

  static *open(name: string, { core, budget }: CoreStrategy): Steps<SubscriberHandle> {
    const { openSubscriber, openSubscriberAsync } = addon;
    return new SubscriberHandle(
      yield* stepOf(openSubscriber, openSubscriberAsync, name, core, budget),
    );
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
    const now = clock();
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
    return ask(this.#handle, addon.latest);
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
    return ask(this.#handle, addon.seek) === 1;
  }

  /** The oldest sequence that may be there, the first that is not there yet, and ours. */
  extent(): { oldest: number; newest: number; position: number } {
    const position = ask(this.#handle, addon.extent);
    return { oldest: exchange[Exchange.Start]!, newest: exchange[Exchange.End]!, position };
  }

  /** Announces a sleeper, and has the waker watch for messages under `key`. As {@link RingHandle.watch}. */
  watch(_word: number, key: number): boolean {
    exchange[Exchange.Key] = key;
    return ask(this.#handle, addon.listen) === 1;
  }

  /** Nobody holds us up. */
  unblock(): void {
    // Publishers wait for nobody, and we only for them.
  }

  /** Differs when something has come since. */
  fingerprint(): string | undefined {
    const { newest, position } = this.extent();
    return newest > position + 1 ? undefined : String(newest);
  }

  /** As {@link RingHandle.unlinked}. */
  unlinked(): boolean {
    return ask(this.#handle, addon.broadcastUnlinked) === 1;
  }

  /** Has it written to its medium. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#handle;
    await addon.syncBroadcast();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    ask(this.#handle, addon.syncBroadcastNow);
  }

  release(): void {
    ask(this.#handle, addon.releaseSubscriber);
  }
}
