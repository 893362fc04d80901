// What a message costs one by one and in batches, small and large, with few and with many at work.
import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { manyToMany } from './harness/many-to-many.js';
import { ringName } from './harness/place.js';
import { alternate, summary } from './harness/samples.js';
import { column, costColumns, nameColumn, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';
import { syncLoop } from './sync-loop.js';

const WORD = 4;
const MAX_ELEMENTS = 65_536;
// Where shared memory is scarce, as in many containers, there are 64 MiB of it.
const MAX_BYTES = 16 * 1024 * 1024;

// Of messages one by one, so many are sent before: compiling takes longer than a batch.
const WARM_UP = 0.2;

const RIVALS = ['shm-disruptor', 'shared-memory-disruptor'];

// One dimension at a time differs from this. What goes faster sends more messages (`times` as
// many), so that the time stays long enough to measure.
const BASE = { batch: 100, elementSize: 4, producers: 1, consumers: 1, times: 20 };
const KINDS = [
  { name: 'one by one', batch: undefined, times: 1 },
  { name: 'one by one, 4 producers', batch: undefined, producers: 4, times: 1 },
  { name: 'one by one, 4 consumers', batch: undefined, consumers: 4, times: 1 },
  { name: 'batches of 1', batch: 1, times: 1 },
  { name: 'batches of 10', batch: 10, times: 4 },
  { name: 'batches of 100' },
  { name: 'batches of 1000', batch: 1000, times: 40 },
  { name: 'batches of 100, 64 bytes', elementSize: 64, times: 3 },
  { name: 'batches of 100, 1024 bytes', elementSize: 1024, times: 0.2 },
  { name: 'batches of 100, 2 producers', producers: 2, times: 5 },
  { name: 'batches of 100, 4 producers', producers: 4, times: 5 },
  { name: 'batches of 100, 2 consumers', consumers: 2, times: 10 },
  { name: 'batches of 100, 4 consumers', consumers: 4, times: 10 },
].map((kind) => ({ ...BASE, ...kind }));

// The ring as one process sees it: all elements as numbers. One view for the whole run: making one
// for each batch would be most of what is measured. A range of sequences is then one run of words,
// or two when it wraps.
async function attach({ rival, place, elementSize, consumers }, consumer, init) {
  const { Disruptor } = await loadRival(rival);
  const elements = Math.min(MAX_ELEMENTS, MAX_BYTES / elementSize);
  const d = new Disruptor(ringName(place), elements, elementSize, consumers, consumer, init, true);
  const { buffer, byteOffset, length } = d.elements;
  return {
    d,
    words: new Uint32Array(buffer, byteOffset, length / WORD),
    wordOf: (sequence) => (sequence % elements) * (elementSize / WORD),
  };
}

/** How many words one producer writes. */
const wordsOfOne = ({ messages, producers, elementSize }) =>
  (messages / producers) * (elementSize / WORD);

export const roles = {
  async producer(part) {
    const { d, words, wordOf } = await attach(part, -1, part.producer === 0);
    const length = part.batch * (part.elementSize / WORD);
    const end = wordsOfOne(part);
    return () => {
      for (let value = 0; value < end;) {
        d.produceClaimManySync(part.batch);
        const from = wordOf(d.prevClaimStart);
        const to = from + length;
        const wrap = Math.min(to, words.length);
        for (let i = from; i < wrap; i += 1, value += 1) words[i] = value;
        for (let i = 0; i < to - wrap; i += 1, value += 1) words[i] = value;
        d.produceCommitSync();
      }
    };
  },

  async consumer(part) {
    const { d, words, wordOf } = await attach(part, part.consumer, false);
    const each = wordsOfOne(part);
    const all = each * part.producers;
    return () => {
      let seen = 0;
      let sum = 0;
      while (seen < all) {
        let bytes = 0;
        for (const buf of d.consumeNewSync()) bytes += buf.length;
        const from = wordOf(d.prevConsumeStart);
        const to = from + bytes / WORD;
        const wrap = Math.min(to, words.length);
        for (let i = from; i < wrap; i += 1) sum += words[i];
        for (let i = 0; i < to - wrap; i += 1) sum += words[i];
        seen += to - from;
      }
      d.consumeCommit();
      // Each producer's 0, 1, 2, ...; below 2^53.
      const expected = part.producers * (each / 2) * (each - 1);
      if (sum !== expected) throw new Error(`expected a sum of ${expected}, got ${sum}`);
    };
  },
};

/** Undefined if it took too long. */
function measure(rival, { batch, elementSize, producers, consumers }, messages, limit) {
  const crowd = { producers, consumers };
  if (batch === undefined) {
    return syncLoop(rival, messages, { ...crowd, warmUp: messages * WARM_UP }, limit);
  }
  const parameters = { rival, messages, batch, elementSize, ...crowd };
  return manyToMany('throughput', parameters, limit);
}

const CONTESTANTS = RIVALS.flatMap((rival) => KINDS.map((kind) => ({ rival, kind })));

async function run({ messages, rounds, mostSeconds }) {
  // With more producers than processors, each message of the rival's may cost a time slice of the
  // scheduler's. Who takes too long once is not asked again.
  const tooSlow = new Set();
  const samples = await alternate(CONTESTANTS, rounds, async (one) => {
    const count = messages * one.kind.times;
    const cost = tooSlow.has(one)
      ? undefined
      : await measure(one.rival, one.kind, count, mostSeconds * 1e3);
    if (cost === undefined) tooSlow.add(one);
    return cost ?? (mostSeconds * 1e9) / count;
  });
  const costs = samples.map(summary);
  const costOf = (rival, name) =>
    costs[CONTESTANTS.findIndex((one) => one.rival === rival && one.kind.name === name)].median;
  return CONTESTANTS.map(({ rival, kind }, i) => {
    const { name, batch, elementSize, producers, consumers } = kind;
    const { median } = costs[i];
    const alone = batch === undefined ? 'one by one' : `batches of ${batch}`;
    const onlyBatched = batch !== undefined && name === alone;
    return {
      name: `${rival}, ${name}${tooSlow.has(CONTESTANTS[i]) ? ' (more than)' : ''}`,
      producers,
      consumers,
      cost: costs[i],
      rate: elementSize / median,
      timesOneByOne: onlyBatched ? costOf(rival, 'one by one') / median : undefined,
      timesOneProducer: producers > 1 ? costOf(rival, alone) / median : undefined,
      timesRival: costOf(RIVALS.at(-1), name) / median,
    };
  });
}

export const scenario = {
  name: 'throughput',
  about: 'sync, between processes; 4-byte messages, one producer, one consumer where not said',
  sizes: {
    short: { messages: 200_000, rounds: 1, mostSeconds: 3 },
    long: { messages: 2_000_000, rounds: 9, mostSeconds: 30 },
  },
  columns: [
    nameColumn,
    ...costColumns('message'),
    column('GB/s', ({ rate }) => rate, 2),
    column('x one by one', ({ timesOneByOne }) => timesOneByOne, 2),
    column('x one producer', ({ timesOneProducer }) => timesOneProducer, 2),
    ratioColumn,
  ],
  chart: lessIsBetter('ns per message', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
