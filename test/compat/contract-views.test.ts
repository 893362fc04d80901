// Buffers are shared memory itself.
import test from 'ava';

import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { fillIn, produce, skip, valuesOf } from './values.js';

overFacesAndSpin('a claim is a view of the elements', async (t, face, spin) => {
  const d = ring(t, { spin });
  const { buf } = await face.claim(d);
  const [two] = (await face.claimMany(d, 2)).bufs;
  const [three] = (await face.claimAvail(d, 3)).bufs;
  for (const view of [buf, two!, three!]) t.is(view.buffer, d.elements.buffer);
  buf.writeUInt32LE(1);
  fillIn([two!], [2, 3]);
  fillIn([three!], [4, 5, 6]);
  t.deepEqual(valuesOf([d.elements]), [1, 2, 3, 4, 5, 6, 0, 0]);
});

overFacesAndSpin('another object sees what is written, and when', async (t, face, spin) => {
  const consumer = ring(t, { spin });
  const producer = attach(t, consumer, { spin });
  const { buf } = await face.claim(producer);
  await face.commit(producer);
  const [seen] = (await face.consume(consumer)).bufs;
  buf.writeUInt32LE(1);
  t.deepEqual(valuesOf([seen!]), [1]);
  seen!.writeUInt32LE(2);
  t.deepEqual(valuesOf([buf]), [2]);
  t.deepEqual(valuesOf([producer.elements]).slice(0, 2), [2, 0]);
});

overFaces('both parts over the end of the ring are views', async (t, face) => {
  const d = ring(t);
  skip(d, 7);
  fillIn((await face.claimMany(d, 3)).bufs, [1, 2, 3]);
  t.deepEqual(valuesOf([d.elements]), [2, 3, 0, 0, 0, 0, 0, 1]);
  await face.commit(d);
  const { bufs } = await face.consume(d);
  d.elements.fill(0);
  t.deepEqual(valuesOf(bufs), [0, 0, 0]);
});

overFaces('an element that is claimed again holds what it held', async (t, face) => {
  const d = ring(t, { elements: 1 });
  produce(d, 42);
  await face.consume(d);
  d.consumeCommit();
  t.deepEqual(valuesOf([(await face.claim(d)).buf]), [42]);
});

test('elements shows what is written through it, in either direction', (t) => {
  const d = ring(t);
  const other = attach(t, d);
  d.elements.writeUInt32LE(7, 20);
  t.deepEqual(valuesOf([other.elements]), [0, 0, 0, 0, 0, 7, 0, 0]);
  other.elements.fill(0xff);
  t.deepEqual(d.elements, Buffer.alloc(32, 0xff));
});
