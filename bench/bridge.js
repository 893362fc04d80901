// Bridges: messages a second and added latency from a ring through an engine's server, beside a plain
// client that publishes the same from the same process.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import { build } from 'hdr-histogram-js';
import { Ring } from 'shm-disruptor';
import { Bridge, natsTarget, redisTarget, ringSource } from 'shm-disruptor/bridge';

import { programOf, Server } from '../scripts/engines.js';
import { moreIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { ringName, withPlace } from './harness/place.js';
import { alternate, summary } from './harness/samples.js';
import { column, nameColumn, rateColumns } from './harness/table.js';

const BATCH = 500;
const ELEMENTS = 8192;
const MICROSECONDS = 1000;

/** How a plain client publishes a batch, and is sure of it. */
const PLAIN = {
  async nats(url, stream) {
    const { connect } = await import('nats');
    const connection = await connect({ servers: url });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: stream, subjects: [stream] });
    const jetstream = connection.jetstream();
    return {
      send: (messages) =>
        Promise.all(
          messages.map((message) => jetstream.publish(stream, message, { msgID: next() })),
        ),
      close: () => connection.close(),
    };
  },
  async redis(url, stream) {
    const { Redis } = await import('ioredis');
    const redis = new Redis(url);
    return {
      async send(messages) {
        const pipeline = redis.pipeline();
        for (const message of messages) pipeline.xadd(stream, '*', 'data', message);
        for (const [error] of await pipeline.exec()) if (error) throw error;
      },
      close: () => redis.disconnect(),
    };
  },
};

let ids = 0;
// An id for each message, as a publisher has who wants repetitions dropped.
const next = () => `plain-${(ids += 1)}`;

const TARGETS = {
  nats: (url, stream) => natsTarget({ servers: url, stream, subject: stream }),
  redis: (url, stream) => redisTarget({ url, key: stream }),
};

const payload = (size) => Buffer.alloc(size, 'm');

/** What is timed: both have connected, and publish the same from one process. */
const WAYS = {
  async bridge({ engine, url, place, size }) {
    const ring = Ring.create(ringName(place), {
      elements: ELEMENTS,
      elementSize: size,
      producers: 'single',
      consumers: { bridge: {} },
    });
    const bridge = new Bridge({
      from: ringSource(ring.consumer('bridge')),
      to: TARGETS[engine](url, place),
      maxInFlight: BATCH,
    });
    const producer = ring.producer();
    let last = -1;
    // Until the engine has all of it; asking takes the bridge's own time.
    const sent = async (pause) => {
      while (bridge.stats().forwarded <= last) await pause();
    };
    const send = async (messages) => {
      last = await producer.publishMany(messages);
    };
    await send([payload(size)]);
    await sent(turn);
    return {
      send,
      sent,
      close: () => bridge.stop(),
    };
  },
  async plain({ engine, url, place, size }) {
    const client = await PLAIN[engine](url, place);
    await client.send([payload(size)]);
    return { ...client, sent: () => undefined };
  },
};

export const roles = {
  async throughput({ way, messages, size, ...part }) {
    const { send, sent, close } = await WAYS[way]({ ...part, size });
    const batch = Array.from({ length: BATCH }, () => payload(size));
    return async () => {
      for (let i = 0; i < messages; i += BATCH) await send(batch);
      await sent(() => sleep(1));
      await close();
    };
  },

  async latency({ way, calls, size, ...part }) {
    const { send, sent, close } = await WAYS[way]({ ...part, size });
    return async () => {
      const nanoseconds = [];
      for (let i = 0; i < calls; i += 1) {
        const begin = performance.now();
        await send([payload(size)]);
        await sent(turn);
        nanoseconds.push(Math.round((performance.now() - begin) * 1e6));
      }
      await close();
      return nanoseconds;
    };
  },
};

const NAMES = { nats: 'NATS JetStream', redis: 'Redis Streams' };

function measured(contestant, part) {
  return withPlace(async (place) => {
    const [times] = await together('bridge', [{ ...part, ...contestant, place }]);
    return times;
  });
}

async function run({ engines, messages, sizes, calls, rounds }) {
  const rows = [];
  for (const engine of engines) {
    if (programOf(engine) === undefined) {
      console.log(`without ${NAMES[engine]}: its server is not installed`);
      continue;
    }
    const server = await Server.start(engine);
    try {
      rows.push(...(await rowsOf(engine, server.url, { messages, sizes, calls, rounds })));
    } finally {
      await server.end();
    }
  }
  return rows;
}

async function rowsOf(engine, url, { messages, sizes, calls, rounds }) {
  const contestants = sizes.flatMap((size) =>
    ['bridge', 'plain'].map((way) => ({ engine, url, way, size })),
  );
  const rates = (
    await alternate(contestants, rounds, async (one) => {
      const { begin, end } = await measured(one, { role: 'throughput', messages });
      return (messages / (end - begin)) * 1e6;
    })
  ).map(summary);
  const latencies = [];
  for (const one of contestants) {
    const histogram = build({ numberOfSignificantValueDigits: 3 });
    const { result } = await measured(one, { role: 'latency', calls });
    for (const each of result) histogram.recordValue(each);
    latencies.push(histogram);
  }
  return contestants.map(({ way, size }, i) => {
    const plain = contestants.findIndex((one) => one.way === 'plain' && one.size === size);
    return {
      name: `${NAMES[engine]}, ${way}, ${size} bytes`,
      rate: rates[i],
      timesPlain: way === 'bridge' ? rates[i].median / rates[plain].median : undefined,
      p50: latencies[i].getValueAtPercentile(50) / MICROSECONDS,
      p99: latencies[i].getValueAtPercentile(99) / MICROSECONDS,
    };
  });
}

export const scenario = {
  name: 'bridge',
  about: 'from a ring to an engine on this machine, beside a plain client of the engine',
  sizes: {
    short: { engines: ['nats', 'redis'], messages: 10_000, sizes: [100], calls: 300, rounds: 1 },
    long: {
      engines: ['nats', 'redis'],
      messages: 200_000,
      sizes: [100, 1000],
      calls: 5_000,
      rounds: 5,
    },
  },
  columns: [
    nameColumn,
    ...rateColumns('thousand messages/s'),
    column('x plain', ({ timesPlain }) => timesPlain, 2),
    column('one message, p50 µs', ({ p50 }) => p50, 0),
    column('p99 µs', ({ p99 }) => p99, 0),
  ],
  chart: moreIsBetter('thousand messages a second', ({ rate }) => rate.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
