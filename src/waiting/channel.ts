import { hasLoop } from '../native/addon.js';
import { keptAlive, sleepersExist } from './keep-alive.js';
import { forget, startWaker, WakerMethod } from '../native/waker.js';
import { PollingBudget } from './polling-budget.js';
import { clearInterval, now, setImmediate, setInterval } from '../timers.js';

/**
 * Waiting in this environment for one word of one segment to change, at no cost while it does not.
 *
 * A channel with waits is in one of two states. It *polls* from the event loop for as long as its
 * budget allows, and then *sleeps*: it is announced in shared memory, and the addon's waker watches
 * the word. Whoever changes the word makes a system call only if somebody has announced himself.
 */

/** One handle on a segment whose words can be waited for; a word is what number its kind gives it. */
export interface Source {
  /** Names the segment: the same for all handles on it, and for no others. */
  readonly object: string;
  /** Whether it waits for more than producers. Then only through it can those be tended to. */
  readonly comesAfter: boolean;
  /** Whether nobody wakes us for what we wait for now. Default: false. */
  readonly quiet?: boolean;
  /** Has the waker watch the word under that key. Look afterwards: what came before is not told. */
  watch(word: number, key: number): void;
  /** Has another one look: we may have been woken for something that only one can have. */
  passOn?(word: number): void;
  /** Does something about the dead who hold up whoever waits for the word. */
  tend(word: number): void;
  /** Differs when something has happened; undefined where only those who wait can tell. */
  fingerprint(word: number): string | undefined;
}

/** One wait that is going on. */
export interface Wait {
  /** Looks, and says whether the wait is over. Never throws. */
  readonly look: () => boolean;
  /** A handle on the channel's segment, not released. */
  readonly source: Source;
  /** How long it may poll, in microseconds. */
  readonly mostPolling: number;
  /** Called twice a second while it sleeps. */
  readonly stalled: () => void;
}

/** The words of a ring that can be waited for: `watch` takes these numbers. */
export const Word = { Data: 0, Space: 1 } as const;
export type Word = (typeof Word)[keyof typeof Word];

const microseconds = () => now() * 1000;

/** What the environment asks for: `thread` or `look`, for tests and for trouble. */
const asked = { thread: WakerMethod.Thread, look: WakerMethod.Look }[
  process.env.SHM_DISRUPTOR_WAKER ?? ''
];
/** The best method hooks into libuv's loop. */
const method = asked ?? (hasLoop ? WakerMethod.Best : WakerMethod.Thread);

const polling = new Set<Channel>();
let immediate: NodeJS.Immediate | undefined;

/** A turn of the event loop costs as much as several looks: so many waits are looked at in each. */
const LOOKS_PER_TURN = 16;

function turn(): void {
  immediate = undefined;
  const now = microseconds();
  let looks = 0;
  let ended = false;
  // Until something has come: then the loop is for whoever waited for it.
  while (!ended && looks < LOOKS_PER_TURN && polling.size > 0) {
    for (const channel of polling) {
      looks += channel.size;
      ended = channel.turn(now) || ended;
    }
  }
  if (polling.size > 0) immediate ??= setImmediate(turn);
}

/**
 * How often those who sleep look without having been woken, in milliseconds: whoever was to wake
 * them may have died between changing the ring and doing so.
 */
const SAFETY_MILLISECONDS = 500;

/** How often those look whom nobody can wake, in milliseconds. */
const QUIET_MILLISECONDS = 1;

const sleeping = new Map<number, Channel>();
const quiet = new Set<Channel>();
let quietLooks: NodeJS.Timeout | undefined;
let safety: NodeJS.Timeout | undefined;
let lastKey = 0;
let checks = 0;

function wake(keys: number[]): void {
  for (const key of keys) {
    const channel = sleeping.get(key);
    sleeping.delete(key);
    channel?.wake();
  }
  countSleepers();
}

function countSleepers(): void {
  sleepersExist(sleeping.size > 0 || quiet.size > 0);
}

function lookQuietly(): void {
  for (const channel of quiet) channel.turnQuietly();
  countSleepers();
  if (quiet.size > 0 || !quietLooks) return;
  clearInterval(quietLooks);
  quietLooks = undefined;
}

function lookAgain(): void {
  for (const channel of sleeping.values()) channel.check();
}

function fallAsleep(key: number, channel: Channel): void {
  if (!safety) {
    startWaker(wake, method);
    // Alone it keeps no process alive.
    safety = setInterval(lookAgain, SAFETY_MILLISECONDS).unref();
  }
  sleeping.set(key, channel);
  countSleepers();
}

/** All channels of this environment. Those that nobody uses any more go away by themselves. */
const channels = new Map<string, WeakRef<Channel>>();
const collected = new FinalizationRegistry<string>((name) => {
  if (channels.get(name)?.deref() === undefined) channels.delete(name);
});

