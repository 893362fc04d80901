// How fast bytes stream to another process.
import { once } from 'node:events';

import { commandLineOf } from './harness/command-line.js';
import { withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { alternate, summary } from './harness/samples.js';
import { nameColumn, rateColumns, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const KIB = 1024;
const CHUNK = 64 * KIB;
const SIZES = [64 * KIB, 1024 * KIB];
// Prime, so that the pattern does not repeat with the chunks or with the ring.
const PERIOD = 251;

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
];

const byteAt = (position) => position % PERIOD;

export const roles = {
  async reader({ rival, place, size, chunks }) {
    const { streams } = await loadRival(rival);
    const open = await streams.reader(place, size);
    return async () => {
      const stream = await open();
      let position = 0;
      stream.on('data', (chunk) => {
        // Not every byte, which would cost about as much as the stream.
        for (const i of [0, chunk.length >> 1, chunk.length - 1]) {
          if (chunk[i] === byteAt(position + i)) continue;
          stream.destroy(new Error(`wrong byte ${chunk[i]} at ${position + i}`));
          return;
        }
        position += chunk.length;
      });
      await once(stream, 'end');
      if (position !== chunks * CHUNK) throw new Error(`read ${position} bytes`);
    };
  },

  async writer({ rival, place, size, chunks }) {
    const { streams } = await loadRival(rival);
    const stream = await streams.writer(place, size);
    const bytes = Buffer.from(Array.from({ length: CHUNK + PERIOD }, (_, i) => byteAt(i)));
    return async () => {
      for (let i = 0; i < chunks; i += 1) {
        const offset = byteAt(i * CHUNK);
        if (!stream.write(bytes.subarray(offset, offset + CHUNK))) await once(stream, 'drain');
      }
      stream.end();
      await once(stream, 'finish');
    };
  },
};

/** Gigabytes (10^9) a second. */
function throughput({ rival, size }, chunks) {
  return withPlace(async (place) => {
    const [reader, writer] = await together('streams', [
      { role: 'reader', rival, place, size, chunks },
      { role: 'writer', rival, place, size, chunks },
    ]);
    return (chunks * CHUNK) / (reader.end - Math.min(reader.begin, writer.begin));
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
    short: { chunks: 2_000, rounds: 3 },
    long: { chunks: 20_000, rounds: 9 },
  },
  columns: [nameColumn, ...rateColumns('GB/s'), ratioColumn],
  run,
};

await commandLineOf(import.meta.url, scenario);
