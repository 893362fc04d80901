/** One message on its way through a bridge. */
export interface Parcel {
  /** What is in it. It may lie in shared memory: good until it is acknowledged. */
  readonly data: Uint8Array;
  /**
   * Where it was first taken from: the segment's `generation`, or what an engine calls its stream.
   * With `sequence` it names the message for ever, and whoever gets it twice can tell. Empty for one
   * that nothing is known of: it is never taken for a repetition.
   */
  readonly origin: string;
  /** Its place there: a later one has a higher one. */
  readonly sequence: number;
  /** All from here to `sequence` does not exist: it was lost with its producer, before this one. */
  readonly from: number;
  /** The lowest sequence that the one after it can have. */
  readonly next: number;
  /** When it was taken from there, in milliseconds since 1970. */
  readonly time: number;
  /**
   * What the bytes are: `raw` (unknown), `record`, `custom`, or an encoding's name: see
   * {@link EncodingName}.
   */
  readonly encoding: string;
  /** Fingerprint of the record or of the encoding, 16 hexadecimal digits; empty for unknown. */
  readonly schema: string;
}

/** The names under which a parcel's facts travel beside its bytes: headers, or fields of an entry. */
export const HEADERS = {
  origin: 'Shm-Origin',
  sequence: 'Shm-Sequence',
  from: 'Shm-From',
  next: 'Shm-Next',
  time: 'Shm-Time',
  encoding: 'Shm-Encoding',
  schema: 'Shm-Schema',
} as const;

/** What names the message everywhere: engines that drop repetitions go by it. */
export const idOf = ({ origin, sequence }: Parcel) =>
  origin === '' ? undefined : `${origin}-${sequence}`;

/** Calls `set` with each header that the parcel has. What says nothing is left out. */
export function writeHeaders(parcel: Parcel, set: (name: string, value: string) => void): void {
  const { origin, sequence, from, next, time, encoding, schema } = parcel;
  if (origin !== '') {
    set(HEADERS.origin, origin);
    set(HEADERS.sequence, String(sequence));
    if (from !== sequence) set(HEADERS.from, String(from));
    if (next !== sequence + 1) set(HEADERS.next, String(next));
  }
  set(HEADERS.time, String(time));
  if (encoding !== 'raw') set(HEADERS.encoding, encoding);
  if (schema !== '') set(HEADERS.schema, schema);
}

/** What is known of a message that no bridge has sent. */
export type Foreign = Pick<Parcel, 'origin' | 'sequence' | 'time'>;

/**
 * The parcel that these headers describe. Headers were written by others: numbers that are none, or
 * that contradict each other, make it one of the engine's own.
 */
export function readParcel(
  data: Uint8Array,
  get: (name: string) => string | undefined,
  foreign: Foreign,
): Parcel {
  const encoding = get(HEADERS.encoding) ?? 'raw';
  const schema = get(HEADERS.schema) ?? '';
  const time = whole(get(HEADERS.time)) ?? foreign.time;
  const origin = get(HEADERS.origin) ?? '';
  const sequence = whole(get(HEADERS.sequence));
  if (origin !== '' && sequence !== undefined) {
    const from = whole(get(HEADERS.from)) ?? sequence;
    const next = whole(get(HEADERS.next)) ?? sequence + 1;
    if (from <= sequence && sequence < next) {
      return { data, origin, sequence, from, next, time, encoding, schema };
    }
  }
  const own = { origin: foreign.origin, sequence: foreign.sequence };
  return { data, ...own, from: own.sequence, next: own.sequence + 1, time, encoding, schema };
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
