import { Queue } from '../index.js';
import type { Gap, ReceivedMessage, Subscription } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { broadcastOf, ringOf } from './endpoint.js';
import { fromCommandLine } from './usage.js';

/** A message that was taken. */
export interface TakenMessage {
  data: Buffer;
  sequence: number;
  /** Not for broadcasts. */
  redelivered?: boolean;
  /** How many were lost before it. Only for broadcasts. */
  lost?: number;
}

/** Messages that were taken and are given again to somebody unless they are `done`. */
export interface Taken {
  messages: TakenMessage[];
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
  from?: 'latest' | 'oldest' | number;
  group?: boolean;
}

/** How many messages are held at most while they are written. */
const MAX_HELD = 16;
/** How many messages of a broadcast, which nobody holds. */
const MAX_COPIED = 256;

function queueSource(seen: Observation): Source {
  const queue = Queue.open(seen.name, placeOf(seen));
  return {
    async take(signal, wait, most) {
      let message = queue.tryReceive() ?? (wait ? await queue.receive({ signal }) : undefined);
      if (!message) return undefined;
      const held: NonNullable<typeof message>[] = [];
      while (message) {
        held.push(message);
        message = held.length < Math.min(most, MAX_HELD) ? queue.tryReceive() : undefined;
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

/**
 * How long who does not wait lets somebody finish a message, in milliseconds: longer than it takes a
 * subscriber to pass one whose publisher is dead.
 */
const GRACE = 2000;

async function whatIsThere(
  subscription: Subscription,
  most: number,
  signal: AbortSignal,
): Promise<ReceivedMessage<Buffer>[]> {
  if (subscription.lag === 0) return [];
  try {
    return await subscription.receiveMany(most, { signal, timeout: GRACE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_TIMEOUT') return [];
    throw error;
  }
}

function broadcastSource(seen: Observation, { from = 'latest' }: ConsumerOptions): Source {
  const broadcast = broadcastOf(seen);
  let subscription: Subscription;
  try {
    subscription = fromCommandLine(() => broadcast.subscribe({ from }));
  } finally {
    broadcast.close();
  }
  return {
    async take(signal, wait, most) {
      const some = Math.min(most, MAX_COPIED);
      const messages = wait
        ? await subscription.receiveMany(some, { signal })
        : await whatIsThere(subscription, some, signal);
      if (messages.length === 0) return undefined;
      return { messages, gaps: [], done: () => undefined };
    },
    close() {
      subscription.close();
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
function defaultReader({ ring }: Observation): string | undefined {
  return ring?.consumers.some(({ name }) => name === '0' || name === '#0') === true
    ? '0'
    : undefined;
}

function ringSource(seen: Observation, { as, from, group = false }: ConsumerOptions): Source {
  const name = as ?? defaultReader(seen);
  const ring = ringOf(seen);
  const options = { ...(from !== undefined && { from }), group };
  const index = seen.geometry?.joinable === true ? name : Number(name);
  let consumer;
  try {
    consumer = fromCommandLine(() =>
      index === undefined ? ring.consumer(options) : ring.consumer(index, options),
    );
  } finally {
    ring.close();
  }
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
  if (seen.kind === 'queue') return queueSource(seen);
  return seen.kind === 'broadcast' ? broadcastSource(seen, options) : ringSource(seen, options);
}
