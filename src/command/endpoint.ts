import { Disruptor, Queue } from '../index.js';
import type { Encoding, Gap } from '../index.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { Refusal } from './exit.js';

/** What `write` and `read` attach to, or create. */

/** How a segment is made if there is none. */
export interface CreateOptions {
  /** A queue, and no ring. */
  queue?: boolean;
  /** One message a line, and no stream of bytes. */
  lines?: boolean;
  /** How many elements a ring has, or bytes a stream or queue. */
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

function make(name: string, options: CreateOptions): void {
  const { queue, lines, capacity, maxMessage, readers = 1 } = options;
  if (queue === true) {
    const longest = maxMessage === undefined ? {} : { maxMessage };
    Queue.create(name, { capacity: capacity ?? QUEUE_BYTES, ...longest }).close();
  } else if (lines === true) {
    Disruptor.create(name, {
      elements: capacity ?? RING_ELEMENTS,
      elementSize: maxMessage ?? MESSAGE_BYTES,
      encoding: 'utf8',
      consumers: readers,
    }).close();
  } else {
    const elements = capacity ?? STREAM_BYTES;
    // As the package's own streams have it.
    new Disruptor({ name, elements, elementSize: 1, consumers: readers, init: 'new' }).release();
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** What is there under that name; made before if nothing is. */
export function found(name: string, options: CreateOptions): Observation {
  try {
    return sound(observe(name));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || options.create === false) throw error;
  }
  try {
    make(name, options);
  } catch (error) {
    // Somebody else was faster.
    if (!['ERR_SEGMENT_EXISTS', 'ERR_SEGMENT_IN_USE'].includes(codeOf(error) ?? '')) throw error;
  }
  return sound(observe(name));
}

function sound(seen: Observation): Observation {
  const [damage] = seen.damaged;
  if (damage) throw new Refusal(damage.code, `${seen.name}: ${damage.reason}`);
  if (seen.geometry?.holds === 'records') {
    const reason = 'its elements are records, which only a program knows that has their definition';
    throw new Refusal('ERR_SCHEMA_MISMATCH', `${seen.name}: ${reason}`);
  }
  return seen;
}

/** Whether bytes are to flow, with no messages in them, as through the package's streams. */
export function flows({ geometry }: Observation, { lines }: { lines?: boolean }): boolean {
  if (geometry?.holds !== 'bytes' || geometry.elementSize !== 1) return false;
  if (lines !== true && !geometry.joinable) return true;
  throw new Refusal(
    'ERR_INVALID_ARG_VALUE',
    'The ring has elements of one byte: there is no room for lines, and streams have consumers by index',
  );
}

// Whatever the encoding of a ring is, its bytes are what goes in and out. One without a name fits all.
const AS_BYTES: Encoding<Buffer> = {
  encode: (value) => value,
  decode: (value) => Buffer.from(value),
};

/** The ring, opened for its bytes. */
export const ringOf = ({ name, geometry }: Observation) =>
  geometry?.holds === 'values'
    ? Disruptor.open(name, { encoding: AS_BYTES })
    : Disruptor.open(name);

/** Somewhere messages go to. */
export interface Sink {
  send(message: Buffer, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

/** Where messages go that are sent to that segment. */
export function sinkOf(seen: Observation): Sink {
  if (seen.kind === 'queue') {
    const queue = Queue.open(seen.name);
    return {
      send: (message, signal) => queue.enqueue(message, { signal }),
      close: () => {
        queue.close();
      },
    };
  }
  const ring = ringOf(seen);
  const producer = ring.producer();
  ring.close();
  return {
    send: (message, signal) => producer.publish(message, { signal }),
    close: () => {
      producer.close();
    },
  };
}

/** Messages that were taken and are given again to somebody unless they are `done`. */
export interface Taken {
  messages: { data: Buffer; sequence: number; redelivered: boolean }[];
  gaps: readonly Gap[];
  done(): void;
}

/** Somewhere messages come from. */
export interface Source {
  /** What there is, `most` of it; waits for it, and undefined only where it is not to `wait`. */
  take(signal: AbortSignal, wait: boolean, most: number): Promise<Taken | undefined>;
  close(): void;
}

/** Whom to be as a consumer. */
export interface ConsumerOptions {
  as?: string;
  from?: 'latest' | 'oldest';
  group?: boolean;
}

/** How many messages are held at most while they are written. */
const MOST_HELD = 16;

function queueSource({ name }: Observation): Source {
  const queue = Queue.open(name);
  return {
    async take(signal, wait, most) {
      let message = queue.tryReceive() ?? (wait ? await queue.receive({ signal }) : undefined);
      if (!message) return undefined;
      const held: NonNullable<typeof message>[] = [];
      while (message) {
        held.push(message);
        message = held.length < Math.min(most, MOST_HELD) ? queue.tryReceive() : undefined;
      }
      return {
        messages: held,
        gaps: [],
        done() {
          for (const each of held) each.ack();
        },
      };
    },
    close() {
      queue.close();
    },
  };
}

// A raw element says nothing of its length: what is behind the text is zeros.
function trimmed(element: Buffer): Buffer {
  let end = element.length;
  while (end > 0 && element[end - 1] === 0) end -= 1;
  return element.subarray(0, end);
}

/** The consumer that a segment was made with, if nobody says whom to be. */
export function standardReader({ ring }: Observation): string | undefined {
  return ring?.consumers.some(({ name }) => name === '0' || name === '#0') === true
    ? '0'
    : undefined;
}

function ringSource(seen: Observation, { as, from, group = false }: ConsumerOptions): Source {
  const name = as ?? standardReader(seen);
  const ring = ringOf(seen);
  const options = { ...(from && { from }), group };
  const index = seen.geometry?.joinable === true ? name : Number(name);
  const consumer = index === undefined ? ring.consumer(options) : ring.consumer(index, options);
  ring.close();
  const raw = seen.geometry?.holds === 'bytes';
  return {
    async take(signal, wait, most) {
      const batch = consumer.tryNext() ?? (wait ? await consumer.next({ signal }) : undefined);
      if (!batch) return undefined;
      const { start, redelivered, gaps } = batch;
      const messages = [...batch].slice(0, most).map((data, i) => ({
        data: raw ? trimmed(data) : data,
        sequence: start + i,
        redelivered,
      }));
      return {
        messages,
        gaps,
        done() {
          consumer.commit(start + messages.length - 1);
        },
      };
    },
    close() {
      consumer.close();
    },
  };
}

/** Where messages of that segment come from. */
export function sourceOf(seen: Observation, options: ConsumerOptions): Source {
  return seen.kind === 'queue' ? queueSource(seen) : ringSource(seen, options);
}
