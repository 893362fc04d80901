import { DisruptorError } from '../errors.js';
import { callback, flag, integer, oneOf, wrongType } from '../validate.js';
import { Backoff, pause } from './backoff.js';
import type { BackoffOptions } from './backoff.js';
import { Away, Undeliverable } from './endpoint.js';
import type { BridgeSource, BridgeTarget } from './endpoint.js';
import type { Parcel } from './parcel.js';
import { metricsOf, together } from './statistics.js';
import type { BridgeMetric, BridgeState, BridgeStatistics } from './statistics.js';

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
  /** Called when an engine is away, and when trying again failed; `delay` is until the next time. */
  onAway?: (error: Error, delay: number) => void;
  /**
   * What becomes of a message that the target will never take (too long, of another schema): `'stop'`,
   * and `done` rejects; or `'skip'`, and it is counted. May be async. Default: `'stop'`.
   */
  onUndeliverable?: (error: Error, parcel: Parcel) => 'stop' | 'skip' | Promise<'stop' | 'skip'>;
}

const STANDARD_IN_FLIGHT = 1000;
const MOST_IN_FLIGHT = 65_536;

/**
 * Forwards messages from a source to a target until it is stopped: from a segment to an engine, or the
 * other way round. Every message arrives at least once, in order; what is repeated bears the same
 * origin and sequence. When the engine is away the bridge tries again and again, and the source holds
 * the messages.
 */
export class Bridge {
  /**
   * Fulfilled when it has stopped and everything is closed; rejects when it cannot go on: with what a
   * segment threw, `ERR_CLIENT_MISSING`, `ERR_BRIDGE_BUSY` or `ERR_UNDELIVERABLE`.
   */
  readonly done: Promise<void>;
  readonly #from: BridgeSource;
  readonly #to: BridgeTarget;
  readonly #most: number;
  readonly #atMostOnce: boolean;
  readonly #backoff: Backoff;
  readonly #onAway: BridgeOptions['onAway'];
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
  #lastError: string | undefined;
  #measured = { at: performance.now(), forwarded: 0 };

  /**
   * Starts it.
   *
   * @throws TypeError, RangeError for wrong options
   */
  constructor(options: BridgeOptions) {
    if (typeof (options as unknown) !== 'object') throw wrongType('an object', 'options', options);
    const { from, to, maxInFlight = STANDARD_IN_FLIGHT } = options;
    this.#from = endpoint(from, 'take', 'from');
    this.#to = endpoint(to, 'send', 'to');
    this.#most = integer(maxInFlight, 'maxInFlight', 1, MOST_IN_FLIGHT);
    this.#atMostOnce = flag(options.atMostOnce, 'atMostOnce');
    this.#backoff = new Backoff(options.backoff);
    this.#onAway = callback(options.onAway, 'onAway');
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
    const now = performance.now();
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
          if (!(error instanceof Away)) throw error;
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
    const parcels = await this.#from.take(this.#most, signal);
    this.#inFlight = parcels.length;
    if (this.#atMostOnce) await this.#once(parcels, signal);
    else await this.#surely(parcels, signal);
    this.#inFlight = 0;
    this.#backoff.reset();
  }

  async #surely(parcels: readonly Parcel[], signal: AbortSignal): Promise<void> {
    for (let left = parcels; left.length > 0;) {
      const count = await this.#send(left, signal);
      left = left.slice(count);
      this.#inFlight = left.length;
      await this.#from.acknowledge(count);
    }
  }

  async #once(given: readonly Parcel[], signal: AbortSignal): Promise<void> {
    // What is acknowledged may be overwritten.
    const parcels = given.map((parcel) => ({ ...parcel, data: Buffer.from(parcel.data) }));
    await this.#from.acknowledge(parcels.length);
    for (let left: readonly Parcel[] = parcels; left.length > 0;) {
      try {
        left = left.slice(await this.#send(left, signal));
      } catch (error) {
        this.#lost += left.length;
        throw error;
      }
      this.#inFlight = left.length;
    }
  }

  // How many of the first are done with.
  async #send(parcels: readonly Parcel[], signal: AbortSignal): Promise<number> {
    let count: number;
    try {
      count = await this.#to.send(parcels, signal);
    } catch (error) {
      if (!(error instanceof Undeliverable)) throw error;
      await this.#refused(error, parcels[0]!);
      return 1;
    }
    this.#forwarded += count;
    // As long as they are not acknowledged: then their bytes may be gone.
    for (let i = 0; i < count; i += 1) this.#bytes += parcels[i]!.data.length;
    return count;
  }

  async #refused(error: Undeliverable, parcel: Parcel): Promise<void> {
    const verdict = (await this.#onUndeliverable?.(error, parcel)) ?? 'stop';
    if (oneOf(['stop', 'skip'] as const, verdict, 'the verdict of onUndeliverable') === 'stop') {
      throw new DisruptorError('ERR_UNDELIVERABLE', error.message, { cause: error });
    }
    this.#skipped += 1;
  }

  async #wait(error: Away, signal: AbortSignal): Promise<void> {
    this.#state = 'away';
    this.#reconnects += 1;
    this.#lastError = error.message;
    if (!this.#atMostOnce) this.#repeated += this.#inFlight;
    this.#inFlight = 0;
    this.#from.giveBack();
    await Promise.all([this.#from.close(), this.#to.close()]);
    const delay = this.#backoff.next();
    this.#onAway?.(error, delay);
    await pause(delay, signal);
  }
}

function endpoint<T extends object>(value: T, method: keyof T & string, name: string): T {
  if (typeof (value as Partial<T> | undefined)?.[method] === 'function') return value;
  throw wrongType(`an end of a bridge, with a method ${method},`, name, value);
}
