// Neither side runs away from the other, and waiting costs little.
import { once } from 'node:events';

import test from 'ava';

import { asleep } from '../asleep.js';
import { nameOf, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { staysPending } from './pending.js';
import { bytes, closed, readAll, reader, record, until, write, writer } from './streams.js';

test('a reader that nobody reads from holds up the writer', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 16);
  const input = reader(t, ring, { highWaterMark: 8 });
  const output = writer(t, ring);
  const data = Buffer.from(Uint8Array.from({ length: 200 }, (_, i) => i));
  const written = write(output, data);
  t.true(await staysPending(written));
  // It has not even begun to read.
  t.is(ring.consumer, 0);
  t.is(ring.cursor, 16);

  const received = readAll(input);
  await written;
  output.end();
  t.deepEqual(await received, data);
});

test('a reader that pauses holds up the writer until it goes on', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 16);
  const input = reader(t, ring, { highWaterMark: 8 });
  const output = writer(t, ring);
  const seen = record(input);
  await write(output, 'x'.repeat(50));
  input.pause();
  const written = write(output, 'y'.repeat(500));
  t.true(await staysPending(written));
  // What it has read ahead: at most one ringful over its mark.
  t.true(input.readableLength <= 8 + 16);
  t.true(ring.cursor <= 50 + 2 * 16 + 8);
  const closes = closed(input);
  input.resume();
  await written;
  output.end();
  await closes;
  t.is(seen.text, 'x'.repeat(50) + 'y'.repeat(500));
});

test('one slow reader holds up the writer for all, and no reader loses anything', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 16, 2);
  const first = reader(t, ring);
  const fast = record(first);
  const slow = reader(t, ring, { consumer: 1, highWaterMark: 1 });
  const output = writer(t, ring);
  const data = 'z'.repeat(100);
  const written = write(output, data);
  await until(first, () => fast.text.length >= 16);
  t.true(await staysPending(written));
  t.is(fast.text.length, 16);
  const received = readAll(slow);
  await written;
  output.end();
  t.is((await received).toString(), data);
  await until(first, () => fast.ended);
  t.is(fast.text, data);
});

test('a full ring shows in write() and drain', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 4);
  const output = writer(t, ring, { highWaterMark: 4 });
  t.false(output.write('1234567'));
  const drains = once(output, 'drain');
  t.true(await staysPending(drains));
  t.true(output.writableNeedDrain);
  const input = reader(t, ring);
  const seen = record(input);
  await drains;
  t.false(output.writableNeedDrain);
  await until(input, () => seen.text.length >= 7);
  t.is(seen.text, '1234567');
});

test('a reader waits for a slow writer', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const received = readAll(reader(t, ring));
  const output = writer(t, ring);
  for (const letter of 'slowly') {
    t.true(await staysPending(received));
    await write(output, letter);
  }
  output.end();
  t.is((await received).toString(), 'slowly');
});

test('streams that wait sleep, and do not poll', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const empty = bytes(t);
  const input = reader(t, empty).resume();
  const full = bytes(t, 2);
  const output = writer(t, full);
  output.write('123');
  await asleep(nameOf(empty), 'data');
  await asleep(nameOf(full), 'space');
  t.false(input.destroyed || output.destroyed);
});
