// spin: true over the faces that do not block the thread.
import type { Disruptor } from 'shm-disruptor';

import { waitingFaces } from '../faces.js';
import type { Face } from '../faces.js';
import { attach, ring } from '../fixture.js';
import type { Scope } from '../fixture.js';
import { overFaces } from './over-faces.js';
import { staysPending } from './pending.js';
import { produce, valuesOf } from './values.js';

/** A full ring of 8 whose consumer has not read anything: an object that waits and the consumer. */
function full(t: Scope): { spinning: Disruptor; consumer: Disruptor } {
  const consumer = ring(t);
  produce(consumer, 1, 2, 3, 4, 5, 6, 7, 8);
  return { spinning: attach(t, consumer, { spin: true }), consumer };
}

function free(consumer: Disruptor): void {
  consumer.consumeNewSync();
  consumer.consumeCommit();
}

type Claiming = (face: Face, d: Disruptor) => Promise<{ claimStart: number; claimEnd: number }>;
const claims: Record<string, Claiming> = {
  claim: (face, d) => face.claim(d),
  claimMany: (face, d) => face.claimMany(d, 5),
  claimAvail: (face, d) => face.claimAvail(d, 100),
};

for (const [name, claim] of Object.entries(claims)) {
  overFaces(
    `${name} waits for room`,
    async (t, face) => {
      const { spinning, consumer } = full(t);
      const waits = claim(face, spinning);
      t.true(await staysPending(waits));
      t.is(spinning.next, 8);
      free(consumer);
      const claimEnd = { claim: 8, claimMany: 12, claimAvail: 15 }[name];
      t.like(await waits, { claimStart: 8, claimEnd, allConsumersIgnoring: false });
      t.is(spinning.prevClaimStart, 8);
      t.is(spinning.next, claimEnd! + 1);
    },
    waitingFaces,
  );

  overFaces(
    `${name} ends when the last consumer goes for good`,
    async (t, face) => {
      const { spinning, consumer } = full(t);
      const waits = claim(face, spinning);
      t.true(await staysPending(waits));
      consumer.release(true);
      t.like(await waits, { claimStart: 1, claimEnd: 0, allConsumersIgnoring: true });
    },
    waitingFaces,
  );
}

overFaces(
  'claimMany waits until there is room for all',
  async (t, face) => {
    const consumer = ring(t);
    const spinning = attach(t, consumer, { spin: true });
    produce(consumer, 1, 2, 3);
    await face.claimMany(spinning, 5);
    const waits = face.claimMany(spinning, 4);
    free(consumer);
    t.true(await staysPending(waits));
    t.is(spinning.next, 8);
    await face.commitRange(spinning, 3, 7);
    free(consumer);
    t.like(await waits, { claimStart: 8, claimEnd: 11 });
  },
  waitingFaces,
);

overFaces(
  'several claims wait, and get in one after the other',
  async (t, face) => {
    const { spinning, consumer } = full(t);
    const waits = [face.claimMany(spinning, 3), face.claimMany(spinning, 3), face.claim(spinning)];
    t.true(await staysPending(Promise.race(waits)));
    free(consumer);
    const ranges = (await Promise.all(waits)).map(({ claimStart, claimEnd }) => [
      claimStart,
      claimEnd,
    ]);
    t.deepEqual(ranges.map(([start, end]) => end! - start!).sort(), [0, 2, 2]);
    t.deepEqual(
      ranges
        .flatMap(([start, end]) => Array.from({ length: end! - start! + 1 }, (_, i) => start! + i))
        .sort((a, b) => a - b),
      [8, 9, 10, 11, 12, 13, 14],
    );
  },
  waitingFaces,
);

overFaces(
  'a claim that waits is not the latest claim until it is given',
  async (t, face) => {
    const consumer = ring(t, { elements: 2 });
    const spinning = attach(t, consumer, { spin: true });
    await face.claimMany(spinning, 2);
    const waits = face.claim(spinning);
    t.true(await face.commit(spinning));
    t.is(spinning.cursor, 2);
    free(consumer);
    t.like(await waits, { claimStart: 2, claimEnd: 2 });
    t.true(await face.commit(spinning));
    t.is(spinning.cursor, 3);
  },
  waitingFaces,
);

