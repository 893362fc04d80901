import { DisruptorError } from '../errors.js';
import { callback, flag, integer, oneOf, optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { Backoff, pause } from './backoff.js';
import type { BackoffOptions } from './backoff.js';
import { Disconnected, Undeliverable } from './endpoint.js';
import type { BridgeSource, BridgeTarget } from './endpoint.js';
import type { BridgeMessage } from './bridge-message.js';
import { Unreadable } from './reading.js';
import { metricsOf, together } from './statistics.js';
import type { BridgeMetric, BridgeState, BridgeStatistics } from './statistics.js';
import { now as clock } from '../timers.js';

/** How a bridge goes about it. */
export interface BridgeOptions {
  /** Where messages come from. It belongs to one bridge, which closes it. */
  from: BridgeSource;
  /** Where they go. It belongs to one bridge, which closes it. */
  to: BridgeTarget;
  /** The most messages that are under way at a time: an integer from 1. Default: 1000. */
  maxInFlight?: number;
  /**
   * Acknowledge each message before it is sent, and send it once: what is under way when the bridge
   * dies or the engine goes away is lost, and counted. Default: `false`, at least once.
   */
  atMostOnce?: boolean;
  /** How long to wait before an engine is tried again. */
  backoff?: BackoffOptions;
  /**
   * Called when an engine is away, and when trying again failed; `delay` is the time until the next
   * attempt, in milliseconds. Default: the first time a warning of the process (`process.emitWarning`,
   * of the type `BridgeWarning`).
   */
  onDisconnect?: (error: Error, delay: number) => void;
  /**
   * How often in a row an engine may refuse what no retry is expected to cure (credentials, permissions,
   * a missing stream, a key of another type) before the bridge ends with `ERR_BRIDGE_REFUSED`: an integer
   * from 1. A message that arrives in between starts the count anew. Default: 5, within about a second.
   */
  maxRefusals?: number;
  /**
   * What becomes of a message that the target will never take (too long, of another schema) or that the
   * source cannot read (its bytes do not decode, or JSON does not have its value): `'stop'`, and `done`
   * rejects with `ERR_UNDELIVERABLE` or an `UnreadableMessageError`; or `'skip'`, and it is
   * acknowledged at its source and counted. An unreadable message of a queue goes to the queue's
   * `deadLetters` then, if it has some. May be async. Default: `'stop'`.
   */
  onUndeliverable?: (
    error: Error,
    parcel: BridgeMessage,
  ) => 'stop' | 'skip' | Promise<'stop' | 'skip'>;
}

const OPTIONS: OptionNames<BridgeOptions> = {
  from: true,
  to: true,
  maxInFlight: true,
  atMostOnce: true,
  backoff: true,
  onDisconnect: true,
  maxRefusals: true,
  onUndeliverable: true,
};

const DEFAULT_IN_FLIGHT = 1000;
const MAX_IN_FLIGHT = 65_536;
const DEFAULT_REFUSALS = 5;

/**
 * Forwards messages from a source to a target until it is stopped: from a segment to an engine, or the
 * other way round. Every message arrives at least once, in order; what is repeated bears the same
 * origin and sequence. When the engine is away the bridge tries again and again, and the source holds
 * the messages.
 */
export class Bridge {
  /**
   * Fulfilled when it has stopped and everything is closed; rejects when it cannot go on: with what a
   * segment threw, `ERR_CLIENT_MISSING`, `ERR_BRIDGE_BUSY`, `ERR_BRIDGE_REFUSED`,
   * `ERR_CONSUMER_MISMATCH`, `ERR_UNDELIVERABLE` or `ERR_MESSAGE_UNREADABLE`.
   */
  readonly done: Promise<void>;
  readonly #from: BridgeSource;
  readonly #to: BridgeTarget;
  readonly #most: number;
  readonly #atMostOnce: boolean;
  readonly #backoff: Backoff;
  readonly #onDisconnect: BridgeOptions['onDisconnect'];
  readonly #maxRefusals: number;
  readonly #onUndeliverable: BridgeOptions['onUndeliverable'];
  readonly #end = new AbortController();
  #state: BridgeState = 'connecting';
  #forwarded = 0;
  #bytes = 0;
  #repeated = 0;
  #lost = 0;
  #skipped = 0;
  #inFlight = 0;
  #reconnects = 0;
  /** In a row. */
  #refusals = 0;
  #warned = false;
  #lastError: string | undefined;
  #measured = { at: clock(), forwarded: 0 };

  /**
   * Starts it.
   *
   * @throws TypeError, RangeError for wrong options
   */
  constructor(options: BridgeOptions) {
    const {
      from,
      to,
      maxInFlight = DEFAULT_IN_FLIGHT,
    } = optionsObject<BridgeOptions>(options, OPTIONS);
    this.#from = endpoint(from, 'take', 'from');
    this.#to = endpoint(to, 'send', 'to');
    this.#most = integer(maxInFlight, 'maxInFlight', 1, MAX_IN_FLIGHT);
    this.#atMostOnce = flag(options.atMostOnce, 'atMostOnce');
    this.#backoff = new Backoff(options.backoff);
    this.#onDisconnect = callback(options.onDisconnect, 'onDisconnect');
    this.#maxRefusals = integer(options.maxRefusals ?? DEFAULT_REFUSALS, 'maxRefusals', 1);
    this.#onUndeliverable = callback(options.onUndeliverable, 'onUndeliverable');
    this.done = this.#run();
  }

  /**
   * Ends it: what is under way arrives first, if the engine answers. Everything is closed then.
   *
   * @returns `done`
   */
  stop(): Promise<void> {
    this.#end.abort();
    return this.done;
  }

  /** `await using`: stops. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What it has done, and is doing. Cheap. */
  stats(): BridgeStatistics {
    const now = clock();
    const { at, forwarded } = this.#measured;
    const seconds = (now - at) / 1000;
    this.#measured = { at: now, forwarded: this.#forwarded };
    return {
      ...this.#counts(),
      rate: seconds > 0 ? (this.#forwarded - forwarded) / seconds : 0,
    };
  }

  /** The same as numbers with names and labels, for whatever collects such. */
  metrics(): BridgeMetric[] {
    return metricsOf({ ...this.#counts(), rate: 0 });
  }

  #counts(): Omit<BridgeStatistics, 'rate'> {
    return {
      from: this.#from.name,
      to: this.#to.name,
      state: this.#state,
      forwarded: this.#forwarded,
      bytes: this.#bytes,
      repeated: this.#repeated,
      lost: this.#lost,
      skipped: this.#skipped,
      inFlight: this.#inFlight,
      reconnects: this.#reconnects,
      ...together(this.#from.counts(), this.#to.counts()),
      lastError: this.#lastError,
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    const ended = () => signal.aborted;
    try {
      // Whoever made it has it in his hands before anything happens.
      await Promise.resolve();
      while (!ended()) {
        try {
          await this.#from.open(signal);
          await this.#to.open(signal);
          this.#state = 'running';
          while (!ended()) await this.#forward(signal);
        } catch (error) {
          if (ended()) break;
          if (!(error instanceof Disconnected)) throw error;
          await this.#wait(error, signal);
        }
      }
    } finally {
      this.#state = 'stopped';
      this.#inFlight = 0;
      await Promise.all([this.#from.close(), this.#to.close()]);
      this.#from.end();
      this.#to.end();
    }
  }

  async #forward(signal: AbortSignal): Promise<void> {
    const parcels = await this.#take(signal);
    this.#inFlight = parcels.length;
    if (this.#atMostOnce) await this.#once(parcels, signal);
    else await this.#surely(parcels, signal);
    this.#inFlight = 0;
  }

  // None when all that was taken was one that nobody can read and that is left out.
  async #take(signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    try {
      return await this.#from.take(this.#most, signal);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      await this.#leaveOut(error.reason, error.reason, error.parcel);
      await this.#from.acknowledge(1);
      return [];
    }
  }

  async #surely(parcels: readonly BridgeMessage[], signal: AbortSignal): Promise<void> {
    for (let left = parcels; left.length > 0;) {
      const count = await this.#send(left, signal);
      left = left.slice(count);
      this.#inFlight = left.length;
      await this.#from.acknowledge(count);
      this.#advanced();
    }
  }

  async #once(given: readonly BridgeMessage[], signal: AbortSignal): Promise<void> {
    // What is acknowledged may be overwritten.
    const parcels = given.map((parcel) => ({ ...parcel, data: Buffer.from(parcel.data) }));
    await this.#from.acknowledge(parcels.length);
    for (let left: readonly BridgeMessage[] = parcels; left.length > 0;) {
      try {
        left = left.slice(await this.#send(left, signal));
      } catch (error) {
        this.#lost += left.length;
        throw error;
      }
      this.#inFlight = left.length;
      this.#advanced();
    }
  }

  #advanced(): void {
    this.#backoff.reset();
    this.#refusals = 0;
  }

  // How many of the first are done with.
  async #send(parcels: readonly BridgeMessage[], signal: AbortSignal): Promise<number> {
    let count: number;
    try {
      count = await this.#to.send(parcels, signal);
    } catch (error) {
      if (!(error instanceof Undeliverable)) throw error;
      const { message, cause } = error;
      const reason = new DisruptorError('ERR_UNDELIVERABLE', message, { cause });
      await this.#leaveOut(reason, error, parcels[0]!);
      return 1;
    }
    this.#forwarded += count;
    // As long as they are not acknowledged: then their bytes may be gone.
    for (let i = 0; i < count; i += 1) this.#bytes += parcels[i]!.data.length;
    return count;
  }

  // Ends with that reason, unless the program says otherwise of what it is told.
  async #leaveOut(reason: DisruptorError, error: Error, parcel: BridgeMessage): Promise<void> {
    const action = (await this.#onUndeliverable?.(error, parcel)) ?? 'stop';
    if (oneOf(['stop', 'skip'] as const, action, 'the result of onUndeliverable') === 'stop') {
      throw reason;
    }
    this.#skipped += 1;
  }

  async #wait(error: Disconnected, signal: AbortSignal): Promise<void> {
    this.#state = 'away';
    this.#reconnects += 1;
    this.#lastError = error.message;
    if (!error.retriable) this.#refused(error);
    if (!this.#atMostOnce) this.#repeated += this.#inFlight;
    this.#inFlight = 0;
    this.#from.giveBack();
    await Promise.all([this.#from.close(), this.#to.close()]);
    const delay = this.#backoff.next();
    if (this.#onDisconnect) this.#onDisconnect(error, delay);
    else this.#warn(error);
    await pause(delay, signal);
  }

  #refused({ message, cause }: Disconnected): void {
    this.#refusals += 1;
    if (this.#refusals < this.#maxRefusals) return;
    const tries = `after ${this.#refusals} ${this.#refusals === 1 ? 'try' : 'tries'}`;
    throw new DisruptorError('ERR_BRIDGE_REFUSED', `${message} (${tries})`, { cause });
  }

  #warn({ message }: Disconnected): void {
    if (this.#warned) return;
    this.#warned = true;
    const { name: from } = this.#from;
    const { name: to } = this.#to;
    const text = `The bridge from ${from} to ${to} waits for its engine and tries again: ${message}`;
    const detail = 'This is said once. Pass onDisconnect to be told each time.';
    process.emitWarning(text, { type: 'BridgeWarning', code: 'BRIDGE_DISCONNECTED', detail });
  }
}

function endpoint<T extends object>(value: T, method: keyof T & string, name: string): T {
  if (typeof (value as Partial<T> | undefined)?.[method] === 'function') return value;
  throw wrongType(`an end of a bridge, with a method ${method},`, name, value);
}
