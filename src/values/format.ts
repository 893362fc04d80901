import { NO_ROOM, resolveEncoding } from './encoding.js';
import type { AnyEncoding, ResolvedEncoding } from './encoding.js';
import { DisruptorError } from '../errors.js';
import { reading } from './reading.js';
import { RecordType } from './record.js';
import type { RecordCursor, RecordSchema, SchemaInput } from './record.js';
import type { Slots } from '../segment/slots.js';
import { integer, outOfRange, wrongType } from '../validate.js';

/** What the elements of a ring are: bytes as they come, values with their length, or records. */
export const Shape = { Raw: 0, Sized: 1, Record: 2 } as const;

/**
 * Reads the value in a slot, which is the element `start + offset`: see {@link Read}.
 *
 * @throws UnreadableMessageError
 */
export type ReadSlot<Out> = (slot: number, start: number, offset: number) => Out;

/** How values of a ring get into its slots and out of them. */
export interface Format<In, Out> {
  readonly shape: number;
  /** Fingerprint of what is in the slots; 0 for unknown. */
  readonly schema: bigint;
  /** Bytes in a slot. */
  readonly elementSize: number;
  /** What a slot is to hold: good until the next call. Throws for what does not fit. */
  encode(value: In): Uint8Array;
  /** Reads the slots of the ring that the caller named `segment`. */
  decoder(slots: Slots, segment: string): ReadSlot<Out>;
}

/** The choice of a format, as a user gives it. */
export interface FormatOptions {
  elementSize?: number | undefined;
  encoding?: AnyEncoding | undefined;
  record?: RecordType<RecordSchema> | undefined;
}

/** Bytes in front of a value that keeps its length: an unsigned integer, little endian. */
const LENGTH_BYTES = 4;

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return grows(value.buffer) ? Uint8Array.from(value) : value;
  if (typeof value === 'string') return Buffer.from(value);
  if (!ArrayBuffer.isView(value)) throw wrongType('a Buffer, TypedArray or string', 'value', value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Whether a view of it may have another length a moment later. */
function grows(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean };
  return resizable === true || growable === true;
}

function raw(elementSize: number): Format<ArrayBufferView | string, Buffer> {
  return {
    shape: Shape.Raw,
    schema: 0n,
    elementSize,
    encode(value) {
      const bytes = bytesOf(value);
      if (bytes.length > elementSize) throw tooLong(elementSize, bytes.length);
      return bytes;
    },
    decoder: (slots) => (slot) => slots.at(slot),
  };
}

function sized<In, Out>(elementSize: number, encoding: ResolvedEncoding<In, Out>): Format<In, Out> {
  const capacity = elementSize - LENGTH_BYTES;
  const scratch = Buffer.alloc(elementSize);
  const decode = (all: Buffer, slot: number) => {
    const begin = slot + LENGTH_BYTES;
    const length = all.readUInt32LE(slot);
    if (length <= capacity) return encoding.decode(all, begin, begin + length);
    throw wrongLength(`at most ${capacity} bytes`, length);
  };
  return {
    shape: Shape.Sized,
    schema: encoding.fingerprint,
    elementSize,
    encode(value) {
      const length = encoding.encode(value, scratch, LENGTH_BYTES);
      if (length === NO_ROOM) throw tooLong(capacity);
      scratch.writeUInt32LE(length, 0);
      return scratch.subarray(0, LENGTH_BYTES + length);
    },
    decoder: (slots, segment) => {
      const read = reading(decode, { kind: 'ring', segment, encoding: encoding.name });
      return (slot, start, offset) => {
        const begin = slot * elementSize;
        return read(slots.all, begin, begin + elementSize, start, offset);
      };
    },
  };
}

function records<S extends RecordSchema>(
  record: RecordType<S>,
): Format<SchemaInput<S>, RecordCursor<S>> {
  const scratch = Buffer.alloc(record.size);
  return {
    shape: Shape.Record,
    schema: record.fingerprint,
    elementSize: record.size,
    encode(value) {
      record.write(scratch, value);
      return scratch;
    },
    decoder: (slots) => {
      const cursor = record.cursor();
      return (slot) => cursor.moveTo(slots.all, slot * record.size);
    },
  };
}

/**
 * The format that a user chose. `slot` is the size of the ring's slots where it exists already.
 *
 * @throws TypeError, RangeError
 */
export function formatOf(options: FormatOptions, slot?: number): Format<never, unknown> {
  const { encoding, record, elementSize } = options;
  if (encoding !== undefined && record !== undefined) {
    throw wrongType('one of encoding and record', 'options', options);
  }
  if (record !== undefined) {
    if (!(record instanceof RecordType)) throw wrongType('a RecordType', 'record', record);
    return records(record);
  }
  const size = slot ?? integer(elementSize, 'elementSize', 1, LARGEST);
  if (encoding === undefined) return raw(size);
  const whole = slot ?? roundUp(size + LENGTH_BYTES);
  return sized(whole, resolveEncoding(encoding as never));
}

/** So that the lengths are aligned. */
const roundUp = (size: number) => Math.ceil(size / LENGTH_BYTES) * LENGTH_BYTES;

const LARGEST = 2 ** 32 - 8;

/** The error for a message whose length its format does not have. */
export function wrongLength(expected: string, length: number): Error {
  return outOfRange(expected, 'the length of the message', length);
}

function tooLong(most: number, actual?: number): Error {
  return outOfRange(`at most ${most} bytes`, 'value', actual ?? 'more');
}

/** @throws DisruptorError `ERR_SCHEMA_MISMATCH` when a ring's elements are something else. */
export function checkFormat(
  format: Pick<Format<never, unknown>, 'shape' | 'schema' | 'elementSize'>,
  ring: { shape: number; schema: bigint; elementSize: number },
): void {
  const known = format.schema !== 0n && ring.schema !== 0n;
  const differs =
    format.shape !== ring.shape ||
    (known && format.schema !== ring.schema) ||
    (format.shape === Shape.Record && format.elementSize !== ring.elementSize);
  if (!differs) return;
  const names = ['raw slots', 'encoded values', 'records'];
  const wanted = names[format.shape];
  const actual = names[ring.shape] ?? 'something unknown';
  throw new DisruptorError(
    'ERR_SCHEMA_MISMATCH',
    wanted === actual
      ? `The ring holds ${actual} of another schema`
      : `Expected ${wanted} but the ring holds ${actual}`,
  );
}
