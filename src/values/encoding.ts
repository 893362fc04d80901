import { isUint8Array } from 'node:util/types';

import { fingerprint } from './fingerprint.js';
import { outOfRange, wrongType, wrongValue } from '../validate.js';

/**
 * How values become bytes and values again. Most serializers have this shape already: `msgpackr`
 * can be given as it is.
 *
 * @typeParam T - the values
 */
export interface Encoding<T> {
  /**
   * What this encoding is called, and whoever has another name for his refuses to share a ring. Put a
   * version into it. Default: none, and nothing is compared.
   */
  readonly name?: string | undefined;
  /** The bytes of `value`; they are copied before anything else is encoded. */
  encode(value: T): Uint8Array;
  /**
   * The value of these bytes.
   *
   * @param buffer - a copy that is nobody else's: parts of it can be kept
   */
  decode(buffer: Buffer): T;
}

/**
 * An encoding that needs no code.
 *
 * | name | values | what reading gives |
 * | --- | --- | --- |
 * | `'buffer'` | Uint8Arrays, so also Buffers | a Buffer, copied: it can be kept |
 * | `'utf8'` | strings; a surrogate without its other half is written as U+FFFD | a string |
 * | `'json'` | what `JSON.stringify` takes, `undefined` and functions excepted | what `JSON.parse` gives |
 */
export type EncodingName = 'buffer' | 'utf8' | 'json';

/** The option `encoding`. */
export type EncodingOption<T = unknown> = EncodingName | Encoding<T>;

/** Any encoding there can be, whatever its values: for constraints of type parameters. */
export type AnyEncoding = EncodingName | (Pick<Encoding<never>, 'name' | 'encode'> & Decoder);

/** The half of an encoding that reads. */
export interface Decoder {
  /** As that of an {@link Encoding}. */
  decode(buffer: Buffer): unknown;
}

/** What reading gives with this encoding. JSON's is `unknown`: what it is, only the program knows. */
export type DecodedValue<O> = O extends 'buffer'
  ? Buffer
  : O extends 'utf8'
    ? string
    : O extends 'json'
      ? unknown
      : O extends Encoding<unknown>
        ? ReturnType<O['decode']>
        : never;

/** What can be written with this encoding. */
export type EncodableValue<O> = O extends 'buffer'
  ? Uint8Array
  : O extends 'utf8' | 'json'
    ? DecodedValue<O>
    : O extends Encoding<unknown>
      ? O['encode'] extends (value: infer T) => unknown
        ? T
        : never
      : never;

/** What `encode` answers when there is no room; nothing was written. */
export const NO_ROOM = -1;

/** A checked encoding, into and out of memory that others see. */
export interface ResolvedEncoding<In, Out> {
  /** What errors call it; undefined for one without a name. */
  readonly name: string | undefined;
  /** The same for the same encoding in every process; 0 for one without a name. */
  readonly fingerprint: bigint;
  /**
   * Writes `value` to `target[offset]` and after, all of it or nothing.
   *
   * @returns how many bytes, or `NO_ROOM`
   * @throws TypeError `ERR_INVALID_ARG_TYPE` for a value that is none of this encoding's, and what the
   * encoding itself throws; nothing was written
   */
  readonly encode: (value: In, target: Buffer, offset: number) => number;
  /** The value of the bytes from `start` to `end`. Nothing of it lies in that memory. */
  readonly decode: (source: Buffer, start?: number, end?: number) => Out;
}

function writeBytes(value: Uint8Array, target: Buffer, offset: number): number {
  if (value.length > target.length - offset) return NO_ROOM;
  target.set(value, offset);
  return value.length;
}

const MAX_BYTES_PER_UNIT = 3;

function writeText(value: string, target: Buffer, offset: number): number {
  const room = target.length - offset;
  // Buffer's own way is to write the characters for which there is room. Counting is only needed
  // when it is close.
  if (value.length > room) return NO_ROOM;
  if (value.length * MAX_BYTES_PER_UNIT > room && Buffer.byteLength(value) > room) return NO_ROOM;
  return target.write(value, offset, room, 'utf8');
}

function copy(source: Buffer, start = 0, end = source.length): Buffer {
  const bytes = Buffer.allocUnsafe(end - start);
  source.copy(bytes, 0, start, end);
  return bytes;
}

const text = (source: Buffer, start?: number, end?: number) => source.toString('utf8', start, end);

const BUILT_IN: Record<EncodingName, ResolvedEncoding<unknown, unknown>> = {
  buffer: {
    name: 'buffer',
    fingerprint: fingerprint('encoding buffer'),
    encode(value, target, offset) {
      if (!isUint8Array(value)) throw wrongType('a Buffer or Uint8Array', 'value', value);
      return writeBytes(value, target, offset);
    },
    decode: copy,
  },
  utf8: {
    name: 'utf8',
    fingerprint: fingerprint('encoding utf8'),
    encode(value, target, offset) {
      if (typeof value !== 'string') throw wrongType('a string', 'value', value);
      return writeText(value, target, offset);
    },
    decode: text,
  },
  json: {
    name: 'json',
    fingerprint: fingerprint('encoding json'),
    encode(value, target, offset) {
      // Its type does not say that it can be undefined.
      const json = JSON.stringify(value) as string | undefined;
      if (json === undefined) throw wrongType('a value that JSON has', 'value', value);
      return writeText(json, target, offset);
    },
    decode: (source, start, end) => JSON.parse(text(source, start, end)) as unknown,
  },
};

function custom(encoding: Encoding<unknown>): ResolvedEncoding<unknown, unknown> {
  const { name } = encoding;
  if (name !== undefined && typeof name !== 'string') {
    throw wrongType('a string', 'encoding.name', name);
  }
  if (name === '') throw wrongValue('a name', 'encoding.name', name);
  for (const method of ['encode', 'decode'] as const) {
    const given = (encoding as unknown as Record<string, unknown>)[method];
    if (typeof given !== 'function') throw wrongType('a function', `encoding.${method}`, given);
  }
  return {
    name,
    fingerprint: name === undefined ? 0n : fingerprint(`encoding custom ${name}`),
    encode(value, target, offset) {
      const bytes: unknown = encoding.encode(value);
      if (!isUint8Array(bytes)) {
        throw wrongType('a Uint8Array', 'the result of encoding.encode', bytes);
      }
      return writeBytes(bytes, target, offset);
    },
    // Most decoders give parts of what they are given, and the memory soon holds something else.
    decode: (source, start, end) => encoding.decode(copy(source, start, end)),
  };
}

/**
 * Checks the option `encoding`.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for an empty name
 * @throws RangeError `ERR_OUT_OF_RANGE` for an unknown one
 */
export function resolveEncoding<const O extends EncodingOption>(
  option: O,
): ResolvedEncoding<EncodableValue<O>, DecodedValue<O>>;
export function resolveEncoding(option: unknown): ResolvedEncoding<unknown, unknown> {
  if (typeof option === 'object' && option !== null) return custom(option as Encoding<unknown>);
  const names = Object.keys(BUILT_IN).join(', ');
  const expected = `one of ${names}, or an object that can encode and decode`;
  if (typeof option !== 'string') throw wrongType(expected, 'encoding', option);
  if (!Object.hasOwn(BUILT_IN, option)) throw outOfRange(expected, 'encoding', option);
  return BUILT_IN[option as EncodingName];
}
