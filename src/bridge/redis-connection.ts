import type { Redis } from 'ioredis';

import { wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { clientOf } from './client.js';
import { Disconnected, reaching } from './endpoint.js';
import { redisDisconnected } from './redis-errors.js';
import { withoutCredentials } from './server-url.js';
import { checkTls, readTls } from './tls.js';
import type { EngineTls } from './tls.js';

/** How Redis is reached. */
export interface RedisOptions {
  /**
   * `redis://host:6379/0`, `redis://user:password@host:6379`, `redis://:password@host:6379`, with the
   * number of a database behind the slash. `rediss://` insists on TLS. User and password are
   * percent-encoded. `host:port` and the path of a socket will do as well. Default: this machine's.
   */
  url?: string;
  /** Authorities and this client's certificate. Insists on TLS. */
  tls?: EngineTls;
  /** What else the constructor of `ioredis` takes. */
  connection?: object;
  /** The key of the stream. */
  key: string;
}

/** The names of such options. */
export const REDIS: OptionNames<RedisOptions> = {
  url: true,
  tls: true,
  connection: true,
  key: true,
};

/** Milliseconds that one command may take. */
const PATIENCE = 5000;

/**
 * One connection after the other. The client does not reconnect by itself and sends nothing again: the
 * bridge does, in order.
 */
export class RedisConnections {
  readonly #options: RedisOptions;
  readonly #url: string;
  readonly #blocking: boolean;
  #connection: Redis | undefined;

  /** `blocking`: commands may wait for data, longer than one that only takes its time. */
  constructor(options: RedisOptions, blocking: boolean) {
    if (typeof options.key !== 'string' || options.key === '') {
      throw wrongType('the key of a stream', 'key', options.key);
    }
    checkTls(options.tls);
    this.#options = options;
    this.#url = urlOf(options.url ?? 'redis://127.0.0.1:6379');
    this.#blocking = blocking;
  }

  /**
   * @throws Disconnected, DisruptorError `ERR_CLIENT_MISSING`
   * @throws Error of the system for a file of certificates that cannot be read
   */
  async open(): Promise<Redis> {
    const client = await clientOf('Redis', 'ioredis', () => import('ioredis'));
    if (this.#connection?.status === 'ready') return this.#connection;
    this.#connection?.disconnect();
    const tls = this.#tls();
    const opened = new client.Redis(this.#url, {
      connectTimeout: PATIENCE,
      commandTimeout: this.#blocking ? 2 * PATIENCE : PATIENCE,
      protocol: 2,
      ...this.#options.connection,
      ...(tls && { tls }),
      lazyConnect: true,
      retryStrategy: null,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    });
    // What goes wrong is told by the command under way; without a listener it would be printed.
    let failure: unknown;
    opened.on('error', (error: unknown) => {
      failure ??= error;
    });
    this.#connection = opened;
    await reaching(redisDisconnected, async () => {
      try {
        await opened.connect();
      } catch (error) {
        throw failure ?? error;
      }
      // A database that is not there is no reason for the client not to go on, in the first one.
      if (failure !== undefined) throw failure as Error;
    });
    return opened;
  }

  /** The connection in use. @throws Disconnected where there is none */
  get current(): Redis {
    if (this.#connection?.status === 'ready') return this.#connection;
    throw new Disconnected('Redis', new Error('not connected'));
  }

  close(): void {
    this.#connection?.disconnect();
    this.#connection = undefined;
  }

  #tls(): object | undefined {
    const { tls, connection } = this.#options;
    const given = connection as { tls?: object } | undefined;
    const secure = /^rediss:/i.test(this.#url);
    if (!secure && tls === undefined) return undefined;
    return { ...readTls(tls ?? {}), ...given?.tls };
  }
}

function urlOf(text: unknown): string {
  if (typeof text !== 'string') throw wrongType('a URL', 'url', text);
  if (!text.includes('://')) return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const { protocol } = url ?? {};
  const decodes = url && isEncoded(url.username) && isEncoded(url.password);
  if (!decodes || (protocol !== 'redis:' && protocol !== 'rediss:')) {
    const expected =
      'redis://[user:password@]host[:port][/database] or rediss://, percent-encoded,';
    throw wrongValue(expected, 'url', withoutCredentials(text));
  }
  return url.href;
}

function isEncoded(part: string): boolean {
  return !/%(?![\da-f]{2})/i.test(part);
}
