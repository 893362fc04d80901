import { flag, integer } from '../validate.js';
import { Away, reaching } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { writeHeaders } from './parcel.js';
import type { Parcel } from './parcel.js';
import { RedisConnections } from './redis-connection.js';
import type { RedisOptions } from './redis-connection.js';

/** How messages get into a stream of Redis. */
export interface RedisTargetOptions extends RedisOptions {
  /** How many entries the stream keeps, about; older ones are gone, read or not. Default: all. */
  maxLength?: number;
  /** Keep exactly so many, which costs Redis more. Default: `false`. */
  exact?: boolean;
}

/** The field of an entry that has the message's bytes. */
export const DATA_FIELD = 'data';

/**
 * Appends to a stream of Redis (`XADD`), one transaction for each batch: all of it is there, in order, or
 * nothing. Redis keeps repetitions: who reads the stream drops them by their origin and sequence.
 *
 * Needs the package `ioredis`.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function redisTarget(options: RedisTargetOptions): BridgeTarget {
  return new RedisTarget(options);
}

class RedisTarget implements BridgeTarget {
  readonly name: string;
  readonly #connections: RedisConnections;
  readonly #key: string;
  readonly #trimming: string[];

  constructor(options: RedisTargetOptions) {
    this.#connections = new RedisConnections(options, false);
    const { key, maxLength } = options;
    const exact = flag(options.exact, 'exact');
    this.name = `redis ${key}`;
    this.#key = key;
    this.#trimming =
      maxLength === undefined
        ? []
        : ['MAXLEN', exact ? '=' : '~', String(integer(maxLength, 'maxLength', 1))];
  }

  async open(): Promise<void> {
    await this.#connections.open();
  }

  async send(parcels: readonly Parcel[]): Promise<number> {
    const transaction = this.#connections.current.multi();
    for (const parcel of parcels) {
      transaction.call('XADD', this.#key, ...this.#trimming, '*', ...fields(parcel));
    }
    const answers = await reaching('Redis', () => transaction.exec());
    // Null: it was discarded. What was refused in the middle has been told for the first of them.
    const refused = answers ? answers.find(([error]) => error !== null)?.[0] : 'nothing was done';
    if (refused) throw new Away('Redis', refused);
    return parcels.length;
  }

  close(): Promise<void> {
    this.#connections.close();
    return Promise.resolve();
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return {};
  }
}

function fields(parcel: Parcel): (string | Buffer)[] {
  const { buffer, byteOffset, byteLength } = parcel.data;
  const all: (string | Buffer)[] = [DATA_FIELD, Buffer.from(buffer, byteOffset, byteLength)];
  writeHeaders(parcel, (name, value) => {
    all.push(name, value);
  });
  return all;
}
