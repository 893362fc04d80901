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
import type { BridgeSource, BridgeStatistics, BridgeTarget } from '../bridge/index.js';
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
  /** Seconds between two reports. */
  interval: number;
}

/** An engine and its stream: `nats://host:4222/ticks`. */
interface Remote {
  engine: 'nats' | 'redis';
  server: string;
  stream: string;
}

/** Undefined for the name of a segment. */
function remoteOf(text: string): Remote | undefined {
  if (!text.includes('://')) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const engine = url?.protocol.slice(0, -1);
  const stream = decodeURIComponent(url?.pathname.slice(1) ?? '');
  if (!url || (engine !== 'nats' && engine !== 'redis') || stream === '') {
    const expected = 'nats://host:port/stream or redis://host:port/key';
    throw new UsageError(`Expected ${expected} but received ${text}`, 'ERR_INVALID_ARG_VALUE');
  }
  url.pathname = '';
  return { engine, server: url.href, stream };
}

/** The segment of that name. @throws Refusal for plain memory */
function withMessages(name: string): Observation {
  const seen = found(name, { create: false });
  if (seen && seen.kind !== 'memory') return seen;
  throw new Refusal('ERR_SEGMENT_KIND', `${name} is plain memory, and has no messages`);
}

function source(text: string, { as }: BridgeCommandOptions): BridgeSource {
  const remote = remoteOf(text);
  if (remote) {
    const { engine, server, stream } = remote;
    return engine === 'nats'
      ? natsSource({ servers: server, stream, durable: as })
      : redisSource({ url: server, key: stream, group: as });
  }
  const seen = withMessages(text);
  if (seen.kind === 'queue') return queueSource(Queue.open(seen.name));
  if (seen.kind === 'broadcast') return broadcastSource(broadcastOf(seen) as never);
  using ring = ringOf(seen);
  return ringSource(ring.consumer(as));
}

function target(text: string, options: BridgeCommandOptions): BridgeTarget {
  const { subject, maxLength, checkpoint } = options;
  const remote = remoteOf(text);
  if (remote) {
    const { engine, server, stream } = remote;
    return engine === 'nats'
      ? natsTarget({ servers: server, stream, subject: subject ?? stream })
      : redisTarget({ url: server, key: stream, ...(maxLength !== undefined && { maxLength }) });
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
