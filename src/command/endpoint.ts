import { Broadcast, Disruptor, Queue, Ring } from '../index.js';
import type { BroadcastOptions, Encoding, SegmentDirectory } from '../index.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { unlinkSegment } from '../segment/segments.js';
import { Refusal } from './exit.js';
import { checkFits, wantedKind } from './fitting.js';
import type { KindOptions } from './fitting.js';
import { checkPlace, fromCommandLine, UsageError } from './usage.js';

/** What `write` and `read` attach to, or create. */

/** How a segment is made if there is none. */
export interface CreateOptions extends KindOptions, SegmentDirectory {
  /** One message a line, and no stream of bytes. */
  lines?: boolean;
  /** How many elements a ring has, messages a broadcast keeps, or bytes a stream or queue has. */
  capacity?: number;
  /** The most bytes in a message. */
  maxMessage?: number;
  /** How many consumers are waited for. */
  readers?: number;
  /** Only attach to what is there. */
  create?: boolean;
}

const STREAM_BYTES = 1 << 20;
const QUEUE_BYTES = 1 << 20;
const RING_ELEMENTS = 1024;
const MESSAGE_BYTES = 1024;
const CHUNK_BYTES = 4096;
const CHUNKS = 256;

function makeBroadcast(name: string, { lines, capacity, maxMessage, ...rest }: CreateOptions) {
  const sizes =
    lines === true
      ? { elements: RING_ELEMENTS, elementSize: MESSAGE_BYTES, encoding: 'utf8' as const }
      : { elements: CHUNKS, elementSize: CHUNK_BYTES };
  const options: BroadcastOptions = {
    ...sizes,
    ...(capacity !== undefined && { elements: capacity }),
    ...(maxMessage !== undefined && { elementSize: maxMessage }),
    producers: 'multi',
    ...placeOf(rest),
  };
  Broadcast.create(name, options).close();
}

function make(name: string, options: CreateOptions): void {
  const { queue, broadcast, lines, capacity, maxMessage, readers = 1 } = options;
  const place = placeOf(options);
  if (broadcast === true) {
    makeBroadcast(name, options);
  } else if (queue === true) {
    const longest = maxMessage === undefined ? {} : { maxMessage };
    Queue.create(name, { capacity: capacity ?? QUEUE_BYTES, ...longest, ...place }).close();
  } else if (lines === true) {
    Ring.create(name, {
      elements: capacity ?? RING_ELEMENTS,
      elementSize: maxMessage ?? MESSAGE_BYTES,
      encoding: 'utf8',
      consumers: readers,
      ...place,
    }).close();
  } else {
    const elements = capacity ?? STREAM_BYTES;
    // As the package's own streams have it.
    const sizes = { elements, elementSize: 1, consumers: readers };
    new Disruptor({ name, ...sizes, init: 'new', ...place }).release();
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** What is there under that name, to be written to or read from with these options. */
function present(name: string, options: CreateOptions): Observation {
  const seen = observe(name, placeOf(options));
  const [damage] = seen.damaged;
  if (damage) throw new Refusal(damage.code, `${seen.name}: ${damage.reason}`);
  if (seen.geometry?.holds === 'records') {
    const reason = 'its elements are records, which only a program knows that has their definition';
    throw new Refusal('ERR_SCHEMA_MISMATCH', `${seen.name}: ${reason}`);
  }
  checkFits(seen.name, seen.kind, options);
  return seen;
}

/**
 * What is there under that name; made before if nothing is. Undefined where plain memory is to be
 * made, whose size somebody else knows.
 */
export function found(name: string, options: CreateOptions): Observation | undefined {
  checkPlace([name], options);
  try {
    return present(name, options);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || options.create === false) throw error;
  }
  const kind = wantedKind(options) ?? 'disruptor';
  checkFits(name, kind, options);
  if (kind === 'memory') return undefined;
  try {
    fromCommandLine(() => {
      make(name, options);
    });
  } catch (error) {
    // Somebody else was faster.
    if (!['ERR_SEGMENT_EXISTS', 'ERR_SEGMENT_IN_USE'].includes(codeOf(error) ?? '')) throw error;
  }
  return present(name, options);
}

/** Takes the name away, if nobody else has. */
export function takeAway(name: string, options: SegmentDirectory): void {
  try {
    unlinkSegment(name, placeOf(options));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Whether bytes are to flow, with no messages in them, as through the package's streams. */
export function flows({ kind, geometry }: Observation, { lines }: { lines?: boolean }): boolean {
  if (kind !== 'disruptor' || geometry?.holds !== 'bytes') return false;
  if (geometry.elementSize !== 1) return false;
  if (lines === true) {
    throw new UsageError('--lines does not go with a ring whose elements have one byte');
  }
  if (!geometry.joinable) return true;
  throw new Refusal(
    'ERR_CONSUMER_KIND',
    'The ring has elements of one byte and consumers by name: streams have consumers by index',
  );
}

/** Whether messages are lines; otherwise they are bytes as they come, of any length. */
export const inLines = ({ kind, geometry }: Observation, { lines }: { lines?: boolean }) =>
  kind !== 'broadcast' || geometry?.holds !== 'bytes' || lines === true;

// Whatever the encoding of a segment is, its bytes are what goes in and out. One without a name fits all.
const AS_BYTES: Encoding<Buffer> = {
  encode: (value) => value,
  decode: (value) => Buffer.from(value),
};

/** The ring that is there, of bytes whatever it holds. */
export const ringOf = (seen: Observation) =>
  seen.geometry?.holds === 'values'
    ? Ring.open(seen.name, { encoding: AS_BYTES, ...placeOf(seen) })
    : Ring.open(seen.name, placeOf(seen));

/** The broadcast that is there, in the same way. */
export const broadcastOf = (seen: Observation) =>
  seen.geometry?.holds === 'values'
    ? Broadcast.open(seen.name, { encoding: AS_BYTES, ...placeOf(seen) })
    : Broadcast.open(seen.name, placeOf(seen));
