// What goes into elements and comes out: bytes, encoded values and records.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { ascii, defineRecord, Ring } from 'shm-disruptor';

import { uniqueName } from './fixture.js';

/** Sends `values` through `ring`, some at a time, and gives what `keep` makes of what comes out. */
function through<In, Out, Kept>(
  t: ExecutionContext,
  ring: Ring<In, Out>,
  values: readonly In[],
  keep: (value: Out) => Kept,
): Kept[] {
  using producer = ring.producer();
  using consumer = ring.consumer();
  const got: Kept[] = [];
  for (let i = 0; i < values.length; i += 3) {
    const some = values.slice(i, i + 3);
    if (i % 2 === 0) producer.publishManySync(some);
    else for (const value of some) t.true(producer.tryPublish(value));
    for (const value of consumer.nextSync({ timeout: 10_000 })) got.push(keep(value));
    consumer.commit();
  }
  return got;
}

const same = <T>(value: T) => value;

test('strings', (t) => {
  const options = { elements: 4, elementSize: 9, encoding: 'utf8' } as const;
  using ring = Ring.create(uniqueName(t), options);
  t.is(ring.elementSize, 16, 'room for the length, and aligned');
  const texts = ['', 'a', 'ünïcö', '123456789', '😀😀', 'a\0b', 'x'];
  t.deepEqual(through(t, ring, texts, same), texts);
  using producer = ring.producer();
  producer.publishSync('x'.repeat(9));
  t.is(producer.next, 8);
  t.throws(() => producer.publishSync('😀😀😀😀'), { code: 'ERR_OUT_OF_RANGE' });
  t.is(producer.next, 8);
});

test('bytes that keep their length, and can be kept', (t) => {
  const options = { elements: 4, elementSize: 8, encoding: 'buffer' } as const;
  using ring = Ring.create(uniqueName(t), options);
  const values = [0, 1, 8, 3, 5, 0, 7, 2, 8, 4].map((n) => Buffer.alloc(n, n));
  t.deepEqual(through(t, ring, values, same), values);
});

test('JSON', (t) => {
  const options = { elements: 4, elementSize: 64, encoding: 'json' } as const;
  using ring = Ring.create(uniqueName(t), options);
  const values = [null, 0, -1.5, true, 'text', [], [1, [2]], {}, { a: { b: ['ü'] } }];
  t.deepEqual(through(t, ring, values, same), values);
  using producer = ring.producer();
  const { next } = producer;
  for (const value of [undefined, () => undefined, Symbol('x')]) {
    t.throws(() => producer.publishSync(value), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const circle: unknown[] = [];
  circle.push(circle);
  t.throws(() => producer.publishSync(circle), { name: 'TypeError' });
  t.throws(() => producer.publishSync(1n), { name: 'TypeError' });
  t.is(producer.next, next);
});

test('an encoding of one’s own', (t) => {
  const dates = {
    name: 'dates 1',
    encode: (value: Date) => Buffer.from(value.toISOString()),
    decode: (bytes: Buffer) => new Date(bytes.toString()),
  };
  const options = { elements: 4, elementSize: 24, encoding: dates } as const;
  using ring = Ring.create(uniqueName(t), options);
  const values = [new Date(0), new Date('2026-02-03T04:05:06.789Z')];
  t.deepEqual(through(t, ring, values, same), values);
  using opened = Ring.open(ring.name, { encoding: dates });
  t.deepEqual(through(t, opened, values, same), values);
});

test('what an encoding throws is thrown, and leaves no hole', async (t) => {
  const grumpy = {
    encode(value: string): Uint8Array {
      if (value === 'bad') throw new RangeError('not with me');
      return Buffer.from(value);
    },
    decode: (bytes: Buffer) => bytes.toString(),
  };
  const options = { elements: 4, elementSize: 8, encoding: grumpy } as const;
  using ring = Ring.create(uniqueName(t), options);
  using producer = ring.producer();
  t.throws(() => producer.publishSync('bad'), { message: 'not with me' });
  t.throws(() => producer.tryPublishMany(['good', 'bad']), { message: 'not with me' });
  await t.throwsAsync(producer.publish('bad'), { message: 'not with me' });
  t.is(producer.next, 0);
});

const Tick = defineRecord({ symbol: ascii(8), price: 'f64', volume: 'u64', buy: 'bool' });
const tick = (i: number) => ({
  symbol: `S${i}`,
  price: i / 4,
  volume: BigInt(i) * 10n ** 15n,
  buy: i % 2 === 0,
});

test('records', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 5, record: Tick });
  t.is(ring.elementSize, Tick.size);
  const ticks = Array.from({ length: 20 }, (_, i) => tick(i));
  t.deepEqual(
    through(t, ring, ticks, (cursor) => cursor.toObject()),
    ticks,
  );
  using opened = Ring.open(ring.name, { record: Tick });
  t.deepEqual(
    through(t, opened, ticks, ({ symbol, price }) => [symbol, price]),
    ticks.map(({ symbol, price }) => [symbol, price]),
  );
});

