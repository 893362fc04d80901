// Broadcasts: what publishing costs with nobody, one and four who listen, what receiving costs, and how
// long a question takes and its answer, under traffic and after idling.
import { Broadcast } from 'shm-disruptor';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { ringName, withPlace } from './harness/place.js';
import { redisInstalled, withRedis } from './harness/redis.js';
import { alternate, summary } from './harness/samples.js';
import { column, costColumns, nameColumn } from './harness/table.js';
import { inThreads } from './harness/threads.js';
import { loadRival } from './rivals/rival.js';
import { percentiles, roundTrips } from './round-trip.js';

const BYTES = 64;
const ELEMENTS = 8192;
const CROWDS = [1, 4];

// Rivals publish fewer, so that each takes about as long.
const RIVALS = [
  { rival: 'broadcast', title: 'shm-disruptor broadcast', share: 1 },
  { rival: 'redis-publish', title: 'Redis publish/subscribe, 100 at a time', share: 0.05 },
  { rival: 'udp', title: 'UDP on loopback', share: 0.02 },
  { rival: 'broadcast-channel', title: 'BroadcastChannel, threads', share: 0.05, threads: true },
];

const RECEIVING = [
  {
    name: 'receiving 64 bytes, into a reused buffer',
    receive: (subscription, target) => subscription.tryReceive(target),
  },
  {
    name: 'receiving 64 bytes, a new Buffer each',
    receive: (subscription) => subscription.tryReceive(),
  },
  {
    name: 'the newest alone, 64 bytes',
    receive: (subscription) => subscription.latest(),
  },
];

const LATENCIES = [
  { rival: 'broadcast', link: 'sync', title: 'receiveSync, spinning' },
  { rival: 'broadcast', link: 'await', title: 'await' },
  { rival: 'redis-publish', link: 'await', title: 'Redis publish/subscribe' },
  { rival: 'udp', link: 'await', title: 'UDP on loopback' },
  { rival: 'broadcast-channel', link: 'await', title: 'BroadcastChannel', threads: true },
];

const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** A publisher and its subscribers: whoever is subscribed is there first. */
const partsOf = (part) => [
  ...list(part.crowd, (index) => ({ ...part, role: 'subscriber', index })),
  { ...part, role: 'publisher' },
];

export const roles = {
  /** One process on its own, which reads what it has published. */
  alone({ place, which, messages }) {
    const broadcast = Broadcast.create(ringName(place), { elements: ELEMENTS, elementSize: BYTES });
    const subscription = broadcast.subscribe();
    const message = Buffer.alloc(BYTES, 'm');
    const target = Buffer.alloc(BYTES);
    const { receive } = RECEIVING[which];
    const lap = () => {
      for (let i = 0; i < ELEMENTS; i += 1) broadcast.publish(message);
      const begin = performance.now();
      for (let i = 0; i < ELEMENTS; i += 1) {
        const { lost } = receive(subscription, target);
        if (lost !== 0) throw new Error(`${lost} lost`);
      }
      const took = performance.now() - begin;
      subscription.seek('latest');
      return took;
    };
    // For the compiler.
    for (let i = 0; i < 5; i += 1) lap();
    return () => {
      let milliseconds = 0;
      const laps = Math.ceil(messages / ELEMENTS);
      for (let i = 0; i < laps; i += 1) milliseconds += lap();
      return (milliseconds * 1e6) / (laps * ELEMENTS);
    };
  },

  async publisher({ rival, ...part }) {
    const { publisher } = (await loadRival(rival)).news;
    const { publish, end } = await publisher(part);
    const message = Buffer.alloc(part.size, 'm');
    return async () => {
      const begin = performance.now();
      await publish(message, part.messages);
      const took = performance.now() - begin;
      await end();
      return (took * 1e6) / part.messages;
    };
  },

  async subscriber({ rival, ...part }) {
    const { subscriber } = (await loadRival(rival)).news;
    return subscriber(part);
  },

  /** To nobody at all. */
  async unheard({ place, messages }) {
    const broadcast = Broadcast.create(ringName(place), { elements: ELEMENTS, elementSize: BYTES });
    const message = Buffer.alloc(BYTES, 'm');
    return () => {
      for (let i = 0; i < messages; i += 1) broadcast.publish(message);
    };
  },

  async threads(part) {
    const all = await inThreads('broadcast', partsOf(part));
    return async () => (await all()).map(({ result }) => result);
  },
};

