// Queues: what a message costs in one process, how many a second go between processes, and how long
// a question takes over one queue and its answer over another.
import { build } from 'hdr-histogram-js';
import { Queue } from 'shm-disruptor';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { ringName, withPlace } from './harness/place.js';
import { redisInstalled, withRedis } from './harness/redis.js';
import { alternate, summary } from './harness/samples.js';
import { column, costColumns, nameColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const SMALL = 50;
const LAP = 1000;
const CAPACITY = 1 << 20;
const MAX_CALL = 8;

/** Enqueues a message and dequeues it again, one by one. */
const ALONE = [
  {
    name: 'one process, 50 bytes, into a reused buffer',
    dequeue: (queue, target) => queue.tryDequeue(target),
  },
  {
    name: 'one process, 50 bytes, a new Buffer each',
    dequeue: (queue) => queue.tryDequeue().length,
  },
  {
    name: 'one process, 50 bytes, acknowledged in place',
    dequeue(queue) {
      const message = queue.tryReceive();
      const { length } = message.data;
      message.ack();
      return length;
    },
  },
];

const REDIS = ['redis-list', 'redis-list-pipelined'];

/** Ways of sending messages. Where a hundred go in one call, it is the `packed` ones. */
const WAYS = {
  queue: { name: 'shm-disruptor queue' },
  'queue-packed': { name: 'shm-disruptor queue, 100 at a time', packed: true },
  'zeromq-push': { name: 'zeromq push/pull, ipc' },
  'unix-socket-messages': { name: 'unix socket, length prefix' },
  'unix-socket-messages-packed': { name: 'unix socket, 100 at a time', packed: true },
  'process-send': { name: 'process.send' },
  'redis-list': { name: 'Redis list' },
  'redis-list-pipelined': { name: 'Redis list, 100 at a time', packed: true },
};
const OURS = ['queue', 'queue-packed'];

// Fewer of what is larger or goes slower, so that each takes about as long.
const SHARE = { 16: 1, 256: 1, 4096: 0.5, 65_536: 0.1 };
const shareOf = (way, size) => {
  if (way === 'queue-packed' && size < 4096) return 5;
  return SHARE[size] * (OURS.includes(way) ? 1 : 0.1);
};

const contestants = ({ crowds, bytes }) =>
  crowds.flatMap((crowd) =>
    bytes.flatMap((size) => Object.keys(WAYS).map((rival) => ({ rival, size, crowd }))),
  );

export const roles = {
  /** One process on its own: enqueue and dequeue. */
  alone({ place, which, messages }) {
    const queue = Queue.create(ringName(place), { capacity: CAPACITY });
    const message = Buffer.alloc(SMALL, 'm');
    const target = Buffer.alloc(SMALL);
    const { dequeue } = ALONE[which];
    const lap = () => {
      let bytes = 0;
      for (let i = 0; i < LAP; i += 1) {
        queue.tryEnqueue(message);
        bytes += dequeue(queue, target);
      }
      if (bytes !== LAP * SMALL) throw new Error(`received ${bytes} bytes in ${LAP} messages`);
    };
    // For the compiler.
    for (let i = 0; i < 20; i += 1) lap();
    return () => {
      for (let i = 0; i < messages; i += LAP) lap();
    };
  },

  async sender({ rival, ...part }) {
    const { sender } = (await loadRival(rival)).messages;
    const send = await sender(part);
    return () => send(Buffer.alloc(part.size, 'm'), part.messages / part.crowd);
  },

  async receiver({ rival, ...part }) {
    const { receiver } = (await loadRival(rival)).messages;
    return receiver(part);
  },

  answerer({ place, calls }) {
    const asked = Queue.create(ringName(place, 'asked'), { capacity: CAPACITY, wait: 'busy-spin' });
    const answered = Queue.create(ringName(place, 'answered'), {
      capacity: CAPACITY,
      wait: 'busy-spin',
    });
    return async () => {
      for (let i = 0; i < calls; i += 1) await answered.enqueue(await asked.dequeue());
    };
  },

  caller({ place, calls, warmUp }) {
    const asked = Queue.open(ringName(place, 'asked'), { wait: 'busy-spin' });
    const answered = Queue.open(ringName(place, 'answered'), { wait: 'busy-spin' });
    const call = Buffer.alloc(MAX_CALL);
    return async () => {
      const nanoseconds = [];
      for (let i = 0; i < calls; i += 1) {
        call.writeUInt32LE(i);
        const begin = performance.now();
        await asked.enqueue(call);
        const answer = await answered.dequeue();
        const took = performance.now() - begin;
        if (answer.readUInt32LE(0) !== i)
          throw new Error(`asked ${i}, was answered something else`);
        if (i >= warmUp) nanoseconds.push(Math.round(took * 1e6));
      }
      return nanoseconds;
    };
  },
};

const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** Nanoseconds for each message in one process. */
function alone(which, messages) {
  return withPlace(async (place) => {
    const [{ begin, end }] = await together('queue', [{ role: 'alone', place, which, messages }]);
    return (end - begin) / messages;
  });
}

/** Nanoseconds for each message between processes, until the last was received. */
function between({ rival, size, crowd }, messages) {
  const count = Math.ceil((messages * shareOf(rival, size)) / crowd) * crowd;
  return withPlace(async (place) => {
    const part = { rival, place, size, crowd, messages: count };
    // Whoever is bound to is there first.
    const run = () =>
      together('queue', [
        ...list(crowd, (index) => ({ ...part, role: 'receiver', index })),
        ...list(crowd, (index) => ({ ...part, role: 'sender', index })),
      ]);
    const times = await (REDIS.includes(rival) ? withRedis(place, run) : run());
    const received = times.slice(0, crowd).reduce((sum, { result }) => sum + result, 0);
    if (received !== count) throw new Error(`${rival}: received ${received} of ${count}`);
    const begin = Math.min(...times.slice(crowd).map((time) => time.begin));
    const end = Math.max(...times.slice(0, crowd).map((time) => time.end));
    return (end - begin) / count;
  });
}

function roundTrip({ warmUp, calls }) {
  return withPlace(async (place) => {
    const part = { place, warmUp, calls: warmUp + calls };
    const times = await together('queue', [
      { ...part, role: 'answerer' },
      { ...part, role: 'caller' },
    ]);
    return times[1].result;
  });
}

/** Those that can be loaded on this machine. */
async function available(all) {
  const missing = [];
  try {
    await import('zeromq');
  } catch (error) {
    console.log(`without zeromq, which cannot be loaded: ${error.message}`);
    missing.push('zeromq-push');
  }
  if (!redisInstalled()) {
    console.log('without a Redis list: no redis-server is installed');
    missing.push(...REDIS);
  }
  return all.filter(({ rival }) => !missing.includes(rival));
}

async function run({ inProcess, messages, rounds, crowds, bytes, ...calls }) {
  const aloneCosts = (
    await alternate(ALONE, rounds * 3, (one) => alone(ALONE.indexOf(one), inProcess))
  ).map(summary);
  const all = await available(contestants({ crowds, bytes }));
  const costs = (await alternate(all, rounds, (one) => between(one, messages))).map(summary);
  const histogram = build({ numberOfSignificantValueDigits: 3 });
  for (let round = 0; round < rounds; round += 1) {
    for (const nanoseconds of await roundTrip(calls)) histogram.recordValue(nanoseconds);
  }
  const p50 = histogram.getValueAtPercentile(50);
  return [
    ...ALONE.map(({ name }, i) => ({ name, cost: aloneCosts[i] })),
    ...all.map(({ rival, size, crowd }, i) => {
      const times = (packed) => {
        const others = costs.filter((_, j) => {
          const other = all[j];
          const same = other.size === size && other.crowd === crowd && !OURS.includes(other.rival);
          return same && Boolean(WAYS[other.rival].packed) === packed;
        });
        return Math.min(...others.map(({ median }) => median)) / costs[i].median;
      };
      return {
        name: `${WAYS[rival].name}, ${size} bytes, ${crowd}x${crowd}`,
        cost: costs[i],
        ...(OURS.includes(rival) && { timesSingle: times(false), timesPacked: times(true) }),
      };
    }),
    {
      name: 'two queues, await, there and back (p50)',
      cost: {
        median: p50,
        min: histogram.minNonZeroValue,
        max: histogram.maxValue,
        samples: [p50],
      },
    },
  ];
}

export const scenario = {
  name: 'queue',
  about: 'messages to one of the consumers each: in one process, between processes, there and back',
  sizes: {
    short: {
      inProcess: 100_000,
      messages: 20_000,
      crowds: [1],
      bytes: [16, 4096],
      rounds: 1,
      warmUp: 1_000,
      calls: 4_000,
    },
    long: {
      inProcess: 1_000_000,
      messages: 1_000_000,
      crowds: [1, 2, 4],
      bytes: [16, 256, 4096, 65_536],
      rounds: 5,
      warmUp: 5_000,
      calls: 50_000,
    },
  },
  columns: [
    nameColumn,
    ...costColumns('message'),
    column('x best one by one', ({ timesSingle }) => timesSingle, 2),
    column('x best 100 at a time', ({ timesPacked }) => timesPacked, 2),
  ],
  chart: lessIsBetter('ns per message', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
