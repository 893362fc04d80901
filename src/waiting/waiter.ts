import { Channel, Word } from './channel.js';
import type { Source, Wait } from './channel.js';
import { DisruptorError } from '../errors.js';
import { emitUnlinked } from '../segment/events.js';
import type { AttachmentMessage } from '../segment/events.js';
import { KeepAlive } from './keep-alive.js';
import { REMOVAL_MILLISECONDS } from './removal.js';
import type { WatchedSegment } from './removal.js';
import type { Strategy } from './strategy.js';
import { callback, integer, optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { clearTimeout, nextTick, now, setImmediate, setTimeout } from '../timers.js';

/** How long one wait may take. */
export interface WaitOptions {
  /**
   * Ends the wait when it is aborted: with an `AbortError`, as everywhere in Node. Nothing is lost:
   * either the result was delivered, or what it would have been is still there for the next call.
   */
  signal?: AbortSignal;
  /**
   * Ends the wait after so many milliseconds: with a `DisruptorError`, `ERR_TIMEOUT`. An integer
   * from 0 to 2^31 - 1; 0 looks once. Default: no limit.
   */
  timeout?: number;
}

/** Something that can be tried again until it works. */
export interface Operation<T> {
  /** Tries without blocking: the result, or undefined when it must wait. May throw. */
  readonly attempt: () => T | undefined;
  /**
   * Called when its caller is about to learn its result or error, or that it was given up: before
   * that, nobody has seen the result.
   */
  readonly answered?: (error?: unknown) => void;
  /** Whether it waits only for its next turn: then no timeout ends it. Default: no. */
  readonly underWay?: () => boolean;
}

/** What an operation waits for. */
export { Word };

/**
 * After this many answers that were there at once, one goes round the event loop: a consumer that
 * always finds data must not keep timers and sockets waiting for ever.
 */
const ANSWERS_PER_TURN = 256;
let answers = 0;
/** Answers that go round the loop now. Later ones queue behind them: answers come in order. */
let underWay = 0;

/** Delivers through `soon`, or round the event loop when it is that one's turn. */
function deliver(soon: (answer: () => void) => void, answer: () => void): void {
  answers = (answers + 1) % ANSWERS_PER_TURN;
  if (answers > 0 && underWay === 0) {
    soon(answer);
    return;
  }
  underWay += 1;
  setImmediate(() => {
    underWay -= 1;
    answer();
  });
}

/** Whether an answer may be given without any of that; counts it if so. */
export function mayAnswerNow(): boolean {
  if (underWay > 0 || answers + 1 === ANSWERS_PER_TURN) return false;
  answers += 1;
  return true;
}

const atOnce = (answer: () => void) => {
  answer();
};

const LONGEST_TIMEOUT = 2 ** 31 - 1;

const WAIT: OptionNames<WaitOptions> = { signal: true, timeout: true };
const SYNC_WAIT: OptionNames<Pick<WaitOptions, 'timeout'>> = { timeout: true };

/** Checks what a user gave as wait options. */
export function waitOptions(options: unknown): WaitOptions | undefined {
  if (options === undefined || options === null) return undefined;
  const { signal, timeout } = optionsObject<WaitOptions>(options, WAIT);
  if (timeout !== undefined) integer(timeout, 'timeout', 0, LONGEST_TIMEOUT);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongType('an AbortSignal', 'signal', signal);
  }
  // What was checked, whatever a getter would answer next.
  return { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) };
}

/** The timeout among the options of a wait that blocks the thread: no signal reaches it meanwhile. */
export function syncTimeout(options: unknown): number | undefined {
  // Short, so that it costs nothing where a message passes without options.
  return options === undefined ? undefined : timeoutIn(options);
}

function timeoutIn(options: unknown): number | undefined {
  if (options === null) return undefined;
  const { timeout } = optionsObject<Pick<WaitOptions, 'timeout'>>(options, SYNC_WAIT);
  return timeout === undefined ? undefined : integer(timeout, 'timeout', 0, LONGEST_TIMEOUT);
}

/** Who waits under a signal. One listener for all: Node warns of more than ten. */
const aborts = new WeakMap<AbortSignal, Set<() => void>>();

function onAbort(signal: AbortSignal, abort: () => void): void {
  let all = aborts.get(signal);
  if (!all) {
    all = new Set();
    aborts.set(signal, all);
    const waiting = all;
    signal.addEventListener(
      'abort',
      () => {
        for (const each of waiting) each();
      },
      { once: true },
    );
  }
  all.add(abort);
}

export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

/**
 * Whether a loop over waits ends with this error, and has not failed: its signal was aborted, or its
 * object was closed.
 */
export function isEnd(error: unknown, closed: boolean, signal?: AbortSignal): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'AbortError') return signal?.aborted === true;
  return closed && error instanceof DisruptorError && error.code === 'ERR_RELEASED';
}

