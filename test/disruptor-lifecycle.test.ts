import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import { Disruptor } from 'shm-disruptor';

import { collectUntil } from './garbage.js';
import { ring, WATCHDOG_MILLISECONDS } from './fixture.js';
import { thorough } from './thorough.js';

const RELEASED = { name: 'DisruptorError', code: 'ERR_RELEASED' };

test('after release every use is an error, through every face', async (t) => {
  const d = ring(t, {});
  d.produceClaimSync();
  d.release();
  for (const use of [
    () => d.produceClaimSync(),
    () => d.produceClaimManySync(1),
    () => d.produceClaimAvailSync(1),
    () => d.produceCommitSync(),
    () => d.produceCommitSync(0, 0),
    () => d.produceRecover(0, 0),
    () => d.consumeNewSync(),
    () => d.consumeCommit(),
    () => d.cursor,
    () => d.next,
    () => d.consumer,
    () => d.consumers,
    () => d.elements,
    () => d.status,
    () => (d.status = 1),
    () => d.allConsumersIgnoring,
  ]) {
    t.throws(use, RELEASED);
  }
  for (const use of [
    () => d.produceClaim(),
    () => d.produceClaimMany(1),
    () => d.produceClaimAvail(1),
    () => d.produceCommit(),
    () => d.produceCommit(0, 0),
    () => d.consumeNew(),
  ]) {
    await t.throwsAsync(use(), RELEASED);
  }
  for (const use of [
    (done: (error: Error | null) => void) => {
      d.produceClaim(done);
    },
    (done: (error: Error | null) => void) => {
      d.produceClaimMany(1, done);
    },
    (done: (error: Error | null) => void) => {
      d.produceClaimAvail(1, done);
    },
    (done: (error: Error | null) => void) => {
      d.produceCommit(done);
    },
    (done: (error: Error | null) => void) => {
      d.produceCommit(0, 0, done);
    },
    (done: (error: Error | null) => void) => {
      d.consumeNew(done);
    },
  ]) {
    let returned = false;
    const error = await new Promise((resolve) => {
      use((error) => {
        t.true(returned, 'called back before the method returned');
        resolve(error);
      });
      returned = true;
    });
    t.like(error, RELEASED);
  }
});

test('releasing twice does nothing, whatever the argument', (t) => {
  const d = ring(t, {});
  d.release();
  d.release();
  d.release(true);
  t.throws(() => d.cursor, RELEASED);
});

test('the constants of a released object can still be asked for', (t) => {
  const d = ring(t, { elementSize: 4 });
  d.release();
  t.is(d.elementSize, 4);
  t.is(d.spin, false);
  t.is(d.prevClaimStart, 1);
  t.is(d.prevConsumeNext, 0);
});

test('Buffers are empty after release, however they came about', (t) => {
  const d = ring(t, {});
  const buf = d.produceClaimSync();
  d.produceCommitSync();
  const [consumed] = d.consumeNewSync();
  const bufs = [buf, consumed!, d.elements, buf.subarray(1)];
  d.release();
  for (const view of bufs) {
    t.is(view.length, 0);
    t.is(view[0], undefined);
    t.throws(() => view.readUInt32LE(0), { code: 'ERR_BUFFER_OUT_OF_BOUNDS' });
  }
});

test('a Buffer outlives its object, which was collected, and stays shared', async (t) => {
  const { name, creator } = ring.named(t, {});
  let collected = false;
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  const buf = (() => {
    const d = new Disruptor({ name, consumer: 0, shared: true });
    registry.register(d, undefined);
    return d.elements.subarray(0, 4);
  })();
  t.true(await collectUntil(() => collected));
  creator.elements.writeUInt32LE(0xdeadbeef);
  t.is(buf.readUInt32LE(), 0xdeadbeef);
  buf.writeUInt32LE(1);
  t.is(creator.elements.readUInt32LE(), 1);
});

test('objects that nobody refers to give their mappings back', async (t) => {
  const { readFileSync } = await import('node:fs');
  const { name } = ring.named(t, {});
  const file = name.slice(1);
  const mappings = () =>
    readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .filter((line) => line.includes(file)).length;
  const before = mappings();
  (() => {
    for (let i = 0; i < 50; i += 1) new Disruptor({ name }).produceClaimManySync(0);
  })();
  t.true(mappings() > before);
  t.true(await collectUntil(() => mappings() === before));
});

test('shared memory cannot be transferred away, and is copied when it is posted', (t) => {
  const d = ring(t, {});
  const { port1 } = new MessageChannel();
  // Newer Nodes throw, older ones copy.
  try {
    port1.postMessage(d.elements, [d.elements.buffer as ArrayBuffer]);
  } catch (error) {
    t.like(error, { name: 'DataCloneError' });
  }
  port1.close();
  t.is(d.elements.length, 32);
  const clone = structuredClone(d.elements);
  d.elements.fill(7);
  t.true(clone.every((byte) => byte === 0));
});

test('any number of workers load the addon, come and go', async (t) => {
  const { name, creator } = ring.named(t, { elements: 64 });
  const library = import.meta.resolve('shm-disruptor');
  const code = `
    import(${JSON.stringify(library)}).then(({ Disruptor }) => {
      const d = new Disruptor({ name: ${JSON.stringify(name)}, spin: true });
      d.produceClaimSync().writeUInt32LE(1);
      d.produceCommitSync();
    });`;
  const workers = Array.from({ length: 8 }, () => new Worker(code, { eval: true }));
  const codes = await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))),
  );
  t.deepEqual(codes, Array(8).fill(0));
  t.is(creator.cursor, 8);
});

for (const [what, code] of [
  ['constructs', 'for (;;) new Disruptor({ name }).release();'],
  ['throws', 'for (;;) try { new Disruptor({ name }).produceCommitSync(0, 7); } catch {}'],
  ['blocks', 'new Disruptor({ name, consumer: 0, shared: true, spin: true }).consumeNewSync();'],
] as const) {
  test(`a worker that ${what} is terminated at any moment`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name, creator } = ring.named(t, {});
    const library = import.meta.resolve('shm-disruptor');
    const script = `
      import(${JSON.stringify(library)}).then(({ Disruptor }) => {
        const name = ${JSON.stringify(name)};
        require('node:worker_threads').parentPort.postMessage('begins');
        ${code}
      });`;
    for (let i = 0; i < (thorough ? 50 : 8); i += 1) {
      const worker = new Worker(script, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      if (i % 2 > 0) await turn();
      t.is(await worker.terminate(), 1);
    }
    t.is(creator.produceClaimSync().length, 4);
  });
}

test('a worker that ends without releasing leaves the ring usable', async (t) => {
  const { name, creator } = ring.named(t, {});
  const library = import.meta.resolve('shm-disruptor');
  const code = `
    import(${JSON.stringify(library)}).then(({ Disruptor }) => {
      globalThis.d = new Disruptor({ name: ${JSON.stringify(name)}, consumer: 0, shared: true, spin: true });
      d.consumeNew();
      require('node:worker_threads').parentPort.postMessage('waiting');
    });`;
  const worker = new Worker(code, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  t.is(await worker.terminate(), 1);
  t.is(creator.produceClaimSync().length, 4);
  t.true(creator.produceCommitSync());
  t.is(creator.consumeNewSync().length, 1);
});
