import { constants } from 'node:buffer';
import type { ReadableOptions, WritableOptions } from 'node:stream';
import { inspect } from 'node:util';

import { systemError } from './errors.js';

type Code =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_INVALID_RETURN_VALUE'
  | 'ERR_OUT_OF_RANGE';

function complain(
  Kind: typeof TypeError | typeof RangeError,
  code: Code,
  expected: string,
  name: string,
  value: unknown,
): Error {
  const received = inspect(value, { depth: 0, maxStringLength: 40, breakLength: Infinity });
  return Object.assign(new Kind(`Expected ${expected} for ${name} but received ${received}`), {
    code,
  });
}

/** An error for a value of the wrong type: `ERR_INVALID_ARG_TYPE`. */
export function wrongType(expected: string, name: string, value: unknown): Error {
  return complain(TypeError, 'ERR_INVALID_ARG_TYPE', expected, name, value);
}

/** An error for a number outside its range: `ERR_OUT_OF_RANGE`. */
export function outOfRange(expected: string, name: string, value: unknown): Error {
  return complain(RangeError, 'ERR_OUT_OF_RANGE', expected, name, value);
}

/** An error for a value of the right type that will not do: `ERR_INVALID_ARG_VALUE`. */
export function wrongValue(expected: string, name: string, value: unknown): Error {
  return complain(TypeError, 'ERR_INVALID_ARG_VALUE', expected, name, value);
}

/** An error for what a function of the user's must not return: `ERR_INVALID_RETURN_VALUE`. */
export function wrongResult(expected: string, name: string, value: unknown): Error {
  return complain(TypeError, 'ERR_INVALID_RETURN_VALUE', expected, `the result of ${name}`, value);
}

/** The options that a call takes, by name: all of them, or it does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * `options` as an object that has no others than these. A value of `undefined` is an option that was
 * left out.
 *
 * @param name - what errors call the object
 */
export function optionsObject<T extends object>(
  options: unknown,
  names: OptionNames<T>,
  name = 'options',
): T {
  const plain = typeof options === 'object' && options !== null && !Array.isArray(options);
  // Of a view, each byte has a name.
  if (!plain || ArrayBuffer.isView(options)) throw wrongType('an options object', name, options);
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(names, key) && Reflect.get(options, key) !== undefined) {
      throw unknownOption(names, name, key);
    }
  }
  return options as T;
}

/** The options of a call that has none. */
export type NoOptions = Readonly<Record<string, never>>;

/**
 * Refuses what is an option elsewhere: a `timeout` that nothing looks at is no timeout. Other values are
 * what `forEach` and the like add to an argument.
 */
export function noOptions(options: NoOptions | undefined): void {
  if (typeof options === 'object') optionsObject(options, {});
}

function unknownOption(names: object, name: string, key: string): Error {
  const known = new Intl.ListFormat('en', { type: 'disjunction' }).format(Object.keys(names));
  return wrongValue(known === '' ? 'no options' : `an option named ${known}`, name, key);
}

const STREAM = {
  emitClose: true,
  highWaterMark: true,
  objectMode: true,
  construct: true,
  destroy: true,
  autoDestroy: true,
  signal: true,
  // Of every EventEmitter, and not among the types of streams.
  captureRejections: true,
} as const;

const READABLE: OptionNames<ReadableOptions> = { ...STREAM, encoding: true, read: true };

const WRITABLE: OptionNames<WritableOptions> = {
  ...STREAM,
  decodeStrings: true,
  defaultEncoding: true,
  write: true,
  writev: true,
  final: true,
};

/** What a stream passes on to Readable, which itself ignores what it does not know. */
export function readableOptions(options: ReadableOptions = {}): ReadableOptions {
  return optionsObject<ReadableOptions>(options, READABLE);
}

/** The same for Writable. */
export function writableOptions(options: WritableOptions = {}): WritableOptions {
  return optionsObject<WritableOptions>(options, WRITABLE);
}

/** `value` as a whole number in a range. */
export function integer(
  value: unknown,
  name: string,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number {
  // Written for the good case: this is on the way of every claim of many.
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number;
  }
  const complaint = typeof value === 'number' ? outOfRange : wrongType;
  throw complaint(`an integer from ${least} to ${most}`, name, value);
}

/** `value` as a boolean, `false` when it is left out. */
export function flag(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw wrongType('a boolean', name, value);
  return value;
}

/** `value` as one of a few words. */
export function oneOf<T extends string>(words: readonly T[], value: unknown, name: string): T {
  if (typeof value !== 'string') throw wrongType('a string', name, value);
  const word = words.find((each) => each === value);
  if (word === undefined) throw outOfRange(`one of ${words.join(', ')}`, name, value);
  return word;
}

/** `value` as a callback, or undefined when it is left out. */
export function callback<F>(value: F | undefined, name = 'callback'): F | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw wrongType('a function', name, value);
  }
  return value;
}

const LONGEST_NAME = 255;

/** The name of a segment, without the one leading slash that it may have. */
export function segmentName(value: unknown): string {
  if (typeof value !== 'string') throw wrongType('a string', 'name', value);
  const name = value.startsWith('/') ? value.slice(1) : value;
  // What the system itself says to an empty name, and what users of such programs look for.
  if (name === '') throw systemError(22 /* EINVAL */, 'open', { given: value, file: value });
  if (
    /[/\0]/.test(name) ||
    name === '.' ||
    name === '..' ||
    Buffer.byteLength(name) > LONGEST_NAME
  ) {
    throw wrongValue(
      `one path component of at most ${LONGEST_NAME} bytes, after an optional slash,`,
      'name',
      value,
    );
  }
  return name;
}

/** Checks that all elements together fit into one Buffer. */
export function totalSize(elements: number, elementSize: number): void {
  // Above 2^53 a product is inexact, but not by enough to fall below the limit.
  if (elements * elementSize > constants.MAX_LENGTH) {
    throw outOfRange(
      `a product of at most ${constants.MAX_LENGTH}`,
      'elements * elementSize',
      `${elements} * ${elementSize}`,
    );
  }
}
