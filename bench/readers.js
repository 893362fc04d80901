// How long it takes until everybody in a crowd has read the same stream.
import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { readPattern, writePattern } from './harness/pattern.js';
import { ringName, withPlace } from './harness/place.js';
import { summary } from './harness/samples.js';
import { column, nameColumn, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const KIB = 1024;
const READERS = 1_000;
const CHUNK = 64 * KIB;
const CHUNKS = 16;

/** Bytes: the ring that the rival's own test has for so many readers, and one that is a chunk long. */
const RINGS = [10_000, 64 * KIB];

const OURS = 'shm-disruptor';
const RIVAL = 'shared-memory-disruptor';

export const roles = {
  async readers({ rival, place, ring }) {
    const { Disruptor, DisruptorReadStream } = await loadRival(rival);
    const attach = (consumer) =>
      new Disruptor(ringName(place), ring, 1, READERS, consumer, consumer === 0, false);
    const streams = Array.from(
      { length: READERS },
      (_, consumer) => new DisruptorReadStream(attach(consumer)),
    );
    return async () => {
      await Promise.all(streams.map((stream) => readPattern(stream, CHUNKS * CHUNK)));
    };
  },

  async writer({ rival, place, ring }) {
    const { Disruptor, DisruptorWriteStream } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ring, 1, READERS, -1, false, false);
    const stream = new DisruptorWriteStream(d);
    return () => writePattern(stream, CHUNKS, CHUNK);
  },
};

/** Seconds until the last reader has read everything. */
function seconds(rival, ring) {
  return withPlace(async (place) => {
    const [readers, writer] = await together('readers', [
      { role: 'readers', rival, place, ring },
      { role: 'writer', rival, place, ring },
    ]);
    return (readers.end - Math.min(readers.begin, writer.begin)) / 1e9;
  });
}

async function measure(rival, ring, rounds) {
  const samples = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await seconds(rival, ring));
  return {
    name: `${rival}, ring of ${ring.toLocaleString('en')} bytes`,
    seconds: summary(samples),
  };
}

async function run({ rounds, rivalToo }) {
  const rows = [];
  for (const ring of RINGS) {
    const ours = await measure(OURS, ring, rounds);
    rows.push(ours);
    if (!rivalToo) continue;
    // Once: it may take many seconds.
    const theirs = await measure(RIVAL, ring, 1);
    ours.timesRival = theirs.seconds.median / ours.seconds.median;
    rows.push({ ...theirs, timesRival: 1 });
  }
  return rows;
}

export const scenario = {
  name: 'readers',
  about: `${READERS} readers of one ring in one process, 1 MiB each`,
  sizes: {
    short: { rounds: 1, rivalToo: false },
    long: { rounds: 5, rivalToo: true },
  },
  columns: [nameColumn, column('seconds', (row) => row.seconds.median, 2), ratioColumn],
  chart: lessIsBetter('seconds', (row) => row.seconds.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
