// destroy() in the midst of things.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { DisruptorReadStream } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach } from '../fixture.js';
import { staysPending } from './pending.js';
import {
  bytes,
  closed,
  errorOf,
  readAll,
  reader,
  record,
  until,
  write,
  writer,
} from './streams.js';

test('a reader that waits closes, and reads nothing any more', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const input = reader(t, ring);
  const seen = record(input);
  const closes = closed(input);
  t.true(await staysPending(closes));
  input.destroy();
  await closes;
  await write(writer(t, ring), 'too late');
  t.true(await staysPending(once(input, 'data')));
  t.deepEqual(seen, { text: '', ended: false });
  t.is(ring.consumer, 0);
});

test('a reader that is destroyed with an error emits it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const input = reader(t, bytes(t)).resume();
  const fails = errorOf(input);
  const closes = closed(input);
  const cause = new Error('had enough');
  input.destroy(cause);
  t.is(await fails, cause);
  await closes;
  t.true(input.closed);
});

test('a reader that is destroyed at its first chunk gets no other', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 4);
  const input = reader(t, ring);
  const output = writer(t, ring);
  const chunks: string[] = [];
  input.on('data', (chunk: Buffer) => {
    chunks.push(chunk.toString());
    input.destroy();
  });
  const closes = closed(input);
  const written = write(output, 'abcdefghijkl');
  await closes;
  t.true(await staysPending(written));
  t.is(chunks.length, 1);
  t.is(ring.consumer, chunks[0]!.length);
});

test('leaving an iteration destroys the reader; another one goes on there', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring);
  await write(output, 'first');
  const input = reader(t, ring);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    t.is(chunk.toString(), 'first');
    break;
  }
  t.true(input.destroyed);
  output.end('second');
  t.is((await readAll(reader(t, ring))).toString(), 'second');
});

test('what a destroyed reader did not give comes again, to another object', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring);
  await write(output, 'data');
  const input = reader(t, ring);
  input.read();
  // It reads at this moment.
  input.destroy();
  await closed(input);
  output.end();
  t.is((await readAll(reader(t, ring))).toString(), 'data');
});

test('what a destroyed reader did not give comes again, to the same object', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const output = writer(t, ring);
  await write(output, 'data');
  const input = reader(t, ring);
  input.read();
  input.destroy();
  await closed(input);
  output.end();
  t.is((await readAll(new DisruptorReadStream(input.disruptor))).toString(), 'data');
});

test('a writer that waits for room closes, and writes nothing any more', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 4);
  const output = writer(t, ring);
  const closes = closed(output);
  const written = write(output, '123456');
  t.true(await staysPending(Promise.race([written, closes])));
  output.destroy();
  await closes;
  // It was not written.
  await t.throwsAsync(written);
  const seen = record(reader(t, ring));
  await sleep(20);
  t.is(seen.text, '1234');
  t.is(ring.next, 4);
  t.is(ring.cursor, 4);
});

test('a writer that waits for an earlier claim closes', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  await ring.produceClaim();
  const output = writer(t, ring);
  const written = write(output, 'abc');
  t.true(await staysPending(Promise.race([written, closed(output)])));
  output.destroy();
  await closed(output);
  t.is(ring.cursor, 0);
  t.true(await ring.produceCommit());
  const [{ status }] = await Promise.allSettled([written]);
  // Whoever is told of no error may rely on it.
  t.true(status === 'rejected' || ring.cursor === 4);
});

test('a writer that is destroyed with an error emits it and calls back', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 2);
  const output = writer(t, ring);
  const fails = errorOf(output);
  const written = write(output, 'abc');
  const cause = new Error('had enough');
  output.destroy(cause);
  await t.throwsAsync(written);
  t.is(await fails, cause);
  t.true(output.destroyed);
});

test('a writer that is destroyed in a write does not stall the other writers', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const input = reader(t, ring);
  const seen = record(input);
  const [output, other] = [writer(t, ring), writer(t, ring)];
  output.write('abc');
  // It has claimed and not committed yet.
  output.destroy();
  await closed(output);
  await write(other, 'xyz');
  await until(input, () => seen.text.endsWith('xyz'));
  t.true(['xyz', 'abcxyz'].includes(seen.text));
});

test('a writer that is destroyed while it waits to commit does not stall the others', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const producer = attach(t, ring);
  (await producer.produceClaim()).buf.write('1');
  const input = reader(t, ring);
  const seen = record(input);
  const [output, other] = [writer(t, ring), writer(t, ring)];
  output.write('abc');
  await sleep(20);
  output.destroy();
  await closed(output);
  const written = write(other, 'xyz');
  t.true(await producer.produceCommit());
  await written;
  await until(input, () => seen.text.endsWith('xyz'));
  t.true(['1xyz', '1abcxyz'].includes(seen.text));
});
