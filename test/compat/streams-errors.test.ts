// What makes a stream fail, apart from its other end.

import test from 'ava';
import { Disruptor, DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach, ring } from '../fixture.js';
import { staysPending } from './pending.js';
import { bytes, closed, errorOf, reader, write, writer } from './streams.js';

for (const Stream of [DisruptorReadStream, DisruptorWriteStream]) {
  test(`${Stream.name} wants elements of one byte`, (t) => {
    for (const elementSize of [2, 4, 100]) {
      const d = ring(t, { elementSize });
      t.throws(() => new Stream(d), { message: 'element size must be 1' });
    }
  });

  test(`${Stream.name} wants no spin`, (t) => {
    const d = ring(t, { elementSize: 1, spin: true });
    t.throws(() => new Stream(d), { message: 'spin must be false' });
  });
}

test('a reader without a consumer index fails', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name } = ring.named(t, { elementSize: 1 });
  const producer = new Disruptor({ name });
  t.teardown(() => {
    producer.release();
  });
  const input = new DisruptorReadStream(producer);
  const fails = errorOf(input);
  input.resume();
  t.like(await fails, { code: 'ERR_OUT_OF_RANGE' });
});

test('a write fails when there are no consumers any more', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = bytes(t, 16, 2);
  const output = writer(t, d);
  attach(t, d, { consumer: 0 }).release(true);
  await write(output, 'still one');
  attach(t, d, { consumer: 1 }).release(true);
  const fails = errorOf(output);
  await t.throwsAsync(write(output, 'x'), { message: 'no consumers' });
  t.is((await fails).message, 'no consumers');
  t.is(d.cursor, 9);
});

test('a write fails when the last consumer goes while it waits for room', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = bytes(t, 4);
  const output = writer(t, d);
  const fails = errorOf(output);
  const written = write(output, '123456');
  t.true(await staysPending(written));
  attach(t, d).release(true);
  await t.throwsAsync(written, { message: 'no consumers' });
  t.is((await fails).message, 'no consumers');
});

test('both fail when their Disruptor is released while they wait', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const empty = bytes(t);
  const input = reader(t, empty).resume();
  const full = bytes(t, 2);
  const output = writer(t, full);
  const errors = Promise.all([errorOf(input), errorOf(output)]);
  output.write('123');
  t.true(await staysPending(errors));
  input.disruptor.release();
  output.disruptor.release();
  for (const error of await errors) t.like(error, { code: 'ERR_RELEASED' });
});

test('a stream that has failed closes', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = bytes(t);
  const output = writer(t, d);
  attach(t, d).release(true);
  output.on('error', () => undefined);
  output.write('x');
  await closed(output);
  t.true(output.destroyed);
  t.is(output.errored?.message, 'no consumers');
});