export class Channel {
  /** The channel of a segment's word: the same for all handles on that segment. */
  static of(source: Source, word: number): Channel {
    const name = `${source.object} ${word}`;
    const known = channels.get(name)?.deref();
    if (known) return known;
    const channel = new Channel(word);
    channels.set(name, new WeakRef(channel));
    collected.register(channel, name);
    return channel;
  }

  readonly #key = (lastKey += 1);
  readonly #word: number;
  readonly #waits = new Set<Wait>();
  readonly #budget = new PollingBudget();
  #pollsUntil = 0;
  #sleepsSince = 0;
  #fingerprint = '';
  /** Whether somebody waits here for more than producers. */
  #dependent = false;

  private constructor(word: number) {
    this.#word = word;
  }

  add(wait: Wait): void {
    this.#budget.allow(wait.mostPolling, this.#waits.size > 0);
    this.#waits.add(wait);
    this.#poll();
  }

  /** Forgets a wait that was given up. */
  delete(wait: Wait): void {
    this.#waits.delete(wait);
    if (this.#waits.size === 0) this.letGo(wait.source);
  }

  /**
   * Looks at all waits, in the order in which they began; forgets those that are over. Says whether any
   * was: others may have begun meanwhile.
   */
  look(): boolean {
    let left = this.#waits.size;
    let ended = false;
    for (const wait of this.#waits) {
      // Those that begin meanwhile come last, and have just looked.
      left -= 1;
      if (left < 0) break;
      if (!wait.look()) continue;
      this.#waits.delete(wait);
      ended = true;
    }
    return ended;
  }

  /** Has the waker let go of the word, and thereby of its mapping. Who still waits begins anew. */
  letGo(source: Source): void {
    if (quiet.delete(this)) {
      countSleepers();
      if (this.#waits.size > 0) this.#poll();
    }
    if (!sleeping.has(this.#key)) return;
    forget(this.#key);
    source.passOn?.(this.#word);
  }

  /** How many waits there are. */
  get size(): number {
    return this.#waits.size;
  }

  /** One look while polling. Says whether a wait has ended. */
  turn(now: number): boolean {
    const ended = this.look();
    if (ended) {
      this.#budget.paidOff();
      this.#pollsUntil = now + this.#budget.microseconds;
    }
    if (this.#waits.size === 0) {
      polling.delete(this);
    } else if (now >= this.#pollsUntil || !keptAlive()) {
      // A loop that may end has nothing to poll for: it is woken or it ends.
      polling.delete(this);
      this.#sleepsSince = now;
      if (this.#quiet) {
        quiet.add(this);
        countSleepers();
        quietLooks ??= setInterval(lookQuietly, QUIET_MILLISECONDS).unref();
        return ended;
      }
      fallAsleep(this.#key, this);
      this.#announce();
    }
    return ended;
  }

  get #quiet(): boolean {
    for (const wait of this.#waits) if (wait.source.quiet) return true;
    return false;
  }

  /** One look in the place of being woken. */
  turnQuietly(): void {
    const ended = this.look();
    if (this.#waits.size > 0 && !ended && this.#quiet) return;
    quiet.delete(this);
    this.#budget.slept(microseconds() - this.#sleepsSince);
    if (this.#waits.size > 0) this.#poll();
  }

  /** Announces those who wait and looks once more: what came before was not told. */
  #announce(): void {
    const [wait] = this.#waits;
    if (!wait) return;
    this.#watch(wait.source);
    this.#fingerprint = this.#fingerprintOf(wait.source);
    this.look();
  }

  // Through one handle for all, and the others' do what only they can.
  #watch(source: Source): void {
    source.watch(this.#word, this.#key);
    this.#dependent = source.comesAfter;
    if (this.#waits.size === 1) return;
    for (const wait of this.#waits) {
      if (wait.source === source || !wait.source.comesAfter) continue;
      this.#dependent = true;
      wait.source.tend(this.#word);
    }
  }

  /** As announcing, for those who sleep; looks only if there is something to see. */
  check(): void {
    const [wait] = this.#waits;
    if (!wait) return;
    this.#watch(wait.source);
    wait.stalled();
    if (this.#fingerprint !== this.#fingerprintOf(wait.source)) this.#announce();
  }

  /** Differs when something has happened that waits of this word may wait for. */
  #fingerprintOf(source: Source): string {
    const own = this.#dependent ? undefined : source.fingerprint(this.#word);
    return own ?? String((checks += 1));
  }

  /** The word has changed while we slept. */
  wake(): void {
    this.#budget.slept(microseconds() - this.#sleepsSince);
    this.look();
    if (this.#waits.size > 0) this.#poll();
  }

  #poll(): void {
    this.#pollsUntil = microseconds() + this.#budget.microseconds;
    polling.add(this);
    immediate ??= setImmediate(turn);
  }
}
