import { geometry, life, owner, state } from '../command/output.js';
import type { Watched } from '../command/watching.js';
import type { RingObservation } from '../observe/ring.js';
import type { Rates } from '../observe/rates.js';
import type { RingLook, SegmentLook } from './look.js';

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
    producers: ring.producers.map((one) => ({
      index: one.index,
      life: life(one),
      pid: one.pid,
      claimed: one.claimed,
      first: one.first,
    })),
  };
}

/** What the page is told of a segment. */
export function segmentLook({ seen, rates }: Watched): SegmentLook {
  const { name, kind, object, bytes, created, ring } = seen;
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
    ring: ring && seen.geometry && ringLook(ring, seen.geometry.elements, rates),
  };
}
