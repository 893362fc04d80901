import { constants } from 'node:buffer';
import { inspect } from 'node:util';

import { fieldFormat } from './field-types.js';
import type {
  Accessor,
  FieldFormat,
  FieldInput,
  FieldType,
  FieldValue,
  Placed,
} from './field-types.js';
import { fingerprint } from './fingerprint.js';
import { Place } from './place.js';
import { noOptions, type NoOptions, outOfRange, wrongType, wrongValue } from '../validate.js';

/**
 * The fields of a record and their types, in the order in which they lie in memory. Names are
 * identifiers, and none that a {@link RecordPosition} or every object has: `set`, `constructor`.
 */
export type RecordSchema = Readonly<Record<string, FieldType>>;

/** Where a field lies. */
export interface RecordField {
  /** As in the schema. */
  readonly name: string;
  /** Its type, written out: `f64`, `ascii(8)`. */
  readonly type: string;
  /** Bytes from the beginning of the record. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** What a record of this schema holds. */
export type SchemaValue<S extends RecordSchema> = {
  -readonly [Name in keyof S]: FieldValue<S[Name]>;
};

/** What can be written as a record of this schema. */
export type SchemaInput<S extends RecordSchema> = {
  readonly [Name in keyof S]: FieldInput<S[Name]>;
};

/**
 * What a record holds: `RecordValue<typeof Tick>`. Numbers, bigints for 64 bits, booleans, strings,
 * and Buffers for bytes.
 */
export type RecordValue<R extends RecordType<RecordSchema>> = SchemaValue<R['schema']>;

/** What can be written as a record: as {@link RecordValue}, and any Uint8Array as bytes. */
export type RecordInput<R extends RecordType<RecordSchema>> = SchemaInput<R['schema']>;

/** The part of a {@link RecordCursor} that every schema has. */
export interface RecordPosition<S extends RecordSchema> {
  /**
   * Moves to another record. Within one buffer this is nearly free, and cheap between buffers over
   * the same memory. The cursor keeps the memory from being collected.
   *
   * @param buffer - where the record is
   * @param byteOffset - where it begins in `buffer`: an integer from 0, aligned or not, that leaves
   * room for a record; default: 0
   * @returns the cursor
   * @throws TypeError `ERR_INVALID_ARG_TYPE`
   * @throws RangeError `ERR_OUT_OF_RANGE`; the cursor stays where it was
   */
  moveTo(buffer: Uint8Array, byteOffset?: number): this;
  /**
   * Writes some fields, or all. Unlike the fields' own setters this takes only values that the types
   * can hold: see {@link RecordType.write}. What is `undefined` is left as it is.
   *
   * @returns the cursor
   * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for a field that the schema
   * does not have; nothing was written
   * @throws RangeError `ERR_OUT_OF_RANGE`; nothing was written
   */
  set(values: { readonly [Name in keyof S]?: FieldInput<S[Name]> | undefined }): this;
  /** A copy of all fields. Nothing of it lies in the memory of the record. */
  toObject(): SchemaValue<S>;
}

/**
 * One record in memory, as an object with the fields of the schema: reading one reads the memory,
 * assigning to one writes it. Made by {@link RecordType.cursor}.
 *
 * Numbers and booleans are read and written without allocating. The setters check no more than a
 * DataView: an integer out of range wraps (a `u8` of 300 is 44), a fraction is cut off, what is no
 * number is converted; only bigints and the others are never mixed up (`TypeError`). Text and bytes
 * are checked: see {@link RecordType.write}. Reading text makes a string. Reading bytes gives a
 * Buffer over the same memory, which later holds something else; copy it to keep it.
 *
 * Where there is no memory, each access throws: `RangeError` before the first `moveTo`, `TypeError`
 * once the ring is closed.
 */
export type RecordCursor<S extends RecordSchema> = RecordPosition<S> & {
  // No index signature for a schema that is not known: the methods would contradict it.
  -readonly [Name in keyof S as string extends Name ? never : Name]: FieldValue<S[Name]>;
};

interface Plan extends Accessor {
  readonly name: string;
  /** What errors call the field. */
  readonly label: string;
  readonly check: FieldFormat['check'];
}

/**
 * A cursor without its fields; each schema has a class of its own, with an accessor for each.
 *
 * Its properties are private by name only. Private fields proper make each access cost twenty times
 * as much once there are more than four schemas: all schemas share the code of the accessors, and V8
 * finds properties of many kinds of object fast only if they have ordinary names.
 */
class Cursor implements Placed {
  declare readonly _place: Place;
  declare readonly _plan: readonly Plan[];

