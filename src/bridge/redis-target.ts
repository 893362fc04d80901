import { flag, integer } from '../validate.js';
import { reaching } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { HEADER, writeHeader } from './parcel.js';
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

// How many words say how the stream is trimmed, and those; then of each entry how many words its fields
// have, and those. Should one be refused, none behind it is appended: nothing overtakes it.
const APPEND = `
local at = ARGV[1] + 2
while ARGV[at] do
  local last = at + ARGV[at]
  if ARGV[1] == '0' then
    redis.call('XADD', KEYS[1], '*', unpack(ARGV, at + 1, last))
  else
    redis.call('XADD', KEYS[1], ARGV[2], ARGV[3], ARGV[4], '*', unpack(ARGV, at + 1, last))
  end
  at = last + 1
end`;

/**
 * Appends to a stream of Redis (`XADD`), by one script for each batch: in order, and nothing comes
 * between. Redis keeps repetitions: who reads the stream drops them by their origin and sequence.
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
    const args: (string | Buffer | number)[] = [this.#trimming.length, ...this.#trimming];
    for (const parcel of parcels) {
      const counted = args.push(0) - 1;
      addFields(args, parcel);
      args[counted] = args.length - 1 - counted;
    }
    await reaching('Redis', () => this.#connections.current.eval(APPEND, 1, this.#key, ...args));
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

function addFields(args: (string | Buffer | number)[], parcel: Parcel): void {
  const { buffer, byteOffset, byteLength } = parcel.data;
  args.push(DATA_FIELD, Buffer.from(buffer, byteOffset, byteLength), HEADER, writeHeader(parcel));
}
