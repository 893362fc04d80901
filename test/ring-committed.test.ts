// Whether a claim came to pass, asked by somebody who did not make it: what a bridge's checkpoint needs.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';

interface Core {
  wasCommitted(start: number, end: number): boolean;
}

const { attachmentOf } = (await import(
  new URL('../../dist/segment/ring-participant.js', import.meta.url).href
)) as { attachmentOf: (of: object) => { ring: Core } };

function over(t: ExecutionContext, producers: 'multi' | 'single') {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { producers });
  const { ring: core } = attachmentOf(ring);
  return { ring, was: (start: number, end: number) => core.wasCommitted(start, end) };
}

for (const producers of ['multi', 'single'] as const) {
  test(`what was committed was, and nothing else (${producers})`, async (t) => {
    const { ring, was } = over(t, producers);
    using producer = ring.producer();
    t.false(was(0, 0));
    const claim = await producer.claim(2);
    t.false(was(0, 1));
    claim.commit();
    t.true(was(0, 1));
    t.false(was(2, 3));
    // More than a lap later, too.
    for (let i = 0; i < 20; i += 1) await producer.publish('x');
    t.true(was(0, 1));
    t.true(was(21, 21));
  });
}

test('what somebody claimed and left was not, also when others have gone on', async (t) => {
  const { ring, was } = over(t, 'multi');
  const dead = ring.producer();
  await dead.publish('a');
  await dead.claim(2);
  dead.close();
  t.false(was(1, 2));
  using producer = ring.producer();
  for (let i = 0; i < 20; i += 1) await producer.publish('x');
  t.false(was(1, 2));
});

test('what was committed behind somebody who has not committed was', async (t) => {
  const { ring, was } = over(t, 'multi');
  using slow = ring.producer();
  using fast = ring.producer();
  const first = await slow.claim(1);
  const second = await fast.claim(2);
  t.false(was(1, 2));
  second.commit();
  t.true(was(1, 2));
  t.false(was(0, 0));
  first.commit();
  t.true(was(0, 0) && was(1, 2));
});

test('behind a gap it is certain, and before one it is not', async (t) => {
  const { ring, was } = over(t, 'multi');
  using producer = ring.producer();
  await producer.publish('a');
  const dead = ring.producer();
  await dead.claim(1);
  dead.close();
  await producer.publish('b');
  t.false(was(0, 0));
  t.false(was(1, 1));
  t.true(was(2, 2));
});