  constructor(plan: readonly Plan[], size: number) {
    Object.defineProperties(this, { _place: { value: new Place(size) }, _plan: { value: plan } });
  }

  moveTo(buffer: Uint8Array, byteOffset = 0): this {
    this._place.moveTo(buffer, byteOffset);
    return this;
  }

  set(values: object): this {
    for (const name of Object.keys(asRecord(values))) {
      if (!this._plan.some((field) => field.name === name)) {
        throw wrongValue('the name of a field', 'values', name);
      }
    }
    return this._write(values, true);
  }

  /** Checks everything before it writes anything. */
  _write(values: object, some: boolean): this {
    const given = asRecord(values);
    // Each is read once: a getter may answer otherwise the next time.
    const taken = this._plan.map(({ name, label, check }) => {
      const value = given[name];
      if (!some || value !== undefined) check(value, label);
      return value;
    });
    this._plan.forEach(({ set }, i) => {
      if (taken[i] !== undefined) set.call(this, taken[i] as never);
    });
    return this;
  }

  toObject(): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const { name, get } of this._plan) {
      const value = get.call(this);
      copy[name] = Buffer.isBuffer(value) ? Buffer.from(value) : value;
    }
    return copy;
  }

  /** Fields are accessors, which `console.log` would not show. */
  [inspect.custom](): unknown {
    try {
      return this.toObject();
    } catch {
      return '[RecordCursor without memory]';
    }
  }
}

function asRecord(values: unknown): Record<string, unknown> {
  if (typeof values === 'object' && values !== null) return values as Record<string, unknown>;
  throw wrongType('an object', 'values', values);
}

/**
 * A schema laid out in memory: what {@link defineRecord} makes, and what a ring of records is given.
 */
export class RecordType<S extends RecordSchema> {
  /** As it was given. */
  readonly schema: S;
  /** The fields in their order, and where they lie. */
  readonly fields: readonly RecordField[];
  /** Bytes in a record: a multiple of its largest number's. */
  readonly size: number;
  /**
   * 64 bits over the names, types, offsets and the size: the same for the same schema, in every
   * process and on every machine, and another for any other schema (FNV-1a, so by mistake only one
   * time in 10^19).
   */
  readonly fingerprint: bigint;
  readonly #plan: readonly Plan[] = [];
  readonly #Cursor: new (plan: readonly Plan[], size: number) => Cursor;
  // Weak, for it holds on to the memory where it was last.
  #scratch: WeakRef<Cursor> | undefined;

  /** @internal */
  constructor(schema: S) {
    const { fields, formats, size } = layOut(schema);
    this.schema = Object.freeze({ ...schema });
    this.fields = fields;
    this.size = size;
    this.fingerprint = fingerprint(describe(fields, size));
    this.#Cursor = class extends Cursor {};
    this.#plan = fields.map(({ name, offset }, i) => {
      const { check, accessor } = formats[i]!;
      const { get, set } = accessor(offset, name);
      Object.defineProperty(this.#Cursor.prototype, name, { get, set, enumerable: true });
      return { name, label: `values.${name}`, check, get, set };
    });
    Object.freeze(this);
  }

  /**
   * A new cursor. One is enough for a loop over many records; making it costs some microseconds.
   *
   * @param buffer - where the first record is; default: nowhere, until `moveTo`
   * @param byteOffset - where it begins in `buffer`: as for {@link RecordPosition.moveTo}
   * @throws TypeError `ERR_INVALID_ARG_TYPE`
   * @throws RangeError `ERR_OUT_OF_RANGE`
   */
  cursor(buffer?: Uint8Array, byteOffset?: number): RecordCursor<S> {
    const cursor = new this.#Cursor(this.#plan, this.size);
    if (buffer !== undefined) cursor.moveTo(buffer, byteOffset);
    return cursor as unknown as RecordCursor<S>;
  }

  /**
   * Writes a record. Bytes between fields are left as they are.
   *
   * @param buffer - where to
   * @param values - an object with all fields; what else it has is ignored. Integers must be in the
   * range of their type, 64-bit ones bigints; an `f32` is rounded to one. Text is at most as long as
   * its field, without NUL, and only of ASCII characters if its type says so; bytes are at most as
   * many as the field has.
   * @param byteOffset - as for {@link RecordPosition.moveTo}
   * @throws TypeError `ERR_INVALID_ARG_TYPE` for a field that is missing or of the wrong type,
   * `ERR_INVALID_ARG_VALUE` for text with characters that its field cannot hold; nothing was written
   * @throws RangeError `ERR_OUT_OF_RANGE` for what is out of range, or too long; nothing was written
   */
  write(buffer: Uint8Array, values: SchemaInput<S>, byteOffset?: number): void {
    const cursor = this.#at(buffer, byteOffset);
    // Taken meanwhile: a getter may come here again, and would move it.
    const scratch = this.#scratch;
    this.#scratch = undefined;
    try {
      cursor._write(values, false);
    } finally {
      this.#scratch = scratch;
    }
  }

  /**
   * A copy of a record as a plain object.
   *
   * @param buffer - where from
   * @param byteOffset - as for {@link RecordPosition.moveTo}
   * @throws TypeError `ERR_INVALID_ARG_TYPE`
   * @throws RangeError `ERR_OUT_OF_RANGE`
   */
  read(buffer: Uint8Array, byteOffset?: number): SchemaValue<S> {
    return this.#at(buffer, byteOffset).toObject() as SchemaValue<S>;
  }

  #at(buffer: Uint8Array, byteOffset: number | undefined): Cursor {
    let cursor = this.#scratch?.deref();
    if (cursor === undefined) {
      cursor = new this.#Cursor(this.#plan, this.size);
      this.#scratch = new WeakRef(cursor);
    }
    return cursor.moveTo(buffer, byteOffset);
  }
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const RESERVED = new Cursor([], 0);

