import { geometry, life, owner, state } from '../command/output.js';
import type { Watched } from '../command/watching.js';
import type { BroadcastObservation } from '../observe/broadcast.js';
import type { ObservedProducer, RingObservation } from '../observe/ring.js';
import type { Rates } from '../observe/rates.js';
import type { ProducerLook, RingLook, SegmentLook } from './look.js';

function ringLook(ring: RingObservation, elements: number, rates: Rates | undefined): RingLook {
  const { next, cursor, gating, used, gaps, open, forData, forSpace } = ring;
  return {
    elements,
    next,
    cursor,
    gating,
    used,
    open,
    gaps,
    waiting: { data: forData.now, space: forSpace.now },
    rate: rates?.committed,
    consumers: ring.consumers.map((one) => ({
      index: one.index,
      name: one.name,
      role: one.role,
      life: life(one),
      gating: one.gating,
      pid: one.pid,
      sequence: one.sequence,
      lag: one.lag,
      unread: one.unread,
      held: one.held,
      rate: rates?.consumers[one.index],
      after: one.after,
    })),
    producers: ring.producers.map(producerLook),
  };
}

function producerLook(one: ObservedProducer): ProducerLook {
  const { index, pid, claimed, first } = one;
  return { index, life: life(one), pid, claimed, first };
}

/** A broadcast is a ring that nobody gates: whoever publishes goes round, whoever reads is not known. */
function broadcastLook(
  { next, kept, forData, producers }: BroadcastObservation,
  elements: number,
  rates: Rates | undefined,
): RingLook {
  return {
    elements,
    next,
    cursor: next,
    used: Math.min(kept, elements),
    gaps: { count: 0, elements: 0 },
    waiting: { data: forData.now, space: false },
    rate: rates?.committed,
    consumers: [],
    producers: producers.map(producerLook),
  };
}

function look({ seen, rates }: Watched): RingLook | undefined {
  const { ring, broadcast, geometry: made } = seen;
  if (!made) return undefined;
  if (broadcast) return broadcastLook(broadcast, made.elements, rates);
  return ring && ringLook(ring, made.elements, rates);
}

/** What the page is told of a segment. */
export function segmentLook(watched: Watched): SegmentLook {
  const { seen, rates } = watched;
  const { name, kind, object, bytes, created } = seen;
  const [word, why] = state(seen);
  return {
    name,
    kind,
    object,
    bytes,
    owner: owner(seen),
    created,
    seen: seen.seen,
    geometry: seen.geometry && geometry(seen.geometry),
    state: word,
    notes: [...why, ...(rates?.stalled ?? [])].map(({ reason }) => reason),
    ring: look(watched),
  };
}
