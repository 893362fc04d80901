// Receiving from a broadcast: where one begins, what is lost, and how one waits.
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';

import test from 'ava';
import { Broadcast } from 'shm-disruptor';
import type { CopiedMessage } from 'shm-disruptor';

import {
  another,
  count,
  listen,
  newBroadcast,
  overReceivingFaces,
  patient,
  rest,
} from './broadcasts.js';
import { staysPending, staysPendingFor } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';

overReceivingFaces('everybody gets everything, in order, with its length', async (t, face) => {
  const broadcast = newBroadcast(t);
  const all = [1, 2].map(() => listen(t, another(t, broadcast)));
  const texts = ['a', '', 'x'.repeat(16), '\0b'];
  t.deepEqual(
    texts.map((text) => broadcast.publish(text)),
    [0, 1, 2, 3],
  );
  for (const subscription of all) {
    for (const [sequence, text] of texts.entries()) {
      const received = await face.receive(subscription);
      t.deepEqual(received, { data: Buffer.from(text), sequence, lost: 0 });
    }
    t.is(subscription.tryReceive(), undefined);
  }
});

overReceivingFaces('who lags by more than is kept is told how many are lost', async (t, face) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  count(broadcast, 0, 7);
  t.like(await face.receive(subscription), { sequence: 0, lost: 0 });
  count(broadcast, 8, 20);
  t.like(await face.receive(subscription), { sequence: 13, lost: 12 });
  t.like(await face.receive(subscription), { sequence: 14, lost: 0 });
  t.is(subscription.position, 15);
  t.is(subscription.lag, 6);
});

test('messages and losses sum up to what was published, whoever is faster', (t) => {
  for (const elements of [1, 2, 3, 8]) {
    const broadcast = newBroadcast(t, { elements });
    const subscription = listen(t, broadcast);
    let next = 0;
    let losses = 0;
    for (let published = 0; published < 2000; published += 1) {
      t.is(broadcast.publish(String(published)), published);
      if (published % 17 > 3 && published % 29 > 1) continue;
      for (const [text, sequence, lost] of rest(subscription)) {
        if (sequence !== next + lost || text !== String(sequence)) t.fail(`${sequence}, ${lost}`);
        next = sequence + 1;
        losses += lost;
      }
      t.is(next, published + 1);
    }
    t.true(losses > 0);
  }
});

