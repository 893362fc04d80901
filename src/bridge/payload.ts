import { fingerprint } from '../values/fingerprint.js';
import type { RecordSchema, RecordType } from '../values/record.js';

/**
 * In which form a segment's messages are forwarded: `'bytes'`, as they lie in memory; or `'json'`, their
 * values as JSON, 64-bit integers as strings and bytes in base64.
 */
export type PayloadForm = 'bytes' | 'json';

const NAMES = ['json', 'utf8', 'buffer'] as const;
const BUILT_IN = new Map(NAMES.map((name) => [fingerprint(`encoding ${name}`), name as string]));

/** The name of an encoding that has this fingerprint. */
export function encodingNamed(schema: bigint): string {
  return BUILT_IN.get(schema) ?? 'custom';
}

/** How a fingerprint is written; empty for unknown. */
export function writtenSchema(schema: bigint): string {
  return schema === 0n ? '' : schema.toString(16).padStart(16, '0');
}

const JSON_SCHEMA = writtenSchema(fingerprint('encoding json'));

/** The fingerprint of what a parcel's bytes are, empty for unknown. */
export function schemaOfBytes({ encoding, schema }: { encoding: string; schema: string }): string {
  // JSON keeps the schema of the record that it was.
  return encoding === 'json' ? JSON_SCHEMA : schema;
}

/** A value as JSON. @throws TypeError for what JSON does not have */
export function toJson(value: unknown): Buffer {
  const object = isRecordCursor(value) ? value.toObject() : value;
  const json = JSON.stringify(object, plain) as string | undefined;
  if (json === undefined) throw new TypeError('JSON has no such value');
  return Buffer.from(json);
}

function isRecordCursor(value: unknown): value is { toObject(): unknown } {
  return typeof (value as { toObject?: unknown } | null | undefined)?.toObject === 'function';
}

/** As a replacer: bytes come here after Buffer's own toJSON. */
function plain(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  const own = (this as Record<string, unknown>)[key];
  if (own instanceof Uint8Array) {
    return Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64');
  }
  return value;
}

/** The record of that JSON, as bytes. @throws TypeError, RangeError, SyntaxError */
export function recordFromJson(record: RecordType<RecordSchema>, json: Uint8Array): Buffer {
  const given = JSON.parse(Buffer.from(json).toString()) as Record<string, unknown>;
  const values: Record<string, unknown> = { ...given };
  for (const { name, type } of record.fields) {
    const value = values[name];
    if (type === 'i64' || type === 'u64') values[name] = wide(value);
    else if (type.startsWith('bytes') && typeof value === 'string') {
      values[name] = Buffer.from(value, 'base64');
    }
  }
  const bytes = Buffer.alloc(record.size);
  record.write(bytes, values as never);
  return bytes;
}

function wide(value: unknown): unknown {
  const whole = typeof value === 'string' ? /^-?\d+$/.test(value) : Number.isSafeInteger(value);
  return whole ? BigInt(value as string | number) : value;
}
