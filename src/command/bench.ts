import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Ring } from '../index.js';
import { interruption } from './exit.js';
import { Latencies } from './latencies.js';
import { bytes, compact, printJson, table } from './output.js';
import { print } from './standard.js';
import { fromCommandLine } from './usage.js';
import type { PeerOrders } from './bench-peer.js';

/** What `bench` takes. */
export interface BenchOptions {
  json?: boolean;
  /** How long each measurement takes. */
  seconds: number;
  /** Bytes in a message. */
  size: number;
}

const ELEMENTS = 1024;
/** How many round trips, or batches, go between two turns of the event loop. */
const SLICE = 200;
const BATCH = 64;
/** The part of each measurement that goes before it and does not count. */
const WARM_UP = 0.2;

/** What one measurement came to. */
interface Throughput {
  scenario: string;
  messagesPerSecond: number;
  bytesPerSecond: number;
}

/** Rings and processes that go when the measurement does. */
class Bench {
  #made = 0;
  readonly #rings: { close(): void; name: string }[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #options: BenchOptions;
  readonly #signal: AbortSignal;
  readonly #cleanUp = () => {
    this.end();
  };

  constructor(options: BenchOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    process.once('exit', this.#cleanUp);
  }

  ring() {
    const elementSize = this.#options.size;
    const options = { elements: ELEMENTS, elementSize, producers: 'single' as const };
    const name = `/shm-disruptor-bench-${process.pid}-${(this.#made += 1)}`;
    const ring = fromCommandLine(() => Ring.create(name, { ...options, consumers: { bench: {} } }));
    this.#rings.push(ring);
    return ring;
  }

  async peer(orders: PeerOrders): Promise<void> {
    const script = fileURLToPath(new URL('bench-peer.js', import.meta.url));
    const child = fork(script, [JSON.stringify(orders)]);
    this.#children.add(child);
    const [what] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
    if (what !== 'ready') throw new Error('The other process of the benchmark did not start');
  }

  /** Calls `step` until the time is up; `count` gets what counts. */
  async measure(step: () => Promise<void> | void, reset: () => void): Promise<number> {
    const milliseconds = this.#options.seconds * 1000;
    let begin = performance.now();
    const warm = begin + milliseconds * WARM_UP;
    let counting = false;
    while (!this.#signal.aborted) {
      const now = performance.now();
      if (!counting && now >= warm) {
        reset();
        begin = now;
        counting = true;
      }
      if (counting && now - begin >= milliseconds) break;
      await step();
      await turn();
    }
    return (performance.now() - begin) / 1000;
  }

  end(): void {
    process.removeListener('exit', this.#cleanUp);
    for (const child of this.#children) child.kill('SIGKILL');
    for (const ring of this.#rings) {
      ring.close();
      Ring.unlink(ring.name);
    }
    this.#children.clear();
    this.#rings.length = 0;
  }
}

async function roundTrips(
  bench: Bench,
  how: 'echo' | 'echo-async',
  size: number,
): Promise<Latencies> {
  const there = bench.ring();
  const back = bench.ring();
  const producer = there.producer();
  const consumer = back.consumer('bench');
  await bench.peer({ does: how, from: there.name, to: back.name, batch: 1 });
  const message = Buffer.alloc(size, 1);
  let latencies = new Latencies();
  const blocking = () => {
    for (let i = 0; i < SLICE; i += 1) {
      const begin = process.hrtime.bigint();
      producer.publishSync(message);
      consumer.nextSync();
      latencies.record(Number(process.hrtime.bigint() - begin));
      consumer.commit();
    }
  };
  const waiting = async () => {
    for (let i = 0; i < SLICE; i += 1) {
      const begin = process.hrtime.bigint();
      await producer.publish(message);
      await consumer.next();
      latencies.record(Number(process.hrtime.bigint() - begin));
      consumer.commit();
    }
  };
  await bench.measure(how === 'echo' ? blocking : waiting, () => {
    latencies = new Latencies();
  });
  producer.close();
  consumer.close();
  return latencies;
}

async function throughput(
  bench: Bench,
  scenario: string,
  batch: number,
  size: number,
): Promise<Throughput> {
  const ring = bench.ring();
  const consumer = ring.consumer('bench');
  await bench.peer({ does: 'produce', from: '', to: ring.name, batch });
  let count = 0;
  const seconds = await bench.measure(
    () => {
      for (let i = 0; i < SLICE; i += 1) count += consumer.nextSync().length;
    },
    () => {
      count = 0;
    },
  );
  consumer.close();
  const messagesPerSecond = count / seconds;
  return { scenario, messagesPerSecond, bytesPerSecond: messagesPerSecond * size };
}

function report(latencies: Record<string, Latencies>, rates: Throughput[], size: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const head = ['ROUND TRIP', 'COUNT', 'P50', 'P90', 'P99', 'P99.9', 'MAX'];
  const rows = Object.entries(latencies).map(([name, each]) => [
    name,
    compact(each.count),
    ...each.figures(),
  ]);
  const drawn = Object.entries(latencies).map(([name, each]) => [name, ...each.drawn(), '']);
  const lines = rates.map(({ scenario, messagesPerSecond, bytesPerSecond }) => [
    scenario,
    `${compact(messagesPerSecond)}/s`,
    `${bytes(bytesPerSecond)}/s`,
  ]);
  const titles = ['THROUGHPUT', 'MESSAGES', 'BYTES'];
  return [
    `${model}, ${availableParallelism()} processors; Node.js ${process.version}`,
    `messages of ${bytes(size)}, between two processes\n`,
    `${table(head, rows, head.slice(1))}\n`,
    ...drawn.flat(),
    table(titles, lines, titles.slice(1)),
  ].join('\n');
}

/** Measures round trips and throughput between two processes on this machine. */
export async function bench(options: BenchOptions): Promise<void> {
  const { json = false, size } = options;
  const signal = interruption();
  const each = async <T>(measure: (bench: Bench) => Promise<T>): Promise<T> => {
    const one = new Bench(options, signal);
    try {
      return await measure(one);
    } finally {
      one.end();
    }
  };
  const latencies = {
    'blocking calls': await each((one) => roundTrips(one, 'echo', size)),
    promises: await each((one) => roundTrips(one, 'echo-async', size)),
  };
  const rates = [
    await each((one) => throughput(one, 'one at a time', 1, size)),
    await each((one) => throughput(one, `${BATCH} at a time`, BATCH, size)),
  ];
  if (signal.aborted) return;
  await (json
    ? printJson({ size, roundTrip: latencies, throughput: rates })
    : print(report(latencies, rates, size)));
}