test('from the latest, from the oldest and from a sequence', (t) => {
  const broadcast = newBroadcast(t);
  count(broadcast, 0, 11);
  t.deepEqual(rest(listen(t, broadcast)), []);
  t.deepEqual(rest(listen(t, broadcast, { from: 'latest' })), []);
  t.deepEqual(rest(listen(t, broadcast, { from: 'oldest' }))[0], ['4', 4, 0]);
  t.deepEqual(rest(listen(t, broadcast, { from: 10 })), [
    ['10', 10, 0],
    ['11', 11, 0],
  ]);
  t.deepEqual(rest(listen(t, broadcast, { from: 1 }))[0], ['4', 4, 3]);
  const next = listen(t, broadcast, { from: 12 });
  t.is(next.tryReceive(), undefined);
  broadcast.publish('12');
  t.deepEqual(rest(next), [['12', 12, 0]]);
  const gone = { name: 'DisruptorError', code: 'ERR_SEQUENCE_GONE' };
  t.throws(() => broadcast.subscribe({ from: 14 }), gone);
  for (const from of ['newest', '', 'constructor', -1, 0.5, NaN, 2 ** 53]) {
    t.throws(() => broadcast.subscribe({ from: from as never }), { code: 'ERR_OUT_OF_RANGE' });
  }
  for (const from of [null, {}, 1n]) {
    t.throws(() => broadcast.subscribe({ from: from as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('seeking goes on somewhere else, and forgets what was lost', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  count(broadcast, 0, 11);
  subscription.seek('oldest');
  t.deepEqual(rest(subscription).length, 8);
  subscription.seek(5);
  t.like(subscription.tryReceive(), { sequence: 5, lost: 0 });
  subscription.seek('latest');
  t.is(subscription.tryReceive(), undefined);
  t.throws(
    () => {
      subscription.seek(13);
    },
    { code: 'ERR_SEQUENCE_GONE' },
  );
  t.is(subscription.position, 12);
  subscription.seek(0);
  t.like(subscription.tryReceive(), { sequence: 4, lost: 4 });
});

test('the newest alone, which takes nothing', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  t.is(subscription.latest(), undefined);
  t.is(broadcast.latest(), undefined);
  count(broadcast, 0, 20);
  for (const either of [subscription, broadcast]) {
    t.deepEqual(either.latest(), { data: Buffer.from('20'), sequence: 20, lost: 0 });
  }
  t.like(subscription.tryReceive(), { sequence: 13, lost: 13 });
  const slot = broadcast.claim();
  t.is(broadcast.latest()?.sequence, 20);
  slot.abort();
  t.is(broadcast.latest()?.sequence, 20);
  Broadcast.unlink(broadcast.name);
  t.is(broadcast.latest()?.sequence, 20);
});

test('into memory of one’s own', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  count(broadcast, 10, 20);
  const target = new Uint8Array(16);
  t.deepEqual(subscription.tryReceive(target), { length: 2, sequence: 3, lost: 3 });
  t.is(Buffer.from(target).toString('latin1', 0, 3), '13\0');
  t.throws(() => subscription.tryReceive(target.subarray(0, 1)), {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    message: /at least 2 bytes/,
  });
  t.like(subscription.tryReceive(Buffer.alloc(2)), { sequence: 4, lost: 0 });
  broadcast.publish('');
  subscription.seek(11);
  t.deepEqual<CopiedMessage | undefined, unknown>(subscription.tryReceive(new Uint8Array(0)), {
    length: 0,
    sequence: 11,
    lost: 0,
  });
  t.is(subscription.tryReceive(new Uint8Array(0)), undefined);
  for (const wrong of [null, 'x', [], new ArrayBuffer(8), new Float64Array(8)]) {
    t.throws(() => subscription.tryReceive(wrong as never), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('into memory that was detached, has shrunk or is shared', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast, { from: 0 });
  broadcast.publish('12345');
  const detached = new Uint8Array(16);
  structuredClone(detached, { transfer: [detached.buffer] });
  t.throws(() => subscription.tryReceive(detached), { code: 'ERR_OUT_OF_RANGE' });
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  const resizable = new Resizable(16, { maxByteLength: 16 });
  const tracking = new Uint8Array(resizable);
  const fixed = new Uint8Array(resizable, 0, 16);
  resizable.resize(3);
  t.throws(() => subscription.tryReceive(tracking), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => subscription.tryReceive(fixed), { code: 'ERR_OUT_OF_RANGE' });
  const shared = new Uint8Array(new SharedArrayBuffer(5));
  t.like(subscription.tryReceive(shared), { length: 5 });
  t.is(String.fromCharCode(...shared), '12345');
});

overReceivingFaces('a wait ends with what comes', async (t, face) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     import(workerData.library).then(({ Broadcast }) => {
       const broadcast = Broadcast.open(workerData.name);
       setTimeout(() => broadcast.publish('late'), 100);
     });`,
    {
      eval: true,
      workerData: { library: import.meta.resolve('shm-disruptor'), name: broadcast.name },
    },
  );
  const gone = once(worker, 'exit');
  broadcast.close();
  t.is((await face.receive(subscription)).data.toString(), 'late');
  await gone;
});

overReceivingFaces('a wait times out, and nothing is lost by it', async (t, face) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const timeout = { name: 'DisruptorError', code: 'ERR_TIMEOUT' };
  await t.throwsAsync(face.receive(subscription, { timeout: 0 }), timeout);
  await t.throwsAsync(face.receive(subscription, { timeout: 20 }), timeout);
  broadcast.publish('x');
  t.like(await face.receive(subscription, { timeout: 0 }), { sequence: 0, lost: 0 });
});

overReceivingFaces(
  'a wait can be aborted, and nothing is lost by it',
  async (t, face) => {
    const broadcast = newBroadcast(t);
    const subscription = listen(t, broadcast);
    const controller = new AbortController();
    const waiting = face.receive(subscription, { signal: controller.signal });
    t.true(await staysPending(waiting));
    controller.abort();
    const aborted = { name: 'AbortError', code: 'ABORT_ERR' };
    await t.throwsAsync(waiting, aborted);
    broadcast.publish('x');
    await t.throwsAsync(face.receive(subscription, { signal: controller.signal }), aborted);
    t.like(await face.receive(subscription), { sequence: 0, lost: 0 });
  },
  patient,
);

overReceivingFaces(
  'several waits of one subscription share what comes',
  async (t, face) => {
    const broadcast = newBroadcast(t);
    const subscription = listen(t, broadcast);
    const waiting = [1, 2, 3].map(() => face.receive(subscription));
    t.true(await staysPending(Promise.all(waiting)));
    count(broadcast, 0, 2);
    const sequences = (await Promise.all(waiting)).map(({ sequence }) => sequence);
    t.deepEqual(sequences, [0, 1, 2]);
  },
  patient,
);

overReceivingFaces(
  'closing ends what waits there, and nothing else',
  async (t, face) => {
    const broadcast = newBroadcast(t);
    const closing = listen(t, broadcast);
    const staying = listen(t, broadcast);
    const ended = face.receive(closing);
    const going = face.receive(staying);
    t.true(await staysPending(Promise.race([ended, going])));
    closing.close();
    const released = { name: 'DisruptorError', code: 'ERR_RELEASED' };
    await t.throwsAsync(ended, released);
    await t.throwsAsync(face.receive(closing), released);
    t.throws(() => closing.tryReceive(), released);
    t.throws(() => closing.latest(), released);
    t.throws(() => closing.position, released);
    t.throws(() => {
      closing.seek('latest');
    }, released);
    t.true(closing.closed);
    closing.close();
    broadcast.publish('x');
    t.like(await going, { sequence: 0 });
  },
  patient,
);

test('a callback may close', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const other = new Promise((resolve) => {
    subscription.receive(() => {
      subscription.close();
      broadcast.close();
    });
    subscription.receive((error: NodeJS.ErrnoException | null) => {
      resolve(error?.code);
    });
  });
  another(t, broadcast).publish('x');
  t.is(await other, 'ERR_RELEASED');
});

overReceivingFaces('who stands still is waited for, for a moment only', async (t, face) => {
  const broadcast = newBroadcast(t, { producers: 'multi' });
  const still = another(t, broadcast).claim();
  const subscription = listen(t, broadcast, { from: 0 });
  if (face.name !== 'sync') {
    const waiting = face.receive(subscription);
    t.true(await staysPendingFor(waiting, 300));
    count(broadcast, 1, 1);
    // Nobody publishes anything more.
    t.like(await waiting, { sequence: 1, lost: 1 });
  } else {
    count(broadcast, 1, 1);
    t.like(await face.receive(subscription), { sequence: 1, lost: 1 });
  }
  t.true(still.commit(0));
  t.is(subscription.tryReceive(), undefined);
});

overReceivingFaces(
  'what was aborted holds up nobody',
  async (t, face) => {
    const broadcast = newBroadcast(t);
    const subscription = listen(t, broadcast);
    const slot = broadcast.claim();
    const waiting = face.receive(subscription);
    t.true(await staysPending(waiting));
    slot.abort();
    broadcast.publish('x');
    t.like(await waiting, { sequence: 1, lost: 0 });
  },
  patient,
);

test('several at once: at least one, and at most so many', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  const waiting = subscription.receiveMany(3);
  t.true(await staysPending(waiting));
  count(broadcast, 0, 4);
  const first = (await waiting).map(({ sequence }) => sequence);
  t.true(first.length >= 1 && first.length <= 3);
  const others = (await subscription.receiveMany(100)).map(({ sequence }) => sequence);
  t.deepEqual([...first, ...others], [0, 1, 2, 3, 4]);
  await t.throwsAsync(subscription.receiveMany(1, { timeout: 0 }), { code: 'ERR_TIMEOUT' });
  for (const max of [0, -1, 1.5]) {
    await t.throwsAsync(subscription.receiveMany(max), { code: 'ERR_OUT_OF_RANGE' });
  }
  await t.throwsAsync(subscription.receiveMany('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('every way of waiting', (t) => {
  const broadcast = newBroadcast(t, { wait: 'block' });
  for (const wait of ['adaptive', 'block', 'sleep', 'yield', 'busy-spin'] as const) {
    const subscription = listen(t, broadcast, { wait, pollingBudget: 10 });
    t.throws(() => subscription.receiveSync({ timeout: 5 }), { code: 'ERR_TIMEOUT' });
    broadcast.publish(wait);
    t.is(subscription.receiveSync({ timeout: 5 }).data.toString(), wait);
  }
  t.throws(() => broadcast.subscribe({ wait: 'sit' as never }), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => broadcast.subscribe(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('bad wait options', async (t) => {
  const subscription = listen(t, newBroadcast(t));
  const range = { code: 'ERR_OUT_OF_RANGE' };
  await t.throwsAsync(subscription.receive({ timeout: -1 }), range);
  t.throws(() => subscription.receiveSync({ timeout: 2 ** 31 }), range);
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  await t.throwsAsync(subscription.receive({ signal: 1 as never }), type);
  t.throws(() => {
    subscription.receive({}, 1 as never);
  }, type);
});

test('a worker that waits can be terminated', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const broadcast = newBroadcast(t);
  for (const call of ['receive()', 'receiveSync()']) {
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       import(workerData.library).then(({ Broadcast }) => {
         const subscription = Broadcast.open(workerData.name).subscribe();
         parentPort.postMessage('');
         setImmediate(() => subscription.${call});
       });`,
      {
        eval: true,
        workerData: { library: import.meta.resolve('shm-disruptor'), name: broadcast.name },
      },
    );
    await once(worker, 'message');
    await worker.terminate();
    broadcast.publish('x');
  }
  t.is(broadcast.stats().next, 2);
});

overReceivingFaces(
  'who stands still behind somebody who stands still',
  async (t, face) => {
    const broadcast = newBroadcast(t, { producers: 'multi' });
    const slots = [1, 2].map(() => another(t, broadcast).claim());
    const subscription = listen(t, broadcast, { from: 0 });
    const waiting = face.receive(subscription);
    t.true(await staysPendingFor(waiting, 1000));
    t.true(slots[1]!.commit(0));
    t.like(await waiting, { sequence: 1, lost: 1 });
  },
  patient,
);
