import { constants } from 'node:buffer';
import { inspect } from 'node:util';

import test from 'ava';
import { ascii, bytes, defineRecord, utf8 } from 'shm-disruptor';
import type { FieldType, RecordInput, RecordSchema, RecordType, RecordValue } from 'shm-disruptor';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const VALUE = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

const Tick = defineRecord({
  ts: 'f64',
  price: 'f64',
  qty: 'u32',
  flags: 'u8',
  symbol: ascii(8),
  payload: bytes(32),
});

const TICK = {
  ts: 1234.5,
  price: 0.1,
  qty: 0xfedcba98,
  flags: 0x5a,
  symbol: 'ESZ6',
  payload: Buffer.alloc(32, 'payload '),
};

/** True only for the same type. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(value?: T) => value;

/** One field of a type, over `size` bytes of 0xff. */
function single(type: FieldType) {
  const One = defineRecord({ x: type });
  const buffer = Buffer.alloc(One.size, 0xff);
  return { One, buffer, cursor: One.cursor(buffer) as { x: unknown } };
}

test('fields lie in order, each number at a multiple of its size', (t) => {
  t.deepEqual(Tick.fields, [
    { name: 'ts', type: 'f64', offset: 0, size: 8 },
    { name: 'price', type: 'f64', offset: 8, size: 8 },
    { name: 'qty', type: 'u32', offset: 16, size: 4 },
    { name: 'flags', type: 'u8', offset: 20, size: 1 },
    { name: 'symbol', type: 'ascii(8)', offset: 21, size: 8 },
    { name: 'payload', type: 'bytes(32)', offset: 29, size: 32 },
  ]);
  t.is(Tick.size, 64);
  const Holes = defineRecord({ a: 'u8', b: 'i64', c: 'bool', d: 'i16', e: 'u8', f: 'f32' });
  t.deepEqual(
    Holes.fields.map(({ offset }) => offset),
    [0, 8, 16, 18, 20, 24],
  );
  t.is(Holes.size, 32);
  t.is(defineRecord({ a: ascii(3), b: 'u16' }).size, 6);
  t.is(defineRecord({ a: utf8(3) }).size, 3);
});

test('the wire is little endian', (t) => {
  const All = defineRecord({
    u64: 'u64',
    f64: 'f64',
    i32: 'i32',
    f32: 'f32',
    u16: 'u16',
    i8: 'i8',
    bool: 'bool',
    ascii: ascii(3),
    utf8: utf8(4),
    bytes: bytes(2),
  });
  const buffer = Buffer.alloc(All.size, 0);
  const value = {
    u64: 0x0102030405060708n,
    f64: 1,
    i32: -2,
    f32: 1,
    u16: 0x0102,
    i8: -3,
    bool: true,
    ascii: 'ab',
    utf8: 'é',
    bytes: Buffer.from([9, 8]),
  };
  All.write(buffer, value);
  t.is(
    buffer.toString('hex'),
    '0807060504030201' + // u64
      '000000000000f03f' + // f64
      'feffffff' + // i32
      '0000803f' + // f32
      '0201' + // u16
      'fd' + // i8
      '01' + // bool
      '616200' + // ascii
      'c3a90000' + // utf8
      '0908' + // bytes
      '000000', // to a multiple of 8
  );
  t.deepEqual(All.read(buffer), value);
});

for (const [type, least, most] of [
  ['i8', -(2 ** 7), 2 ** 7 - 1],
  ['u8', 0, 2 ** 8 - 1],
  ['i16', -(2 ** 15), 2 ** 15 - 1],
  ['u16', 0, 2 ** 16 - 1],
  ['i32', -(2 ** 31), 2 ** 31 - 1],
  ['u32', 0, 2 ** 32 - 1],
  ['i64', -(2n ** 63n), 2n ** 63n - 1n],
  ['u64', 0n, 2n ** 64n - 1n],
] as const) {
  test(`${type} holds its range; setters wrap what is outside, write refuses it`, (t) => {
    const { One, buffer, cursor } = single(type);
    const one = typeof least === 'bigint' ? 1n : 1;
    const below = (least as number) - (one as number);
    const above = (most as number) + (one as number);
    for (const value of [least, most]) {
      cursor.x = value;
      t.is(cursor.x, value);
      One.write(buffer, { x: value });
      t.is(One.read(buffer).x, value);
    }
    cursor.x = above;
    t.is(cursor.x, least);
    cursor.x = below;
    t.is(cursor.x, most);
    for (const value of [below, above]) {
      t.throws(() => {
        One.write(buffer, { x: value });
      }, RANGE);
    }
    const others = typeof least === 'bigint' ? [1, '1', null] : [1n, '1', null, true];
    for (const value of others) {
      t.throws(() => {
        One.write(buffer, { x: value } as never);
      }, TYPE);
    }
    t.is(cursor.x, most);
  });
}

