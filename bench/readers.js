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

/** As in the rival's own test of so many readers; and with a ring that is a chunk long. */
const KINDS = [
  { name: 'writer in the same process, ring of 10,000 bytes', ring: 10_000, alone: true },
  { name: 'writer in another process, ring of 64 KiB', ring: 64 * KIB, alone: false },
];

const OURS = 'shm-disruptor';
const RIVAL = 'shared-memory-disruptor';

const attach = ({ Disruptor }, { place, ring }, consumer) =>
  new Disruptor(ringName(place), ring, 1, READERS, consumer, consumer === 0, false);

async function readers(part) {
  const library = await loadRival(part.rival);
  const streams = Array.from(
    { length: READERS },
    (_, consumer) => new library.DisruptorReadStream(attach(library, part, consumer)),
  );
  return async () => {
    await Promise.all(streams.map((stream) => readPattern(stream, CHUNKS * CHUNK)));
  };
}

async function writer(part) {
  const library = await loadRival(part.rival);
  const stream = new library.DisruptorWriteStream(attach(library, part, -1));
  return () => writePattern(stream, CHUNKS, CHUNK);
}

export const roles = {
  readers,
  writer,
  async everybody(part) {
    const all = [await readers(part), await writer(part)];
    return () => Promise.all(all.map((run) => run()));
  },
};

/** Seconds until the last reader has read everything. */
function seconds(rival, { ring, alone }) {
  return withPlace(async (place) => {
    const participants = alone ? ['everybody'] : ['readers', 'writer'];
    const times = await together(
      'readers',
      participants.map((role) => ({ role, rival, place, ring })),
    );
    return (times[0].end - Math.min(...times.map(({ begin }) => begin))) / 1e9;
  });
}

async function measure(rival, kind, rounds) {
  const samples = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await seconds(rival, kind));
  return { name: `${rival}, ${kind.name}`, seconds: summary(samples) };
}

async function run({ rounds, rivalToo }) {
  const rows = [];
  for (const kind of KINDS) {
    const ours = await measure(OURS, kind, rounds);
    rows.push(ours);
    if (!rivalToo) continue;
    // Once: it may take many seconds.
    const theirs = await measure(RIVAL, kind, 1);
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
