// A bridge that was killed knows what it had delivered.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Ring } from 'shm-disruptor';
import { Bridge, checkpointName, ringTarget } from 'shm-disruptor/bridge';

import type * as Checkpoints from '../dist/bridge/checkpoint.js';
import type * as Sightings from '../dist/bridge/seen.js';
import { ListSource, parcel, until } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

const dist = (file: string) => new URL(`../../dist/bridge/${file}.js`, import.meta.url).href;
const { Checkpoint } = (await import(dist('checkpoint'))) as typeof Checkpoints;
const { Seen } = (await import(dist('seen'))) as typeof Sightings;

const seenTo = (end: number) => new Seen([['there', [0, end]]]);
const endOf = ({ seen }: { seen: InstanceType<typeof Seen> }) => seen.memory()[0]?.[1]?.[1];

/** What was delivered up to there came to pass, and nothing behind it. */
const committedTo = (last: number, generation = 'here') => ({
  generation,
  single: false,
  wasCommitted: (start: number) => start <= last,
});

function named(t: ExecutionContext): string {
  t.timeout(WATCHDOG_MILLISECONDS);
  return uniqueName(t);
}

test('it is there again, and another one of the name is refused as long as this one lives', async (t) => {
  const name = named(t);
  const first = await Checkpoint.open(name, committedTo(100));
  t.is(endOf(first), undefined);
  for (let end = 1; end <= 5; end += 1) first.write(seenTo(end), [end, end]);
  await t.throwsAsync(Checkpoint.open(name, committedTo(100)), { code: 'ERR_BRIDGE_BUSY' });
  first.close();

  const second = await Checkpoint.open(name, committedTo(100));
  t.is(endOf(second), 5);
  second.close();
});

test('what was not committed after it was written holds no more, also the next time', async (t) => {
  const name = named(t);
  const first = await Checkpoint.open(name, committedTo(100));
  for (let end = 1; end <= 5; end += 1) first.write(seenTo(end), [end, end]);
  first.close();

  for (let times = 0; times < 3; times += 1) {
    const again = await Checkpoint.open(name, committedTo(4));
    t.is(endOf(again), 4);
    // Its own was not committed either.
    again.write(seenTo(5), [7, 7]);
    again.close();
  }
  const last = await Checkpoint.open(name, committedTo(7));
  t.is(endOf(last), 5);
  last.close();
});

test('what is known of another segment means nothing', async (t) => {
  const name = named(t);
  const first = await Checkpoint.open(name, committedTo(100));
  first.write(seenTo(3), [3, 3]);
  first.close();
  const second = await Checkpoint.open(name, committedTo(100, 'elsewhere'));
  t.is(endOf(second), undefined);
  second.close();
});

test('half a write leaves the one before it', async (t) => {
  const name = named(t);
  const first = await Checkpoint.open(name, committedTo(100));
  for (let end = 1; end <= 4; end += 1) first.write(seenTo(end), [end, end]);
  first.close();
  // As one leaves it who dies while he writes the fifth.
  using ring = Ring.open(name);
  using producer = ring.producer();
  const { bufs } = await producer.claim(1);
  const half = bufs[0]!.subarray(65_536, 65_600);
  half.fill('x', 20, 40);
  producer.close();
  const second = await Checkpoint.open(name, committedTo(100));
  t.is(endOf(second), 4);
  second.write(seenTo(6), [6, 6]);
  second.close();
  const third = await Checkpoint.open(name, committedTo(100));
  t.is(endOf(third), 6);
  third.close();
});

test('what is too much to be written is forgotten', async (t) => {
  const name = named(t);
  const first = await Checkpoint.open(name, committedTo(100));
  const origin = 'o'.repeat(40_000);
  first.write(
    new Seen([
      [origin, [0, 1]],
      [`${origin}2`, [0, 2]],
    ]),
    [1, 1],
  );
  first.close();
  const second = await Checkpoint.open(name, committedTo(100));
  t.deepEqual(
    second.seen.memory().map(([, ranges]) => ranges),
    [[0, 2]],
  );
  second.close();
});

test('a segment that is no checkpoint is refused', async (t) => {
  const name = named(t);
  Ring.create(name, { elements: 8, elementSize: 8 }).close();
  await t.throwsAsync(Checkpoint.open(name, committedTo(0)), { code: 'ERR_SEGMENT_GEOMETRY' });
});

for (const producers of ['multi', 'single'] as const) {
  test(`a bridge that is started again drops what is in its ring already (${producers})`, async (t) => {
    const name = named(t);
    using ring = Ring.create(name, {
      elements: 64,
      elementSize: 8,
      producers,
      consumers: { reader: {} },
    });
    t.teardown(() => {
      Ring.unlink(checkpointName(name, 'again'));
    });
    const parcels = Array.from({ length: 20 }, (_, i) => parcel(i));
    const run = async (some: typeof parcels) => {
      const from = new ListSource(some);
      const to = ringTarget(ring.producer(), { checkpoint: 'again' });
      const bridge = new Bridge({ from, to });
      await until(() => from.acknowledged.length === some.length);
      const { duplicates } = bridge.stats();
      await bridge.stop();
      return duplicates;
    };
    t.is(await run(parcels.slice(0, 12)), 0);
    t.is(await run(parcels), 12);
    const numbers = [...(await ring.consumer('reader').next())].map((bytes) =>
      Number(bytes.toString().replaceAll('\0', '')),
    );
    t.deepEqual(
      numbers,
      parcels.map(({ sequence }) => sequence),
    );
  });
}
