// Counters at the edges of the numbers that hold them: of 32 bits, signed and not, and of what a
// JavaScript Number holds exactly. A new ring gets there by having its counters written.
import { closeSync, openSync, writeSync } from 'node:fs';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Disruptor, DisruptorOptions } from 'shm-disruptor';

import { overFaces, overFacesAndSpin } from './compat/over-faces.js';
import { readAll, reader, write, writer } from './compat/streams.js';
import { attach, ring } from './fixture.js';

/** The largest sequence there can be; counters end there, so it is never an element's. */
const LAST = 2 ** 53 - 1;
const EXHAUSTED = { name: 'DisruptorError', code: 'ERR_SEQUENCE_EXHAUSTED' };

// Where addon/core/layout.h has them.
const NEXT = 256;
const CURSOR = 384;
const CONSUMERS = 4096;
const CONSUMER_SIZE = 128;

/** Writes `sequence` to these places of a ring's file. */
function seed(name: string, sequence: number, offsets: number[]): void {
  const word = Buffer.alloc(8);
  word.writeBigUInt64LE(BigInt(sequence));
  const file = openSync(`/dev/shm${name}`, 'r+');
  for (const offset of offsets) writeSync(file, word, 0, 8, offset);
  closeSync(file);
}

/** A new ring in which everybody stands at `sequence`. By default 7 elements of 8 bytes. */
function ringAt(t: ExecutionContext, sequence: number, options: Partial<DisruptorOptions> = {}) {
  const { name, creator } = ring.named(t, { elements: 7, elementSize: 8, ...options });
  const consumers = Array.from({ length: options.consumers ?? 1 }, (_, i) => i * CONSUMER_SIZE);
  seed(name, sequence, [NEXT, CURSOR, ...consumers.map((offset) => CONSUMERS + offset)]);
  return creator;
}

/** Where an element lies, as a test that knows nothing of the core's arithmetic has it. */
const slotOf = (sequence: number, elements: number) => Number(BigInt(sequence) % BigInt(elements));

function offsetIn(d: Disruptor, buf: Buffer): number {
  return (buf.byteOffset - d.elements.byteOffset) / d.elementSize;
}

for (const elements of [7, 8]) {
  for (const edge of [2 ** 31, 2 ** 32, 2 ** 52, LAST - 20]) {
    overFacesAndSpin(`over ${edge} with ${elements} elements`, async (t, face, spin) => {
      const first = edge - 10;
      const d = ringAt(t, first, { elements, spin });
      t.is(d.next, first);
      t.is(d.consumer, first);
      for (let sequence = first; sequence < edge + 20; sequence += 1) {
        const { buf, claimStart, claimEnd } = await face.claim(d);
        t.deepEqual([claimStart, claimEnd], [sequence, sequence]);
        t.is(offsetIn(d, buf), slotOf(sequence, elements));
        buf.writeBigUInt64LE(BigInt(sequence));
        t.true(await face.commitRange(d, claimStart, claimEnd));
        t.is(d.cursor, sequence + 1);
        const { bufs, start } = await face.consume(d);
        t.is(start, sequence);
        t.deepEqual(
          bufs.map((each) => each.readBigUInt64LE()),
          [BigInt(sequence)],
        );
        t.true(d.consumeCommit());
        t.is(d.consumer, sequence + 1);
      }
    });
  }
}

for (const edge of [2 ** 31, 2 ** 32, 2 ** 52]) {
  overFaces(`claims of many and out of order over ${edge}`, async (t, face) => {
    const first = edge - 3;
    const d = ringAt(t, first, { elements: 8 });
    const other = attach(t, d);
    const early = await face.claimMany(d, 2);
    const late = await face.claimAvail(other, 100);
    t.is(early.claimStart, first);
    t.deepEqual([late.claimStart, late.claimEnd], [first + 2, first + 7]);
    t.deepEqual((await face.claim(d)).buf, Buffer.alloc(0), 'the ring is full');
    t.false(await face.commitRange(other, late.claimStart, late.claimEnd));
    t.is(d.produceRecover(late.claimStart, late.claimEnd).length, late.bufs.length);
    t.true(await face.commitRange(d, early.claimStart, early.claimEnd));
    t.true(await face.commitRange(other, late.claimStart, late.claimEnd));
    t.deepEqual(d.produceRecover(late.claimStart, late.claimEnd), []);
    const { bufs, start } = await face.consume(d);
    t.is(start, first);
    t.is(Buffer.concat(bufs).length, 8 * d.elementSize);
    t.is(d.prevConsumeNext, first + 8);
  });
}

