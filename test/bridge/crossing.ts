// Numbers cross from a ring over an engine to another ring, while the bridges are killed and the server
// is restarted.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Ring } from 'shm-disruptor';
import type { RawElements, RingOf } from 'shm-disruptor';
import { checkpointName } from 'shm-disruptor/bridge';
import type { BridgeStatistics } from 'shm-disruptor/bridge';

import { Server } from './servers.js';
import type { Engine } from './servers.js';

/** How much is done, and how much is done to it. */
export interface Size {
  readonly messages: number;
  /** Of bridges, of either in turn. */
  readonly kills: number;
  /** Of the server, without warning. */
  readonly restarts: number;
}

/** What came of it. */
export interface Crossing {
  /** Of the messages, how many never came. */
  lost: number;
  /** How many came again: in the second ring. */
  repeated: number;
  /** How many came after later ones, and had not come before. */
  disordered: number;
  /** What all bridges together counted before they were killed. */
  counted: { duplicates: number; repeated: number; reconnects: number };
  seconds: number;
}

const CHILD = fileURLToPath(new URL('./bridge-child.js', import.meta.url));
const ELEMENTS = 8192;

/** A bridge that is started again whenever it was killed. */
class Phoenix {
  readonly #args: string[];
  #child: ChildProcess | undefined;
  #latest: BridgeStatistics | undefined;
  readonly counted = { duplicates: 0, repeated: 0, reconnects: 0 };
  /** Rejects when it ends by itself. */
  readonly failed: Promise<never>;
  #fail: (error: Error) => void = () => undefined;

  constructor(args: string[]) {
    this.#args = args;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#start();
  }

  async kill(again: boolean): Promise<void> {
    const child = this.#child!;
    child.removeAllListeners('exit');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    for (const key of ['duplicates', 'repeated', 'reconnects'] as const) {
      this.counted[key] += this.#latest?.[key] ?? 0;
    }
    this.#latest = undefined;
    if (again) this.#start();
  }

  #start(): void {
    const child = fork(CHILD, this.#args);
    child.on('message', (message) => {
      this.#latest = message as BridgeStatistics;
    });
    child.once('exit', (code) => {
      this.#fail(new Error(`a bridge ended by itself: ${code}`));
    });
    this.#child = child;
  }
}

/** Has numbers cross. `told` is called with how many have arrived, now and then. */
export async function crossing(
  engine: Engine,
  prefix: string,
  { messages, kills, restarts }: Size,
  told: (arrived: number) => void = () => undefined,
): Promise<Crossing> {
  const names = [`${prefix}-a`, `${prefix}-b`];
  const options = { elements: ELEMENTS, elementSize: 8, existing: 'replace' } as const;
  const [a, b] = [
    Ring.create(names[0]!, { ...options, consumers: { out: {} } }),
    Ring.create(names[1]!, { ...options, consumers: { reader: {} } }),
  ];
  const server = await Server.start(engine);
  const bridges: Phoenix[] = [];
  const end = new AbortController();
  const begin = performance.now();
  try {
    bridges.push(
      new Phoenix(['out', engine, server.url, 'numbers', names[0]!]),
      new Phoenix(['back', engine, server.url, 'numbers', names[1]!]),
    );
    const result: Crossing = {
      lost: 0,
      repeated: 0,
      disordered: 0,
      counted: { duplicates: 0, repeated: 0, reconnects: 0 },
      seconds: 0,
    };
    let arrived = 0;
    const failed = Promise.race(bridges.map((bridge) => bridge.failed));
    const troubled = trouble(
      server,
      bridges,
      { messages, kills, restarts },
      () => arrived,
      end.signal,
    );
    const sent = send(a.producer(), messages, end.signal);
    const received = receive(b.consumer('reader'), messages, end.signal, result, (count) => {
      arrived = count;
      told(count);
    });
    await Promise.race([Promise.all([troubled, sent, received]), failed]);
    result.seconds = (performance.now() - begin) / 1000;
    for (const bridge of bridges.splice(0)) {
      await bridge.kill(false);
      for (const key of ['duplicates', 'repeated', 'reconnects'] as const) {
        result.counted[key] += bridge.counted[key];
      }
    }
    return result;
  } finally {
    end.abort();
    for (const bridge of bridges) await bridge.kill(false);
    await server.end();
    a.close();
    b.close();
    for (const name of [...names, checkpointName(names[1]!, 'bridge')]) {
      try {
        Ring.unlink(name);
      } catch {
        // It was never made.
      }
    }
  }
}

// Spread over the messages: kills in turn of either bridge, restarts of the server between them.
async function trouble(
  server: Server,
  bridges: readonly Phoenix[],
  { messages, kills, restarts }: Size,
  arrived: () => number,
  signal: AbortSignal,
): Promise<void> {
  const events = [
    ...Array.from({ length: kills }, (_, i) => ({
      at: ((i + 0.5) / kills) * messages,
      happen: () => bridges[i % 2]!.kill(true),
    })),
    ...Array.from({ length: restarts }, (_, i) => ({
      at: ((i + 0.6) / restarts) * messages,
      happen: async () => {
        await server.kill();
        await delay(100);
        await server.again();
      },
    })),
  ].sort((x, y) => x.at - y.at);
  for (const { at, happen } of events) {
    while (arrived() < at) await delay(2, undefined, { signal });
    await happen();
  }
}

type RawRing = RingOf<RawElements>;

async function send(
  producer: ReturnType<RawRing['producer']>,
  messages: number,
  signal: AbortSignal,
): Promise<void> {
  const batch = 500;
  for (let i = 0; i < messages;) {
    const values = Array.from({ length: Math.min(batch, messages - i) }, (_, j) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(i + j);
      return bytes;
    });
    await producer.publishMany(values, { signal });
    i += values.length;
  }
}

async function receive(
  consumer: ReturnType<RawRing['consumer']>,
  messages: number,
  signal: AbortSignal,
  result: Crossing,
  told: (arrived: number) => void,
): Promise<void> {
  const have = new Uint8Array(messages);
  let arrived = 0;
  let highest = -1;
  // What comes after the last of them has overtaken others.
  while (arrived < messages) {
    const batch = await consumer.next({ signal });
    for (const element of batch) {
      const number = element.readDoubleLE();
      if (have[number] === 1) {
        result.repeated += 1;
        continue;
      }
      if (number < highest) result.disordered += 1;
      have[number] = 1;
      highest = Math.max(highest, number);
      arrived += 1;
    }
    consumer.commit();
    told(arrived);
  }
  result.lost = messages - arrived;
}
