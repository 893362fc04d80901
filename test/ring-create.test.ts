// Making rings and opening them.
import { existsSync, statSync, writeFileSync } from 'node:fs';

import test from 'ava';
import { defineRecord, Disruptor, Ring } from 'shm-disruptor';
import type { RingOptions } from 'shm-disruptor';

import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { peers } from './ring-peers.js';
import { drain, numbers, word, words, wordsOf } from './words.js';

const REPLACED = { name: 'DisruptorError', code: 'ERR_SEGMENT_REPLACED' };
const RELEASED = { name: 'DisruptorError', code: 'ERR_RELEASED' };
const SMALL = { elements: 8, elementSize: 4 };

test('whoever opens a ring reads its sizes from it', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 7, elementSize: 12, consumers: 1 });
  using opened = Ring.open(ring.name);
  t.deepEqual([opened.elements, opened.elementSize, opened.name], [7, 12, ring.name]);
  t.deepEqual([ring.elements, ring.elementSize], [7, 12]);
  using producer = opened.producer();
  using consumer = ring.consumer(0);
  producer.publishSync('hello, world');
  t.is(consumer.tryNext()!.at(0).toString(), 'hello, world');
});

test('a name with and without a slash is the same', (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name.slice(1), SMALL);
  using opened = Ring.open(name);
  t.deepEqual([ring.name, opened.name], [name.slice(1), name]);
  t.throws(() => Ring.create(name, SMALL), { code: 'ERR_SEGMENT_EXISTS' });
});

test('without a name it gets one that is free', (t) => {
  const rings = numbers(0, 5).map(() => Ring.create({ ...SMALL, existing: 'replace' }));
  t.is(new Set(rings.map(({ name }) => name)).size, 5);
  for (const ring of rings) {
    t.true(existsSync(`/dev/shm${ring.name}`));
    Ring.open(ring.name).close();
    ring.close();
    Ring.unlink(ring.name);
    t.false(existsSync(`/dev/shm${ring.name}`));
  }
});

test('the permission bits are exactly those asked for', (t) => {
  using ring = Ring.create(uniqueName(t), { ...SMALL, mode: 0o622 });
  t.is(statSync(`/dev/shm${ring.name}`).mode & 0o777, 0o622);
  using standard = Ring.create(uniqueName(t), SMALL);
  t.is(statSync(`/dev/shm${standard.name}`).mode & 0o777, 0o600);
});

test('a ring that is there is left alone by default', (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name, { ...SMALL, consumers: 1 });
  using producer = ring.producer();
  producer.publishSync(word(5));
  for (const existing of [undefined, 'refuse'] as const) {
    const options = existing ? { ...SMALL, existing } : SMALL;
    t.throws(() => Ring.create(name, options), {
      name: 'DisruptorError',
      code: 'ERR_SEGMENT_EXISTS',
    });
  }
  using consumer = ring.consumer(0);
  t.deepEqual(drain(consumer), [5]);
});

test('replace-dead: not while anybody is attached', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { elements: 8 });
  const again = () =>
    Ring.create(ring.name, { elements: 16, elementSize: 4, existing: 'replace-dead' });
  const inUse = { name: 'DisruptorError', code: 'ERR_SEGMENT_IN_USE' };
  t.throws(again, inUse);
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'producer' });
  ring.close();
  t.throws(again, inUse);
  await peer.end();
  using second = again();
  t.is(second.elements, 16);
  t.is(Ring.open(ring.name).elements, 16);
});

test('replace: those who are attached are told', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { a: {}, b: {} } });
  using producer = ring.producer();
  using consumer = ring.consumer('a');
  producer.publishManySync(words(0, 8));
  t.is(consumer.tryNext()?.length, 8);
  using late = ring.producer();
  const waiting = [producer.publish(word(1)), late.claim(2)];
  using second = Ring.create(ring.name, { ...SMALL, existing: 'replace' });
  for (const wait of waiting) await t.throwsAsync(wait, REPLACED);
  t.throws(() => producer.tryPublish(word(1)), REPLACED);
  t.throws(() => producer.publishSync(word(1)), REPLACED);
  t.throws(() => consumer.tryNext(), REPLACED);
  await t.throwsAsync(consumer.next(), REPLACED);
  t.throws(() => ring.producer(), REPLACED);
  t.throws(() => ring.consumer('a'), REPLACED);
  using fresh = second.producer();
  t.is(fresh.publishSync(word(1)), 0);
});

