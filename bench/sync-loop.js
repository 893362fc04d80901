// What one message costs when each is claimed, written, committed and read on its own.
import { commandLineOf } from './harness/command-line.js';
import { ringName, withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { alternate, summary } from './harness/samples.js';
import { costColumns, nameColumn, ratioColumn } from './harness/table.js';
import { compileNative, nativeSyncLoop } from './rivals/native.js';
import { loadRival } from './rivals/rival.js';

const ELEMENTS = 65_536;
const ELEMENT_SIZE = 4;

export const roles = {
  async producer({ rival, place, messages }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ELEMENTS, ELEMENT_SIZE, 1, -1, true, true);
    return () => {
      for (let i = 0; i < messages; i += 1) {
        const buf = d.produceClaimSync();
        buf.writeUInt32LE(i, 0);
        d.produceCommitSync();
      }
    };
  },

  async consumer({ rival, place, messages }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ELEMENTS, ELEMENT_SIZE, 1, 0, false, true);
    return () => {
      let expected = 0;
      while (expected < messages) {
        for (const buf of d.consumeNewSync()) {
          for (let j = 0; j < buf.length; j += ELEMENT_SIZE) {
            const value = buf.readUInt32LE(j);
            if (value !== expected) throw new Error(`expected ${expected}, read ${value}`);
            expected += 1;
          }
        }
      }
      d.consumeCommit();
    };
  },
};

/** From the moment both are ready until the consumer has seen the last message. */
export function syncLoop(rival, messages) {
  return withPlace(async (place) => {
    const [producer, consumer] = await together('sync-loop', [
      { role: 'producer', rival, place, messages },
      { role: 'consumer', rival, place, messages },
    ]);
    return (consumer.end - Math.min(producer.begin, consumer.begin)) / messages;
  });
}

function nativeLimit(messages) {
  return withPlace(async (place) => {
    const { begin, end } = await nativeSyncLoop(place, ELEMENTS, messages);
    return (end - begin) / messages;
  });
}

const CONTESTANTS = [
  { name: 'shm-disruptor', measure: (messages) => syncLoop('shm-disruptor', messages) },
  {
    name: 'shared-memory-disruptor',
    measure: (messages) => syncLoop('shared-memory-disruptor', messages),
  },
  { name: 'native limit (C++, same core)', measure: nativeLimit },
];

async function run({ messages, rounds }) {
  compileNative();
  const samples = await alternate(CONTESTANTS, rounds, ({ measure }) => measure(messages));
  const costs = samples.map(summary);
  return CONTESTANTS.map(({ name }, i) => ({
    name,
    cost: costs[i],
    timesRival: costs[1].median / costs[i].median,
  }));
}

export const scenario = {
  name: 'sync-loop',
  about: '4-byte messages one by one through a ring of 65,536, sync, between two processes',
  sizes: {
    short: { messages: 1_000_000, rounds: 3 },
    long: { messages: 10_000_000, rounds: 9 },
  },
  columns: [nameColumn, ...costColumns('message'), ratioColumn],
  run,
};

await commandLineOf(import.meta.url, scenario);