overFaces(
  'consume waits for data',
  async (t, face) => {
    const producer = ring(t);
    const spinning = attach(t, producer, { spin: true });
    const waits = face.consume(spinning);
    await face.claim(producer);
    // Claimed is not committed.
    t.true(await staysPending(waits));
    await face.commit(producer);
    produce(producer, 2);
    const { bufs, start } = await waits;
    t.is(valuesOf(bufs).length, 2);
    t.is(start, 0);
  },
  waitingFaces,
);

overFaces(
  'a consume that waits has committed what was consumed before',
  async (t, face) => {
    const { spinning, consumer } = full(t);
    await face.consume(spinning);
    const waits = face.consume(spinning);
    t.true(await staysPending(waits));
    t.is(spinning.consumer, 8);
    produce(consumer, 9);
    const { bufs, start } = await waits;
    t.deepEqual(valuesOf(bufs), [9]);
    t.is(start, 8);
  },
  waitingFaces,
);

overFaces(
  'commit waits for earlier claims',
  async (t, face) => {
    const d = ring(t, { spin: true });
    const other = attach(t, d);
    const first = await face.claim(other);
    const second = await face.claimMany(d, 2);
    const waits = face.commit(d);
    t.true(await staysPending(waits));
    t.is(d.cursor, 0);
    first.buf.writeUInt32LE(1);
    second.bufs[0]!.fill(0);
    t.true(await face.commit(other));
    t.true(await waits);
    t.is(d.cursor, 3);
    t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 0, 0]);
  },
  waitingFaces,
);

overFaces(
  'several commits wait for one',
  async (t, face) => {
    const d = ring(t, { spin: true });
    for (let i = 0; i < 4; i += 1) (await face.claim(d)).buf.writeUInt32LE(i);
    const waits = [3, 1, 2].map((sequence) => face.commitRange(d, sequence, sequence));
    t.true(await staysPending(Promise.race(waits)));
    t.is(d.cursor, 0);
    t.true(await face.commitRange(d, 0, 0));
    t.deepEqual(await Promise.all(waits), [true, true, true]);
    t.deepEqual(valuesOf((await face.consume(d)).bufs), [0, 1, 2, 3]);
  },
  waitingFaces,
);

overFaces(
  'commits that wait for different claims end with theirs',
  async (t, face) => {
    const d = ring(t, { spin: true });
    for (let i = 0; i < 4; i += 1) await face.claim(d);
    const early = face.commitRange(d, 1, 1);
    const late = face.commitRange(d, 3, 3);
    t.true(await face.commitRange(d, 0, 0));
    t.true(await early);
    t.true(await staysPending(late));
    t.is(d.cursor, 2);
    t.true(await face.commitRange(d, 2, 2));
    t.true(await late);
    t.is(d.cursor, 4);
  },
  waitingFaces,
);

overFaces(
  'a second consume while one waits is an error, and the first gets the data',
  async (t, face) => {
    const producer = ring(t);
    const spinning = attach(t, producer, { spin: true });
    const waits = face.consume(spinning);
    await t.throwsAsync(face.consume(spinning), { code: 'ERR_CONSUME_PENDING' });
    t.throws(() => spinning.consumeNewSync(), { code: 'ERR_CONSUME_PENDING' });
    t.true(await staysPending(waits));
    produce(producer, 1, 2);
    t.deepEqual(valuesOf((await waits).bufs), [1, 2]);
    t.is(spinning.consumer, 0);
    // Then it is free again.
    const next = face.consume(spinning);
    produce(producer, 3);
    t.deepEqual(valuesOf((await next).bufs), [3]);
  },
  waitingFaces,
);

for (const spin of [false, true]) {
  overFaces(
    `a second consume before the first was answered is an error, spin ${spin}`,
    async (t, face) => {
      const producer = ring(t);
      const consumer = attach(t, producer, { spin });
      produce(producer, 1, 2);
      const both = Promise.allSettled([face.consume(consumer), face.consume(consumer)]);
      // The first one's data are not committed behind its back.
      t.is(consumer.consumer, 0);
      const [first, second] = await both;
      t.deepEqual(first.status === 'fulfilled' && valuesOf(first.value.bufs), [1, 2]);
      t.like(second, { status: 'rejected', reason: { code: 'ERR_CONSUME_PENDING' } });
    },
    waitingFaces,
  );
}