for (const producers of ['multi', 'single'] as const) {
  test(`a producer with room left is told of the replacement, ${producers}`, (t) => {
    const ring = ringOfRoles(t, { producers, consumers: 1 });
    using producer = ring.producer();
    producer.publishSync(word(0));
    const claim = producer.claimSync();
    using second = Ring.create(ring.name, { ...SMALL, existing: 'replace' });
    t.is(second.stats().next, 0);
    t.throws(() => claim.commit(), REPLACED);
    t.throws(() => producer.tryPublish(word(1)), REPLACED);
    t.throws(() => producer.publishManySync(words(1, 2)), REPLACED);
  });
}

test('a ring whose name is gone makes no more participants, and those that it has go on', (t) => {
  const ring = ringOfRoles(t, { consumers: 1 });
  using producer = ring.producer();
  using consumer = ring.consumer(0);
  Ring.unlink(ring.name);
  t.throws(() => ring.producer(), { code: 'ENOENT' });
  const error = t.throws<NodeJS.ErrnoException>(() => Ring.open(ring.name));
  t.like(error, { code: 'ENOENT', path: ring.name });
  producer.publishSync(word(3));
  t.deepEqual(drain(consumer), [3]);
});

test('participants outlive the ring from which they were made', (t) => {
  const ring = ringOfRoles(t, { consumers: 1 });
  using producer = ring.producer();
  using consumer = ring.consumer(0);
  t.false(ring.closed);
  ring.close();
  ring.close();
  t.true(ring.closed);
  t.throws(() => ring.producer(), RELEASED);
  t.throws(() => ring.consumer(0), RELEASED);
  t.throws(() => ring.stats(), RELEASED);
  producer.publishSync(word(3));
  t.deepEqual(wordsOf(consumer.tryNext()), [3]);
});

test('using closes', async (t) => {
  const ring = ringOfRoles(t, { consumers: 1 });
  const before = ring.consumer(0);
  {
    using consumer = before;
    await using producer = ring.producer();
    t.false(consumer.closed || producer.closed);
  }
  t.true(before.closed);
  using next = ring.consumer(0);
  t.is(next.name, '0');
});

const Tick = defineRecord({ price: 'f64', size: 'u32' });
const Tock = defineRecord({ price: 'f64', size: 'i32' });
const one = { name: 'one', encode: (value: Uint8Array) => value, decode: (bytes: Buffer) => bytes };
const two = { ...one, name: 'two' };
const kinds = {
  raw: {},
  utf8: { encoding: 'utf8' },
  json: { encoding: 'json' },
  one: { encoding: one },
  two: { encoding: two },
  Tick: { record: Tick },
  Tock: { record: Tock },
} as const;

for (const [kind, made] of Object.entries(kinds)) {
  test(`a ring of ${kind} opens as nothing else`, (t) => {
    const size = 'record' in made ? {} : { elementSize: 16 };
    const options = { elements: 4, ...size, ...made } as { elements: 4; elementSize: 16 };
    using ring = Ring.create(uniqueName(t), options);
    for (const [other, opened] of Object.entries(kinds)) {
      const open = () => Ring.open(ring.name, opened as typeof kinds.utf8);
      if (other === kind) open().close();
      else t.throws(open, { name: 'DisruptorError', code: 'ERR_SCHEMA_MISMATCH' }, other);
    }
  });
}

test('an encoding without a name is compared with nothing', (t) => {
  const { encode, decode } = one;
  const nameless = { encode, decode };
  using ring = Ring.create(uniqueName(t), { ...SMALL, encoding: nameless });
  for (const encoding of [nameless, one, 'utf8'] as const) {
    Ring.open(ring.name, { encoding }).close();
  }
  t.throws(() => Ring.open(ring.name), { code: 'ERR_SCHEMA_MISMATCH' });
});

test('what is no ring of ours is not opened', (t) => {
  const name = uniqueName(t);
  writeFileSync(`/dev/shm${name}`, Buffer.alloc(8192, 7));
  t.throws(() => Ring.open(name), { code: 'ERR_SEGMENT_FOREIGN' });
  for (const existing of ['refuse', 'replace-dead', 'replace'] as const) {
    const code = existing === 'refuse' ? 'ERR_SEGMENT_EXISTS' : 'ERR_SEGMENT_FOREIGN';
    t.throws(() => Ring.create(name, { ...SMALL, existing }), { code });
  }
  t.is(statSync(`/dev/shm${name}`).size, 8192);
});

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
const VALUE = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };

