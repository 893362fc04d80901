import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { fillIn, produce, skip, valuesOf } from './values.js';

overFacesAndSpin('a commit makes the latest claim visible', async (t, face, spin) => {
  const d = ring(t, { spin });
  const { bufs } = await face.claimMany(d, 3);
  fillIn(bufs, [7, 8, 9]);
  t.is(d.cursor, 0);
  t.true(await face.commit(d));
  t.is(d.cursor, 3);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [7, 8, 9]);
});

overFacesAndSpin('a commit by range does the same', async (t, face, spin) => {
  const d = ring(t, { spin });
  const { buf, claimStart, claimEnd } = await face.claim(d);
  buf.writeUInt32LE(7);
  t.true(await face.commitRange(d, claimStart, claimEnd));
  t.is(d.cursor, 1);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [7]);
});

overFacesAndSpin('a commit of what was committed before is refused', async (t, face, spin) => {
  const d = ring(t, { spin });
  skip(d, 3);
  await face.claimMany(d, 2);
  t.true(await face.commit(d));
  t.false(await face.commit(d));
  t.false(await face.commitRange(d, 3, 4));
  t.false(await face.commitRange(d, 0, 0));
  t.is(d.cursor, 5);
});

overFaces('what was committed a lap ago cannot be committed again', async (t, face) => {
  const d = ring(t, { elements: 2 });
  skip(d, 2);
  await face.claimMany(d, 2);
  t.false(await face.commitRange(d, 0, 1));
  t.is(d.cursor, 2);
  t.true(await face.commitRange(d, 2, 3));
});

overFacesAndSpin('a commit before any claim is refused', async (t, face, spin) => {
  const d = ring(t, { spin });
  t.false(await face.commit(d));
  produce(attach(t, d), 1);
  t.false(await face.commit(d));
  t.is(d.cursor, 1);
});

overFaces('without a range, the commit is that of the latest claim', async (t, face) => {
  const d = ring(t);
  await face.claim(d);
  await face.claim(d);
  // It is not the first claim's turn that counts.
  t.false(await face.commit(d));
  t.is(d.cursor, 0);
  t.true(await face.commitRange(d, 0, 0));
  t.true(await face.commit(d));
  t.is(d.cursor, 2);
});

overFaces('a claim that gave nothing is the latest, too', async (t, face) => {
  const d = ring(t, { elements: 1 });
  await face.claim(d);
  await face.claim(d);
  t.false(await face.commit(d));
  t.is(d.cursor, 0);
  t.true(await face.commitRange(d, 0, 0));
});

overFaces('out of order: false, nothing changed, and true once it is its turn', async (t, face) => {
  const d = ring(t);
  skip(d, 5);
  const first = await face.claimMany(d, 2);
  const second = await face.claimMany(d, 3);
  const third = await face.claim(d);
  fillIn(first.bufs, [1, 2]);
  fillIn(second.bufs, [3, 4, 5]);
  third.buf.writeUInt32LE(6);

  t.false(await face.commitRange(d, third.claimStart, third.claimEnd));
  t.false(await face.commitRange(d, second.claimStart, second.claimEnd));
  t.is(d.cursor, 5);
  t.deepEqual(await face.consume(d), { bufs: [], start: 0 });

  t.true(await face.commitRange(d, first.claimStart, first.claimEnd));
  // What was refused is not visible.
  t.is(d.cursor, 7);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 2]);

  t.false(await face.commitRange(d, third.claimStart, third.claimEnd));
  t.is(d.cursor, 7);
  t.true(await face.commitRange(d, second.claimStart, second.claimEnd));
  t.is(d.cursor, 10);
  t.true(await face.commitRange(d, third.claimStart, third.claimEnd));
  t.is(d.cursor, 11);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [3, 4, 5, 6]);
});

overFaces('out of order between two objects', async (t, face) => {
  const d = ring(t);
  const other = attach(t, d);
  (await face.claim(d)).buf.writeUInt32LE(1);
  (await face.claim(other)).buf.writeUInt32LE(2);
  t.false(await face.commit(other));
  t.true(await face.commit(d));
  t.is(d.cursor, 1);
  t.true(await face.commit(other));
  t.is(other.cursor, 2);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 2]);
});

overFacesAndSpin('one commit for several adjacent claims', async (t, face, spin) => {
  const d = ring(t, { spin });
  skip(d, 5);
  const first = await face.claim(d);
  const second = await face.claimMany(d, 4);
  const third = await face.claimAvail(d, 2);
  first.buf.writeUInt32LE(1);
  fillIn(second.bufs, [2, 3, 4, 5]);
  fillIn(third.bufs, [6, 7]);
  t.true(await face.commitRange(d, first.claimStart, third.claimEnd));
  t.is(d.cursor, 12);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 2, 3, 4, 5, 6, 7]);
});

overFaces('adjacent claims that are not the first are refused together', async (t, face) => {
  const d = ring(t);
  const claims = [await face.claim(d), await face.claim(d), await face.claim(d)];
  t.false(await face.commitRange(d, claims[1]!.claimStart, claims[2]!.claimEnd));
  t.true(await face.commitRange(d, 0, 0));
  t.is(d.cursor, 1);
  t.true(await face.commitRange(d, claims[1]!.claimStart, claims[2]!.claimEnd));
  t.is(d.cursor, 3);
});

overFacesAndSpin('part of a claim: the cursor moves as far as was said', async (t, face, spin) => {
  const d = ring(t, { spin });
  fillIn((await face.claimMany(d, 4)).bufs, [1, 2, 3, 4]);
  t.true(await face.commitRange(d, 0, 1));
  t.is(d.cursor, 2);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 2]);
  t.true(await face.commitRange(d, 2, 3));
  t.is(d.cursor, 4);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [3, 4]);
});

overFacesAndSpin('a whole ring, in one claim and one commit', async (t, face, spin) => {
  const d = ring(t, { spin });
  skip(d, 3);
  fillIn((await face.claimMany(d, 8)).bufs, [1, 2, 3, 4, 5, 6, 7, 8]);
  t.true(await face.commit(d));
  t.is(d.cursor, 11);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1, 2, 3, 4, 5, 6, 7, 8]);
});