test('integers are whole; the setters cut fractions off', (t) => {
  const { One, buffer, cursor } = single('i32');
  cursor.x = -1.9;
  t.is(cursor.x, -1);
  for (const x of [0.5, NaN, Infinity]) {
    t.throws(() => {
      One.write(buffer, { x });
    }, RANGE);
  }
});

test('floats hold every number, f32 rounded', (t) => {
  const { cursor } = single('f64');
  for (const x of [0.1, -0, NaN, Infinity, Number.MIN_VALUE]) {
    cursor.x = x;
    t.is(cursor.x, x);
  }
  const small = single('f32');
  small.One.write(small.buffer, { x: 0.1 });
  t.is(small.cursor.x, Math.fround(0.1));
  t.throws(() => {
    small.One.write(small.buffer, { x: '0.1' });
  }, TYPE);
});

test('bool is one byte of which any but 0 is true', (t) => {
  const { One, buffer, cursor } = single('bool');
  t.is(cursor.x, true);
  cursor.x = false;
  t.deepEqual([cursor.x, buffer[0]], [false, 0]);
  cursor.x = true;
  t.deepEqual([cursor.x, buffer[0]], [true, 1]);
  t.throws(() => {
    One.write(buffer, { x: 1 });
  }, TYPE);
});

test('text is filled with NUL and read up to the first', (t) => {
  for (const type of [ascii(4), utf8(4)]) {
    const { buffer, cursor } = single(type);
    for (const [text, filled] of [
      ['abcd', 'abcd'],
      ['xy', 'xy\0\0'],
      ['', '\0\0\0\0'],
    ] as const) {
      cursor.x = text;
      t.is(cursor.x, text);
      t.is(buffer.toString('latin1'), filled);
    }
    buffer.write('a\0b\0', 'latin1');
    t.is(cursor.x, 'a');
  }
});

test('long text is as short text', (t) => {
  for (const type of [ascii(300), utf8(300)]) {
    const { buffer, cursor } = single(type);
    for (const text of ['x'.repeat(300), 'y'.repeat(299), '', 'z']) {
      cursor.x = text;
      t.is(cursor.x, text);
      t.is(buffer.toString('latin1'), text.padEnd(300, '\0'));
    }
  }
});

test('utf8 counts bytes, and replaces half a surrogate pair', (t) => {
  const { cursor } = single(utf8(6));
  for (const text of ['äöü', '€€', 'a😀b', 'é']) {
    cursor.x = text;
    t.is(cursor.x, text);
  }
  cursor.x = 'a\ud800';
  t.is(cursor.x, 'a\ufffd');
  for (const text of ['äöüx', '€€€', 'abc😀', 'x'.repeat(7)]) {
    t.throws(() => {
      cursor.x = text;
    }, RANGE);
  }
  t.is(cursor.x, 'a\ufffd');
});

test('what text cannot hold is refused by setters too, and nothing is written', (t) => {
  const cases: [FieldType, unknown, { name: string; code: string }][] = [
    [ascii(4), 'abcde', RANGE],
    [ascii(4), 'é', VALUE],
    [ascii(4), '\x80', VALUE],
    [ascii(4), 'a\0', VALUE],
    [ascii(4), 5, TYPE],
    [utf8(4), 'a\0b', VALUE],
    [utf8(4), null, TYPE],
    [utf8(4), '€é', RANGE],
    [bytes(4), Buffer.alloc(5), RANGE],
    [bytes(4), 'abcd', TYPE],
    [bytes(4), [1, 2, 3, 4], TYPE],
    [bytes(4), new Uint16Array(2), TYPE],
  ];
  for (const [type, value, expected] of cases) {
    const { One, buffer, cursor } = single(type);
    t.throws(() => {
      cursor.x = value;
    }, expected);
    t.throws(() => {
      One.write(buffer, { x: value } as never);
    }, expected);
    t.deepEqual(buffer, Buffer.alloc(4, 0xff));
  }
});