/**
 * Yields what `next` gives, again and again. Returns when `signal` is aborted or the object is closed;
 * throws when it was closed before, and what `next` throws for any other reason. `left` is called when
 * the loop is over.
 */
export async function* untilEnd<T>(
  next: () => T | Promise<T>,
  closed: () => boolean,
  signal?: AbortSignal,
  left?: () => void,
): AsyncGenerator<T, void, undefined> {
  const wasClosed = closed();
  try {
    for (;;) {
      let value: T;
      try {
        value = await next();
      } catch (error) {
        if (!wasClosed && isEnd(error, closed(), signal)) return;
        throw error;
      }
      yield value;
    }
  } finally {
    left?.();
  }
}

function timeoutError(timeout: number): DisruptorError {
  return new DisruptorError('ERR_TIMEOUT', `The wait took longer than ${timeout} ms`);
}

/** How long one native wait of a `*Sync` method lasts, so that a worker can be terminated. */
export const SLICE_MILLISECONDS = 50;

/**
 * Tries in slices until the outcome is no longer `waiting`.
 *
 * @throws DisruptorError `ERR_TIMEOUT`, and `ERR_SEGMENT_UNLINKED` where the waiter is to fail so
 */
export function blockUntil(
  waiter: Waiter,
  attempt: (milliseconds: number) => number,
  waiting: number,
  timeout = Infinity,
): number {
  const end = now() + timeout;
  for (;;) {
    const rest = Math.ceil(end - now());
    const outcome = attempt(Math.max(0, Math.min(SLICE_MILLISECONDS, rest)));
    if (outcome !== waiting) return outcome;
    waiter.lookWhileBlocked();
    if (now() >= end) throw timeoutError(timeout);
  }
}

/** How many channels of words that nobody waits for are kept, with what they know of waiting. */
const CHANNELS_KEPT = 64;

function unlinkedError(name: string): DisruptorError {
  return new DisruptorError(
    'ERR_SEGMENT_UNLINKED',
    `The file of ${name} was removed: nobody else can open it any more. Close this and open ${name} again`,
  );
}

/** How one participant waits without blocking the event loop: the one place that does. */
export class Waiter implements WatchedSegment {
  readonly #source: Source;
  readonly #strategy: Strategy;
  readonly #stalled: (word: number) => void;
  readonly #channels = new Map<number, Channel>();
  #maxChannels = CHANNELS_KEPT;
  readonly keepAlive = new KeepAlive();
  readonly #holder: AttachmentMessage;
  /** When a wait that blocks the thread last looked whether the segment was removed. */
  #looked = now();
  #settled = false;
  #failed = false;
  /** Called when everything that waits, or would, begins to fail because the segment was removed. */
  whenFailed: () => void = () => undefined;

  /**
   * `stalled` is called twice a second while something is waited for; `holder` is what the diagnostics
   * channels call the participant.
   */
  constructor(
    source: Source,
    strategy: Strategy,
    holder: AttachmentMessage,
    stalled: (word: number) => void,
  ) {
    this.#source = source;
    this.#strategy = strategy;
    this.#holder = holder;
    this.#stalled = stalled;
  }

  get object(): string {
    return this.#source.object;
  }

  get settled(): boolean {
    return this.#settled;
  }

  unlinked(): boolean {
    return this.#source.unlinked();
  }

  removed(): void {
    this.#settled = true;
    emitUnlinked(this.#holder);
    if (this.#strategy.onUnlinked === 'ignore') return;
    this.#endWaits(() => {
      this.#failed = true;
    });
    this.whenFailed();
  }

