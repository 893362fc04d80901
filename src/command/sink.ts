import { Queue } from '../index.js';
import type { Observation } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { broadcastOf, ringOf } from './endpoint.js';

/** Somewhere messages go to. */
export interface Sink {
  send(message: Buffer, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

function queueSink(seen: Observation): Sink {
  const queue = Queue.open(seen.name, placeOf(seen));
  return {
    send: (message, signal) => queue.enqueue(message, { signal }),
    close: () => {
      queue.close();
    },
  };
}

function broadcastSink(seen: Observation): Sink {
  const broadcast = broadcastOf(seen);
  return {
    send: (message) => Promise.resolve(broadcast.publish(message)),
    close: () => {
      broadcast.close();
    },
  };
}

function ringSink(seen: Observation): Sink {
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

/** Where messages go that are sent to that segment. */
export function sinkOf(seen: Observation): Sink {
  if (seen.kind === 'queue') return queueSink(seen);
  return seen.kind === 'broadcast' ? broadcastSink(seen) : ringSink(seen);
}
