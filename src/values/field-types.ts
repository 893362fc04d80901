import { constants } from 'node:buffer';
import { isUint8Array } from 'node:util/types';

import type { Place } from './place.js';
import { integer, outOfRange, wrongType, wrongValue } from '../validate.js';

/**
 * A type of one number or boolean, in as many bits as its name says: `i` are integers with a sign
 * and `u` without, `f` are floating point. `i64` and `u64` are bigints in JavaScript. `bool` takes
 * one byte, 0 or 1; any other byte reads as `true`.
 */
export type ScalarType =
  'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64' | 'bool';

/** A type whose size is chosen: what {@link ascii}, {@link utf8} and {@link bytes} give. */
export interface SizedType<Name extends 'ascii' | 'utf8' | 'bytes' = 'ascii' | 'utf8' | 'bytes'> {
  /** Which one. */
  readonly type: Name;
  /** How many bytes, from 1. */
  readonly length: number;
}

/** The type of a field. */
export type FieldType = ScalarType | SizedType;

/** What reading a field of this type gives. */
export type FieldValue<T extends FieldType> = T extends 'i64' | 'u64'
  ? bigint
  : T extends 'bool'
    ? boolean
    : T extends ScalarType
      ? number
      : T extends SizedType<'bytes'>
        ? Buffer
        : string;

/** What can be written to a field of this type: as {@link FieldValue}, and any Uint8Array as bytes. */
export type FieldInput<T extends FieldType> =
  T extends SizedType<'bytes'> ? Uint8Array : FieldValue<T>;

function sized<const Name extends SizedType['type']>(type: Name, length: number): SizedType<Name> {
  return Object.freeze({ type, length: integer(length, 'length', 1, constants.MAX_LENGTH) });
}

/**
 * Text of ASCII characters, at most `length` of them. What is left is filled with NUL, and reading
 * stops at the first one.
 *
 * @param length - bytes, an integer from 1
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @throws RangeError `ERR_OUT_OF_RANGE`
 */
export function ascii(length: number): SizedType<'ascii'> {
  return sized('ascii', length);
}

/**
 * Text of any characters, at most `length` bytes in UTF-8. What is left is filled with NUL, and
 * reading stops at the first one. A surrogate without its other half is written as U+FFFD.
 *
 * @param length - bytes, an integer from 1
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @throws RangeError `ERR_OUT_OF_RANGE`
 */
export function utf8(length: number): SizedType<'utf8'> {
  return sized('utf8', length);
}

/**
 * Exactly `length` bytes. Fewer can be written: the rest is filled with zeros, and read as such.
 *
 * @param length - bytes, an integer from 1
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @throws RangeError `ERR_OUT_OF_RANGE`
 */
export function bytes(length: number): SizedType<'bytes'> {
  return sized('bytes', length);
}

/** What accessors are called on. */
export interface Placed {
  readonly _place: Place;
}

/** How to read and write one field. */
export interface Accessor {
  readonly get: (this: Placed) => unknown;
  /** Checks what the DataView checks; text and bytes in full. */
  readonly set: (this: Placed, value: never) => void;
}

/** What a type means. */
export interface FieldFormat {
  /** How it is written in a description: `f64`, `ascii(8)`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly alignment: number;
  /** Throws unless the setter writes `value` as what it is. */
  readonly check: (value: unknown, name: string) => void;
  /** The field of the record that lies `at` bytes after the record's beginning. */
  readonly accessor: (at: number, name: string) => Accessor;
}

function number(value: unknown, name: string): void {
  if (typeof value !== 'number') throw wrongType('a number', name, value);
}

function boolean(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw wrongType('a boolean', name, value);
}

function within(least: number, most: number): FieldFormat['check'] {
  return (value, name) => {
    integer(value, name, least, most);
  };
}

