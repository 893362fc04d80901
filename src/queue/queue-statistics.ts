import { DisruptorError } from '../errors.js';
import type { RingHandle } from '../native/ring.js';
import { CELL } from './queue-options.js';
import type { GapCount } from '../segment/segments.js';

/**
 * How many messages are held, and by whom. Those that somebody was dequeuing together when it died count
 * as one until somebody gets the first of them.
 */
export interface HolderCount {
  /** By consumers that live. */
  alive: number;
  /** By consumers that died or gave them back: somebody gets these again. */
  dead: number;
}

/** A queue at one moment, in bytes of its memory. */
export interface QueueStatistics {
  /** All there is. */
  capacity: number;
  /** Sent, and nobody has it. */
  unread: number;
  /** What cannot be used again yet, since somebody still holds it or what comes before it. */
  held: number;
  /** For new messages. */
  free: number;
  /** The most bytes that a message can have. */
  maxMessage: number;
  /** How many messages are held: by those who live, and by those who died or gave them back. */
  holding: HolderCount;
  /** What senders had begun when they died, in cells of 32 bytes: nobody gets it. */
  gaps: GapCount;
  /** Whether the segment's file was removed: nobody else can open it. See {@link OnUnlinked}. */
  unlinked: boolean;
}

/** What a queue's ring says of itself. */
export function queueStatistics(ring: RingHandle): QueueStatistics {
  const { consumers } = ring.snapshot();
  const [group] = consumers;
  if (!group) throw new DisruptorError('ERR_SEGMENT_CORRUPT', 'The queue has lost its consumers');
  const holding = consumers.filter(({ held }) => held > 0);
  const alive = holding.filter((one) => one.alive).length;
  const cursor = ring.cursor();
  const next = ring.next();
  return {
    capacity: ring.elementCount * CELL,
    unread: Math.max(0, cursor - group.handed) * CELL,
    held: Math.max(0, group.handed - group.sequence) * CELL,
    free: Math.max(0, ring.elementCount - (next - group.sequence)) * CELL,
    maxMessage: ring.shape,
    holding: { alive, dead: holding.length - alive },
    gaps: ring.gaps(),
    unlinked: ring.unlinked(),
  };
}
