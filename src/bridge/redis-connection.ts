import type { Redis } from 'ioredis';

import { wrongType } from '../validate.js';
import { clientOf } from './client.js';
import { Away, reaching } from './endpoint.js';

/** How Redis is reached. */
export interface RedisOptions {
  /** `redis://host:6379/0`. Default: this machine's. */
  url?: string;
  /** What else the constructor of `ioredis` takes: credentials, TLS. */
  connection?: object;
  /** The key of the stream. */
  key: string;
}

/** Milliseconds that one command may take. */
const PATIENCE = 5000;

/**
 * One connection after the other. The client does not reconnect by itself and sends nothing again: the
 * bridge does, in order.
 */
export class RedisConnections {
  readonly #options: RedisOptions;
  readonly #blocking: boolean;
  #connection: Redis | undefined;

  /** `blocking`: commands may wait for data, longer than one that only takes its time. */
  constructor(options: RedisOptions, blocking: boolean) {
    if (typeof (options as unknown) !== 'object') throw wrongType('an object', 'options', options);
    if (typeof options.key !== 'string' || options.key === '') {
      throw wrongType('the key of a stream', 'key', options.key);
    }
    this.#options = options;
    this.#blocking = blocking;
  }

  /** @throws Away, DisruptorError `ERR_CLIENT_MISSING` */
  async open(): Promise<Redis> {
    const client = await clientOf('Redis', 'ioredis', () => import('ioredis'));
    if (this.#connection?.status === 'ready') return this.#connection;
    this.#connection?.disconnect();
    const { url = 'redis://127.0.0.1:6379', connection } = this.#options;
    const opened = new client.Redis(url, {
      connectTimeout: PATIENCE,
      commandTimeout: this.#blocking ? 2 * PATIENCE : PATIENCE,
      protocol: 2,
      ...connection,
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
    await reaching('Redis', async () => {
      try {
        await opened.connect();
      } catch (error) {
        throw failure ?? error;
      }
    });
    return opened;
  }

  /** The connection in use. @throws Away where there is none */
  get current(): Redis {
    if (this.#connection?.status === 'ready') return this.#connection;
    throw new Away('Redis', new Error('not connected'));
  }

  close(): void {
    this.#connection?.disconnect();
    this.#connection = undefined;
  }
}