  /** @throws DisruptorError `ERR_SEGMENT_UNLINKED` once the segment was removed and that is an error */
  refuseWhenFailed(): void {
    if (this.#failed) throw unlinkedError(this.#holder.name);
  }

  /** For waits that block the thread: nothing else looks meanwhile. @throws as `refuseWhenFailed` */
  lookWhileBlocked(): void {
    const time = now();
    if (!this.#settled && time - this.#looked >= REMOVAL_MILLISECONDS) {
      this.#looked = time;
      if (this.unlinked()) this.removed();
    }
    this.refuseWhenFailed();
  }

  /** Looks at what waits now: it may have been abandoned. */
  look(): void {
    for (const channel of this.#channels.values()) channel.look();
  }

  /** Ends all waits by `release`, which makes their operations fail. */
  end(release: () => void): void {
    this.#settled = true;
    this.#endWaits(release);
  }

  #endWaits(reason: () => void): void {
    for (const channel of this.#channels.values()) channel.letGo(this.#source);
    reason();
    this.look();
  }

  #channel(word: number): Channel {
    const known = this.#channels.get(word);
    if (known) return known;
    if (this.#channels.size >= this.#maxChannels) {
      for (const [other, channel] of this.#channels) {
        if (channel.size === 0) this.#channels.delete(other);
      }
      this.#maxChannels = Math.max(CHANNELS_KEPT, 2 * this.#channels.size);
    }
    const channel = Channel.of(this.#source, word);
    this.#channels.set(word, channel);
    return channel;
  }

  /**
   * Calls `done` with what `operation` gives or throws, before it returns if that is there at once;
   * says whether it was.
   */
  #start<T>(
    word: number,
    operation: Operation<T>,
    options: WaitOptions | undefined,
    done: (error: Error | null, result?: T) => void,
  ): boolean {
    const signal = options?.signal;
    if (signal?.aborted) {
      done(abortError(signal));
      return true;
    }
    // What is sent now is for nobody but those who have the removed segment open.
    if (this.#failed && word === Word.Space) {
      done(unlinkedError(this.#holder.name));
      return true;
    }
    // Whoever is told may look at all that wait, and begin to wait anew: by then this one is over.
    let over = false;
    let waiting = false;
    let timer: NodeJS.Timeout | undefined;
    const abort = () => {
      finish(abortError(signal!));
    };
    const finish = (error: Error | null, result?: T) => {
      over = true;
      if (waiting) {
        channel.delete(wait);
        this.keepAlive.end();
        clearTimeout(timer);
        if (signal) aborts.get(signal)?.delete(abort);
      }
      done(error, result);
    };
    const look = () => {
      if (over) return true;
      let result;
      try {
        result = operation.attempt();
        if (result === undefined) {
          if (!this.#failed) return false;
          // What was there has been given.
          throw unlinkedError(this.#holder.name);
        }
      } catch (error) {
        finish(error as Error);
        return true;
      }
      finish(null, result);
      return true;
    };
    if (look()) return true;

    const channel = this.#channel(word);
    waiting = true;
    const wait: Wait = {
      look,
      source: this.#source,
      maxPolling: this.#strategy.maxPolling,
      stalled: () => {
        this.#stalled(word);
      },
    };
    if (signal) onAbort(signal, abort);
    const timeout = options?.timeout;
    if (timeout !== undefined) {
      timer = setTimeout(() => {
        // The loop may have been busy for longer than that.
        if (wait.look()) return;
        if (operation.underWay?.()) timer?.refresh();
        else finish(timeoutError(timeout));
      }, timeout);
      // Whether the process stays for it is the wait's to say.
      timer.unref();
    }
    this.keepAlive.begin();
    channel.add(wait);
    return false;
  }

  /** The promise face. */
  promised<T>(word: number, operation: Operation<T>, options?: WaitOptions): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      this.#start(word, operation, options, (error, result) => {
        deliver(atOnce, () => {
          if (error) reject(error);
          else resolve(result as T);
        });
      });
    });
    const { answered } = operation;
    if (!answered) return promise;
    // The caller's promise settles right after this reaction.
    return promise.then(
      (result) => {
        answered();
        return result;
      },
      (error: unknown) => {
        answered(error);
        throw error;
      },
    );
  }

  /** The callback face: `done` is never called before this has returned. */
  calledBack<T>(
    word: number,
    operation: Operation<T>,
    options: WaitOptions | undefined,
    done: (error: Error | null, result?: T) => void,
  ): void {
    this.#start(word, operation, options, (error, result) => {
      deliver(nextTick, () => {
        operation.answered?.(error ?? undefined);
        done(error, result);
      });
    });
  }

  /**
   * For ourselves, without a promise: what `attempt` gives or throws now; or else undefined, and `done`
   * is called from the event loop when there is something.
   */
  orLater<T>(word: number, operation: Operation<T>, done: (error?: Error) => void): T | undefined {
    let now: { error: Error | null; result?: T | undefined } | undefined;
    let later = false;
    this.#start(word, operation, undefined, (error, result) => {
      if (later) done(error ?? undefined);
      else now = { error, result };
    });
    later = true;
    if (now?.error) throw now.error;
    return now?.result;
  }

  /**
   * The one shape of every asynchronous method. `args` are the method's last ones: wait options, a
   * callback, both or neither. A promise without a callback, and otherwise a call of it through
   * `spread`, which turns a result into its arguments. `begin` checks the other arguments: what it
   * throws is the caller's mistake, a rejection for a promise and an exception otherwise.
   */
  dispatch<T, Done extends (error: Error | null, ...rest: never[]) => void>(
    word: number,
    args: unknown[],
    begin: () => Operation<T>,
    spread: (done: Done, result: T) => void,
  ): Promise<T> | undefined {
    const optioned =
      typeof args[0] !== 'function' && (args.length >= 2 || typeof args[0] === 'object');
    const [options, last] = optioned ? args : [undefined, args[0]];
    const done = callback(last ?? undefined) as Done | undefined;
    if (done === undefined) {
      try {
        return this.promised(word, begin(), waitOptions(options));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    this.calledBack(word, begin(), waitOptions(options), (error, result) => {
      if (error) (done as (error: Error) => void)(error);
      else spread(done, result as T);
    });
    return undefined;
  }
}