function checkName(name: string | symbol): asserts name is string {
  // An index would lie elsewhere than where it was declared: objects have their indices first.
  if (typeof name !== 'string' || !IDENTIFIER.test(name)) {
    throw wrongValue('identifiers', 'the fields of schema', name);
  }
  if (name in RESERVED) {
    throw wrongValue('other names than those of the cursor itself', 'the fields of schema', name);
  }
}

const roundUp = (size: number, alignment: number) => Math.ceil(size / alignment) * alignment;

function layOut(schema: unknown) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw wrongType('an object', 'schema', schema);
  }
  const fields: RecordField[] = [];
  const formats: FieldFormat[] = [];
  let end = 0;
  let largest = 1;
  for (const name of Reflect.ownKeys(schema)) {
    checkName(name);
    const format = fieldFormat((schema as RecordSchema)[name], `schema.${name}`);
    const { name: type, size, alignment } = format;
    const offset = roundUp(end, alignment);
    fields.push(Object.freeze({ name, type, offset, size }));
    formats.push(format);
    end = offset + size;
    largest = Math.max(largest, alignment);
  }
  if (fields.length === 0) throw wrongValue('at least one field', 'schema', schema);
  const size = roundUp(end, largest);
  if (size > constants.MAX_LENGTH) {
    throw outOfRange(`at most ${constants.MAX_LENGTH} bytes`, 'schema', `${size} bytes`);
  }
  return { fields: Object.freeze(fields), formats, size };
}

/** What is the same for two schemas if and only if they have the same layout and names. */
function describe(fields: readonly RecordField[], size: number): string {
  const parts = fields.map(({ name, type, offset }) => `${name}:${type}@${offset}`);
  return `record ${parts.join(' ')} = ${size}`;
}

/**
 * Lays out a record: a fixed number of fields of fixed sizes, for memory that programs share.
 *
 * Fields lie in the order of the schema, each number at a multiple of its size, and a record's size
 * is a multiple of its largest number's: as a C compiler lays out a struct. Everything is little
 * endian, whatever the machine. Put large numbers first to waste no space.
 *
 * ```ts
 * const Tick = defineRecord({ price: 'f64', qty: 'u32', symbol: ascii(8) });
 * type Tick = RecordValue<typeof Tick>; // { price: number; qty: number; symbol: string }
 * ```
 *
 * @param schema - names and types, at least one
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, or `ERR_INVALID_ARG_VALUE` for an empty schema and for a
 * name that is none
 * @throws RangeError `ERR_OUT_OF_RANGE` for an unknown type, or a record larger than a Buffer can be
 */
export function defineRecord<const S extends RecordSchema>(
  // What the cursor has itself, the compiler refuses as well.
  schema: S & { readonly [Name in keyof RecordPosition<RecordSchema>]?: never },
  options?: NoOptions,
): RecordType<S> {
  noOptions(options);
  return new RecordType<S>(schema);
}
