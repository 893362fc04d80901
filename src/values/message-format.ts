import { NO_ROOM, resolveEncoding } from './encoding.js';
import type { AnyEncoding, ResolvedEncoding } from './encoding.js';
import { bytesOf, Shape, wrongLength } from './format.js';
import { reading } from './reading.js';
import type { Read } from './reading.js';
import { RecordType } from './record.js';
import type { RecordSchema } from './record.js';
import { integer, outOfRange, wrongType } from '../validate.js';

/** How values become messages of some length and values again. */
export interface MessageFormat {
  /** One of `Shape`. */
  readonly shape: number;
  /** Fingerprint of what is in them; 0 for unknown. */
  readonly schema: bigint;
  /** The most bytes in one. */
  readonly longest: number;
  /** The bytes of a value: good until the next call. Throws for what does not fit. */
  encode(value: unknown): Uint8Array;
  /** Reads messages of the segment that the caller named `segment`; their bytes are nobody else's. */
  reader(segment: string): Read<unknown>;
}

/** The choice of a format, as a user gives it. */
export interface MessageFormatOptions {
  encoding?: AnyEncoding | undefined;
  record?: RecordType<RecordSchema> | undefined;
}

const FIRST_SCRATCH = 65_536;

function tooLong(longest: number, actual: unknown): Error {
  return outOfRange(`at most ${longest} bytes`, 'value', actual);
}

function raw(longest: number): MessageFormat {
  return {
    shape: Shape.Raw,
    schema: 0n,
    longest,
    encode(value) {
      const bytes = bytesOf(value);
      if (bytes.length > longest) throw tooLong(longest, bytes.length);
      return bytes;
    },
    reader: () => (memory, begin, end) => memory.subarray(begin, end),
  };
}

function encoded(longest: number, encoding: ResolvedEncoding<unknown, unknown>): MessageFormat {
  let spare: Buffer | undefined;
  return {
    shape: Shape.Sized,
    schema: encoding.fingerprint,
    longest,
    encode(value) {
      // Taken, because an encoder may come here again.
      let scratch = spare ?? Buffer.alloc(Math.min(FIRST_SCRATCH, longest));
      spare = undefined;
      try {
        for (;;) {
          const length = encoding.encode(value, scratch, 0);
          if (length !== NO_ROOM) return scratch.subarray(0, length);
          if (scratch.length >= longest) throw tooLong(longest, 'more');
          scratch = Buffer.alloc(Math.min(2 * scratch.length, longest));
        }
      } finally {
        spare = scratch;
      }
    },
    reader: (segment) =>
      reading(encoding.decode, { kind: 'broadcast', segment, encoding: encoding.name }),
  };
}

function records(record: RecordType<RecordSchema>): MessageFormat {
  let spare: Buffer | undefined;
  const decode = (memory: Buffer, begin: number, end: number) => {
    if (end - begin === record.size) return record.cursor(memory, begin);
    throw wrongLength(`${record.size} bytes`, end - begin);
  };
  return {
    shape: Shape.Record,
    schema: record.fingerprint,
    longest: record.size,
    encode(value) {
      // As above: a field may be a getter.
      const scratch = spare ?? Buffer.alloc(record.size);
      spare = undefined;
      try {
        record.write(scratch, value as never);
        return scratch;
      } finally {
        spare = scratch;
      }
    },
    reader: (segment) => reading(decode, { kind: 'broadcast', segment, encoding: 'record' }),
  };
}

/**
 * The format that a user chose; `longest` is what he said, or what is known.
 *
 * @throws TypeError, RangeError
 */
export function messageFormatOf(options: MessageFormatOptions, longest: unknown): MessageFormat {
  const { encoding, record } = options;
  if (record !== undefined) {
    if (encoding !== undefined) {
      throw wrongType('one of encoding and record', 'options', options);
    }
    if (!(record instanceof RecordType)) throw wrongType('a RecordType', 'record', record);
    return records(record);
  }
  const most = integer(longest, 'elementSize', 1, LONGEST);
  if (encoding === undefined) return raw(most);
  const resolved: unknown = resolveEncoding(encoding as never);
  return encoded(most, resolved as ResolvedEncoding<unknown, unknown>);
}

/** Lengths are kept in 32 bits. */
const LONGEST = 2 ** 32 - 4096;