function bigWithin(least: bigint, most: bigint): FieldFormat['check'] {
  return (value, name) => {
    if (typeof value === 'bigint' && value >= least && value <= most) return;
    const complaint = typeof value === 'bigint' ? outOfRange : wrongType;
    throw complaint(`a bigint from ${String(least)} to ${String(most)}`, name, value);
  };
}

type Scalar = Omit<FieldFormat, 'name' | 'alignment'>;

// One accessor in full for each type: a shared one that is told what to call is not inlined.
const SCALARS: Record<ScalarType, Scalar> = {
  i8: {
    size: 1,
    check: within(-(2 ** 7), 2 ** 7 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getInt8(base + at);
      },
      set(value) {
        const { view, base } = this._place;
        view.setInt8(base + at, value);
      },
    }),
  },
  u8: {
    size: 1,
    check: within(0, 2 ** 8 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getUint8(base + at);
      },
      set(value) {
        const { view, base } = this._place;
        view.setUint8(base + at, value);
      },
    }),
  },
  i16: {
    size: 2,
    check: within(-(2 ** 15), 2 ** 15 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getInt16(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setInt16(base + at, value, true);
      },
    }),
  },
  u16: {
    size: 2,
    check: within(0, 2 ** 16 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getUint16(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setUint16(base + at, value, true);
      },
    }),
  },
  i32: {
    size: 4,
    check: within(-(2 ** 31), 2 ** 31 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getInt32(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setInt32(base + at, value, true);
      },
    }),
  },
  u32: {
    size: 4,
    check: within(0, 2 ** 32 - 1),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getUint32(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setUint32(base + at, value, true);
      },
    }),
  },
  i64: {
    size: 8,
    check: bigWithin(-(2n ** 63n), 2n ** 63n - 1n),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getBigInt64(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setBigInt64(base + at, value, true);
      },
    }),
  },
  u64: {
    size: 8,
    check: bigWithin(0n, 2n ** 64n - 1n),
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getBigUint64(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setBigUint64(base + at, value, true);
      },
    }),
  },
  f32: {
    size: 4,
    check: number,
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getFloat32(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setFloat32(base + at, value, true);
      },
    }),
  },
  f64: {
    size: 8,
    check: number,
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getFloat64(base + at, true);
      },
      set(value) {
        const { view, base } = this._place;
        view.setFloat64(base + at, value, true);
      },
    }),
  },
  bool: {
    size: 1,
    check: boolean,
    accessor: (at) => ({
      get() {
        const { view, base } = this._place;
        return view.getUint8(base + at) !== 0;
      },
      set(value: unknown) {
        const { view, base } = this._place;
        view.setUint8(base + at, value ? 1 : 0);
      },
    }),
  },
};

// Up to here reading byte by byte is faster than a call that leaves JavaScript.
const MAX_SINGLY = 12;

/** As text of one byte each, up to the first NUL. */
function asciiAt({ view, base }: Place, at: number, size: number): string {
  const begin = base + at;
  let text = '';
  for (let i = begin; i < begin + size; i += 1) {
    const code = view.getUint8(i);
    if (code === 0) break;
    text += String.fromCharCode(code);
  }
  return text;
}

/** As text in this encoding, up to the first NUL. */
function textAt(
  { view, bytes, base }: Place,
  encoding: 'latin1' | 'utf8',
  at: number,
  size: number,
): string {
  const begin = base + at;
  // A Buffer over memory that is gone is empty and says nothing; the view throws.
  view.getUint8(begin);
  const text = bytes.toString(encoding, begin, begin + size);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

const MAX_ASCII = 0x7f;
const MAX_BYTES_PER_UNIT = 3;
const WITHOUT_NUL = 'a string without NUL';

function checkAscii(size: number, value: unknown, name: string): asserts value is string {
  const expected = () => `a string of at most ${size} ASCII characters`;
  if (typeof value !== 'string') throw wrongType(expected(), name, value);
  if (value.length > size) throw outOfRange(expected(), name, value);
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code === 0) throw wrongValue(WITHOUT_NUL, name, value);
    if (code > MAX_ASCII) throw wrongValue(expected(), name, value);
  }
}