/** Nanoseconds for each message that is received. */
function receiving(which, messages) {
  return withPlace(async (place) => {
    const [{ result }] = await together('broadcast', [{ role: 'alone', place, which, messages }]);
    return result;
  });
}

function unheard(messages) {
  return withPlace(async (place) => {
    const [{ begin, end }] = await together('broadcast', [{ role: 'unheard', place, messages }]);
    return (end - begin) / messages;
  });
}

/** Calls `measure` with a place where the rival has what it needs. */
function withServer(rival, measure) {
  return withPlace((place) =>
    rival === 'redis-publish' ? withRedis(place, () => measure(place)) : measure(place),
  );
}

/** Nanoseconds of the publisher's for each message, and the part of all messages that arrived. */
function heard({ rival, crowd, share, threads }, messages) {
  return withServer(rival, async (place) => {
    const count = Math.ceil(messages * share);
    const part = { rival, place, size: BYTES, crowd, messages: count };
    const results = threads
      ? (await together('broadcast', [{ ...part, role: 'threads' }]))[0].result
      : (await together('broadcast', partsOf(part))).map(({ result }) => result);
    const received = results.slice(0, crowd).reduce((sum, each) => sum + each, 0);
    return { nanoseconds: results[crowd], arrived: received / (count * crowd) };
  });
}

function latency({ rival, link, threads }, size) {
  return roundTrips({ rival, link, threads }, size, (measure) => withServer(rival, measure));
}

/** Without what is not installed here. */
function available(all) {
  if (redisInstalled()) return all;
  console.log('without Redis publish/subscribe: no redis-server is installed');
  return all.filter(({ rival }) => rival !== 'redis-publish');
}

async function run({ messages, rounds, calls, idleCalls, idle }) {
  const alone = await alternate(RECEIVING, rounds, (one) =>
    receiving(RECEIVING.indexOf(one), messages),
  );
  const [nobody] = await alternate([undefined], rounds, () => unheard(messages));
  const crowds = available(RIVALS).flatMap((one) => CROWDS.map((crowd) => ({ ...one, crowd })));
  const published = await alternate(crowds, rounds, (one) => heard(one, messages));
  const asked = available(LATENCIES).flatMap((one) => [
    { ...one, when: 'busy', size: { warmUp: calls / 5, counted: calls } },
    { ...one, when: `every ${idle} ms`, size: { warmUp: 100, counted: idleCalls, idle } },
  ]);
  const answered = await alternate(asked, rounds, (one) => latency(one, one.size));
  return [
    { name: 'publishing 64 bytes to nobody', cost: summary(nobody) },
    ...crowds.map(({ title, crowd }, i) => ({
      name: `publishing 64 bytes to ${crowd}, ${title}`,
      cost: summary(published[i].map(({ nanoseconds }) => nanoseconds)),
      arrived: summary(published[i].map(({ arrived }) => 100 * arrived)).median,
    })),
    ...RECEIVING.map(({ name }, i) => ({ name, cost: summary(alone[i]) })),
    ...asked.map(({ title, when }, i) => ({
      name: `there and back (p50), ${when}: ${title}`,
      cost: summary(answered[i].map((one) => 1e3 * percentiles([one]).p50)),
    })),
  ];
}

export const scenario = {
  name: 'broadcast',
  about: 'messages to whoever is in time: publishing, receiving, there and back',
  sizes: {
    short: { messages: 100_000, rounds: 1, calls: 2_000, idleCalls: 50, idle: 10 },
    long: { messages: 5_000_000, rounds: 5, calls: 50_000, idleCalls: 500, idle: 10 },
  },
  columns: [
    nameColumn,
    ...costColumns('message'),
    column('arrived %', ({ arrived }) => arrived, 1),
  ],
  chart: lessIsBetter('ns per message', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
