import { addon, WakerMethod } from './native.js';
import type { NativeRing } from './native.js';

/**
 * Waiting in this environment for one word of one ring to change, at no cost while it does not.
 *
 * A wait first polls from the event loop for as long as its *budget* allows, which grows while what
 * is waited for comes soon and goes to nothing when it does not. Then it sleeps: it is announced in
 * shared memory, and the addon's waker watches the word. Whoever changes the word makes a
 * system call only if somebody has announced himself.
 */

/** One wait that is going on. */
export interface Wait {
  /** Looks, and says whether the wait is over. Never throws. */
  readonly look: () => boolean;
  /** A handle on the channel's ring, not released. */
  readonly ring: NativeRing;
  /** How long it may poll, in microseconds. */
  readonly mostPolling: number;
}

/** The words of a ring that can be waited for: `watch` takes these numbers. */
export const Word = { Data: 0, Space: 1 } as const;
type Word = (typeof Word)[keyof typeof Word];

/** A polling budget below this is none: in microseconds, about what a few turns of the loop take. */
const LEAST_POLLING = 10;

const microseconds = () => performance.now() * 1000;

/** What the environment asks for: `thread` or `look`, for tests and for trouble. */
const asked = { thread: WakerMethod.Thread, look: WakerMethod.Look }[
  process.env['SHM_DISRUPTOR_WAKER'] ?? ''
];
/** Only Node has libuv's loop, into which the best method hooks. */
const method =
  asked ??
  ('bun' in process.versions || 'deno' in process.versions ? WakerMethod.Thread : WakerMethod.Best);

let started = false;
let lastKey = 0;
const sleeping = new Map<number, Channel>();
const polling = new Set<Channel>();
let immediate: NodeJS.Immediate | undefined;

/** All channels of this environment. Those that nobody uses any more go away by themselves. */
const channels = new Map<string, WeakRef<Channel>>();
const collected = new FinalizationRegistry<string>((name) => {
  if (channels.get(name)?.deref() === undefined) channels.delete(name);
});

function wake(keys: number[]): void {
  for (const key of keys) {
    const channel = sleeping.get(key);
    sleeping.delete(key);
    channel?.wake();
  }
}

function turn(): void {
  immediate = undefined;
  const now = microseconds();
  for (const channel of polling) channel.turn(now);
  if (polling.size > 0) immediate ??= setImmediate(turn);
}

export class Channel {
  /** The channel of a ring's word: the same for all handles on that ring. */
  static of(ring: NativeRing, word: Word): Channel {
    const name = `${ring.generation} ${word}`;
    const known = channels.get(name)?.deref();
    if (known) return known;
    const channel = new Channel(word);
    channels.set(name, new WeakRef(channel));
    collected.register(channel, name);
    return channel;
  }

  readonly #key = (lastKey += 1);
  readonly #word: Word;
  readonly #waits = new Set<Wait>();
  #budget = Infinity;
  #pollsUntil = 0;
  #sleepsSince = 0;

  private constructor(word: Word) {
    this.#word = word;
  }

  add(wait: Wait): void {
    this.#waits.add(wait);
    this.#poll();
  }

  delete(wait: Wait): void {
    this.#waits.delete(wait);
  }

  /** Looks at all waits, in the order in which they began; forgets those that are over. */
  look(): void {
    for (const wait of this.#waits) {
      if (wait.look()) this.#waits.delete(wait);
    }
  }

  /** One look while polling. */
  turn(now: number): void {
    const before = this.#waits.size;
    this.look();
    if (this.#waits.size < before) {
      this.#grow();
      this.#pollsUntil = now + this.#budget;
    } else if (now >= this.#pollsUntil) {
      polling.delete(this);
      this.#sleep();
    }
    if (this.#waits.size === 0) polling.delete(this);
  }

  /** The word has changed while we slept. */
  wake(): void {
    const slept = microseconds() - this.#sleepsSince;
    // Polling for so long would have been enough, or would have been in vain.
    if (slept < this.#mostPolling) this.#grow();
    else this.#budget = this.#budget / 2 < LEAST_POLLING ? 0 : this.#budget / 2;
    this.look();
    if (this.#waits.size > 0) this.#poll();
  }

  #grow(): void {
    this.#budget = Math.min(this.#mostPolling, Math.max(LEAST_POLLING, this.#budget * 2));
  }

  get #mostPolling(): number {
    const [wait] = this.#waits;
    return wait?.mostPolling ?? Infinity;
  }

  #poll(): void {
    this.#budget = Math.min(this.#budget, this.#mostPolling);
    this.#pollsUntil = microseconds() + this.#budget;
    polling.add(this);
    immediate ??= setImmediate(turn);
  }

  #sleep(): void {
    const [wait] = this.#waits;
    if (!wait) return;
    if (!started) addon.startWaker(wake, method);
    started = true;
    this.#sleepsSince = microseconds();
    sleeping.set(this.#key, this);
    wait.ring.watch(this.#word, this.#key);
    // Whoever changed the word before the announcement has not told us.
    this.look();
  }
}