test('bytes: fewer are filled up, a cursor shows the memory, copies are copies', (t) => {
  const P = defineRecord({ p: bytes(4) });
  const buffer = Buffer.alloc(4, 0xff);
  const cursor = P.cursor(buffer);
  cursor.set({ p: new Uint8Array([1, 2]) });
  t.deepEqual(buffer, Buffer.from([1, 2, 0, 0]));
  const view = cursor.p;
  const copies = [cursor.toObject().p, P.read(buffer).p];
  buffer[0] = 7;
  t.is(view[0], 7);
  for (const copy of copies) {
    t.true(Buffer.isBuffer(copy));
    t.deepEqual(copy, Buffer.from([1, 2, 0, 0]));
  }
});

test('a cursor moves over records, between buffers, and to places that are not aligned', (t) => {
  const ring = Buffer.alloc(Tick.size * 3 + 1);
  const cursor = Tick.cursor();
  for (const [i, start] of [0, Tick.size, 2 * Tick.size + 1].entries()) {
    t.is(cursor.moveTo(ring, start), cursor);
    cursor.set({ ...TICK, qty: i });
  }
  const elsewhere = Buffer.alloc(Tick.size);
  Tick.write(elsewhere, { ...TICK, qty: 99 });
  t.is(cursor.moveTo(elsewhere).qty, 99);
  t.is(cursor.moveTo(ring.subarray(Tick.size)).qty, 1);
  t.is(cursor.moveTo(ring.subarray(Tick.size, 2 * Tick.size), 0).qty, 1);
  t.is(cursor.moveTo(ring, 2 * Tick.size + 1).qty, 2);
  t.deepEqual(cursor.toObject(), { ...TICK, qty: 2 });
  t.deepEqual(Tick.read(ring, 0), { ...TICK, qty: 0 });
});

test('a move out of bounds throws and leaves the cursor where it was', (t) => {
  const buffer = Buffer.alloc(Tick.size * 2);
  Tick.write(buffer, TICK, Tick.size);
  const cursor = Tick.cursor(buffer, Tick.size);
  const other = Buffer.alloc(Tick.size * 2);
  for (const target of [buffer, other]) {
    for (const offset of [-1, 0.5, NaN, Tick.size + 1, Infinity]) {
      t.throws(() => cursor.moveTo(target, offset), RANGE);
    }
    for (const offset of ['0', 0n, null]) {
      t.throws(() => cursor.moveTo(target, offset as never), TYPE);
    }
  }
  t.throws(() => cursor.moveTo(Buffer.alloc(Tick.size - 1)), { ...RANGE, message: /for buffer/ });
  t.throws(() => cursor.moveTo(buffer.subarray(1, Tick.size)), RANGE);
  for (const target of [undefined, null, [], new ArrayBuffer(64), new DataView(buffer.buffer)]) {
    t.throws(() => cursor.moveTo(target as never), TYPE);
  }
  t.deepEqual(cursor.toObject(), TICK);
  t.throws(() => Tick.cursor(Buffer.alloc(1)), RANGE);
  t.throws(() => Tick.read(Buffer.alloc(1)), RANGE);
  t.throws(() => {
    Tick.write(Buffer.alloc(1), TICK);
  }, RANGE);
});

test('where there is no memory, every access throws', (t) => {
  const gone = new ArrayBuffer(Tick.size);
  const detached = Tick.cursor(new Uint8Array(gone));
  structuredClone(gone, { transfer: [gone] });
  for (const [cursor, name] of [
    [Tick.cursor(), 'RangeError'],
    [detached, 'TypeError'],
  ] as const) {
    t.throws(() => cursor.qty, { name });
    for (const field of Object.keys(TICK) as (keyof typeof TICK)[]) {
      t.throws(() => cursor[field], undefined, field);
      t.throws(
        () => {
          cursor[field] = TICK[field] as never;
        },
        undefined,
        field,
      );
    }
    t.true(inspect(cursor).includes('without memory'));
  }
});

