// How readers learn that the writer has ended, or has failed.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { DisruptorReadStream } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach } from '../fixture.js';
import { staysPending } from './pending.js';
import { bytes, closed, errorOf, readAll, reader, record, write, writer } from './streams.js';

test('the end comes after the last byte, to every reader', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 4, 3);
  const received = [0, 1, 2].map((consumer) => readAll(reader(t, ring, { consumer })));
  const stream = writer(t, ring);
  stream.write('hello, ');
  stream.end('readers');
  const texts = (await Promise.all(received)).map(String);
  t.deepEqual(texts, ['hello, readers', 'hello, readers', 'hello, readers']);
});

test('a reader that begins after the end gets everything', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const stream = writer(t, ring);
  stream.end('long ago');
  await closed(stream);
  t.is((await readAll(reader(t, ring))).toString(), 'long ago');
});

test('a reader that waits hears of an end without data', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const ends = readAll(reader(t, ring));
  t.true(await staysPending(ends));
  writer(t, ring).end();
  t.is((await ends).length, 0);
});

test('what is written between the last read and the end is not lost', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring);
  await write(output, 'first ');
  const consumer = attach(t, ring);
  const consumeNew = consumer.consumeNew.bind(consumer);
  // The writer writes and ends after the reader has looked and found nothing, and before it is
  // told so.
  consumer.consumeNew = async () => {
    const consumed = await consumeNew();
    if (consumed.bufs.length === 0 && !output.writableEnded) {
      output.end('last');
      await once(output, 'finish');
    }
    return consumed;
  };
  const input = new DisruptorReadStream(consumer);
  t.is((await readAll(input)).toString(), 'first last');
  t.true(output.writableFinished);
});

test('end, then close; finish, then close', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const events: string[] = [];
  const input = reader(t, ring);
  const output = writer(t, ring);
  for (const event of ['end', 'close', 'error']) input.on(event, () => events.push(`in ${event}`));
  for (const event of ['finish', 'close', 'error']) {
    output.on(event, () => events.push(`out ${event}`));
  }
  const closes = [closed(input), closed(output)];
  input.resume();
  output.end('data');
  await Promise.all(closes);
  t.deepEqual(
    events.filter((event) => event.startsWith('in')),
    ['in end', 'in close'],
  );
  t.deepEqual(
    events.filter((event) => event.startsWith('out')),
    ['out finish', 'out close'],
  );
});

test('a writer finishes when all of it is in the ring', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 4);
  const output = writer(t, ring);
  const finishes = once(output, 'finish');
  output.end('123456789');
  t.true(await staysPending(finishes));
  const received = readAll(reader(t, ring));
  await finishes;
  t.is(ring.cursor, 9);
  t.is((await received).toString(), '123456789');
});

test('a writer that is destroyed with an error makes every reader fail', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 16, 2);
  const inputs = [0, 1].map((consumer) => reader(t, ring, { consumer }).resume());
  const output = writer(t, ring);
  const errors = inputs.map(errorOf);
  const own = errorOf(output);
  t.true(await staysPending(Promise.race(errors)));
  const cause = new Error('the disk is full');
  output.destroy(cause);
  t.is(await own, cause);
  for (const error of await Promise.all(errors)) t.is(error.message, 'writer errored');
  t.true(inputs.every((input) => input.destroyed));
});

test('what was written before the writer failed is delivered', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring).on('error', () => undefined);
  await write(output, 'before');
  output.destroy(new Error('failed'));
  await closed(output);
  const input = reader(t, ring);
  const seen = record(input);
  await closed(input);
  t.is(seen.text, 'before');
  t.is(seen.error?.message, 'writer errored');
  t.false(seen.ended);
});

test('also to a reader that reads one chunk after the other', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring).on('error', () => undefined);
  await write(output, 'before');
  output.destroy(new Error('failed'));
  await closed(output);
  let text = '';
  const iterate = async () => {
    for await (const chunk of reader(t, ring) as AsyncIterable<Buffer>) text += chunk.toString();
  };
  await t.throwsAsync(iterate(), { message: 'writer errored' });
  t.is(text, 'before');
});

test('also to a reader that is paused meanwhile', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring).on('error', () => undefined);
  const input = reader(t, ring);
  const seen = record(input);
  input.pause();
  await write(output, 'before');
  // It may have read ahead by now.
  await sleep(20);
  output.destroy(new Error('failed'));
  await sleep(20);
  input.resume();
  await closed(input);
  t.is(seen.text, 'before');
  t.is(seen.error?.message, 'writer errored');
});
