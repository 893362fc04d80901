import { faces } from '../faces.js';
import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { produce, skip, valuesOf } from './values.js';

const NOTHING = { claimStart: 1, claimEnd: 0, allConsumersIgnoring: false };
const range = (claimStart: number, claimEnd: number) => ({
  claimStart,
  claimEnd,
  allConsumersIgnoring: false,
});
const sizes = (bufs: Buffer[]) => bufs.map((buf) => buf.length);

overFacesAndSpin('a claim gives the next element', async (t, face, spin) => {
  const d = ring(t, { spin });
  for (const sequence of [0, 1, 2]) {
    const { buf, ...rest } = await face.claim(d);
    t.is(buf.length, 4);
    t.is(buf.byteOffset - d.elements.byteOffset, 4 * sequence);
    t.deepEqual(rest, range(sequence, sequence));
    t.is(d.next, sequence + 1);
  }
  t.is(d.cursor, 0);
});

overFaces('a claim on a full ring gives an empty buffer and no range', async (t, face) => {
  const d = ring(t);
  produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
  const { buf, ...rest } = await face.claim(d);
  t.is(buf.length, 0);
  t.deepEqual(rest, NOTHING);
  for (const many of [await face.claimMany(d, 1), await face.claimAvail(d, 1)]) {
    t.deepEqual(many, { bufs: [], ...NOTHING });
  }
  t.is(d.next, 8);
});

overFaces('committing the range of a claim that gave nothing answers false', async (t, face) => {
  const d = ring(t, { elements: 2 });
  const first = await face.claimMany(d, 2);
  const { claimStart, claimEnd } = await face.claim(d);
  t.false(await face.commitRange(d, claimStart, claimEnd));
  t.false(await face.commit(d));
  t.is(d.cursor, 0);
  t.true(await face.commitRange(d, first.claimStart, first.claimEnd));
});

overFacesAndSpin('claimMany gives so many elements in one Buffer', async (t, face, spin) => {
  const d = ring(t, { spin });
  const { bufs, ...rest } = await face.claimMany(d, 3);
  t.deepEqual(sizes(bufs), [12]);
  t.deepEqual(rest, range(0, 2));
  const next = await face.claimMany(d, 5);
  t.deepEqual(sizes(next.bufs), [20]);
  t.is(next.claimStart, 3);
  t.is(next.claimEnd, 7);
});

overFaces('claimMany gives all or nothing', async (t, face) => {
  const d = ring(t);
  await face.claimMany(d, 5);
  t.deepEqual(await face.claimMany(d, 4), { bufs: [], ...NOTHING });
  t.is(d.next, 5);
  const { bufs, ...rest } = await face.claimMany(d, 3);
  t.deepEqual(sizes(bufs), [12]);
  t.deepEqual(rest, range(5, 7));
});

overFacesAndSpin('more than the ring has is cut to the ring', async (t, face, spin) => {
  for (const claim of [face.claimMany.bind(face), face.claimAvail.bind(face)]) {
    const d = ring(t, { elements: 5, spin });
    const { bufs, ...rest } = await claim(d, 1_000_000);
    t.deepEqual(sizes(bufs), [20]);
    t.deepEqual(rest, range(0, 4));
  }
});

overFaces('claimMany of more than the ring gives nothing unless all is free', async (t, face) => {
  const d = ring(t);
  await face.claim(d);
  t.deepEqual(await face.claimMany(d, 9), { bufs: [], ...NOTHING });
});

overFacesAndSpin('a range over the end of the ring is two Buffers', async (t, face, spin) => {
  for (const claim of [face.claimMany.bind(face), face.claimAvail.bind(face)]) {
    const d = ring(t, { spin });
    skip(d, 6);
    const { bufs, ...rest } = await claim(d, 5);
    t.deepEqual(sizes(bufs), [8, 12]);
    t.deepEqual(
      bufs.map((buf) => buf.byteOffset - d.elements.byteOffset),
      [24, 0],
    );
    t.deepEqual(rest, range(6, 10));
  }
});

overFaces('a range up to the end of the ring is one Buffer, so is the next', async (t, face) => {
  const d = ring(t);
  skip(d, 6);
  t.deepEqual(sizes((await face.claimMany(d, 2)).bufs), [8]);
  const { bufs } = await face.claimMany(d, 6);
  t.deepEqual(sizes(bufs), [24]);
  t.is(bufs[0]!.byteOffset, d.elements.byteOffset);
});

