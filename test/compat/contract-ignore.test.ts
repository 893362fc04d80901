// release(true): a consumer that producers never wait for again.
import { attach, ring } from '../fixture.js';
import { overFaces, overFacesAndSpin } from './over-faces.js';
import { produce, valuesOf } from './values.js';

const IGNORED = { claimStart: 1, claimEnd: 0, allConsumersIgnoring: true };

overFacesAndSpin(
  'without consumers every claim gives nothing and says so',
  async (t, face, spin) => {
    const consumer = ring(t, { consumers: 1 });
    const producer = attach(t, consumer, { spin });
    t.false(producer.allConsumersIgnoring);
    consumer.release(true);
    t.true(producer.allConsumersIgnoring);
    const { buf, ...rest } = await face.claim(producer);
    t.is(buf.length, 0);
    t.deepEqual(rest, IGNORED);
    t.deepEqual(await face.claimMany(producer, 3), { bufs: [], ...IGNORED });
    t.deepEqual(await face.claimAvail(producer, 3), { bufs: [], ...IGNORED });
    t.false(await face.commit(producer));
    t.is(producer.next, 0);
  },
);

overFacesAndSpin('also when the ring is full', async (t, face, spin) => {
  const consumer = ring(t, { elements: 2 });
  const producer = attach(t, consumer, { spin });
  produce(producer, 1, 2);
  consumer.release(true);
  t.like(await face.claim(producer), IGNORED);
  t.is(producer.next, 2);
});

overFacesAndSpin('it is the last of several consumers that counts', async (t, face, spin) => {
  const producer = ring(t, { consumers: 3, spin });
  for (const consumer of [1, 0]) {
    attach(t, producer, { consumer }).release(true);
    t.false(producer.allConsumersIgnoring);
    t.like(await face.claim(producer), { allConsumersIgnoring: false });
  }
  t.is(producer.next, 2);
  attach(t, producer, { consumer: 2 }).release(true);
  t.true(producer.allConsumersIgnoring);
  t.like(await face.claim(producer), IGNORED);
});

overFaces('the others go on without an ignored consumer', async (t, face) => {
  const d = ring(t, { consumers: 2 });
  const slow = attach(t, d, { consumer: 1 });
  produce(d, 1, 2, 3, 4, 5, 6, 7, 8);
  await face.consume(d);
  d.consumeCommit();
  t.is((await face.claim(d)).buf.length, 0);
  slow.release(true);
  t.like(await face.claimMany(d, 8), { claimStart: 8, claimEnd: 15, allConsumersIgnoring: false });
  t.false(d.allConsumersIgnoring);
});

overFaces('what was claimed before can still be committed', async (t, face) => {
  const consumer = ring(t);
  const producer = attach(t, consumer);
  await face.claim(producer);
  consumer.release(true);
  t.true(await face.commit(producer));
  t.is(producer.cursor, 1);
});

overFaces('release without mark: producers go on waiting', async (t, face) => {
  const consumer = ring(t, { elements: 2 });
  const producer = attach(t, consumer);
  produce(producer, 1, 2);
  consumer.release();
  t.false(producer.allConsumersIgnoring);
  t.like(await face.claim(producer), { claimEnd: 0, allConsumersIgnoring: false });
  const later = attach(t, producer);
  t.deepEqual(valuesOf((await face.consume(later)).bufs), [1, 2]);
  later.consumeCommit();
  t.is((await face.claim(producer)).claimStart, 2);
});

overFaces('it is for good: nobody consumes under that index again', async (t, face) => {
  const d = ring(t, { consumers: 2, consumer: 1 });
  attach(t, d).release(true);
  produce(d, 1);
  const later = attach(t, d);
  await t.throwsAsync(face.consume(later), { code: 'ERR_CONSUMER_IGNORED' });
  t.deepEqual(valuesOf((await face.consume(d)).bufs), [1]);
});

overFaces('a new ring of the same name has all its consumers again', async (t, face) => {
  const { name, creator } = ring.named(t);
  creator.release(true);
  const again = ring(t, { name });
  t.false(again.allConsumersIgnoring);
  t.is((await face.claim(again)).claimStart, 0);
});
