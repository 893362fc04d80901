import { flag, integer, optionsObject } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { Disconnected, Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { HEADER, writeHeader } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';
import { isTooLarge, redisDisconnected } from './redis-errors.js';
import { REDIS, RedisConnections } from './redis-connection.js';
import type { RedisOptions } from './redis-connection.js';

/** How messages get into a stream of Redis. */
export interface RedisTargetOptions extends RedisOptions {
  /** How many entries the stream keeps, about; older ones are gone, read or not. Default: all. */
  maxLength?: number;
  /** Keep exactly so many, which costs Redis more. Default: `false`. */
  exact?: boolean;
}

const OPTIONS: OptionNames<RedisTargetOptions> = { ...REDIS, maxLength: true, exact: true };

/** The field of an entry that has the message's bytes. */
export const DATA_FIELD = 'data';

/** Bytes for one script: as few as a server can be told to take in one argument (`proto-max-bulk-len`). */
const MAX_BYTES = 2 ** 20;

/** Bytes in front of each entry's data, and of its header, that say how long that is. */
const LENGTH_BYTES = 4;

// A batch is one argument: each costs the client and the server more than what it holds. Should an entry be
// refused, none behind it is appended (`call`, not `pcall`), and the bridge sends no other batch before this
// one has arrived: nothing overtakes it. A batch that the server executes after its connection was given up
// begins with the first message that the new connection sends as well, or with one before it: what comes
// twice may come late, and nothing else.
const append = (trimming: string) => `
local call, key, batch = redis.call, KEYS[1], ARGV[1]
local at, size = 1, #batch
while at <= size do
  local data, header
  data, header, at = struct.unpack('<I4c0I4c0', batch, at)
  call('XADD', key,${trimming} '*', '${DATA_FIELD}', data, '${HEADER}', header)
end`;

/**
 * Appends to a stream of Redis (`XADD`), by one script for each batch of up to 1 MiB: in order, and nothing
 * comes between. Redis keeps repetitions: who reads the stream drops them by their origin and sequence.
 *
 * Needs the package `ioredis`.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function redisTarget(options: RedisTargetOptions): BridgeTarget {
  return new RedisTarget(optionsObject<RedisTargetOptions>(options, OPTIONS));
}

class RedisTarget implements BridgeTarget {
  readonly name: string;
  readonly #connections: RedisConnections;
  readonly #key: string;
  readonly #script: string;

  constructor(options: RedisTargetOptions) {
    this.#connections = new RedisConnections(options, false);
    const { key, maxLength } = options;
    const exact = flag(options.exact, 'exact');
    this.name = `redis ${key}`;
    this.#key = key;
    this.#script = append(
      maxLength === undefined
        ? ''
        : ` 'MAXLEN', '${exact ? '=' : '~'}', '${integer(maxLength, 'maxLength', 1)}',`,
    );
  }

  async open(): Promise<void> {
    await this.#connections.open();
  }

  async send(parcels: readonly BridgeMessage[]): Promise<number> {
    const { batch, count } = packed(parcels);
    try {
      await this.#connections.current.eval(this.#script, 1, this.#key, batch);
    } catch (error) {
      if (error instanceof Disconnected) throw error;
      throw count === 1 && isTooLarge(error) ? new Undeliverable(error) : redisDisconnected(error);
    }
    return count;
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

// As many of them as one script takes, and at least the first.
function packed(parcels: readonly BridgeMessage[]): { batch: Buffer; count: number } {
  const headers: string[] = [];
  let size = 0;
  for (const parcel of parcels) {
    const header = writeHeader(parcel);
    const more = LENGTH_BYTES + parcel.data.length + LENGTH_BYTES + header.length;
    if (headers.length > 0 && size + more > MAX_BYTES) break;
    headers.push(header);
    size += more;
  }
  const batch = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [i, header] of headers.entries()) {
    const { data } = parcels[i]!;
    at = batch.writeUInt32LE(data.length, at);
    batch.set(data, at);
    at = batch.writeUInt32LE(header.length, at + data.length);
    // It is ASCII.
    at += batch.write(header, at, 'latin1');
  }
  return { batch, count: headers.length };
}
