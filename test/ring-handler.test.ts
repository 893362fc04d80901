// process: a handler that is called with one batch after the other.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Batch, BatchHandler, ErrorAction, ProcessOptions } from 'shm-disruptor';

import { staysPending } from './compat/pending.js';
import { ringOfRoles, WATCHDOG_MILLISECONDS } from './fixture.js';
import { numbers, word, words, wordsOf } from './words.js';
import type { WordConsumer } from './words.js';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
const CANNOT = new Error('cannot');

function scene(t: ExecutionContext, maxBatch?: number) {
  const ring = ringOfRoles(t, { consumers: { all: {} } });
  const producer = ring.producer();
  const consumer = ring.consumer('all', maxBatch === undefined ? {} : { maxBatch });
  t.teardown(() => {
    producer.close();
    consumer.close();
  });
  return { ring, producer, consumer };
}

/** Has a consumer's batches handled until `handler` has returned true, and that is committed. */
async function until(
  t: ExecutionContext,
  consumer: WordConsumer,
  handler: (batch: Batch<Buffer>) => boolean | Promise<boolean>,
  options: ProcessOptions<Buffer> = {},
): Promise<void> {
  const controller = new AbortController();
  const handle: BatchHandler<Buffer> = (batch) => {
    const done = handler(batch);
    const finish = (value: boolean) => {
      if (value) controller.abort();
    };
    if (done instanceof Promise) return done.then(finish);
    finish(done);
    return undefined;
  };
  await t.notThrowsAsync(consumer.process(handle, { ...options, signal: controller.signal }));
}

