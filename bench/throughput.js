// What a message costs when several are claimed, committed and read at once.
import { commandLineOf } from './harness/command-line.js';
import { ringName, withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { alternate, summary } from './harness/samples.js';
import { column, costColumns, nameColumn, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';
import { syncLoop } from './sync-loop.js';

const ELEMENTS = 65_536;
const ELEMENT_SIZE = 4;

// Larger batches go faster: more messages make the time long enough to measure.
const BATCHES = [
  { batch: 1, times: 1 },
  { batch: 10, times: 4 },
  { batch: 100, times: 20 },
  { batch: 1000, times: 40 },
];

// All elements as numbers. One view for the whole run: making one for each batch would be most of
// what is measured. A range of sequences is then one run of slots, or two when it wraps.
function numbers(d) {
  const { buffer, byteOffset, length } = d.elements;
  return new Uint32Array(buffer, byteOffset, length / ELEMENT_SIZE);
}

export const roles = {
  async producer({ rival, place, batch, messages }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ELEMENTS, ELEMENT_SIZE, 1, -1, true, true);
    const slots = numbers(d);
    return () => {
      for (let value = 0; value < messages;) {
        d.produceClaimManySync(batch);
        const from = d.prevClaimStart % ELEMENTS;
        const to = from + batch;
        const wrap = Math.min(to, ELEMENTS);
        for (let slot = from; slot < wrap; slot += 1, value += 1) slots[slot] = value;
        for (let slot = 0; slot < to - wrap; slot += 1, value += 1) slots[slot] = value;
        d.produceCommitSync();
      }
    };
  },

  async consumer({ rival, place, messages }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ELEMENTS, ELEMENT_SIZE, 1, 0, false, true);
    const slots = numbers(d);
    return () => {
      let seen = 0;
      let sum = 0;
      while (seen < messages) {
        let bytes = 0;
        for (const buf of d.consumeNewSync()) bytes += buf.length;
        const from = d.prevConsumeStart % ELEMENTS;
        const to = from + bytes / ELEMENT_SIZE;
        const wrap = Math.min(to, ELEMENTS);
        for (let slot = from; slot < wrap; slot += 1) sum += slots[slot];
        for (let slot = 0; slot < to - wrap; slot += 1) sum += slots[slot];
        seen += to - from;
      }
      d.consumeCommit();
      // Of 0, 1, 2, ...; below 2^53.
      const expected = (messages / 2) * (messages - 1);
      if (sum !== expected) throw new Error(`expected a sum of ${expected}, got ${sum}`);
    };
  },
};

function syncBatches(rival, batch, messages) {
  return withPlace(async (place) => {
    const [producer, consumer] = await together('sync-batches', [
      { role: 'producer', rival, place, batch, messages },
      { role: 'consumer', rival, place, messages },
    ]);
    return (consumer.end - Math.min(producer.begin, consumer.begin)) / messages;
  });
}

function contestants(messages) {
  const batches = (rival) =>
    BATCHES.map(({ batch, times }) => ({
      name: `${rival}, batches of ${batch}`,
      batch,
      measure: () => syncBatches(rival, batch, messages * times),
    }));
  return [
    {
      name: 'shm-disruptor, sync-loop',
      measure: () => syncLoop('shm-disruptor', messages),
    },
    ...batches('shm-disruptor'),
    ...batches('shared-memory-disruptor'),
  ];
}

async function run({ messages, rounds }) {
  const all = contestants(messages);
  const costs = (await alternate(all, rounds, ({ measure }) => measure())).map(summary);
  const perMessage = costs[0].median;
  return all.map(({ name, batch }, i) => {
    const { median } = costs[i];
    // The rival's come last.
    const rival = costs[all.findLastIndex((other) => other.batch === batch)];
    return {
      name,
      cost: costs[i],
      timesPerMessage: perMessage / median,
      timesRival: batch && rival.median / median,
    };
  });
}

export const scenario = {
  name: 'sync-batches',
  about: '4-byte messages in batches through a ring of 65,536, sync, between two processes',
  sizes: {
    short: { messages: 500_000, rounds: 3 },
    long: { messages: 2_000_000, rounds: 9 },
  },
  columns: [
    nameColumn,
    ...costColumns('message'),
    column('x sync-loop', ({ timesPerMessage }) => timesPerMessage, 2),
    ratioColumn,
  ],
  run,
};

await commandLineOf(import.meta.url, scenario);