/** What will not do for each option. */
const wrong: Record<string, [expected: object, values: unknown[]][]> = {
  elements: [
    [TYPE, [undefined, null, '8', 8n, {}]],
    [RANGE, [0, -1, 1.5, NaN, Infinity, 2 ** 53]],
  ],
  elementSize: [
    [TYPE, [undefined, null, '4', {}]],
    [RANGE, [0, -1, 1.5, NaN, 2 ** 40]],
  ],
  consumers: [
    [TYPE, [null, 'log', true, ['log'], { log: true }, { log: undefined }]],
    [TYPE, [{ log: { group: 1 } }, { log: { after: 5 } }, { log: { after: [5] } }]],
    [RANGE, [-1, 1.5, 65_536]],
    [VALUE, [{ '': {} }, { ['x'.repeat(65)]: {} }, { 'a\0b': {} }, { log: { after: '' } }]],
  ],
  maxConsumers: [
    [TYPE, ['1', {}]],
    [RANGE, [0, 1.5, 65_536]],
  ],
  maxProducers: [
    [TYPE, ['1', {}]],
    [RANGE, [0, 65_536]],
  ],
  producers: [
    [TYPE, [1, {}]],
    [RANGE, ['many']],
  ],
  orphans: [
    [TYPE, [true]],
    [RANGE, ['keep']],
  ],
  deadConsumers: [
    [TYPE, [true]],
    [RANGE, ['skip']],
  ],
  existing: [
    [TYPE, [true]],
    [RANGE, ['overwrite']],
  ],
  mode: [
    [TYPE, ['600']],
    [RANGE, [-1, 0o1000]],
  ],
  wait: [
    [TYPE, [1]],
    [RANGE, ['patiently']],
  ],
  pollingBudget: [
    [TYPE, ['1']],
    [RANGE, [-1, 1_000_001]],
  ],
  encoding: [
    [TYPE, [null, 5, {}]],
    [RANGE, ['latin1']],
  ],
  record: [[TYPE, [null, {}, { price: 'f64' }]]],
};

for (const [option, cases] of Object.entries(wrong)) {
  test(`a wrong ${option} makes no ring`, (t) => {
    const name = uniqueName(t);
    for (const [expected, values] of cases) {
      for (const value of values) {
        const options = { ...SMALL, [option]: value };
        t.throws(() => Ring.create(name, options), expected, `${option}: ${String(value)}`);
      }
    }
    t.false(existsSync(`/dev/shm${name}`));
  });
}

test('more consumers are declared than there is room for', (t) => {
  const name = uniqueName(t);
  const options: RingOptions & { elementSize: number } = { ...SMALL, consumers: 3 };
  t.throws(() => Ring.create(name, { ...options, maxConsumers: 2 }), RANGE);
  using ring = Ring.create(name, { ...options, maxConsumers: 3 });
  t.is(ring.stats().consumers.length, 3);
});

test('names and options of the wrong type', (t) => {
  const create = Ring.create.bind(Disruptor) as (...given: unknown[]) => unknown;
  const open = Ring.open.bind(Disruptor) as (...given: unknown[]) => unknown;
  const name = uniqueName(t);
  for (const given of [[5, SMALL], [name], [name, null], [name, 5], [null, SMALL], []]) {
    t.throws(() => create(...given), TYPE);
  }
  for (const given of [['/a/b'], ['/..'], [`/${'x'.repeat(256)}`]]) {
    t.throws(() => create(...given, SMALL), VALUE);
    t.throws(() => open(...given), VALUE);
  }
  t.throws(() => create(name, { ...SMALL, record: Tick, encoding: 'utf8' }), TYPE);
  using ring = ringOfRoles(t);
  for (const given of [[5], [], [null], [ring.name, null], [ring.name, 5]]) {
    t.throws(() => open(...given), TYPE);
  }
  t.throws(() => open(ring.name, { encoding: 'latin1' }), RANGE);
  t.throws(() => open(ring.name, { wait: 'patiently' }), RANGE);
  const wrongly = ring as unknown as { producer(given: unknown): unknown };
  for (const given of [null, 5, 'block']) t.throws(() => wrongly.producer(given), TYPE);
  t.throws(() => wrongly.producer({ pollingBudget: -1 }), RANGE);
});
