// for await over a ring, batches(), and the end of both; dispose.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Disruptor } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { produce, valuesOf } from './compat/values.js';
import { WATCHDOG_MILLISECONDS, attach, ring } from './fixture.js';

const iterations: Record<string, (d: Disruptor) => AsyncIterable<{ bufs: Buffer[] }>> = {
  'for await': (d) => d,
  batches: (d) => d.batches(),
  'batches with options': (d) =>
    d.batches({ signal: new AbortController().signal, timeout: 2 ** 31 - 1 }),
};

for (const [name, iterate] of Object.entries(iterations)) {
  for (const spin of [false, true]) {
    test(`${name} gives everything once, and waits for it, spin ${spin}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const d = ring(t, { spin });
      const producer = attach(t, d, { spin: true });
      const sent = Array.from({ length: 500 }, (_, i) => i + 1);
      const producing = (async () => {
        for (const value of sent) {
          const { buf } = await producer.produceClaim();
          buf.writeUInt32LE(value);
          await producer.produceCommit();
          if (value % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
      const got: number[] = [];
      for await (const { bufs } of iterate(d)) {
        got.push(...valuesOf(bufs));
        if (got.length >= sent.length) break;
      }
      await producing;
      t.deepEqual(got, sent);
    });

    test(`${name} commits a batch when it asks for the next, spin ${spin}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const d = ring(t, { spin });
      const producer = attach(t, d);
      produce(producer, 1, 2, 3);
      const iterator = iterate(d)[Symbol.asyncIterator]();
      const first = await iterator.next();
      t.deepEqual(valuesOf((first.value as { bufs: Buffer[] }).bufs), [1, 2, 3]);
      t.is(d.consumer, 0);
      const second = iterator.next();
      t.true(await staysPending(second));
      t.is(d.consumer, 3);
      produce(producer, 4);
      t.deepEqual(valuesOf(((await second).value as { bufs: Buffer[] }).bufs), [4]);
      t.is(d.consumer, 3);
      await iterator.return!();
      t.is(d.consumer, 3);
    });

    test(`a batch that ${name} was left in is not committed, spin ${spin}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const d = ring(t, { spin });
      produce(d, 1, 2);
      for await (const { bufs } of iterate(d)) {
        t.deepEqual(valuesOf(bufs), [1, 2]);
        break;
      }
      t.is(d.consumer, 0);
      // The same consumer gets it again, in another object as after a crash.
      t.deepEqual(valuesOf(attach(t, d).consumeNewSync()), [1, 2]);
      t.true(d.consumeCommit());
      t.is(d.consumer, 2);
      t.deepEqual(attach(t, d).consumeNewSync(), []);
    });
  }
}

test('an error that a loop throws leaves its batch uncommitted', async (t) => {
  const d = ring(t);
  produce(d, 1, 2);
  await t.throwsAsync(
    async () => {
      for await (const { bufs } of d) throw new Error(`cannot use ${valuesOf(bufs).join()}`);
    },
    { message: 'cannot use 1,2' },
  );
  t.is(d.consumer, 0);
});

for (const spin of [false, true]) {
  test(`batches ends by its signal, and another loop goes on, spin ${spin}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const d = ring(t, { spin });
    const controller = new AbortController();
    produce(d, 1);
    const got: number[] = [];
    const loop = (async () => {
      for await (const { bufs } of d.batches({ signal: controller.signal })) {
        got.push(...valuesOf(bufs));
      }
    })();
    t.true(await staysPending(loop));
    controller.abort('enough');
    await t.notThrowsAsync(loop);
    t.deepEqual(got, [1]);
    // What it was given before has been committed when it asked for more.
    t.is(d.consumer, 1);
    produce(d, 2);
    for await (const { bufs } of d) {
      t.deepEqual(valuesOf(bufs), [2]);
      break;
    }
  });

  test(`the timeout of batches is that of each wait, spin ${spin}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const d = ring(t, { spin });
    const loop = d.batches({ timeout: 20 });
    for (const value of [1, 2, 3]) {
      await sleep(25);
      produce(d, value);
      t.deepEqual(valuesOf((await loop.next()).value!.bufs), [value]);
    }
    const begin = performance.now();
    await t.throwsAsync(loop.next(), { name: 'DisruptorError', code: 'ERR_TIMEOUT' });
    // Timers may fire a millisecond early.
    t.true(performance.now() - begin >= 19);
    t.is(d.consumer, 3);
  });

  test(`release ends a loop, spin ${spin}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const d = ring(t, { spin });
    const next = d.batches().next();
    t.true(await staysPending(next));
    d.release();
    t.deepEqual(await next, { done: true, value: undefined });
    await t.throwsAsync(d.batches().next(), { code: 'ERR_RELEASED' });
  });
}

test('bad options for batches are an error at once', async (t) => {
  const d = ring(t);
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  t.throws(() => d.batches({ timeout: '1' as unknown as number }), type);
  t.throws(() => d.batches({ timeout: -1 }), range);
  t.throws(() => d.batches(5 as unknown as object), type);
  // Nothing waits by now.
  produce(d, 1);
  t.deepEqual(valuesOf((await d.consumeNew()).bufs), [1]);
});

test('without a consumer index, a loop is an error', async (t) => {
  const { name } = ring.named(t);
  const d = new Disruptor({ name });
  t.teardown(() => {
    d.release();
  });
  await t.throwsAsync(d.batches().next(), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
});

test('a second loop while one waits is an error, and the first gets the data', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const d = ring(t);
  const next = d.batches().next();
  await t.throwsAsync(d.batches().next(), { code: 'ERR_CONSUME_PENDING' });
  produce(d, 1);
  t.deepEqual(valuesOf((await next).value!.bufs), [1]);
});

test('Symbol.dispose releases', async (t) => {
  const d = ring(t, { spin: true });
  const { elements } = d;
  const wait = d.consumeNew();
  d[Symbol.dispose]();
  await t.throwsAsync(wait, { code: 'ERR_RELEASED' });
  t.throws(() => d.cursor, { code: 'ERR_RELEASED' });
  t.is(elements.length, 0);
  d[Symbol.dispose]();
});

test('Symbol.asyncDispose releases', async (t) => {
  const d = ring(t, { spin: true });
  const wait = d.consumeNew();
  await Promise.all([
    t.throwsAsync(wait, { code: 'ERR_RELEASED' }),
    t.notThrowsAsync(d[Symbol.asyncDispose]()),
  ]);
  t.throws(() => d.cursor, { code: 'ERR_RELEASED' });
  await d[Symbol.asyncDispose]();
});

test('dispose does not stop gating', (t) => {
  const d = ring(t);
  const other = attach(t, d);
  d[Symbol.dispose]();
  t.false(other.allConsumersIgnoring);
});

test('ref and unref give the object, also when it was released', (t) => {
  const d = ring(t);
  t.is(d.ref(), d);
  t.is(d.unref(), d);
  d.release();
  t.is(d.unref(), d);
  t.is(d.ref(), d);
});