test('write wants every field, and writes all or nothing', (t) => {
  const buffer = Buffer.alloc(Tick.size, 0xff);
  for (const field of Object.keys(TICK)) {
    const { message } = t.throws(() => {
      Tick.write(buffer, { ...TICK, [field]: undefined });
    }, TYPE);
    t.regex(message, new RegExp(`^Expected .* for values\\.${field} but received undefined`));
  }
  t.throws(() => {
    Tick.write(buffer, { ...TICK, payload: Buffer.alloc(33) });
  }, RANGE);
  for (const values of [undefined, null, 'values', 1]) {
    t.throws(() => {
      Tick.write(buffer, values as never);
    }, TYPE);
  }
  t.deepEqual(buffer, Buffer.alloc(Tick.size, 0xff));
  const more = { ...TICK, other: 1 };
  Tick.write(buffer, more);
  t.deepEqual(Tick.read(buffer), TICK);
  // Another cursor has all fields as well.
  const copy = Buffer.alloc(Tick.size);
  Tick.write(copy, Tick.cursor(buffer));
  t.deepEqual(Tick.read(copy), TICK);
});

test('set writes some fields, checks them, and knows which there are', (t) => {
  const buffer = Buffer.alloc(Tick.size);
  Tick.write(buffer, TICK);
  const cursor = Tick.cursor(buffer);
  t.is(cursor.set({ qty: 7, symbol: 'NQ', price: undefined }), cursor);
  t.deepEqual(cursor.toObject(), { ...TICK, qty: 7, symbol: 'NQ' });
  t.throws(() => cursor.set({ flags: 0, qty: -1 }), RANGE);
  t.throws(() => cursor.set({ flags: 0, prise: 1 } as never), { ...VALUE, message: /'prise'/ });
  t.throws(() => cursor.set(null as never), TYPE);
  t.is(cursor.flags, TICK.flags);
});

test('console.log shows the fields', (t) => {
  const One = defineRecord({ x: 'u8', text: ascii(2) });
  t.is(inspect(One.cursor(Buffer.from([1, 97, 0]))), "{ x: 1, text: 'a' }");
});

test('a schema that is none is an error', (t) => {
  const define = (schema: unknown) => defineRecord(schema as RecordSchema);
  for (const schema of [undefined, null, 'f64', 5, [], ['f64']]) {
    t.throws(() => define(schema), TYPE);
  }
  t.throws(() => define({}), VALUE);
  for (const name of ['', '0', '12', 'a b', 'a-b', '1a', '#a', 'a.b', Symbol('a')]) {
    t.throws(() => define({ [name]: 'u8' }), VALUE, String(name));
  }
  // The cursor's own, and what every object has.
  for (const name of ['moveTo', 'set', 'toObject', '_place', 'constructor', 'toString']) {
    t.throws(() => define({ [name]: 'u8' }), { ...VALUE, message: /cursor itself/ }, name);
  }
  t.throws(() => define(Object.fromEntries([['__proto__', 'u8']])), VALUE);
  for (const type of ['f63', '', 'ascii', 'toString']) {
    t.throws(() => define({ x: type }), { ...RANGE, message: /schema\.x/ });
  }
  for (const type of [undefined, null, 8, {}, { type: 'u8', length: 1 }, () => 'u8']) {
    t.throws(() => define({ x: type }), { ...TYPE, message: /schema\.x/ });
  }
  t.throws(() => define({ x: { type: 'ascii', length: 0 } }), RANGE);
  t.throws(() => define({ x: bytes(2 ** 32), y: 'u8', z: bytes(constants.MAX_LENGTH) }), RANGE);
  t.is(define({ größe: 'u8', $: 'u8', _a: 'u8', then: 'u8' }).size, 4);
});

test('a size is a whole number from 1', (t) => {
  for (const make of [ascii, utf8, bytes]) {
    for (const length of [0, -1, 1.5, NaN, Infinity]) t.throws(() => make(length), RANGE);
    for (const length of ['8', 8n, null, undefined]) t.throws(() => make(length as never), TYPE);
    t.is(make(1).length, 1);
  }
});

