import { deserialize, serialize } from 'node:v8';

import test from 'ava';

import type { DecodedValue, EncodableValue, Encoding, EncodingOption } from 'shm-disruptor';

import type * as Internal from '../dist/values/encoding.js';

// Not a part of the package's interface; and the compiled test lies one folder deeper.
const { NO_ROOM, resolveEncoding } = (await import(
  new URL('../../dist/values/encoding.js', import.meta.url).href
)) as typeof Internal;

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const VALUE = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

const v8: Encoding<unknown> = { encode: serialize, decode: deserialize };

/** Values of each kind, and how many bytes they take. */
const SAMPLES: [EncodingOption, [unknown, number][]][] = [
  ['buffer', [5, 0, 1].map((length) => [Buffer.alloc(length, 7), length])],
  [
    'utf8',
    [
      ['hello', 5],
      ['', 0],
      ['€uro', 6],
      ['😀', 4],
      ['\ufeffa\0', 5],
    ],
  ],
  [
    'json',
    [
      [{ a: [1, 'é', null] }, 19],
      [null, 4],
      ['', 2],
      [false, 5],
    ],
  ],
  [v8, [[new Map([[1n, 'x']]), serialize(new Map([[1n, 'x']])).length]]],
];

const label = (option: EncodingOption) => (typeof option === 'string' ? option : 'custom');

for (const [option, samples] of SAMPLES) {
  test(`${label(option)}: what was written is read, and nothing else is touched`, (t) => {
    const { encode, decode } = resolveEncoding(option);
    for (const [value, length] of samples) {
      const target = Buffer.alloc(64, 0xee);
      t.is(encode(value, target, 3), length);
      t.deepEqual(decode(target.subarray(3, 3 + length)), value);
      t.deepEqual(decode(target, 3, 3 + length), value);
      t.deepEqual(target.subarray(0, 3), Buffer.alloc(3, 0xee));
      t.deepEqual(target.subarray(3 + length), Buffer.alloc(61 - length, 0xee));
    }
  });

  test(`${label(option)}: it fits exactly, or nothing is written`, (t) => {
    const { encode, decode } = resolveEncoding(option);
    for (const [value, length] of samples) {
      const exact = Buffer.alloc(length + 2, 0xee);
      t.is(encode(value, exact, 2), length);
      t.deepEqual(decode(exact, 2), value);
      for (let room = 0; room < length; room += 1) {
        const target = Buffer.alloc(room + 2, 0xee);
        t.is(encode(value, target, 2), NO_ROOM);
        t.deepEqual(target, Buffer.alloc(room + 2, 0xee));
      }
      t.is(encode(value, Buffer.alloc(1), 2), NO_ROOM);
    }
  });
}

test('nothing that is read lies in the memory', (t) => {
  const target = Buffer.alloc(64);
  // What is read is a part of what was given: as many decoders do.
  const parts: Encoding<Buffer> = {
    encode: (value) => value,
    decode: (buffer) => buffer.subarray(1),
  };
  for (const [option, expected] of [
    ['buffer', 'abc'],
    [parts, 'bc'],
  ] as const) {
    const { encode, decode } = resolveEncoding<EncodingOption<Buffer>>(option);
    const length = encode(Buffer.from('abc'), target, 0);
    const read = decode(target, 0, length) as Buffer;
    target.fill(0);
    t.is(read.toString(), expected);
  }
});

test('buffer takes any Uint8Array, and gives Buffers', (t) => {
  const { encode, decode } = resolveEncoding('buffer');
  const target = Buffer.alloc(4);
  t.is(encode(new Uint8Array([1, 2]), target, 1), 2);
  t.true(Buffer.isBuffer(decode(target)));
  for (const value of [undefined, null, 'text', [1], new Uint16Array(1), new ArrayBuffer(1)]) {
    t.throws(() => encode(value as never, target, 0), { ...TYPE, message: /for value but/ });
  }
});

test('utf8 takes strings, and replaces half a surrogate pair', (t) => {
  const { encode, decode } = resolveEncoding('utf8');
  const target = Buffer.alloc(8);
  for (const value of [undefined, null, 5, Buffer.from('a'), new String('a')]) {
    t.throws(() => encode(value as never, target, 0), TYPE);
  }
  t.is(encode('\ud800', target, 0), 3);
  t.is(decode(target, 0, 3), '\ufffd');
});

