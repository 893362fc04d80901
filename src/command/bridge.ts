import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { cursorLeft, eraseEndLine } from 'ansi-escapes';
import cliTruncate from 'cli-truncate';

import {
  Bridge,
  broadcastSource,
  broadcastTarget,
  natsSource,
  natsTarget,
  queueSource,
  queueTarget,
  redisSource,
  redisTarget,
  ringSource,
  ringTarget,
} from '../bridge/index.js';
import type { BridgeSource, BridgeStatistics, BridgeTarget, EngineTls } from '../bridge/index.js';
import { withoutCredentials } from '../bridge/server-url.js';
import { Queue } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { broadcastOf, found, ringOf } from './endpoint.js';
import { interruption, Refusal } from './exit.js';
import { print, writeOut } from './standard.js';
import { UsageError } from './usage.js';

/** What `bridge` takes. */
export interface BridgeCommandOptions {
  json?: boolean;
  /** The consumer to be in a ring, a durable consumer of NATS, a group of Redis. */
  as: string;
  subject?: string;
  maxLength?: number;
  maxInFlight?: number;
  atMostOnce?: boolean;
  checkpoint: string;
  skip?: boolean;
  /** `false`: streams, consumers and groups are used as they are. */
  create: boolean;
  /** Files: of NATS credentials, of certificates and a key, of a password or token. */
  creds?: string;
  ca?: string;
  cert?: string;
  key?: string;
  passwordFile?: string;
  /** Seconds between two reports. */
  interval: number;
}

/** An engine and its stream: `nats://host:4222/ticks`. */
interface Remote {
  engine: 'nats' | 'redis';
  /** The URL without the stream. */
  server: string;
  stream: string;
  tls?: EngineTls;
}

const ENGINES: Partial<Record<string, Remote['engine']>> = {
  'nats:': 'nats',
  'tls:': 'nats',
  'redis:': 'redis',
  'rediss:': 'redis',
};