test('fingerprints are those of names, types and places', (t) => {
  const schema = { a: 'u8', b: 'u32', c: ascii(4) } as const;
  const { fingerprint } = defineRecord(schema);
  t.is(typeof fingerprint, 'bigint');
  // A constant: it is compared with what other processes and releases wrote.
  t.is(fingerprint, 3721144940764944787n);
  t.is(defineRecord({ ...schema }).fingerprint, fingerprint);
  const others: RecordSchema[] = [
    { a: 'u8', b: 'u32' },
    { a: 'i8', b: 'u32', c: ascii(4) },
    { x: 'u8', b: 'u32', c: ascii(4) },
    { b: 'u32', a: 'u8', c: ascii(4) },
    { a: 'u8', b: 'u32', c: ascii(3) },
    { a: 'u8', b: 'u32', c: utf8(4) },
    { a: 'u8', b: 'u32', c: bytes(4) },
    { a: 'bool', b: 'u32', c: ascii(4) },
  ];
  const all = others.map((each) => defineRecord(each).fingerprint);
  t.is(new Set([fingerprint, ...all]).size, others.length + 1);
});

test('a record type does not change', (t) => {
  const schema: { a: FieldType } = { a: 'u8' };
  const One = defineRecord(schema);
  schema.a = 'u32';
  t.deepEqual(One.schema, { a: 'u8' });
  for (const object of [One, One.schema, One.fields, One.fields[0]]) {
    t.true(Object.isFrozen(object));
  }
});

test('several cursors and many schemas do not disturb each other', (t) => {
  const types = Array.from({ length: 8 }, (_, i) =>
    defineRecord({ [`before${i}`]: 'u8', x: 'f64' }),
  );
  const cursors = types.flatMap((type) => {
    const buffer = Buffer.alloc(type.size * 2);
    return [type.cursor(buffer), type.cursor(buffer, type.size)];
  });
  for (const [i, cursor] of cursors.entries()) cursor.x = i;
  t.deepEqual(
    cursors.map(({ x }) => x),
    cursors.map((_, i) => i),
  );
});

test('memory that is shared works as well', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(Tick.size));
  Tick.write(shared, TICK);
  t.deepEqual(Tick.cursor(shared).toObject(), TICK);
});

test('the types are inferred', (t) => {
  type Value = RecordValue<typeof Tick>;
  interface Expected {
    ts: number;
    price: number;
    qty: number;
    flags: number;
    symbol: string;
    payload: Buffer;
  }
  holds<Same<Value, { [Name in keyof Expected]: Expected[Name] }>>();
  holds<Same<RecordInput<typeof Tick>['payload'], Uint8Array>>();
  const Other = defineRecord({ big: 'u64', yes: 'bool', text: utf8(4) });
  holds<Same<RecordValue<typeof Other>, { big: bigint; yes: boolean; text: string }>>();
  const buffer = Buffer.alloc(Other.size);
  const cursor = Other.cursor(buffer);
  const big: bigint = cursor.big;
  const moved: boolean = cursor.moveTo(buffer).yes;
  t.deepEqual([big, moved], [0n, false]);
  // Whatever takes any record takes this one.
  const sizeOf = (type: RecordType<RecordSchema>) => type.size;
  t.is(sizeOf(Tick), 64);
  const mistakes = () => {
    // @ts-expect-error no such type
    defineRecord({ x: 'f63' });
    // @ts-expect-error a method of the cursor
    defineRecord({ moveTo: 'u8' });
    // @ts-expect-error a field is missing
    Other.write(buffer, { big: 1n, yes: true });
    // @ts-expect-error 64 bits are a bigint
    cursor.big = 1;
    // @ts-expect-error no such field
    cursor.set({ bug: 1n });
    // @ts-expect-error it is read-only
    Other.size = 1;
  };
  t.is(typeof mistakes, 'function');
});

test('a value whose getter writes a record of the same type', (t) => {
  const type = defineRecord({ a: 'u8', b: 'u8' });
  const [outer, inner] = [Buffer.alloc(2), Buffer.alloc(2)];
  type.write(outer, {
    a: 1,
    get b() {
      type.write(inner, { a: 3, b: 4 });
      return 2;
    },
  });
  t.deepEqual([...outer, ...inner], [1, 2, 3, 4]);
});