overFacesAndSpin('claimAvail gives what is free, at most so many', async (t, face, spin) => {
  const d = ring(t, { spin });
  const { bufs, ...rest } = await face.claimAvail(d, 3);
  t.deepEqual(sizes(bufs), [12]);
  t.deepEqual(rest, range(0, 2));
  const left = await face.claimAvail(d, 7);
  t.deepEqual(sizes(left.bufs), [20]);
  t.is(left.claimStart, 3);
  t.is(left.claimEnd, 7);
});

overFacesAndSpin('claimAvail sees room that was just freed', async (t, face, spin) => {
  const d = ring(t, { spin });
  skip(d, 5);
  // 3 were free when somebody looked last.
  t.like(await face.claimAvail(d, 8), range(5, 12));
});

overFaces('room comes back when what was consumed is committed', async (t, face) => {
  const d = ring(t);
  produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
  await face.consume(d);
  t.is((await face.claim(d)).buf.length, 0);
  t.true(d.consumeCommit());
  const { bufs, ...rest } = await face.claimAvail(d, 100);
  t.deepEqual(sizes(bufs), [32]);
  t.deepEqual(rest, range(8, 15));
});

overFaces('producers wait for the slowest consumer', async (t, face) => {
  const d = ring(t, { consumers: 3 });
  const all = [d, attach(t, d, { consumer: 1 }), attach(t, d, { consumer: 2 })];
  produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
  for (const consumer of all) {
    t.is((await face.claim(d)).buf.length, 0);
    await face.consume(consumer);
    consumer.consumeCommit();
  }
  t.is((await face.claim(d)).claimStart, 8);
  // One of them falls behind again.
  await face.commit(d);
  t.is((await face.claimAvail(d, 100)).claimEnd, 15);
  await face.commit(d);
  await face.consume(all[0]!);
  await face.consume(all[2]!);
  all[0]!.consumeCommit();
  all[2]!.consumeCommit();
  t.is((await face.claim(d)).buf.length, 0);
});

overFacesAndSpin('claims of two objects follow on each other', async (t, face, spin) => {
  const d = ring(t, { spin });
  const other = attach(t, d, { spin });
  t.like(await face.claimMany(d, 2), range(0, 1));
  t.like(await face.claim(other), range(2, 2));
  t.like(await face.claimAvail(d, 3), range(3, 5));
  t.like(await face.claimAvail(other, 9), range(6, 7));
});

overFaces('several claims of one object are open at once', async (t, face) => {
  const d = ring(t);
  const claims = await Promise.all([face.claim(d), face.claim(d), face.claim(d)]);
  t.deepEqual(claims.map(({ claimStart }) => claimStart).sort(), [0, 1, 2]);
  for (const { buf, claimStart } of claims) buf.writeUInt32LE(100 + claimStart);
  t.true(await face.commitRange(d, 0, 2));
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [100, 101, 102]);
});

for (const elements of [1, 2, 3, 7, 1000]) {
  overFacesAndSpin(`${elements} elements, again and again`, async (t, face, spin) => {
    const d = ring(t, { elements, spin });
    const sequences = Array.from({ length: 3 * elements + 1 }, (_, i) => i);
    const seen = [];
    for (const sequence of sequences) {
      const { buf, claimStart } = await face.claim(d);
      const slot = (buf.byteOffset - d.elements.byteOffset) / 4;
      buf.writeUInt32LE(sequence);
      await face.commit(d);
      const { bufs, start } = await face.consume(d);
      d.consumeCommit();
      seen.push({ claimStart, slot, start, values: valuesOf(bufs) });
    }
    const expected = sequences.map((sequence) => {
      const slot = sequence % elements;
      return { claimStart: sequence, slot, start: sequence, values: [sequence] };
    });
    t.deepEqual(seen, expected);
  });
}

overFaces('every face sees what the others claim', async (t, face) => {
  const d = ring(t);
  for (const other of faces) {
    const { claimEnd } = await other.claim(d);
    t.is((await face.claim(d)).claimStart, claimEnd + 1);
  }
});