function checkUtf8(size: number, value: unknown, name: string): asserts value is string {
  const expected = () => `a string of at most ${size} bytes in UTF-8`;
  if (typeof value !== 'string') throw wrongType(expected(), name, value);
  if (value.length * MAX_BYTES_PER_UNIT > size && Buffer.byteLength(value) > size) {
    throw outOfRange(expected(), name, value);
  }
  if (value.includes('\0')) throw wrongValue(WITHOUT_NUL, name, value);
}

function checkBytes(size: number, value: unknown, name: string): asserts value is Uint8Array {
  const expected = () => `a Uint8Array of at most ${size} bytes`;
  if (!isUint8Array(value)) throw wrongType(expected(), name, value);
  if (value.length > size) throw outOfRange(expected(), name, value);
}

const SIZED: Record<SizedType['type'], (size: number) => Pick<FieldFormat, 'check' | 'accessor'>> =
  {
    ascii: (size) => ({
      check: (value, name) => {
        checkAscii(size, value, name);
      },
      accessor: (at, name) => ({
        get() {
          const { _place } = this;
          return size <= MAX_SINGLY
            ? asciiAt(_place, at, size)
            : textAt(_place, 'latin1', at, size);
        },
        set(value: unknown) {
          checkAscii(size, value, name);
          const { view, base } = this._place;
          const begin = base + at;
          // Such texts are short, and then this is faster than a call that leaves JavaScript.
          const { length } = value;
          for (let i = 0; i < length; i += 1) view.setUint8(begin + i, value.charCodeAt(i));
          for (let i = length; i < size; i += 1) view.setUint8(begin + i, 0);
        },
      }),
    }),
    utf8: (size) => ({
      check: (value, name) => {
        checkUtf8(size, value, name);
      },
      accessor: (at, name) => ({
        get() {
          return textAt(this._place, 'utf8', at, size);
        },
        set(value: unknown) {
          checkUtf8(size, value, name);
          const { view, bytes, base } = this._place;
          const begin = base + at;
          // As for reading.
          view.setUint8(begin, 0);
          const end = begin + bytes.write(value, begin, size, 'utf8');
          bytes.fill(0, end, begin + size);
        },
      }),
    }),
    bytes: (size) => ({
      check: (value, name) => {
        checkBytes(size, value, name);
      },
      accessor: (at, name) => ({
        get() {
          const { view, bytes, base } = this._place;
          const begin = base + at;
          view.getUint8(begin);
          return bytes.subarray(begin, begin + size);
        },
        set(value: unknown) {
          checkBytes(size, value, name);
          const { bytes, base } = this._place;
          const begin = base + at;
          // Throws where the view would.
          bytes.set(value, begin);
          bytes.fill(0, begin + value.length, begin + size);
        },
      }),
    }),
  };

const EXPECTED = `one of ${Object.keys(SCALARS).join(', ')}, ascii(n), utf8(n), bytes(n)`;

/** What the type means that a schema names. `name` is the field's, for the error. */
export function fieldFormat(type: unknown, name: string): FieldFormat {
  if (typeof type === 'string') {
    if (!Object.hasOwn(SCALARS, type)) throw outOfRange(EXPECTED, name, type);
    const scalar = SCALARS[type as ScalarType];
    return { name: type, alignment: scalar.size, ...scalar };
  }
  const { type: kind, length } = (type ?? {}) as { type?: unknown; length?: unknown };
  if (typeof kind !== 'string' || !Object.hasOwn(SIZED, kind)) {
    throw wrongType(EXPECTED, name, type);
  }
  const size = integer(length, `${name}.length`, 1, constants.MAX_LENGTH);
  const format = SIZED[kind as SizedType['type']](size);
  return { name: `${kind}(${size})`, alignment: 1, size, ...format };
}