for (const way of ['sync', 'async'] as const) {
  const soon = (result: boolean) => (way === 'sync' ? result : turn(result));

  test(`batch after batch, each committed when it was handled: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t);
    const published = producer.publishMany(words(0, 100));
    const got: number[] = [];
    await until(t, consumer, (batch) => {
      t.is(consumer.sequence, batch.start);
      got.push(...wordsOf(batch));
      return soon(got.length === 100);
    });
    t.deepEqual(got, numbers(0, 100));
    t.is(consumer.sequence, 100);
    t.is(await published, 99);
  });

  test(`maxBatch, and where a batch ends: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t, 5);
    for (const [maxBatch, sizes] of [
      [3, [3, 3, 2]],
      [undefined, [5, 3]],
      [8, [8]],
    ] as const) {
      const got: [number, boolean][] = [];
      producer.publishManySync(words(0, 8));
      const options = maxBatch === undefined ? {} : { maxBatch };
      const handler = ({ length, endOfBatch }: Batch<Buffer>) => {
        got.push([length, endOfBatch]);
        return soon(endOfBatch);
      };
      await until(t, consumer, handler, options);
      t.deepEqual(
        got,
        sizes.map((size, i) => [size, i === sizes.length - 1]),
      );
    }
  });

  test(`a handler may commit some early: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t);
    producer.publishManySync(words(0, 8));
    await until(t, consumer, (batch) => {
      t.is(batch.length, 8);
      t.true(consumer.commit(2));
      t.is(producer.tryPublishMany(words(8, 8)), 3);
      return soon(true);
    });
    t.is(consumer.sequence, 8);
    await until(t, consumer, (batch) => {
      t.deepEqual(wordsOf(batch), [8, 9, 10]);
      t.true(consumer.commit());
      return soon(true);
    });
    t.is(consumer.sequence, 11);
  });

  test(`rewinding has a batch, or the rest of it, given again: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t);
    producer.publishManySync(words(0, 6));
    const got: number[][] = [];
    await until(t, consumer, (batch) => {
      got.push(wordsOf(batch));
      if (got.length === 1) batch.rewind();
      if (got.length === 2) batch.rewind(4);
      if (got.length === 3) {
        t.is(consumer.sequence, 4);
        for (const sequence of [3, 6]) {
          t.throws(() => {
            batch.rewind(sequence);
          }, RANGE);
        }
        consumer.commit(4);
        // What was committed is committed.
        batch.rewind();
      }
      return soon(got.length === 4);
    });
    t.deepEqual(got, [numbers(0, 6), numbers(0, 6), [4, 5], [5]]);
    t.is(consumer.sequence, 6);
  });

  const fail = () => (way === 'sync' ? raise() : Promise.reject(CANNOT));

  test(`a handler that fails loses nothing: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { ring, producer, consumer } = scene(t, 4);
    producer.publishManySync(words(0, 8));
    const failing = consumer.process((batch) => (batch.start === 4 ? fail() : undefined));
    t.is(await t.throwsAsync(failing), CANNOT);
    t.is(consumer.sequence, 4);
    t.deepEqual(wordsOf(consumer.tryNext()), numbers(4, 4));
    consumer.close();
    using next = ring.consumer('all');
    t.deepEqual(wordsOf(next.tryNext()), numbers(4, 4));
  });

  test(`onError stop: what was committed early stays so: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t);
    producer.publishManySync(words(0, 8));
    const handler = () => {
      consumer.commit(2);
      return fail();
    };
    t.is(await t.throwsAsync(consumer.process(handler, { onError: 'stop' })), CANNOT);
    t.deepEqual(wordsOf(consumer.tryNext()), numbers(3, 5));
  });

  test(`onError skip: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t, 2);
    producer.publishManySync(words(0, 8));
    const got: number[][] = [];
    const handler = (batch: Batch<Buffer>) => {
      got.push(wordsOf(batch));
      if (batch.start === 2) return fail();
      return soon(batch.end === 7);
    };
    await until(t, consumer, handler, { onError: 'skip' });
    t.deepEqual(got, [
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    t.is(consumer.sequence, 8);
  });

  test(`onError decides for each error: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { producer, consumer } = scene(t, 2);
    producer.publishManySync(words(0, 6));
    const verdicts: ErrorAction[] = ['retry', 'retry', 'skip', 'stop'];
    const got: number[][] = [];
    const handler = (batch: Batch<Buffer>) => {
      got.push(wordsOf(batch));
      if (got.length === 2) consumer.commit(batch.start);
      return batch.start < 2 || batch.start === 3 ? fail() : undefined;
    };
    const decided: unknown[] = [];
    const onError = (error: unknown, batch: Batch<Buffer>) => {
      decided.push([error, batch.start]);
      const action = verdicts.shift()!;
      return way === 'sync' ? action : turn(action);
    };
    t.is(await t.throwsAsync(consumer.process(handler, { onError })), CANNOT);
    t.deepEqual(got, [
      [0, 1],
      [0, 1],
      [1, 2],
      [3, 4],
    ]);
    t.deepEqual(
      decided,
      [0, 0, 1, 3].map((start) => [CANNOT, start]),
    );
    t.deepEqual(wordsOf(consumer.tryNext()), [3, 4]);
    t.deepEqual(verdicts, []);
  });
}

function raise(): never {
  throw CANNOT;
}

test('retry gives what the handler has not committed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  producer.publishManySync(words(0, 4));
  const got: number[][] = [];
  const handler = (batch: Batch<Buffer>) => {
    got.push(wordsOf(batch));
    if (got.length < 4) {
      if (got.length > 1) consumer.commit(batch.start);
      throw CANNOT;
    }
    return true;
  };
  await until(t, consumer, handler, { onError: () => 'retry' });
  t.deepEqual(got, [numbers(0, 4), numbers(0, 4), numbers(1, 3), numbers(2, 2)]);
});

test('an error of onError, or a verdict that is none, stops and loses nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { ring, producer, consumer } = scene(t);
  producer.publishManySync(words(0, 4));
  const worse = new Error('worse');
  const onErrors: [() => ErrorAction | Promise<ErrorAction>, object][] = [
    [
      () => {
        throw worse;
      },
      { is: worse },
    ],
    [() => Promise.reject(worse), { is: worse }],
    [() => 'again' as ErrorAction, RANGE],
    [() => undefined as unknown as ErrorAction, TYPE],
  ];
  for (const [onError, expected] of onErrors) {
    await t.throwsAsync(consumer.process(raise, { onError }), expected);
    t.is(consumer.sequence, 0);
    t.deepEqual(wordsOf(consumer.tryNext()), numbers(0, 4));
    consumer.rewind();
  }
  consumer.close();
  using next = ring.consumer('all');
  t.deepEqual(wordsOf(next.tryNext()), numbers(0, 4));
});

