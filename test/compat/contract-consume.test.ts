import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { fillIn, produce, skip, valuesOf } from './values.js';

const NOTHING = { bufs: [], start: 0 };
const sizes = (bufs: Buffer[]) => bufs.map((buf) => buf.length);

overFaces('nothing to consume: no Buffers, start 0', async (t, face) => {
  const d = ring(t);
  t.deepEqual(await face.consume(d), NOTHING);
  skip(d, 3);
  t.deepEqual(await face.consume(d), NOTHING);
});

overFaces('what is claimed and not committed is not there', async (t, face) => {
  const d = ring(t);
  produce(d, 1);
  await face.claimMany(d, 3);
  const { bufs, start } = await face.consume(d);
  t.deepEqual(valuesOf(bufs), [1]);
  t.is(start, 0);
  t.deepEqual(await face.consume(d), NOTHING);
});

overFacesAndSpin('all that is committed comes as one Buffer', async (t, face, spin) => {
  const d = ring(t, { spin });
  produce(d, 1);
  produce(d, 2, 3);
  produce(d, 4);
  const { bufs, start } = await face.consume(d);
  t.deepEqual(sizes(bufs), [16]);
  t.deepEqual(valuesOf(bufs), [1, 2, 3, 4]);
  t.is(start, 0);
});

overFacesAndSpin('over the end of the ring it comes as two', async (t, face, spin) => {
  const d = ring(t, { spin });
  skip(d, 6);
  produce(d, 1, 2, 3, 4, 5);
  const { bufs, start } = await face.consume(d);
  t.deepEqual(sizes(bufs), [8, 12]);
  t.deepEqual(valuesOf(bufs), [1, 2, 3, 4, 5]);
  t.is(start, 6);
});

overFaces('up to the end of the ring it comes as one', async (t, face) => {
  const d = ring(t);
  skip(d, 6);
  produce(d, 1, 2);
  t.deepEqual(sizes((await face.consume(d)).bufs), [8]);
  produce(d, 3, 4);
  const { bufs, start } = await face.consume(d);
  t.deepEqual(sizes(bufs), [8]);
  t.is(start, 8);
});

overFacesAndSpin('consuming commits what was consumed before', async (t, face, spin) => {
  const d = ring(t, { spin });
  produce(d, 1, 2);
  await face.consume(d);
  t.is(d.consumer, 0);
  produce(d, 3);
  const { bufs, start } = await face.consume(d);
  t.is(d.consumer, 2);
  t.deepEqual(valuesOf(bufs), [3]);
  t.is(start, 2);
});

overFaces('consuming nothing commits, too, and that gives room', async (t, face) => {
  const d = ring(t, { elements: 2 });
  produce(d, 1, 2);
  await face.consume(d);
  t.deepEqual((await face.claimMany(d, 2)).bufs, []);
  t.deepEqual(await face.consume(d), NOTHING);
  t.is(d.consumer, 2);
  t.like(await face.claimMany(d, 2), { claimStart: 2, claimEnd: 3 });
});

overFacesAndSpin('consumeCommit gives back what was consumed', async (t, face, spin) => {
  const d = ring(t, { spin });
  t.true(d.consumeCommit());
  t.is(d.consumer, 0);
  produce(d, 1, 2);
  // What nobody has consumed it does not touch.
  t.true(d.consumeCommit());
  t.is(d.consumer, 0);
  await face.consume(d);
  t.true(d.consumeCommit());
  t.is(d.consumer, 2);
  t.true(d.consumeCommit());
  t.is(d.consumer, 2);
});

overFaces('consumeCommit commits what was consumed, not what came since', async (t, face) => {
  const d = ring(t);
  produce(d, 1, 2);
  await face.consume(d);
  produce(d, 3);
  t.true(d.consumeCommit());
  t.is(d.consumer, 2);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [3]);
});

overFaces('every consumer gets everything, at its own pace', async (t, face) => {
  const d = ring(t, { consumers: 2 });
  const other = attach(t, d, { consumer: 1 });
  produce(d, 1);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1]);
  produce(d, 2, 3);
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [2, 3]);
  t.is(d.consumer, 1);
  t.deepEqual(valuesOf((await face.consume(other)).bufs), [1, 2, 3]);
  t.is(other.consumer, 0);
});

overFaces('two objects with one index: the second to commit is told', async (t, face) => {
  const producer = ring(t);
  const [one, two] = [attach(t, producer), attach(t, producer)];
  produce(producer, 1, 2);
  t.deepEqual(valuesOf((await face.consume(one)).bufs), [1, 2]);
  t.deepEqual(valuesOf((await face.consume(two)).bufs), [1, 2]);
  t.true(one.consumeCommit());
  t.is(two.consumer, 2);
  t.false(two.consumeCommit());
  // Once it was told there is nothing pending any more.
  t.true(two.consumeCommit());
  t.is(two.consumer, 2);
  produce(producer, 3);
  t.deepEqual(valuesOf((await face.consume(two)).bufs), [3]);
});

overFaces('two objects with one index: consuming goes on where the other is', async (t, face) => {
  const producer = ring(t);
  const [one, two] = [attach(t, producer), attach(t, producer)];
  produce(producer, 1, 2);
  await face.consume(one);
  await face.consume(two);
  produce(producer, 3, 4, 5);
  t.deepEqual(valuesOf((await face.consume(one)).bufs), [3, 4, 5]);
  t.deepEqual(valuesOf((await face.consume(two)).bufs), [3, 4, 5]);
  t.is(producer.consumer, 2);
  t.true(two.consumeCommit());
  t.false(one.consumeCommit());
  t.is(producer.consumer, 5);
});

overFaces('an object with a consumer index that only produces is no consumer', async (t, face) => {
  const consumer = ring(t);
  const producer = attach(t, consumer);
  for (let round = 0; round < 5; round += 1) {
    fillIn((await face.claimMany(producer, 3)).bufs, [round, round, round]);
    await face.commit(producer);
    t.deepEqual(valuesOf((await face.consume(consumer)).bufs), [round, round, round]);
  }
  t.is(consumer.consumer, 12);
});

overFaces('who attaches as a consumer goes on where that one was', async (t, face) => {
  const d = ring(t);
  produce(d, 1, 2);
  await face.consume(d);
  d.consumeCommit();
  produce(d, 3, 4);
  // Consumed and not committed: it comes again.
  await face.consume(d);
  d.release();
  const later = attach(t, d);
  const { bufs, start } = await face.consume(later);
  t.deepEqual(valuesOf(bufs), [3, 4]);
  t.is(start, 2);
});
