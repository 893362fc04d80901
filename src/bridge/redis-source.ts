import type { Redis } from 'ioredis';

import { flag, integer, optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { abortError } from '../waiting/waiter.js';
import { reaching } from './endpoint.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { HEADER, readParcel } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';
import { redisDisconnected } from './redis-errors.js';
import { REDIS, RedisConnections } from './redis-connection.js';
import type { RedisOptions } from './redis-connection.js';
import { DATA_FIELD } from './redis-target.js';

/** How messages get out of a stream of Redis. */
export interface RedisSourceOptions extends RedisOptions {
  /** The consumer group, which is made where there is none, from the stream's beginning on. */
  group: string;
  /** This bridge's name in the group: the same when it is started again. Default: `'bridge'`. */
  consumer?: string;
  /** `false`: the group is used as it is, and not made; the user needs no right to. Default: `true`. */
  create?: boolean;
  /**
   * Milliseconds after which what another consumer of the group has taken and not acknowledged is
   * claimed (`XAUTOCLAIM`), whenever this one connects. Default: never.
   */
  claimIdle?: number;
}

const OPTIONS: OptionNames<RedisSourceOptions> = {
  ...REDIS,
  group: true,
  consumer: true,
  create: true,
  claimIdle: true,
};

/** An entry: its id, and its fields, null when it was trimmed. */
interface Entry {
  readonly id: string;
  readonly fields: readonly Buffer[] | null;
}

/** Milliseconds for which reading waits at Redis. */
const BLOCK = 2000;
const LONGEST = 2 ** 31 - 1;

/**
 * The entries of a stream of Redis, taken by a consumer group and acknowledged (`XACK`) when they have
 * arrived at the other end. When it connects it begins with what it had taken and not acknowledged.
 *
 * Needs the package `ioredis`.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function redisSource(options: RedisSourceOptions): BridgeSource {
  return new RedisSource(optionsObject<RedisSourceOptions>(options, OPTIONS));
}

class RedisSource implements BridgeSource {
  readonly name: string;
  readonly #connections: RedisConnections;
  readonly #key: string;
  readonly #group: string;
  readonly #consumer: string;
  readonly #create: boolean;
  readonly #claimIdle: number | undefined;
  /** Of what was pending when it connected, the id of the latest that was read; undefined after all. */
  #pending: string | undefined;
  #held: { id: string; parcel: BridgeMessage }[] = [];
  #next = 0;
  #overrun = 0;

  constructor(options: RedisSourceOptions) {
    this.#connections = new RedisConnections(options, true);
    const { key, group, consumer = 'bridge', claimIdle } = options;
    for (const [name, value] of Object.entries({ group, consumer })) {
      if (typeof (value as unknown) !== 'string' || value === '') {
        throw wrongType('a name', name, value);
      }
    }
    this.name = `redis ${key}`;
    this.#key = key;
    this.#group = group;
    this.#consumer = consumer;
    this.#create = flag(options.create ?? true, 'create');
    this.#claimIdle =
      claimIdle === undefined ? undefined : integer(claimIdle, 'claimIdle', 0, LONGEST);
  }

  async open(): Promise<void> {
    const redis = await this.#connections.open();
    this.giveBack();
    this.#held = [];
    await reaching(redisDisconnected, async () => {
      if (this.#create) await this.#ensureGroup(redis);
      if (this.#claimIdle !== undefined) await this.#claim(redis, this.#claimIdle);
    });
    this.#pending = '0';
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    while (this.#next === this.#held.length) {
      if (signal.aborted) throw abortError(signal);
      await this.#read(most, signal);
    }
    const taken = this.#held.slice(this.#next, this.#next + most);
    this.#next += taken.length;
    return taken.map(({ parcel }) => parcel);
  }

  async acknowledge(count: number): Promise<void> {
    const ids = this.#held.slice(0, count).map(({ id }) => id);
    await this.#ack(ids);
    this.#held.splice(0, count);
    this.#next -= count;
  }

  giveBack(): void {
    this.#next = 0;
  }

  close(): Promise<void> {
    this.#connections.close();
    return Promise.resolve();
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return { overrun: this.#overrun };
  }

  async #read(most: number, signal: AbortSignal): Promise<void> {
    const redis = this.#connections.current;
    const pending = this.#pending;
    const wait = pending === undefined ? ['BLOCK', BLOCK] : [];
    const stop = () => {
      redis.disconnect();
    };
    signal.addEventListener('abort', stop);
    let answer: unknown;
    try {
      answer = await reaching(redisDisconnected, () =>
        redis.callBuffer(
          'XREADGROUP',
          'GROUP',
          this.#group,
          this.#consumer,
          'COUNT',
          most,
          ...wait,
          'STREAMS',
          this.#key,
          pending ?? '>',
        ),
      );
    } finally {
      signal.removeEventListener('abort', stop);
    }
    const entries = entriesOf(answer);
    if (pending !== undefined) this.#pending = entries.at(-1)?.id;
    await this.#hold(entries);
  }

  async #hold(entries: readonly Entry[]): Promise<void> {
    const trimmed: string[] = [];
    for (const { id, fields } of entries) {
      if (fields) this.#held.push({ id, parcel: parcelOf(id, fields) });
      else trimmed.push(id);
    }
    if (trimmed.length === 0) return;
    this.#overrun += trimmed.length;
    await this.#ack(trimmed);
  }

  async #ack(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await reaching(redisDisconnected, () =>
      this.#connections.current.xack(this.#key, this.#group, ...ids),
    );
  }

  async #ensureGroup(redis: Redis): Promise<void> {
    try {
      await redis.xgroup('CREATE', this.#key, this.#group, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error;
    }
  }

  async #claim(redis: Redis, idle: number): Promise<void> {
    let from = '0-0';
    do {
      const answer = await redis.xautoclaim(
        this.#key,
        this.#group,
        this.#consumer,
        idle,
        from,
        'JUSTID',
      );
      from = String(answer[0]);
    } while (from !== '0-0');
  }
}

function entriesOf(answer: unknown): Entry[] {
  if (!Array.isArray(answer)) return [];
  const [stream] = answer as [unknown, [Buffer, Buffer[] | null][]][];
  return (stream?.[1] ?? []).map(([id, fields]) => ({ id: id.toString('latin1'), fields }));
}

function parcelOf(id: string, fields: readonly Buffer[]): BridgeMessage {
  const named = new Map<string, Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) named.set(fields[i]!.toString(), fields[i + 1]!);
  const data = named.get(DATA_FIELD);
  // An id begins with milliseconds.
  const foreign = { origin: '', sequence: 0, time: Number.parseInt(id, 10) };
  if (data) return readParcel(data, named.get(HEADER)?.toString(), foreign);
  const json = Buffer.from(JSON.stringify(texts(named)));
  return { ...readParcel(json, undefined, foreign), encoding: 'json' };
}

// An entry that no bridge has written may have any fields.
const texts = (named: ReadonlyMap<string, Buffer>) =>
  Object.fromEntries([...named].map(([name, value]) => [name, value.toString()]));
