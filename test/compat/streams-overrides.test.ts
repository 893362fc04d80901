// The streams go through the public methods of the object that they were given.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';
import type { Disruptor } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach } from '../fixture.js';
import { bytes, errorOf, readAll, reader, write, writer } from './streams.js';

type Method = 'consumeNew' | 'consumeCommit' | 'produceClaimAvail' | 'produceCommit';
type Call = (...args: unknown[]) => unknown;

/** Puts a method of one's own in the place of a method; `original` is what it replaces. */
function override(d: Disruptor, name: Method, make: (original: Call) => Call): void {
  Object.defineProperty(d, name, { value: make(d[name].bind(d) as Call) });
}

/** Counts the calls of a method. */
function counted(d: Disruptor, name: Method): { calls: number; args: unknown[][] } {
  const count = { calls: 0, args: [] as unknown[][] };
  override(d, name, (original) => (...args) => {
    count.calls += 1;
    count.args.push(args);
    return original(...args);
  });
  return count;
}

test('a reader calls consumeNew and consumeCommit', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  const [consumes, commits] = [counted(d, 'consumeNew'), counted(d, 'consumeCommit')];
  const received = readAll(new DisruptorReadStream(d));
  const output = writer(t, ring);
  await write(output, 'one');
  output.end('two');
  t.is((await received).toString(), 'onetwo');
  t.true(consumes.calls >= 2);
  t.true(commits.calls >= 1);
});

test('a writer calls produceClaimAvail and produceCommit', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  const [claims, commits] = [counted(d, 'produceClaimAvail'), counted(d, 'produceCommit')];
  const output = new DisruptorWriteStream(d);
  await write(output, 'one');
  await write(output, 'three');
  t.deepEqual(claims.args, [[3], [5]]);
  t.deepEqual(commits.args, [
    [0, 2],
    [3, 7],
  ]);
  t.is(ring.cursor, 8);
});

test('a reader takes what an override of consumeNew gives', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  override(d, 'consumeNew', (original) => async () => {
    const { bufs, start } = (await original()) as { bufs: Buffer[]; start: number };
    return { bufs: bufs.map((buf) => Buffer.from(buf.toString().toUpperCase())), start };
  });
  const received = readAll(new DisruptorReadStream(d));
  writer(t, ring).end('shout');
  t.is((await received).toString(), 'SHOUT');
});

test('a writer writes what an override of produceClaimAvail lets it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  // One byte at a time.
  override(d, 'produceClaimAvail', (original) => () => original(1));
  const commits = counted(d, 'produceCommit');
  const received = readAll(reader(t, ring));
  new DisruptorWriteStream(d).end('slowly');
  t.is((await received).toString(), 'slowly');
  t.is(commits.calls, 6);
});

test('a commit that answers false is tried again', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  const asked: unknown[][] = [];
  override(d, 'produceCommit', (original) => (...range) => {
    asked.push(range);
    return asked.length % 4 === 0 ? original(...range) : Promise.resolve(false);
  });
  const output = new DisruptorWriteStream(d);
  await write(output, 'once');
  await write(output, 'more');
  t.is(ring.cursor, 8);
  t.deepEqual(asked.slice(0, 4), Array(4).fill([0, 3]));
  t.deepEqual(asked.slice(4), Array(4).fill([4, 7]));
  const received = readAll(reader(t, ring));
  output.end();
  t.is((await received).toString(), 'oncemore');
});

test('a write ends though somebody else committed a part of its claim', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const other = attach(t, ring);
  await other.produceClaim();
  const output = new DisruptorWriteStream(attach(t, ring));
  const written = write(output, 'more');
  while (ring.next < 5) await sleep(1);
  t.true(await other.produceCommit(0, 2));
  await written;
  t.is(ring.cursor, 5);
});

test('a write waits for the earlier claim of somebody else', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const other = attach(t, ring);
  const { buf } = await other.produceClaim();
  const received = readAll(reader(t, ring));
  const output = writer(t, ring);
  let written = false;
  const writes = write(output, 'bc').then(() => {
    written = true;
  });
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  t.false(written);
  buf.write('a');
  t.true(await other.produceCommit());
  await writes;
  output.end();
  t.is((await received).toString(), 'abc');
});

for (const name of ['consumeNew', 'consumeCommit'] as const) {
  test(`what ${name} throws is the reader’s error`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = bytes(t);
    const d = attach(t, ring);
    const thrown = new Error(`from ${name}`);
    override(d, name, () => () => {
      throw thrown;
    });
    await write(writer(t, ring), 'data');
    const input = new DisruptorReadStream(d);
    const fails = errorOf(input);
    input.resume();
    t.is(await fails, thrown);
    t.true(input.destroyed);
  });
}

test('what consumeNew rejects with is the reader’s error', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = bytes(t);
  const reason = new Error('from consumeNew');
  override(d, 'consumeNew', () => () => Promise.reject(reason));
  const input = new DisruptorReadStream(d);
  const fails = errorOf(input);
  input.resume();
  t.is(await fails, reason);
});

for (const name of ['produceClaimAvail', 'produceCommit'] as const) {
  for (const how of ['throws', 'rejects with'] as const) {
    test(`what ${name} ${how} is the writer’s error`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const ring = bytes(t);
      const d = attach(t, ring);
      const reason = new Error(`from ${name}`);
      override(d, name, () => () => {
        if (how === 'throws') throw reason;
        return Promise.reject(reason);
      });
      const output = new DisruptorWriteStream(d);
      const fails = errorOf(output);
      t.is(await t.throwsAsync(write(output, 'data')), reason);
      t.is(await fails, reason);
      t.true(output.destroyed);
    });
  }
}

test('a failure after some data: the data before it are there', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = bytes(t);
  const d = attach(t, ring);
  const reason = new Error('enough');
  let claims = 0;
  override(d, 'produceClaimAvail', (original) => (...args) => {
    claims += 1;
    if (claims > 2) throw reason;
    return original(...args);
  });
  const output = new DisruptorWriteStream(d);
  output.on('error', () => undefined);
  const input = reader(t, ring);
  let text = '';
  input.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const fails = errorOf(input);
  await write(output, 'one');
  await write(output, 'two');
  t.is(await t.throwsAsync(write(output, 'three')), reason);
  t.is((await fails).message, 'writer errored');
  t.is(text, 'onetwo');
});
