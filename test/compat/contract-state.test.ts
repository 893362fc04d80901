// What an object tells of itself and of the ring, after each step.
import test from 'ava';
import { Disruptor } from 'shm-disruptor';

import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { produce } from './values.js';

/** The getters whose values are small numbers, those of the object first. */
function state(d: Disruptor) {
  const { prevClaimStart, prevClaimEnd, prevConsumeStart, prevConsumeNext } = d;
  const object = [prevClaimStart, prevClaimEnd, prevConsumeStart, prevConsumeNext];
  return { object, ring: [d.next, d.cursor, d.consumer] };
}

overFacesAndSpin('the state after each step', async (t, face, spin) => {
  const d = ring(t, { spin });
  const other = attach(t, d);
  const untouched = [1, 0, 0, 0];
  t.deepEqual(state(d), { object: untouched, ring: [0, 0, 0] });

  await face.claimMany(d, 3);
  t.deepEqual(state(d), { object: [0, 2, 0, 0], ring: [3, 0, 0] });
  await face.commit(d);
  t.deepEqual(state(d), { object: [0, 2, 0, 0], ring: [3, 3, 0] });
  await face.claim(d);
  t.deepEqual(state(d), { object: [3, 3, 0, 0], ring: [4, 3, 0] });
  await face.commit(d);
  await face.consume(d);
  t.deepEqual(state(d), { object: [3, 3, 0, 4], ring: [4, 4, 0] });
  d.consumeCommit();
  t.deepEqual(state(d), { object: [3, 3, 0, 0], ring: [4, 4, 4] });
  d.consumeCommit();
  t.deepEqual(state(d), { object: [3, 3, 0, 0], ring: [4, 4, 4] });

  await face.claimMany(d, 6);
  await face.commit(d);
  await face.consume(d);
  t.deepEqual(state(d), { object: [4, 9, 4, 10], ring: [10, 10, 4] });
  d.consumeCommit();
  // Where it began stays, what is pending does not.
  t.deepEqual(state(d), { object: [4, 9, 4, 0], ring: [10, 10, 10] });

  t.deepEqual(state(other), { object: untouched, ring: [10, 10, 10] });
});

overFaces('the state after calls that gave nothing', async (t, face) => {
  const d = ring(t, { elements: 2 });
  await face.claimMany(d, 2);
  await face.claim(d);
  t.deepEqual(state(d), { object: [1, 0, 0, 0], ring: [2, 0, 0] });
  await face.commitRange(d, 0, 1);
  t.deepEqual(state(d), { object: [1, 0, 0, 0], ring: [2, 2, 0] });
  await face.consume(d);
  await face.consume(d);
  t.deepEqual(state(d), { object: [1, 0, 0, 0], ring: [2, 2, 2] });
});

overFaces('a commit by range leaves the latest claim alone', async (t, face) => {
  const d = ring(t);
  await face.claim(d);
  await face.claim(d);
  await face.commitRange(d, 0, 0);
  t.deepEqual(state(d), { object: [1, 1, 0, 0], ring: [2, 1, 0] });
});

overFaces('the consumers, 8 bytes each, little endian', async (t, face) => {
  const d = ring(t, { consumers: 3, consumer: 2 });
  const { buffer, byteOffset, byteLength } = d.consumers;
  t.is(byteLength, 24);
  t.deepEqual([...new BigUint64Array(buffer, byteOffset, 3)], [0n, 0n, 0n]);
  produce(d, 1, 2, 3);
  await face.consume(d);
  d.consumeCommit();
  const first = attach(t, d);
  produce(d, 4, 5);
  await face.consume(first);
  first.consumeCommit();
  const { consumers } = d;
  const sequences = [0, 8, 16].map((offset) => consumers.readBigUInt64LE(offset));
  t.deepEqual(sequences, [5n, 0n, 3n]);
  t.deepEqual([first.consumer, d.consumer], [5, 3]);
});

test('what was asked for', (t) => {
  for (const spin of [false, true]) {
    const d = ring(t, { elements: 5, elementSize: 3, spin });
    t.is(d.elementSize, 3);
    t.is(d.spin, spin);
    t.is(d.elements.length, 15);
  }
});

test('spin is the object’s, the rest is the ring’s', (t) => {
  const d = ring(t, { spin: true });
  const other = attach(t, d);
  t.true(d.spin);
  t.false(other.spin);
  t.is(other.elementSize, 4);
  t.is(other.elements.length, 32);
});

test('the status is one number for all, 0 at first', (t) => {
  const { name, creator } = ring.named(t);
  const other = attach(t, creator);
  t.is(creator.status, 0);
  for (const status of [1, -1, 2 ** 31 - 1, -(2 ** 31), 0, 42]) {
    creator.status = status;
    t.is(other.status, status);
    other.status = -status - 1;
    t.is(creator.status, -status - 1);
  }
  t.is(ring(t, { name }).status, 0);
});

test('a new ring has zeros, whatever its predecessor of that name had', (t) => {
  const { name, creator } = ring.named(t);
  produce(creator, 1, 2, 3);
  const again = ring(t, { name });
  t.deepEqual(state(again), { object: [1, 0, 0, 0], ring: [0, 0, 0] });
  t.deepEqual(again.elements, Buffer.alloc(32));
});

test('the positional constructor makes and finds the same rings', (t) => {
  const { name } = ring.named(t, { elements: 5, consumers: 2 });
  const found = new Disruptor(name, 5, 4, 2, 1, false, true);
  t.true(found.spin);
  t.is(found.consumer, 0);
  const made = new Disruptor(name, 7, 1, 1, 0, true, false);
  t.is(attach(t, ring(t, { name, elements: 6 }), { elements: 6 }).elements.length, 24);
  t.is(made.elements.length, 7);
  // A pure producer may pass anything as its consumer index.
  const producer = new Disruptor(name, 6, 4, 1, -1, false, false);
  produce(producer, 1);
  t.is(producer.cursor, 1);
  for (const disruptor of [found, made, producer]) disruptor.release();
});
