// Strings, encodings, empty chunks and the options of Readable and Writable.
import { once } from 'node:events';

import test from 'ava';
import { DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach } from '../fixture.js';
import { bytes, errorOf, readAll, reader, write, writer } from './streams.js';

const TEXT = 'Grüße aus dem Ring: ∞ 🎉';

for (const [encoding, text] of [
  ['utf8', TEXT],
  ['utf16le', TEXT],
  ['latin1', 'Grüße'],
  ['hex', '00ff7f80'],
  ['base64', 'AP9/gA=='],
  ['ascii', 'ring'],
] as const) {
  test(`a string as ${encoding}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = bytes(t);
    const received = readAll(reader(t, ring));
    const stream = writer(t, ring);
    stream.write(text, encoding);
    stream.end(text, encoding);
    const expected = Buffer.from(text, encoding);
    t.deepEqual(await received, Buffer.concat([expected, expected]));
  });

  test(`a string as ${encoding} that Writable leaves a string`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = bytes(t);
    const received = readAll(reader(t, ring));
    const stream = writer(t, ring, { decodeStrings: false });
    stream.end(text, encoding);
    t.deepEqual(await received, Buffer.from(text, encoding));
  });
}

test('the default encoding of the writer', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const received = readAll(reader(t, ring));
  writer(t, ring, { defaultEncoding: 'hex' }).end('c0ffee');
  t.deepEqual(await received, Buffer.from('c0ffee', 'hex'));
});

for (const elements of [1, 2, 3, 5]) {
  test(`characters longer than what a ring of ${elements} takes at once`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = bytes(t, elements);
    const stream = reader(t, ring, { encoding: 'utf8' });
    let text = '';
    stream.on('data', (chunk: string) => (text += chunk));
    const ends = once(stream, 'end');
    writer(t, ring).end(TEXT);
    await ends;
    t.is(text, TEXT);
  });
}

test('a Uint8Array is written as it is', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const received = readAll(reader(t, ring));
  writer(t, ring).end(new Uint8Array([0, 1, 255]));
  t.deepEqual([...(await received)], [0, 1, 255]);
});

test('empty writes call back and write nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const stream = writer(t, ring);
  await write(stream, '');
  await write(stream, Buffer.alloc(0));
  t.is(ring.next, 0);
  const received = readAll(reader(t, ring));
  await write(stream, 'a');
  await write(stream, '');
  await write(stream, 'b');
  stream.end('');
  t.is((await received).toString(), 'ab');
});

test('an empty write to a full ring need not wait', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 2);
  const stream = writer(t, ring);
  await write(stream, 'ab');
  await write(stream, '');
  t.is(ring.cursor, 2);
});

test('nothing at all: the end', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const received = readAll(reader(t, ring));
  writer(t, ring).end();
  t.is((await received).length, 0);
});

test('highWaterMark is passed on', (t) => {
  const ring = bytes(t, 2);
  const input = reader(t, ring, { highWaterMark: 3 });
  const output = writer(t, ring, { highWaterMark: 5 });
  t.is(input.readableHighWaterMark, 3);
  t.is(output.writableHighWaterMark, 5);
  // Two of them find no room.
  t.true(output.write('abcd'));
  t.false(output.write('e'));
});

test('an AbortSignal destroys either stream', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t, 2);
  const controller = new AbortController();
  const { signal } = controller;
  const input = reader(t, ring, { signal });
  const output = writer(t, ring, { signal });
  const errors = Promise.all([errorOf(input), errorOf(output)]);
  input.read();
  controller.abort();
  for (const error of await errors) t.is(error.name, 'AbortError');
  t.true(input.destroyed && output.destroyed);
});

test('a stream says which Disruptor it is on', (t) => {
  const ring = bytes(t);
  const [one, two] = [attach(t, ring), attach(t, ring)];
  t.is(new DisruptorReadStream(one).disruptor, one);
  t.is(new DisruptorWriteStream(two).disruptor, two);
});
