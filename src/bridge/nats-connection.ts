import { setTimeout as delay } from 'node:timers/promises';

import type { NatsConnection } from 'nats';

import { wrongType } from '../validate.js';
import { clientOf } from './client.js';
import { Away, reaching } from './endpoint.js';

/** How NATS is reached. */
export interface NatsOptions {
  /** Its servers: `nats://host:4222`, one or several of a cluster. Default: the client's. */
  servers?: string | string[];
  /** What else the client's `connect` takes: credentials, TLS. */
  connection?: object;
  /** The stream of JetStream. */
  stream: string;
}

/** The whole client, loaded. */
export type NatsClient = typeof import('nats');

/** Milliseconds that one request may take. */
export const NATS_PATIENCE = 5000;
const FLUSH_PATIENCE = 1000;

/**
 * One connection after the other. The client does not reconnect by itself: what it would send then,
 * after messages that were lost with the connection, would arrive before them.
 */
export class NatsConnections {
  readonly #options: NatsOptions;
  #client: NatsClient | undefined;
  #connection: NatsConnection | undefined;

  constructor(options: NatsOptions) {
    if (typeof (options as unknown) !== 'object') throw wrongType('an object', 'options', options);
    if (typeof options.stream !== 'string' || options.stream === '') {
      throw wrongType('the name of a stream', 'stream', options.stream);
    }
    this.#options = options;
  }

  /** @throws Away, DisruptorError `ERR_CLIENT_MISSING` */
  async open(): Promise<{ client: NatsClient; connection: NatsConnection }> {
    const client = (this.#client ??= await clientOf('NATS', 'nats', () => import('nats')));
    if (this.#connection && !this.#connection.isClosed()) {
      return { client, connection: this.#connection };
    }
    const { servers, connection } = this.#options;
    const opened = await reaching('NATS', () =>
      client.connect({
        ...(servers !== undefined && { servers }),
        timeout: NATS_PATIENCE,
        // A stack trace for each message costs as much as sending it.
        noAsyncTraces: true,
        ...connection,
        reconnect: false,
      }),
    );
    this.#connection = opened;
    return { client, connection: opened };
  }

  /** The connection in use. @throws Away where there is none */
  get current(): NatsConnection {
    if (this.#connection && !this.#connection.isClosed()) return this.#connection;
    throw new Away('NATS', new Error('not connected'));
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (!connection || connection.isClosed()) return;
    // What was acknowledged last is on its way.
    const flushed = connection.flush().catch(() => undefined);
    await Promise.race([flushed, delay(FLUSH_PATIENCE, undefined, { ref: false })]);
    await connection.close().catch(() => undefined);
  }
}

/** Whether the server says that there is no such stream or consumer. */
export function isMissing(error: unknown): boolean {
  return (error as { api_error?: { code?: unknown } } | undefined)?.api_error?.code === 404;
}