test('a record that does not fit is not published', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 4, record: Tick });
  using producer = ring.producer();
  const wrong = [
    { ...tick(1), symbol: 'far too long' },
    { ...tick(1), price: 'much' },
    { ...tick(1), volume: -1n },
    { symbol: 'S' },
    null,
  ] as unknown as ReturnType<typeof tick>[];
  for (const value of wrong) {
    t.throws(() => producer.publishSync(value));
    t.throws(() => producer.publishManySync([tick(0), value]));
  }
  t.is(producer.next, 0);
});

test('records are written in place through a claim', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 4, record: Tick, consumers: 1 });
  using producer = ring.producer();
  using consumer = ring.consumer(0);
  const claim = producer.claimSync(3);
  const cursor = Tick.cursor();
  for (let i = 0; i < 3; i += 1) cursor.moveTo(claim.bufs[0]!, i * Tick.size).set(tick(i));
  claim.commit();
  const batch = consumer.tryNext()!;
  t.deepEqual(
    Array.from(batch, (each) => each.toObject()),
    [tick(0), tick(1), tick(2)],
  );
  t.is(batch.at(1).symbol, 'S1');
  t.is(batch.at(2).volume, 2n * 10n ** 15n);
});

test('iterating records moves one cursor on', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 4, record: Tick, consumers: 1 });
  using producer = ring.producer();
  using consumer = ring.consumer(0);
  producer.publishManySync([tick(1), tick(2)]);
  const [first, second] = consumer.tryNext()!;
  t.is(first, second);
});

test('raw slots take strings and views, and what is left of them is zero', (t) => {
  using ring = Ring.create(uniqueName(t), { elements: 2, elementSize: 8, consumers: 1 });
  using producer = ring.producer();
  using consumer = ring.consumer(0);
  const values = [
    Buffer.alloc(8, 0xff),
    'ü',
    new Uint8Array([1, 2, 3]),
    new Float64Array([1.5]),
    new DataView(new Uint8Array([9, 8, 7, 6]).buffer, 1, 2),
    '',
    Buffer.alloc(8, 0xff),
    new Uint16Array([0x0201]).subarray(0, 1),
  ];
  const expected = [
    'ffffffffffffffff',
    'c3bc000000000000',
    '0102030000000000',
    '000000000000f83f',
    '0807000000000000',
    '0000000000000000',
    'ffffffffffffffff',
    '0102000000000000',
  ];
  for (const publish of [
    (value: string | ArrayBufferView) => producer.publishSync(value),
    (value: string | ArrayBufferView) => producer.publishManySync([value]),
  ]) {
    const got = values.map((value) => {
      publish(value);
      return consumer.tryNext()!.at(consumer.sequence).toString('hex');
    });
    t.deepEqual(got, expected);
  }
  const { next } = producer;
  t.throws(() => producer.publishSync('123456789'), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => producer.publishSync(Buffer.alloc(9)), { code: 'ERR_OUT_OF_RANGE' });
  for (const wrong of [5, null, {}, new ArrayBuffer(8), [1]] as unknown as string[]) {
    t.throws(() => producer.publishSync(wrong), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  t.is(producer.next, next);
});