test('abort ends it between two batches', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t, 2);
  producer.publishManySync(words(0, 6));
  const controller = new AbortController();
  const got: number[] = [];
  const handler = async (batch: Batch<Buffer>) => {
    if (batch.start === 2) controller.abort();
    await turn();
    got.push(...wordsOf(batch));
  };
  const { signal } = controller;
  await t.notThrowsAsync(consumer.process(handler, { signal }));
  t.deepEqual(got, numbers(0, 4), 'what was begun is finished');
  t.is(consumer.sequence, 4);
  await t.notThrowsAsync(consumer.process(handler, { signal }));
  t.deepEqual(wordsOf(consumer.tryNext()), [4, 5]);
});

test('abort ends it while it waits, and so does closing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const controller = new AbortController();
  const handled: number[] = [];
  const handler = (batch: Batch<Buffer>) => void handled.push(...wordsOf(batch));
  const first = consumer.process(handler, { signal: controller.signal });
  t.true(await staysPending(first));
  controller.abort();
  await t.notThrowsAsync(first);
  const second = consumer.process(handler);
  producer.publishSync(word(5));
  while (handled.length === 0) await sleep(1);
  t.deepEqual(handled, [5]);
  t.true(await staysPending(second));
  consumer.close();
  await t.notThrowsAsync(second);
});

test('a handler that is aborted with it has not failed, and its batch is given again', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const controller = new AbortController();
  const { signal } = controller;
  producer.publishSync(word(1));
  const handling: Batch<Buffer>[] = [];
  const handler = async (batch: Batch<Buffer>) => {
    handling.push(batch);
    await sleep(2 ** 31 - 1, undefined, { signal });
  };
  const errors: unknown[] = [];
  const onError = (error: unknown) => {
    errors.push(error);
    return 'stop' as const;
  };
  const processing = consumer.process(handler, { signal, onError });
  while (handling.length === 0) await turn();
  controller.abort();
  await t.notThrowsAsync(processing);
  t.deepEqual(errors, []);
  t.deepEqual(wordsOf(consumer.tryNext()), [1]);
  // An AbortError of anything else is an error like all others.
  producer.publishSync(word(2));
  await t.throwsAsync(
    consumer.process(() => sleep(2 ** 31 - 1, undefined, { signal })),
    { name: 'AbortError' },
  );
});

test('closing within a handler ends it, and what was handled is not committed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  producer.publishSync(word(1));
  const closing = () => {
    consumer.close();
  };
  await t.notThrowsAsync(consumer.process(closing));
  await t.throwsAsync(consumer.process(closing), { code: 'ERR_RELEASED' });
});

test('onIdle is called when there is nothing more', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t, 2);
  const log: (number | 'idle')[] = [];
  const controller = new AbortController();
  const onIdle = async () => {
    log.push('idle');
    await turn();
    // What comes meanwhile is found.
    if (log.length === 1) producer.publishManySync(words(0, 4));
    else if (log.length < 8) setImmediate(() => producer.publishSync(word(9)));
    else controller.abort();
  };
  const handler = (batch: Batch<Buffer>) => void log.push(...wordsOf(batch));
  const options = { onIdle, signal: controller.signal };
  await t.notThrowsAsync(consumer.process(handler, options));
  t.deepEqual(log, ['idle', 0, 1, 2, 3, 'idle', 9, 'idle']);
});

test('onIdle is called whenever there is nothing more, however often that is', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const controller = new AbortController();
  let idle = 0;
  // One message each time: were it forgotten once, nothing would come any more.
  const onIdle = () => {
    idle += 1;
    if (idle <= 600) producer.publishSync(word(idle));
    else controller.abort();
  };
  const got: number[] = [];
  const handler = (batch: Batch<Buffer>) => void got.push(...wordsOf(batch));
  const options = { onIdle, signal: controller.signal };
  await t.notThrowsAsync(consumer.process(handler, options));
  t.deepEqual(got, numbers(1, 600));
});

