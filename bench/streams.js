// How fast bytes stream to another process.
import { moreIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { Participant, together } from './harness/participants.js';
import { readPattern, writePattern } from './harness/pattern.js';
import { withPlace } from './harness/place.js';
import { alternate, summary } from './harness/samples.js';
import { nameColumn, rateColumns, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const KIB = 1024;
const CHUNK = 64 * KIB;
const SIZES = [64 * KIB, 1024 * KIB];

const RIVAL = 'shared-memory-disruptor';
const CONTESTANTS = [
  ...SIZES.flatMap((size) =>
    ['shm-disruptor', RIVAL].map((rival) => ({
      name: `${rival}, ring of ${size / KIB} KiB`,
      rival,
      size,
    })),
  ),
  { name: 'unix socket', rival: 'unix-socket' },
  { name: 'stdio pipe', rival: 'stdio-pipe', parent: true },
];

export const roles = {
  async reader({ rival, place, size, chunks }) {
    const { streams } = await loadRival(rival);
    const open = await streams.reader(place, size);
    return async () => readPattern(await open(), chunks * CHUNK);
  },

  async writer({ rival, place, size, chunks }) {
    const { streams } = await loadRival(rival);
    const stream = await streams.writer(place, size);
    return () => writePattern(stream, chunks, CHUNK);
  },

  // Writes to the standard input of a child of its own, which reads.
  async parent({ rival, chunks }) {
    const child = new Participant('streams', { role: 'reader', rival, chunks }, 'pipe');
    await child.answer();
    return async () => {
      const [read] = await Promise.all([child.go(), writePattern(child.stdin, chunks, CHUNK)]);
      return read;
    };
  },
};

/** Gigabytes (10^9) a second, until everything is read. */
function throughput({ rival, size, parent }, chunks) {
  return withPlace(async (place) => {
    const part = { rival, place, size, chunks };
    const used = parent ? ['parent'] : ['reader', 'writer'];
    const times = await together(
      'streams',
      used.map((role) => ({ ...part, role })),
    );
    const { end } = times[0].result ?? times[0];
    return (chunks * CHUNK) / (end - Math.min(...times.map(({ begin }) => begin)));
  });
}

async function run({ chunks, rounds }) {
  const samples = await alternate(CONTESTANTS, rounds, (one) => throughput(one, chunks));
  const rates = samples.map(summary);
  return CONTESTANTS.map(({ name, size }, i) => {
    const theirs = CONTESTANTS.findIndex((one) => one.rival === RIVAL && one.size === size);
    return {
      name,
      rate: rates[i],
      timesRival: theirs < 0 ? undefined : rates[i].median / rates[theirs].median,
    };
  });
}

export const scenario = {
  name: 'streams',
  about: 'chunks of 64 KiB through Node streams between two processes',
  sizes: {
    short: { chunks: 10_000, rounds: 2 },
    long: { chunks: 100_000, rounds: 9 },
  },
  columns: [nameColumn, ...rateColumns('GB/s'), ratioColumn],
  chart: moreIsBetter('GB/s', ({ rate }) => rate.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
