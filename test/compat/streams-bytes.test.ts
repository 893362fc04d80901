// Bytes through rings smaller and larger than the chunks, to one reader and to many.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { random } from './random.js';
import { bytes, readAll, reader, write, writer } from './streams.js';

const sha256 = (chunks: Iterable<Buffer>) => {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};

/** Random bytes in chunks of random sizes, the same ones in every run. */
function chunksOf(total: number, largest: number, seed: number): Buffer[] {
  const below = random(seed);
  const chunks: Buffer[] = [];
  for (let left = total; left > 0;) {
    const size = Math.min(left, 1 + below(largest));
    chunks.push(Buffer.from(Uint8Array.from({ length: size }, () => below(256))));
    left -= size;
  }
  return chunks;
}

interface Size {
  elements: number;
  total: number;
  /** The largest chunk. */
  largest: number;
}

const sizes: Size[] = [
  { elements: 1, total: 500, largest: 10 },
  { elements: 7, total: 5_000, largest: 100 },
  { elements: 64, total: 100_000, largest: 10_000 },
  { elements: 1000, total: 300_000, largest: 3000 },
  { elements: 65_536, total: 2_000_000, largest: 200_000 },
  { elements: 1 << 20, total: 2_000_000, largest: 70_000 },
  { elements: 1 << 20, total: 200_000, largest: 100 },
];

async function transfer(t: ExecutionContext, size: Size, readers: number): Promise<void> {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { elements, total, largest } = size;
  const ring = bytes(t, elements, readers);
  const chunks = chunksOf(total, largest, elements);
  const received = Array.from({ length: readers }, (_, i) =>
    readAll(reader(t, ring, { consumer: i })),
  );
  await pipeline(Readable.from(chunks), writer(t, ring));
  const sum = sha256(chunks);
  for (const data of await Promise.all(received)) {
    t.is(data.length, total);
    t.is(sha256([data]), sum);
  }
}

for (const size of sizes) {
  for (const readers of [1, 3]) {
    const { elements, total, largest } = size;
    test(`${total} bytes, chunks to ${largest}, ring of ${elements}, readers: ${readers}`, (t) =>
      transfer(t, size, readers));
  }
}

test('a thousand readers of one ring', async (t) => {
  await transfer(t, { elements: 64, total: 2000, largest: 100 }, 1000);
});

test('readers at different speeds all get everything', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 100, 3);
  const chunks = chunksOf(5000, 300, 1);
  const slowly = async (consumer: number) => {
    const read: Buffer[] = [];
    for await (const chunk of reader(t, ring, { consumer }) as AsyncIterable<Buffer>) {
      read.push(chunk);
      // Reader 0 at full speed, the others some turns of the loop behind.
      for (let i = 0; i < consumer * 3; i += 1) await new Promise(setImmediate);
    }
    return sha256(read);
  };
  const received = [slowly(0), slowly(1), slowly(2)];
  await pipeline(Readable.from(chunks), writer(t, ring));
  const sum = sha256(chunks);
  t.deepEqual(await Promise.all(received), [sum, sum, sum]);
});

test('several writers: nothing is lost, and each one’s bytes stay in order', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 50);
  const received = readAll(reader(t, ring));
  // Writer k writes k * 16, k * 16 + 1, ... k * 16 + 15 and again, in chunks of all sizes.
  const total = 3200;
  const writers = [0, 1, 2, 3, 4].map((k) => ({ k, stream: writer(t, ring) }));
  await Promise.all(
    writers.map(async ({ k, stream }) => {
      const data = Buffer.from(Uint8Array.from({ length: total }, (_, i) => k * 16 + (i % 16)));
      const below = random(k);
      for (let at = 0; at < total;) {
        const end = Math.min(total, at + 1 + below(120));
        await write(stream, data.subarray(at, end));
        at = end;
      }
    }),
  );
  writers[0]!.stream.end();
  const data = await received;
  t.is(data.length, writers.length * total);
  for (const { k } of writers) {
    const own = data.filter((byte) => byte >> 4 === k);
    t.is(own.length, total);
    t.true(own.every((byte, i) => (byte & 15) === i % 16));
  }
});

test('writers’ bytes that were written together come in the order of the writes', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const received = readAll(reader(t, ring));
  const [one, two] = [writer(t, ring), writer(t, ring)];
  await write(one, 'first ');
  await write(two, 'second ');
  await write(one, 'third');
  two.end();
  t.is((await received).toString(), 'first second third');
});
