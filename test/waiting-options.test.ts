// { signal, timeout }: how a wait ends without what it waits for, and that nothing is lost by it.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS, ring } from './fixture.js';
import { state, waitables } from './waits.js';
import type { Scene, Waitable } from './waits.js';

const REASON = new Error('enough');

async function throwsAbortError(t: ExecutionContext, wait: Promise<unknown>): Promise<void> {
  const expected = { name: 'AbortError', code: 'ABORT_ERR' };
  t.is((await t.throwsAsync(wait, expected)).cause, REASON);
}

/** Once unblocked, the same call without options takes what it always would have. */
async function nothingWasLost(t: ExecutionContext, waitable: Waitable, scene: Scene) {
  const { waiting, unblock } = scene;
  unblock();
  await waitable.calls.promise(waiting);
  t.deepEqual(waitable.taken(waiting), waitable.expected);
}

for (const [name, waitable] of Object.entries(waitables)) {
  const commits = name.startsWith('commit');

  for (const face of ['promise', 'callback'] as const) {
    const call = waitable.calls[face];

    test(`an aborted signal: ${name} does nothing at all (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const scene = waitable.block(t);
      scene.unblock();
      const before = state(scene.waiting);
      await throwsAbortError(t, call(scene.waiting, { signal: AbortSignal.abort(REASON) }));
      t.deepEqual(state(scene.waiting), before);
      await call(scene.waiting, {});
      t.deepEqual(waitable.taken(scene.waiting), waitable.expected);
    });

    test(`abort ends a ${name} that waits, and nothing is lost (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const scene = waitable.block(t);
      const before = state(scene.waiting);
      const controller = new AbortController();
      const wait = call(scene.waiting, { signal: controller.signal });
      t.true(await staysPending(wait));
      controller.abort(REASON);
      await throwsAbortError(t, wait);
      t.deepEqual(state(scene.waiting), before);
      await nothingWasLost(t, waitable, scene);
    });

    test(`abort ends a ${name} that has just begun to wait (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const scene = waitable.block(t);
      const controller = new AbortController();
      const wait = call(scene.waiting, { signal: controller.signal });
      controller.abort(REASON);
      await throwsAbortError(t, wait);
      await nothingWasLost(t, waitable, scene);
    });

    test(`an abort that comes too late changes nothing: ${name} (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const scene = waitable.block(t);
      const controller = new AbortController();
      const wait = call(scene.waiting, { signal: controller.signal, timeout: 2 ** 31 - 1 });
      scene.unblock();
      await wait;
      controller.abort(REASON);
      t.deepEqual(waitable.taken(scene.waiting), waitable.expected);
    });

    test(`one signal ends many: ${name} (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const controller = new AbortController();
      const scenes = [waitable.block(t), waitable.block(t), waitable.block(t)];
      const waits = scenes.map((scene) => call(scene.waiting, { signal: controller.signal }));
      controller.abort(REASON);
      for (const wait of waits) await throwsAbortError(t, wait);
      for (const scene of scenes) await nothingWasLost(t, waitable, scene);
    });

    test(`a signal other than an AbortSignal: ${name} (${face})`, async (t) => {
      const { waiting } = waitable.block(t);
      for (const signal of [null, 'abort', 1, {}, new EventTarget(), new AbortController()]) {
        await t.throwsAsync(call(waiting, { signal: signal as AbortSignal }), {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
    });
  }

  for (const [face, call] of Object.entries(waitable.calls)) {
    for (const timeout of [0, 20]) {
      test(`a ${name} ends after ${timeout} ms, and nothing is lost (${face})`, async (t) => {
        t.timeout(WATCHDOG_MILLISECONDS);
        const scene = waitable.block(t);
        const before = state(scene.waiting);
        const begin = performance.now();
        const expected = { name: 'DisruptorError', code: 'ERR_TIMEOUT', message: /\b\d+ ms/ };
        await t.throwsAsync(call(scene.waiting, { timeout }), expected);
        // Timers may fire a millisecond early.
        t.true(performance.now() - begin >= timeout - 1);
        t.deepEqual(state(scene.waiting), before);
        await nothingWasLost(t, waitable, scene);
      });
    }

    test(`a timeout of 0 is enough for a ${name} that need not wait (${face})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const scene = waitable.block(t);
      scene.unblock();
      await call(scene.waiting, { timeout: 0 });
      t.deepEqual(waitable.taken(scene.waiting), waitable.expected);
    });

    test(`a bad timeout: ${name} changes nothing (${face})`, async (t) => {
      const scene = waitable.block(t);
      scene.unblock();
      const before = state(scene.waiting);
      const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
      for (const timeout of ['5', null, 5n, {}, true]) {
        await t.throwsAsync(call(scene.waiting, { timeout: timeout as number }), type);
      }
      for (const timeout of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
        await t.throwsAsync(call(scene.waiting, { timeout }), range);
      }
      t.deepEqual(state(scene.waiting), before);
    });

    if (commits) {
      test(`a ${name} that was given up becomes visible all the same (${face})`, async (t) => {
        t.timeout(WATCHDOG_MILLISECONDS);
        const { waiting, unblock } = waitable.block(t);
        await t.throwsAsync(call(waiting, { timeout: 5 }), { code: 'ERR_TIMEOUT' });
        t.is(waiting.cursor, 0);
        unblock();
        t.is(waiting.cursor, 3);
        t.is(Buffer.concat(waiting.consumeNewSync()).length, 12);
      });
    }
  }
}

test('with a callback, bad wait options throw at once and the callback is not called', async (t) => {
  const d = ring(t, { spin: true });
  const called = () => {
    t.fail();
  };
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  for (const options of ['5', 5, true, 5n]) {
    const bad = options as unknown as object;
    t.throws(() => {
      d.produceClaim(bad, called);
    }, type);
    t.throws(() => {
      d.consumeNew(bad, called);
    }, type);
  }
  t.throws(
    () => {
      d.consumeNew({ timeout: -1 }, called);
    },
    { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
  );
  await new Promise(setImmediate);
  t.deepEqual(state(d), [0, 0, 0]);
});

test('sync wait options that are no object', (t) => {
  const d = ring(t, { spin: true });
  for (const options of ['5', 5, true]) {
    const bad = options as unknown as object;
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    t.throws(() => d.produceClaimSync(bad), type);
    t.throws(() => d.consumeNewSync(bad), type);
  }
  t.deepEqual(state(d), [0, 0, 0]);
});

test('without spin, nothing waits for a timeout', async (t) => {
  const d = ring(t);
  t.deepEqual(await d.consumeNew({ timeout: 2 ** 31 - 1 }), { bufs: [], start: 0 });
  t.deepEqual(d.consumeNewSync({ timeout: 2 ** 31 - 1 }), []);
});

test('a consume that was given up has committed what was consumed before', async (t) => {
  const d = ring(t, { spin: true });
  d.produceClaimManySync(2);
  d.produceCommitSync();
  await d.consumeNew();
  t.is(d.consumer, 0);
  await t.throwsAsync(d.consumeNew({ timeout: 5 }), { code: 'ERR_TIMEOUT' });
  t.is(d.consumer, 2);
  t.true(d.consumeCommit());
  t.is(d.consumer, 2);
});
