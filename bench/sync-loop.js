// What one message costs when each is claimed, written, committed and read on its own.
import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { ringName, withPlace } from './harness/place.js';
import { manyToMany } from './harness/many-to-many.js';
import { alternate, summary } from './harness/samples.js';
import { costColumns, nameColumn, ratioColumn } from './harness/table.js';
import { compileNative, nativeSyncLoop } from './rivals/native.js';
import { loadRival } from './rivals/rival.js';

const ELEMENTS = 65_536;
const ELEMENT_SIZE = 4;

const now = () => Number(process.hrtime.bigint());

// The upper bits of a message say whose it is, so that each producer's order can be checked.
const PRODUCER_SHIFT = 28;
const MESSAGES_OF_ONE = 2 ** PRODUCER_SHIFT;

/** With one producer, messages are numbered through. */
function checkInOrder(buf, first) {
  let expected = first;
  for (let j = 0; j < buf.length; j += ELEMENT_SIZE) {
    const value = buf.readUInt32LE(j);
    if (value !== expected) throw new Error(`expected ${expected}, read ${value}`);
    expected += 1;
  }
}

function checkEachProducer(buf, expected) {
  for (let j = 0; j < buf.length; j += ELEMENT_SIZE) {
    const value = buf.readUInt32LE(j);
    const from = value >>> PRODUCER_SHIFT;
    if (value !== expected[from]) throw new Error(`unexpected message ${value}`);
    expected[from] += 1;
  }
}

export const roles = {
  async producer({ rival, place, producer, producers, consumers, messages, warmUp = 0, single }) {
    const { Disruptor } = await loadRival(rival);
    const name = ringName(place);
    const init = producer === 0;
    const sizes = { elements: ELEMENTS, elementSize: ELEMENT_SIZE, consumers };
    const d = single
      ? new Disruptor({ name, ...sizes, init, spin: true, producers: 'single' })
      : new Disruptor(name, ELEMENTS, ELEMENT_SIZE, consumers, -1, init, true);
    const first = producer * MESSAGES_OF_ONE;
    const begin = first + warmUp / producers;
    const send = (from, to) => {
      for (let i = from; i < to; i += 1) {
        const buf = d.produceClaimSync();
        buf.writeUInt32LE(i, 0);
        d.produceCommitSync();
      }
    };
    return () => {
      send(first, begin);
      const begun = now();
      send(begin, begin + messages / producers);
      return begun;
    };
  },

  async consumer({ rival, place, consumer, producers, consumers, messages, warmUp = 0 }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(
      ringName(place),
      ELEMENTS,
      ELEMENT_SIZE,
      consumers,
      consumer,
      false,
      true,
    );
    const expected = Uint32Array.from({ length: producers }, (_, i) => i * MESSAGES_OF_ONE);
    const check = producers === 1 ? checkInOrder : (buf) => checkEachProducer(buf, expected);
    return () => {
      for (let seen = 0; seen < warmUp + messages;) {
        for (const buf of d.consumeNewSync()) {
          check(buf, seen);
          seen += buf.length / ELEMENT_SIZE;
        }
      }
      d.consumeCommit();
    };
  },
};

/**
 * Nanoseconds for each message, from when the first producer has sent its part of `crowd.warmUp` others
 * until the last was seen: manyToMany's. In a crowd that is `single`, the ring is made for one producer.
 */
export function syncLoop(rival, messages, crowd = { producers: 1, consumers: 1 }, limit) {
  return manyToMany('sync-loop', { rival, messages, ...crowd }, limit);
}

function nativeLimit(messages) {
  return withPlace(async (place) => {
    const { begin, end } = await nativeSyncLoop(place, ELEMENTS, messages);
    return (end - begin) / messages;
  });
}

const RIVAL = 'shared-memory-disruptor';

const PAIR = { producers: 1, consumers: 1 };

const CONTESTANTS = [
  {
    name: 'shm-disruptor',
    measure: (messages, warmUp) => syncLoop('shm-disruptor', messages, { ...PAIR, warmUp }),
  },
  {
    name: 'shm-disruptor, for one producer',
    measure: (messages, warmUp) =>
      syncLoop('shm-disruptor', messages, { ...PAIR, warmUp, single: true }),
  },
  {
    name: RIVAL,
    measure: (messages, warmUp) => syncLoop(RIVAL, messages, { ...PAIR, warmUp }),
  },
  { name: 'native limit (C++, same core)', measure: nativeLimit },
];

async function run({ messages, warmUp, rounds }) {
  compileNative();
  const samples = await alternate(CONTESTANTS, rounds, ({ measure }) => measure(messages, warmUp));
  const costs = samples.map(summary);
  const theirs = CONTESTANTS.findIndex(({ name }) => name === RIVAL);
  return CONTESTANTS.map(({ name }, i) => ({
    name,
    cost: costs[i],
    timesRival: costs[theirs].median / costs[i].median,
  }));
}

export const scenario = {
  name: 'sync-loop',
  about: '4-byte messages one by one through a ring of 65,536, sync, between two processes',
  sizes: {
    // Compiling, and the first lap, are not timed.
    short: { messages: 500_000, warmUp: 200_000, rounds: 3 },
    long: { messages: 10_000_000, warmUp: 2_000_000, rounds: 9 },
  },
  columns: [nameColumn, ...costColumns('message'), ratioColumn],
  chart: lessIsBetter('ns per message', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
