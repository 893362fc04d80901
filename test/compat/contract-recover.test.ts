// produceRecover: a program that was restarted gets at what it had claimed.
import { attach, ring } from '../fixture.js';
import { overFaces } from './over-faces.js';
import { fillIn, produce, skip, valuesOf } from './values.js';

overFaces('what is claimed, with what is written in it', async (t, face) => {
  const d = ring(t);
  const { bufs, claimStart, claimEnd } = await face.claimMany(d, 3);
  fillIn(bufs, [1, 2, 3]);
  const recovered = d.produceRecover(claimStart, claimEnd);
  t.deepEqual(valuesOf(recovered), [1, 2, 3]);
  // The same memory, not a copy.
  bufs[0]!.writeUInt32LE(9);
  t.deepEqual(valuesOf(recovered), [9, 2, 3]);
});

overFaces('over the end of the ring: two Buffers', async (t, face) => {
  const d = ring(t);
  skip(d, 6);
  fillIn((await face.claimMany(d, 5)).bufs, [1, 2, 3, 4, 5]);
  const recovered = d.produceRecover(6, 10);
  t.deepEqual(
    recovered.map((buf) => buf.length),
    [8, 12],
  );
  t.deepEqual(valuesOf(recovered), [1, 2, 3, 4, 5]);
});

overFaces('part of a claim, several claims, the whole ring', async (t, face) => {
  const d = ring(t);
  skip(d, 1);
  fillIn((await face.claimMany(d, 3)).bufs, [1, 2, 3]);
  fillIn((await face.claimMany(d, 5)).bufs, [4, 5, 6, 7, 8]);
  t.deepEqual(valuesOf(d.produceRecover(2, 2)), [2]);
  t.deepEqual(valuesOf(d.produceRecover(2, 5)), [2, 3, 4, 5]);
  t.deepEqual(valuesOf(d.produceRecover(1, 8)), [1, 2, 3, 4, 5, 6, 7, 8]);
});

overFaces('what is committed is not given', async (t, face) => {
  const d = ring(t);
  await face.claimMany(d, 4);
  await face.commitRange(d, 0, 1);
  t.deepEqual(d.produceRecover(0, 1), []);
  t.deepEqual(d.produceRecover(0, 0), []);
  t.deepEqual(d.produceRecover(1, 2), []);
  t.deepEqual(d.produceRecover(0, 3), []);
  t.is(d.produceRecover(2, 3).length, 1);
});

overFaces('what is consumed is not given', async (t, face) => {
  const d = ring(t, { elements: 2 });
  skip(d, 2);
  await face.claimMany(d, 2);
  t.deepEqual(d.produceRecover(0, 1), []);
  t.is(d.produceRecover(2, 3).length, 1);
});

overFaces('what is not claimed is not given', async (t, face) => {
  const d = ring(t);
  t.deepEqual(d.produceRecover(0, 0), []);
  await face.claimMany(d, 2);
  t.deepEqual(d.produceRecover(2, 2), []);
  t.deepEqual(d.produceRecover(1, 2), []);
  t.deepEqual(d.produceRecover(0, 7), []);
  t.deepEqual(d.produceRecover(0, 8), []);
  t.deepEqual(d.produceRecover(8, 9), []);
  t.deepEqual(d.produceRecover(0, Number.MAX_SAFE_INTEGER), []);
});

overFaces('empty and reversed ranges give nothing', async (t, face) => {
  const d = ring(t);
  await face.claimMany(d, 4);
  t.deepEqual(d.produceRecover(1, 0), []);
  t.deepEqual(d.produceRecover(3, 1), []);
});

overFaces('a claim that was refused its commit is given until it is committed', async (t, face) => {
  const d = ring(t);
  await face.claim(d);
  await face.claim(d);
  await face.commitRange(d, 1, 1);
  t.is(d.produceRecover(1, 1).length, 1);
  await face.commitRange(d, 0, 0);
  await face.commitRange(d, 1, 1);
  t.deepEqual(d.produceRecover(1, 1), []);
});

overFaces('what is committed and waits for its turn is not given', async (t, face) => {
  const d = ring(t);
  const spinning = attach(t, d, { spin: true });
  await face.claim(d);
  await face.claimMany(d, 3);
  const waits = spinning.produceCommit(1, 3);
  const ranges = [
    [1, 3],
    [1, 1],
    [2, 3],
    [3, 3],
    [0, 3],
    [0, 0],
  ] as const;
  const given = ranges.filter(([start, end]) => d.produceRecover(start, end).length > 0);
  t.true(await face.commitRange(d, 0, 0));
  t.true(await waits);
  t.deepEqual(given, [[0, 0]]);
});

overFaces('another object finishes what one had begun', async (t, face) => {
  const consumer = ring(t);
  const before = attach(t, consumer);
  const { bufs, claimStart, claimEnd } = await face.claimMany(before, 3);
  fillIn(bufs, [1, 2]);
  before.release();

  const after = attach(t, consumer);
  fillIn(after.produceRecover(claimStart, claimEnd), [1, 2, 3]);
  t.true(await face.commitRange(after, claimStart, claimEnd));
  produce(after, 4);
  t.deepEqual(valuesOf((await face.consume(consumer)).bufs), [1, 2, 3, 4]);
});