test('out of order and waiting over 2^32', async (t) => {
  const first = 2 ** 32 - 2;
  const d = ringAt(t, first, { elements: 8, spin: true });
  const [early, late] = [await d.produceClaimMany(2), await d.produceClaimMany(3)];
  const visible = d.produceCommit(late.claimStart, late.claimEnd);
  t.true(await d.produceCommit(early.claimStart, early.claimEnd));
  t.true(await visible);
  t.is(d.cursor, first + 5);
  t.is((await d.consumeNew()).start, first);
});

overFacesAndSpin('the last sequences are given, and then no more', async (t, face, spin) => {
  const d = ringAt(t, LAST - 5, { spin });
  const three = await face.claimMany(d, 3);
  t.deepEqual([three.claimStart, three.claimEnd], [LAST - 5, LAST - 3]);
  await t.throwsAsync(face.claimMany(d, 3), EXHAUSTED);
  const two = await face.claimAvail(d, 7);
  t.deepEqual([two.claimStart, two.claimEnd], [LAST - 2, LAST - 1]);
  await t.throwsAsync(face.claim(d), EXHAUSTED);
  await t.throwsAsync(face.claimAvail(d, 1), EXHAUSTED);
  t.is(d.next, LAST);
  // What was given before goes its way.
  t.true(await face.commitRange(d, three.claimStart, three.claimEnd));
  t.true(await face.commitRange(d, two.claimStart, two.claimEnd));
  const { bufs, start } = await face.consume(d);
  t.is(start, LAST - 5);
  t.is(Buffer.concat(bufs).length, 5 * d.elementSize);
  t.true(d.consumeCommit());
  t.deepEqual([d.cursor, d.consumer], [LAST, LAST]);
  t.is(d.consumers.readBigUInt64LE(), BigInt(LAST));
  await t.throwsAsync(face.claim(d), EXHAUSTED);
  // Nobody can have claimed this one.
  await t.throwsAsync(face.commitRange(d, LAST, LAST), { code: 'ERR_NOT_CLAIMED' });
});

overFaces('counters past the last sequence are damage', async (t, face) => {
  const d = ringAt(t, LAST);
  await t.throwsAsync(face.claim(d), EXHAUSTED);
  const { name, creator: past } = ring.named(t);
  seed(name, LAST, [CONSUMERS]);
  seed(name, 2 ** 53, [NEXT, CURSOR]);
  const corrupt = { name: 'DisruptorError', code: 'ERR_SEGMENT_CORRUPT' };
  await t.throwsAsync(face.claim(past), corrupt);
  await t.throwsAsync(face.commitRange(past, LAST, LAST), corrupt);
  await t.throwsAsync(face.consume(past), corrupt);
});

test('many consumers over 2^32, and one that is released for good', (t) => {
  const first = 2 ** 32 - 4;
  const d = ringAt(t, first, { elements: 4, consumers: 3 });
  const others = [1, 2].map((consumer) => attach(t, d, { consumer }));
  others[1]!.release(true);
  for (let round = 0; round < 4; round += 1) {
    t.is(d.produceClaimManySync(4).length, 1);
    t.true(d.produceCommitSync());
    t.is(d.produceClaimSync().length, 0, 'consumers hold up producers');
    for (const consumer of [d, others[0]!]) {
      t.is(Buffer.concat(consumer.consumeNewSync()).length, 4 * d.elementSize);
      t.is(consumer.prevConsumeStart, first + 4 * round);
      t.true(consumer.consumeCommit());
    }
  }
  t.deepEqual(
    [0, 8, 16].map((offset) => d.consumers.readBigUInt64LE(offset)),
    [BigInt(first + 16), BigInt(first + 16), 2n ** 64n - 1n],
  );
});

for (const edge of [2 ** 31, 2 ** 32, 2 ** 52]) {
  test(`streams over ${edge}`, async (t) => {
    const d = ringAt(t, edge - 50, { elements: 16, elementSize: 1 });
    const output = writer(t, d);
    const sent = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
    const received = readAll(reader(t, d));
    for (let i = 0; i < sent.length; i += 37) await write(output, sent.subarray(i, i + 37));
    output.end();
    t.deepEqual(await received, sent);
    t.is(d.cursor, edge - 50 + sent.length);
  });
}

test('a writer that comes to the last sequence fails, and what it wrote arrives', async (t) => {
  const d = ringAt(t, LAST - 40, { elements: 16, elementSize: 1 });
  const output = writer(t, d);
  const input = reader(t, d);
  let received = '';
  input.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  const failed = t.throwsAsync(
    new Promise((_, reject) => {
      input.on('error', reject);
    }),
    { message: 'writer errored' },
  );
  output.on('error', (error: NodeJS.ErrnoException) => {
    t.is(error.code, 'ERR_SEQUENCE_EXHAUSTED');
  });
  await write(output, 'a'.repeat(30));
  await t.throwsAsync(write(output, 'b'.repeat(30)), EXHAUSTED);
  await failed;
  t.is(received, 'a'.repeat(30) + 'b'.repeat(10));
  t.plan(4);
});
