import { readFileSync } from 'node:fs';
import { delay } from '../timers.js';

import type { ConnectionOptions, NatsConnection } from 'nats';

import { wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { clientOf } from './client.js';
import { Disconnected, reaching } from './endpoint.js';
import { natsDisconnected } from './nats-errors.js';
import { serverUrl } from './server-url.js';
import type { ServerUrl } from './server-url.js';
import { checkFile, checkTls, readTls } from './tls.js';
import type { EngineTls } from './tls.js';

/** How NATS is reached. */
export interface NatsOptions {
  /**
   * Its server, or several of a cluster: `nats://host:4222`, `nats://user:password@host:4222`,
   * `nats://token@host:4222`. `tls://` insists on TLS; with `nats://` the server decides. User, password
   * and token are percent-encoded. Default: the client's.
   */
  servers?: string | string[];
  /** A file with a user's JWT and key, as `nsc` makes them (`.creds`); read anew for each connection. */
  credsFile?: string;
  /** Authorities and this client's certificate. Insists on TLS. */
  tls?: EngineTls;
  /** What else the client's `connect` takes: it has precedence over the above. */
  connection?: object;
  /** The stream of JetStream. */
  stream: string;
}

/** The names of such options. */
export const NATS: OptionNames<NatsOptions> = {
  servers: true,
  credsFile: true,
  tls: true,
  connection: true,
  stream: true,
};

/** The whole client, loaded. */
export type NatsClient = typeof import('nats');

/** Milliseconds that one request may take. */
export const NATS_PATIENCE = 5000;
const FLUSH_PATIENCE = 1000;
const PORT = 4222;

/** @throws TypeError for what cannot be the name of a stream or consumer */
export function checkNatsName(value: unknown, what: string, option: string): void {
  if (typeof value !== 'string' || value === '') throw wrongType(`the ${what}`, option, value);
  if (/[\s.*>/\\]/.test(value)) {
    throw wrongValue(`the ${what}, without dots, blanks, slashes, * and >,`, option, value);
  }
}

/**
 * One connection after the other. The client does not reconnect by itself: what it would send then,
 * after messages that were lost with the connection, would arrive before them.
 */
export class NatsConnections {
  readonly #options: NatsOptions;
  /** Undefined: the client knows. */
  readonly #servers: readonly (ServerUrl | undefined)[];
  #client: NatsClient | undefined;
  #connection: NatsConnection | undefined;

  constructor(options: NatsOptions) {
    const { servers, stream, credsFile, tls } = options;
    checkNatsName(stream, 'name of a stream', 'stream');
    checkFile(credsFile, 'credsFile');
    checkTls(tls);
    this.#options = options;
    this.#servers = serversOf(servers);
  }

  /**
   * @throws Disconnected, DisruptorError `ERR_CLIENT_MISSING`
   * @throws Error of the system for a file of credentials or certificates that cannot be read
   */
  async open(): Promise<{ client: NatsClient; connection: NatsConnection }> {
    const client = (this.#client ??= await clientOf('NATS', 'nats', () => import('nats')));
    if (this.#connection && !this.#connection.isClosed()) {
      return { client, connection: this.#connection };
    }
    const opened = await this.#reach(client);
    this.#connection = opened;
    return { client, connection: opened };
  }

  /** The connection in use. @throws Disconnected where there is none */
  get current(): NatsConnection {
    if (this.#connection && !this.#connection.isClosed()) return this.#connection;
    throw new Disconnected('NATS', new Error('not connected'));
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

  // The first that takes us, by chance in any order. One after the other and not all by the client, which
  // has one user and one certificate's name for all of them.
  async #reach(client: NatsClient): Promise<NatsConnection> {
    let failure: Disconnected | undefined;
    for (const server of shuffled(this.#servers)) {
      const options = this.#connectionOptions(client, server);
      try {
        return await reaching(natsDisconnected, () => client.connect(options));
      } catch (error) {
        if (!(error instanceof Disconnected)) throw error;
        // As long as one of them may come back, it is worth trying again.
        if (!failure || error.retriable) failure = error;
      }
    }
    throw failure!;
  }

  #connectionOptions(client: NatsClient, server: ServerUrl | undefined): ConnectionOptions {
    const { credsFile, tls, connection } = this.#options;
    const given: ConnectionOptions = connection ?? {};
    const { scheme, host = '', address, user, password } = server ?? ({} as Partial<ServerUrl>);
    const secure = scheme === 'tls' || tls !== undefined || Boolean(given.tls);
    return {
      ...(address !== undefined && { servers: address }),
      timeout: NATS_PATIENCE,
      // A stack trace for each message costs as much as sending it.
      noAsyncTraces: true,
      ...(password === undefined && user !== undefined && { token: user }),
      ...(password !== undefined && { user: user ?? '', pass: password }),
      ...(credsFile !== undefined && {
        authenticator: client.credsAuthenticator(readFileSync(credsFile)),
      }),
      ...given,
      ...(secure && { tls: { ...readTls(tls ?? {}, host), ...given.tls } }),
      reconnect: false,
    };
  }
}

function serversOf(given: string | string[] | undefined): readonly (ServerUrl | undefined)[] {
  if (given === undefined) return [undefined];
  const servers: unknown[] = Array.isArray(given) ? given : [given];
  if (servers.length === 0) throw wrongValue('at least one server', 'servers', given);
  return servers.map((server) => {
    if (typeof server !== 'string') throw wrongType('a URL', 'servers', server);
    // `host:port` is what the client itself takes.
    const url = server.includes('://') ? server : `nats://${server}`;
    return serverUrl(url, ['nats', 'tls'], PORT, 'servers');
  });
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, at: Math.random() }));
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
}