test('json: what JSON does not have is an error', (t) => {
  const { encode, decode } = resolveEncoding('json');
  const target = Buffer.alloc(8, 0xee);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  for (const value of [undefined, () => 1, Symbol('a')]) {
    t.throws(() => encode(value, target, 0), TYPE);
  }
  t.throws(() => encode(circle, target, 0), { name: 'TypeError' });
  t.throws(() => encode(1n, target, 0), { name: 'TypeError' });
  t.deepEqual(target, Buffer.alloc(8, 0xee));
  t.throws(() => decode(Buffer.from('{')), { name: 'SyntaxError' });
});

test('a custom encoding is called as a method, and its errors come through', (t) => {
  const upper = {
    shift: 1,
    encode(value: number) {
      return Buffer.from([value + this.shift]);
    },
    decode(buffer: Buffer) {
      return buffer[0]! - this.shift;
    },
  };
  const { encode, decode } = resolveEncoding(upper);
  const target = Buffer.alloc(2);
  t.is(encode(4, target, 0), 1);
  t.is(target[0], 5);
  t.is(decode(target, 0, 1), 4);
  const fails = (): never => {
    throw new Error('mine');
  };
  const failing = resolveEncoding({ encode: fails, decode: fails });
  t.throws(() => failing.encode(1, target, 0), { message: 'mine' });
  t.throws(() => failing.decode(target), { message: 'mine' });
  for (const result of ['text', undefined, [1], Promise.resolve(target)]) {
    const wrong = resolveEncoding({ encode: () => result as never, decode: fails });
    t.throws(() => wrong.encode(1, target, 0), { ...TYPE, message: /encoding\.encode/ });
  }
});

test('an option that is none is an error', (t) => {
  const resolve = (option: unknown) => resolveEncoding(option as EncodingOption);
  const nothing = () => Buffer.alloc(0);
  for (const option of [undefined, null, 5, true, nothing]) t.throws(() => resolve(option), TYPE);
  for (const option of ['', 'utf-8', 'msgpack', 'toString']) t.throws(() => resolve(option), RANGE);
  for (const [option, part] of [
    [{}, 'encode'],
    [{ encode: nothing }, 'decode'],
    [{ encode: 'utf8', decode: nothing }, 'encode'],
    [{ encode: nothing, decode: nothing, name: 5 }, 'name'],
  ] as const) {
    t.throws(() => resolve(option), { ...TYPE, message: new RegExp(`for encoding\\.${part} but`) });
  }
  t.throws(() => resolve({ encode: nothing, decode: nothing, name: '' }), VALUE);
});

test('fingerprints tell encodings apart, and stay what they are', (t) => {
  const named = (name?: string) => resolveEncoding({ ...v8, name }).fingerprint;
  const all = (['buffer', 'utf8', 'json'] as const).map(
    (name) => resolveEncoding(name).fingerprint,
  );
  // Constants: they are compared with what other processes and releases wrote.
  t.deepEqual(all, [9941121737118342538n, 17489365814471653047n, 10878633182173559330n]);
  t.is(named(), 0n);
  t.is(named('v8'), named('v8'));
  const names = ['v8', 'v8.1', 'utf8'].map(named);
  t.is(new Set([0n, ...all, ...names]).size, 7);
  for (const fingerprint of names) t.is(BigInt.asUintN(64, fingerprint), fingerprint);
});

test('the types are inferred', (t) => {
  type Same<A, B> =
    (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  const holds = <T extends true>(value?: T) => value;
  interface Order {
    id: number;
  }
  holds<Same<DecodedValue<'buffer'>, Buffer>>();
  holds<Same<EncodableValue<'buffer'>, Uint8Array>>();
  holds<Same<DecodedValue<'utf8'>, string>>();
  holds<Same<DecodedValue<'json'>, unknown>>();
  holds<Same<DecodedValue<Encoding<Order>>, Order>>();
  holds<Same<EncodableValue<Encoding<Order>>, Order>>();
  const orders = resolveEncoding({
    encode: (order: Order) => Buffer.from([order.id]),
    decode: (buffer): Order => ({ id: buffer[0]! }),
  });
  const target = Buffer.alloc(1);
  orders.encode({ id: 3 }, target, 0);
  const order: Order = orders.decode(target);
  t.is(order.id, 3);
  const mistakes = () => {
    // @ts-expect-error no such encoding
    resolveEncoding('utf-8');
    // @ts-expect-error a string is no Order
    orders.encode('order', target, 0);
    // @ts-expect-error half of one
    resolveEncoding({ encode: () => target });
  };
  t.is(typeof mistakes, 'function');
});