/** Undefined for the name of a segment. */
function remoteOf(text: string, options: BridgeCommandOptions): Remote | undefined {
  if (!text.includes('://')) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const engine = ENGINES[url?.protocol ?? ''];
  const stream = decoded(url?.pathname.slice(1) ?? '');
  if (!url || !engine || !stream) {
    throw unusable(
      'nats://host:port/stream, redis://host:port/key, or tls:// or rediss:// so',
      text,
    );
  }
  if (decoded(url.username) === undefined || decoded(url.password) === undefined) {
    throw unusable('a URL whose user and password are percent-encoded (% is %25)', text);
  }
  url.pathname = '';
  if (options.passwordFile !== undefined) setPassword(url, engine, options.passwordFile);
  const { ca, cert, key } = options;
  const tls: EngineTls = {
    ...(ca !== undefined && { caFile: ca }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
  return { engine, server: url.href, stream, ...(Object.keys(tls).length > 0 && { tls }) };
}

function unusable(expected: string, text: string): UsageError {
  const received = withoutCredentials(text);
  return new UsageError(`Expected ${expected} but received ${received}`, 'ERR_INVALID_ARG_VALUE');
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

// The first line of the file: a password, or with NATS and without a user a token.
function setPassword(url: URL, engine: Remote['engine'], file: string): void {
  const [password = ''] = readFileSync(file, 'utf8').split(/\r?\n/);
  const isToken = engine === 'nats' && url.username === '';
  url[isToken ? 'username' : 'password'] = encodeURIComponent(password);
}

/** The segment of that name. @throws Refusal for plain memory */
function withMessages(name: string): Observation {
  const seen = found(name, { create: false });
  if (seen && seen.kind !== 'memory') return seen;
  throw new Refusal('ERR_SEGMENT_KIND', `${name} is plain memory, and has no messages`);
}

function source(text: string, options: BridgeCommandOptions): BridgeSource {
  const { as, create, subject, creds } = options;
  const remote = remoteOf(text, options);
  if (remote) {
    const { engine, server, stream, tls } = remote;
    const reached = { create, ...(tls && { tls }) };
    if (engine === 'redis') return redisSource({ url: server, key: stream, group: as, ...reached });
    return natsSource({
      servers: server,
      stream,
      durable: as,
      ...reached,
      ...(subject !== undefined && { filter: subject }),
      ...(creds !== undefined && { credsFile: creds }),
    });
  }
  const seen = withMessages(text);
  if (seen.kind === 'queue') return queueSource(Queue.open(seen.name));
  if (seen.kind === 'broadcast') return broadcastSource(broadcastOf(seen) as never);
  using ring = ringOf(seen);
  return ringSource(ring.consumer(as));
}

function target(text: string, options: BridgeCommandOptions): BridgeTarget {
  const { subject, maxLength, checkpoint, create, creds } = options;
  const remote = remoteOf(text, options);
  if (remote) {
    const { engine, server, stream, tls } = remote;
    if (engine === 'redis') {
      const most = maxLength !== undefined && { maxLength };
      return redisTarget({ url: server, key: stream, ...most, ...(tls && { tls }) });
    }
    return natsTarget({
      servers: server,
      stream,
      subject: subject ?? stream,
      ...(tls && { tls }),
      ...(!create && { create }),
      ...(creds !== undefined && { credsFile: creds }),
    });
  }
  const seen = withMessages(text);
  if (seen.kind === 'queue') return queueTarget(Queue.open(seen.name), { checkpoint });
  if (seen.kind === 'broadcast') return broadcastTarget(broadcastOf(seen) as never);
  using ring = ringOf(seen);
  return ringTarget(ring.producer() as never, { checkpoint });
}

function line(stats: BridgeStatistics): string {
  const { state, forwarded, rate, lag, inFlight, reconnects, duplicates, lastError } = stats;
  const counts = `${forwarded} forwarded, ${Math.round(rate)}/s, lag ${lag ?? '?'}, ${inFlight} in flight`;
  const dropped = `${reconnects} reconnects, ${duplicates} duplicates`;
  return `${state}: ${counts}, ${dropped}${state === 'away' ? ` (${lastError ?? ''})` : ''}`;
}

/** Shows how it goes: on a terminal one line that changes, elsewhere a line each time. */
async function report(bridge: Bridge, options: BridgeCommandOptions, end: AbortSignal) {
  while (!end.aborted) {
    await sleep(options.interval * 1000, undefined, { signal: end }).catch(() => undefined);
    const stats = bridge.stats();
    if (options.json === true) await print(JSON.stringify(stats));
    else if (process.stdout.isTTY) {
      const shown = cliTruncate(line(stats), process.stdout.columns);
      await writeOut(cursorLeft + shown + eraseEndLine);
    } else await print(line(stats));
  }
  if (options.json !== true && process.stdout.isTTY) await writeOut('\n');
}

/** Forwards messages until somebody interrupts it. */
export async function bridge(
  from: string,
  to: string,
  options: BridgeCommandOptions,
): Promise<void> {
  if (options.passwordFile !== undefined && from.includes('://') && to.includes('://')) {
    const reason =
      '--password-file is for one engine, and here are two: put the passwords into the URLs';
    throw new Refusal('ERR_INVALID_ARG_VALUE', reason);
  }
  const signal = interruption();
  const end = new AbortController();
  const taking = source(from, options);
  let sending: BridgeTarget;
  try {
    sending = target(to, options);
  } catch (error) {
    taking.end();
    throw error;
  }
  const { maxInFlight, atMostOnce = false } = options;
  const running = new Bridge({
    from: taking,
    to: sending,
    atMostOnce,
    // The reports say so.
    onDisconnect: () => undefined,
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(options.skip === true && { onUndeliverable: () => 'skip' }),
  });
  const stop = () => void running.stop().catch(() => undefined);
  const reported = report(running, options, end.signal);
  // A report that cannot be written ends the bridge.
  reported.catch(stop);
  signal.addEventListener('abort', stop);
  try {
    await running.done;
  } finally {
    end.abort();
    await reported;
  }
}