test('onIdle comes again each time the timeout has passed', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const controller = new AbortController();
  const begin = performance.now();
  let idle = 0;
  const onIdle = () => {
    idle += 1;
    if (idle === 4) producer.publishSync(word(3));
  };
  const got: number[] = [];
  const handler = (batch: Batch<Buffer>) => {
    got.push(...wordsOf(batch));
    controller.abort();
  };
  const options = { onIdle, timeout: 10, signal: controller.signal };
  await t.notThrowsAsync(consumer.process(handler, options));
  t.deepEqual(got, [3]);
  t.true(idle >= 4);
  t.true(performance.now() - begin >= 3 * 9);
});

test('a timeout without onIdle ends nothing', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const got: number[] = [];
  const processing = consumer.process((batch) => void got.push(...wordsOf(batch)), { timeout: 5 });
  t.true(await staysPending(processing));
  producer.publishSync(word(1));
  while (got.length === 0) await sleep(1);
  consumer.close();
  await t.notThrowsAsync(processing);
});

test('an error of onIdle ends it', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const handler = () => undefined;
  t.is(await t.throwsAsync(consumer.process(handler, { onIdle: raise })), CANNOT);
  let idle = 0;
  const onIdle = () => {
    idle += 1;
    if (idle > 2) raise();
  };
  t.is(await t.throwsAsync(consumer.process(handler, { onIdle, timeout: 1 })), CANNOT);
  producer.publishSync(word(1));
  t.deepEqual(wordsOf(consumer.tryNext()), [1]);
});

for (const way of ['sync', 'async'] as const) {
  test(`100,000 messages, and the event loop gets its turn: ${way}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const ring = ringOfRoles(t, { elements: 1024, consumers: { all: {} } });
    using producer = ring.producer();
    using consumer = ring.consumer('all');
    const count = 100_000;
    const published = (async () => {
      for (let value = 0; value < count; value += 500) {
        await producer.publishMany(words(value, 500));
      }
    })();
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    });
    let expected = 0;
    let inOrder = true;
    const handler = (batch: Batch<Buffer>) => {
      for (const value of wordsOf(batch)) {
        inOrder &&= value === expected;
        expected += 1;
      }
      return way === 'sync' ? expected === count : Promise.resolve(expected === count);
    };
    await until(t, consumer, handler, { maxBatch: 16 });
    clearInterval(timer);
    await published;
    t.true(inOrder);
    t.is(expected, count);
    t.is(consumer.sequence, count);
    t.true(turns > 0);
  });
}

test('a handler that always finds something lets timers run', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { producer, consumer } = scene(t);
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort();
  }, 5);
  const handler = () => {
    producer.tryPublishMany(words(0, 2));
  };
  producer.publishSync(word(0));
  const { signal } = controller;
  await t.notThrowsAsync(consumer.process(handler, { signal, maxBatch: 1 }));
  clearTimeout(timer);
  t.true(signal.aborted);
});

test('wrong handlers and options', async (t) => {
  const { consumer } = scene(t);
  const process = consumer.process.bind(consumer) as (...given: unknown[]) => Promise<never>;
  const handler = () => undefined;
  for (const wrong of [undefined, null, {}, 'x']) await t.throwsAsync(process(wrong), TYPE);
  for (const [expected, ...cases] of [
    [TYPE, 'x', 5, { onIdle: 5 }, { onError: 5 }, { onError: null }, { signal: {} }],
    [TYPE, { maxBatch: '1' }, { timeout: '1' }],
    [RANGE, { maxBatch: 0 }, { maxBatch: 1.5 }, { timeout: -1 }, { onError: 'retry' }],
    [RANGE, { onError: 'ignore' }],
  ] as [object, ...unknown[]][]) {
    for (const options of cases) {
      const signal = AbortSignal.abort();
      const given =
        typeof options === 'object' && !('signal' in options!) ? { signal, ...options } : options;
      const processing = process(handler, given);
      // What is not refused waits.
      t.false(await staysPending(processing), `${JSON.stringify(options)} is taken`);
      await t.throwsAsync(
        Promise.race([processing, Promise.resolve()]),
        expected,
        JSON.stringify(options),
      );
    }
  }
});
