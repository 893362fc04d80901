/** One message on its way through a bridge. */
export interface BridgeMessage {
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
   * What the bytes are: `raw` (unknown), `record`, `custom`, or `json`, `utf8` or `buffer`.
   */
  readonly encoding: string;
  /** Fingerprint of the record or of the encoding, 16 hexadecimal digits; empty for unknown. */
  readonly schema: string;
}

/** What all parcels of one segment have in common. */
export type SegmentFacts = Pick<BridgeMessage, 'origin' | 'encoding' | 'schema'>;

/** One of these. */
export function segmentParcel(
  { origin, encoding, schema }: SegmentFacts,
  { data, sequence, from, next, time }: Omit<BridgeMessage, keyof SegmentFacts>,
): BridgeMessage {
  // Each by name: to spread the facts into every parcel takes V8 a hundred times as long, 3 µs.
  return { data, origin, sequence, from, next, time, encoding, schema };
}

/**
 * The header, or the field of an entry, in which a parcel's facts travel beside its bytes:
 * `origin=…;sequence=…;time=…`. One, because an engine's client takes its time for each.
 */
export const HEADER = 'Shm-Message';

/** What names the message everywhere: engines that drop repetitions go by it. */
export const idOf = ({ origin, sequence }: BridgeMessage) =>
  origin === '' ? undefined : `${origin}-${sequence}`;

/** What stands in the header. What says nothing is left out. */
export function writeHeader(parcel: BridgeMessage): string {
  const { origin, sequence, from, next, time, encoding, schema } = parcel;
  let header = `time=${time}`;
  if (origin !== '') {
    header += `;origin=${encodeURIComponent(origin)};sequence=${sequence}`;
    if (from !== sequence) header += `;from=${from}`;
    if (next !== sequence + 1) header += `;next=${next}`;
  }
  if (encoding !== 'raw') header += `;encoding=${encodeURIComponent(encoding)}`;
  if (schema !== '') header += `;schema=${encodeURIComponent(schema)}`;
  return header;
}

/** What is known of a message that no bridge has sent. */
export type Foreign = Pick<BridgeMessage, 'origin' | 'sequence' | 'time'>;

/**
 * The parcel that this header describes. Headers are written by others: with numbers that are none, or
 * that contradict each other, it is one of the engine's own.
 */
export function readParcel(
  data: Uint8Array,
  header: string | undefined,
  foreign: Foreign,
): BridgeMessage {
  const facts = factsOf(header);
  const encoding = facts.get('encoding') ?? 'raw';
  const schema = facts.get('schema') ?? '';
  const time = whole(facts.get('time')) ?? foreign.time;
  const origin = facts.get('origin') ?? '';
  const sequence = whole(facts.get('sequence'));
  if (origin !== '' && sequence !== undefined) {
    const from = whole(facts.get('from')) ?? sequence;
    const next = whole(facts.get('next')) ?? sequence + 1;
    if (from <= sequence && sequence < next) {
      return { data, origin, sequence, from, next, time, encoding, schema };
    }
  }
  const own = { origin: foreign.origin, sequence: foreign.sequence };
  return { data, ...own, from: own.sequence, next: own.sequence + 1, time, encoding, schema };
}

function factsOf(header: string | undefined): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  if (header === undefined) return facts;
  try {
    for (const fact of header.split(';')) {
      const equals = fact.indexOf('=');
      if (equals > 0) facts.set(fact.slice(0, equals), decodeURIComponent(fact.slice(equals + 1)));
    }
  } catch {
    // Not one of ours.
    facts.clear();
  }
  return facts;
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
