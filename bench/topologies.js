// The topologies that LMAX measures its Disruptor with, between processes.
import { Ring } from 'shm-disruptor';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { ringName, withPlace } from './harness/place.js';
import { alternate, summary } from './harness/samples.js';
import { costColumns, nameColumn } from './harness/table.js';

const ELEMENTS = 65_536;
const ELEMENT_SIZE = 8;
const BATCH = 100;

/** Who consumes, and after whom. */
const TOPOLOGIES = [
  { name: 'unicast: 1 producer, 1 consumer', producers: 1, consumers: { a: {} } },
  {
    name: 'pipeline: 1 producer, 3 steps',
    producers: 1,
    consumers: { a: {}, b: { after: 'a' }, c: { after: 'b' } },
  },
  { name: 'sequencer: 3 producers, 1 consumer', producers: 3, consumers: { a: {} } },
  { name: 'multicast: 1 producer, 3 consumers', producers: 1, consumers: { a: {}, b: {}, c: {} } },
  {
    name: 'diamond: 1 producer, 2 consumers, 1 after both',
    producers: 1,
    consumers: { a: {}, b: {}, c: { after: ['a', 'b'] } },
  },
];

/** How messages are sent: one by one or in batches, to a ring for many producers or for one. */
const WAYS = [
  { way: 'one by one', batch: 1, kind: 'multi', times: 1 },
  { way: 'one by one, single producer', batch: 1, kind: 'single', times: 1 },
  { way: `batches of ${BATCH}`, batch: BATCH, kind: 'multi', times: 10 },
  { way: `batches of ${BATCH}, single producer`, batch: BATCH, kind: 'single', times: 10 },
];

const CONTESTANTS = TOPOLOGIES.flatMap((topology) =>
  WAYS.filter(({ kind }) => kind === 'multi' || topology.producers === 1).map((way) => ({
    ...topology,
    ...way,
    name: `${topology.name}, ${way.way}`,
  })),
);

export const roles = {
  creator({ place, consumers, kind }) {
    Ring.create(ringName(place), {
      elements: ELEMENTS,
      elementSize: ELEMENT_SIZE,
      consumers,
      producers: kind,
    });
    return () => undefined;
  },

  producer({ place, batch, count }) {
    const producer = Ring.open(ringName(place)).producer();
    return () => {
      for (let sent = 0; sent < count; sent += batch) {
        const claim = producer.claimSync(batch);
        for (const buf of claim.bufs) {
          for (let i = 0; i < buf.length; i += ELEMENT_SIZE) buf.writeUInt32LE(sent, i);
        }
        claim.commit();
      }
    };
  },

  consumer({ place, consumer, total }) {
    const reader = Ring.open(ringName(place)).consumer(consumer);
    return () => {
      let seen = 0;
      let sum = 0;
      while (seen < total) {
        const batch = reader.nextSync();
        for (const buf of batch.bufs) {
          for (let i = 0; i < buf.length; i += ELEMENT_SIZE) sum += buf.readUInt32LE(i);
        }
        seen += batch.length;
      }
      reader.commit();
      return sum;
    };
  },
};

/** Nanoseconds for each message, until the last consumer has seen the last. */
function cost({ producers, consumers, batch, kind, times }, messages) {
  return withPlace(async (place) => {
    const count = Math.floor((messages * times) / producers / batch) * batch;
    const total = count * producers;
    const names = Object.keys(consumers);
    const results = await together('topologies', [
      { role: 'creator', place, consumers, kind },
      ...Array.from({ length: producers }, () => ({ role: 'producer', place, batch, count })),
      ...names.map((consumer) => ({ role: 'consumer', place, consumer, total })),
    ]);
    const begin = Math.min(...results.slice(1).map((time) => time.begin));
    const end = Math.max(...results.slice(1 + producers).map((time) => time.end));
    return (end - begin) / total;
  });
}

async function run({ messages, rounds }) {
  const samples = await alternate(CONTESTANTS, rounds, (one) => cost(one, messages));
  return CONTESTANTS.map(({ name }, i) => ({ name, cost: summary(samples[i]) }));
}

export const scenario = {
  name: 'topologies',
  about: "8-byte messages through LMAX's topologies, a process for each participant, sync",
  sizes: {
    short: { messages: 100_000, rounds: 1 },
    long: { messages: 1_000_000, rounds: 5 },
  },
  columns: [nameColumn, ...costColumns('message')],
  chart: lessIsBetter('ns per message', ({ cost: { median } }) => median),
  run,
};

await commandLineOf(import.meta.url, scenario);
