import type { SegmentFacts } from '../native/facts.js';
import type { WaiterState } from '../ring/statistics.js';
import { observedProducer } from './ring.js';
import type { ObservedProducer } from './ring.js';

/** A broadcast at one moment. Who subscribes is known to nobody, but that somebody is attached. */
export interface BroadcastObservation {
  /** The sequence that the next message gets, so also how many there were. */
  next: number;
  /** The sequence of the oldest message that may be there. */
  oldest: number;
  /** So many of the newest sequences were looked at: at most 4096. What follows is said of those. */
  looked: number;
  /** How many messages are there. */
  kept: number;
  /** How many sequences were given up by their publishers, or by those who came after dead ones. */
  dropped: number;
  /** How many were taken and have no message: since a moment, or by somebody who has died. */
  missing: number;
  /** Who waits for messages. Whoever may only read does not say so. */
  forData: WaiterState;
  /** Somebody has replaced the segment and not yet taken its name away. */
  replaced: boolean;
  /** Those who publish: claimed is what they are writing, or were when they died. */
  producers: ObservedProducer[];
}

/** The broadcast in a segment that is not damaged. */
export function observeBroadcast({
  elements,
  replaced,
  broadcast,
}: SegmentFacts): BroadcastObservation {
  const { next, looked, kept, dropped, missing, sleepers, publishers } = broadcast;
  return {
    next,
    oldest: Math.max(0, next - elements),
    looked,
    kept,
    dropped,
    missing,
    forData: sleepers,
    replaced,
    producers: publishers.map(observedProducer),
  };
}
