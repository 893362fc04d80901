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
 * the word. Whoever changes the word makes a system call only if a sleeper is announced.
 *
 * Where wakes are for only so many, a watch takes a wake that is meant for a wait. So the waker watches
 * only while every wait that it watches for is pending: when one ends, and the watch has not ended
 * before, the watch is taken back, and a wake that was spent on it goes on to another sleeper
 * (`addon/core/wait.h`). That comes before the caller's code learns of the end, which may run for long.
 */

/** One handle on a segment whose words can be waited for; a word is what number its kind gives it. */
export interface Source {
  /** Names the segment: the same for all handles on it, and for no others. */
  readonly object: string;
  /** Whether it waits for more than producers. Then only through it can those be tended to. */
  readonly comesAfter: boolean;
  /** Whether nobody wakes us for what we wait for now. Default: false. */
  readonly quiet?: boolean;
  /**
   * Has the waker watch the word under that key. Look afterwards: what came before is not told. False:
   * nothing watches it.
   */
  watch(word: number, key: number): boolean;
  /** Wakes another sleeper in our place. Left out where all are woken at a time. */
  passOn?(word: number): void;
  /** Does something about the dead who hold up whoever waits for the word. */
  unblock(word: number): void;
  /** Differs when something has happened; undefined where only those who wait can tell. */
  fingerprint(word: number): string | undefined;
  /** Whether the segment was removed. One system call. */
  unlinked(): boolean;
}

/** One wait that is going on. */
export interface Wait {
  /** Looks, and says whether the wait is over: then it has left the channel. Never throws. */
  readonly look: () => boolean;
  /** A handle on the channel's segment, not released. */
  readonly source: Source;
  /** How long it may poll, in microseconds. */
  readonly maxPolling: number;
  /** Called twice a second while it sleeps. */
  readonly stalled: () => void;
}

/** The words of a ring that can be waited for: `watch` takes these numbers. */
export const Word = { Data: 0, Space: 1 } as const;
export type Word = (typeof Word)[keyof typeof Word];

const microseconds = () => now() * 1000;

/** What the environment asks for: `thread`, `look` or `none`, for tests and for trouble. */
const asked = { thread: WakerMethod.Thread, look: WakerMethod.Look, none: WakerMethod.None }[
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

/** How often a channel looks whose word nothing watches, in milliseconds. */
const QUIET_MILLISECONDS = 1;

/** Those whose keys the waker has, or would have if it could. */
const sleeping = new Map<number, Channel>();
const quiet = new Set<Channel>();
let quietLooks: NodeJS.Timeout | undefined;
let safety: NodeJS.Timeout | undefined;
let lastKey = 0;
let checks = 0;

function wake(keys: number[]): void {
  const woken: Channel[] = [];
  for (const key of keys) {
    const channel = sleeping.get(key);
    sleeping.delete(key);
    // All before the first look, which may end waits of another channel.
    channel?.wakeSoon();
    if (channel) woken.push(channel);
  }
  for (const channel of woken) channel.wake();
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

function lookQuietlySoon(channel: Channel): void {
  quiet.add(channel);
  countSleepers();
  quietLooks ??= setInterval(lookQuietly, QUIET_MILLISECONDS).unref();
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
  /** Whether the waker watches the word while this sleeps. */
  #watched = false;
  /** Whether the watch has ended and no look has followed yet. */
  #woken = false;

  private constructor(word: number) {
    this.#word = word;
  }

  add(wait: Wait): void {
    this.#budget.allow(wait.maxPolling, this.#waits.size > 0);
    this.#waits.add(wait);
    this.#poll();
  }

  /** Forgets a wait that is over, and has not told its caller yet. */
  delete(wait: Wait): void {
    this.#waits.delete(wait);
    this.#rouse();
    // Its wake came while it waited. As long as others do, they look.
    if (this.#waits.size === 0) this.#passOn(wait.source);
  }

  /**
   * Looks at all waits, in the order in which they began. Says whether any ended: others may have begun
   * meanwhile.
   */
  look(): boolean {
    let left = this.#waits.size;
    let ended = false;
    for (const wait of this.#waits) {
      // Those that begin meanwhile come last, and have just looked.
      left -= 1;
      if (left < 0) break;
      ended = wait.look() || ended;
    }
    return ended;
  }

  /** Has the waker let go of the word, and thereby of its mapping. Who still waits begins anew. */
  letGo(source: Source): void {
    if (quiet.delete(this)) {
      countSleepers();
      if (this.#waits.size > 0) this.#poll();
    }
    this.#rouse();
    this.#passOn(source);
  }

  /** Takes the watch back: it must not be woken for a wait that is over. Who still waits polls. */
  #rouse(): void {
    if (!sleeping.delete(this.#key)) return;
    forget(this.#key);
    countSleepers();
    if (this.#waits.size > 0) this.#poll();
  }

  #passOn(source: Source): void {
    if (!this.#woken) return;
    this.#woken = false;
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
        lookQuietlySoon(this);
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
    const unwatched = sleeping.has(this.#key) && !this.#watched;
    if (this.#waits.size > 0 && !ended && (unwatched || this.#quiet)) return;
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
    if (this.look()) this.#budget.slept(microseconds() - this.#sleepsSince);
  }

  // Through one handle for all, and the others' do what only they can.
  #watch(source: Source): void {
    this.#watched = source.watch(this.#word, this.#key);
    if (!this.#watched) lookQuietlySoon(this);
    this.#dependent = source.comesAfter;
    if (this.#waits.size === 1) return;
    for (const wait of this.#waits) {
      if (wait.source === source || !wait.source.comesAfter) continue;
      this.#dependent = true;
      wait.source.unblock(this.#word);
    }
  }

  /** As announcing, for those who sleep; looks only if there is something to see. */
  check(): void {
    const [wait] = this.#waits;
    if (!wait) return;
    this.#watch(wait.source);
    wait.stalled();
    // Whoever was told of the stall may have given the waits up.
    if (!sleeping.has(this.#key)) return;
    if (this.#fingerprint !== this.#fingerprintOf(wait.source)) this.#announce();
  }

  /** Differs when something has happened that waits of this word may wait for. */
  #fingerprintOf(source: Source): string {
    const own = this.#dependent ? undefined : source.fingerprint(this.#word);
    return own ?? String((checks += 1));
  }

  /** The watch has ended, and `wake` follows. */
  wakeSoon(): void {
    this.#woken = true;
  }

  /** The word has changed while we slept. */
  wake(): void {
    this.#woken = false;
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
