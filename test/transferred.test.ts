// Memory that is taken away from JavaScript: by transfer(), and by byte streams that a view is given to.
import test from 'ava';
import { Broadcast, Ring } from 'shm-disruptor';

import { produce, valuesOf } from './compat/values.js';
import { attach, ring, ringOfRoles, uniqueName } from './fixture.js';
import { drain, word } from './words.js';

/** Whether it could be taken: Node 20 copies. */
function taken(view: Uint8Array): boolean {
  new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(view as Uint8Array<ArrayBuffer>);
    },
  });
  return view.length === 0;
}

const lost = { code: 'ERR_RELEASED', message: /transferred/ };

test('a ring: nothing is claimed or consumed any more, and others go on', async (t) => {
  const { creator } = ring.named(t);
  const other = attach(t, creator);
  produce(other, 1);
  if (taken(creator.produceClaimSync())) {
    t.throws(() => creator.produceClaimSync(), lost);
    t.throws(() => creator.produceClaimManySync(2), lost);
    await t.throwsAsync(creator.produceClaim(), lost);
    t.throws(() => creator.consumeNewSync(), lost);
    await t.throwsAsync(creator.consumeNew(), lost);
  }
  // What was claimed before is committed all the same.
  t.true(creator.produceCommitSync());
  creator.release();
  t.throws(() => creator.produceClaimSync(), { code: 'ERR_RELEASED', message: /released/ });
  produce(other, 3);
  const reader = attach(t, other, {});
  t.deepEqual(
    valuesOf(reader.consumeNewSync()).filter((_, i) => i !== 1),
    [1, 3],
  );
});

test('a ring with roles: publishing fails before it claims', (t) => {
  const created = ringOfRoles(t, { consumers: { all: {} } });
  using consumer = created.consumer('all');
  using producer = created.producer();
  const other = Ring.open(created.name);
  using working = other.producer();
  t.is(working.publishSync(word(1)), 0);
  const claim = producer.claimSync();
  if (taken(claim.bufs[0]!)) {
    t.throws(() => producer.publishSync(word(2)), lost);
    t.throws(() => producer.tryPublish(word(2)), lost);
    t.throws(() => producer.publishManySync([word(2)]), lost);
  }
  claim.commit();
  t.is(working.publishSync(word(3)), 2);
  t.deepEqual(
    drain(consumer).filter((_, i) => i !== 1),
    [1, 3],
  );
  other.close();
});

test('a broadcast: claiming fails before it claims, and publishing goes on', (t) => {
  const broadcast = Broadcast.create(uniqueName(t), { elements: 8, elementSize: 16 });
  const subscription = broadcast.subscribe();
  const claim = broadcast.claim();
  claim.abort();
  if (taken(claim.view)) t.throws(() => broadcast.claim(), lost);
  const sequence = broadcast.publish('x');
  t.is(subscription.tryReceive()?.sequence, sequence);
  subscription.close();
  broadcast.close();
});
