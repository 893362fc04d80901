import { deadConsumersOf, Kind, orphansOf, producersOf, Role } from '../native.js';
import type { DeadConsumers, Orphans, Producers, SegmentFacts } from '../native.js';
import { Shape } from '../values/format.js';

/** What the elements of a disruptor are; a queue has messages. */
export type Elements = 'bytes' | 'values' | 'records' | 'messages';

/** How a segment was made. */
export interface Geometry {
  /** Elements in the ring; of a queue, cells of 32 bytes. */
  elements: number;
  /** Bytes in an element. */
  elementSize: number;
  /** What is in them. */
  holds: Elements;
  /** Whether consumers join, and are known by name; otherwise by their index alone. */
  joinable: boolean;
  /** Places for consumers, groups and members. */
  maxConsumers: number;
  /** Places for producers. */
  maxProducers: number;
  /** The longest message of a queue in bytes; undefined for other kinds. */
  maxMessage: number | undefined;
  /** How many may produce at a time. */
  producers: Producers;
  /** What becomes of dead producers' claims. */
  orphans: Orphans;
  /** What becomes of dead consumers. */
  deadConsumers: DeadConsumers;
}

function holds({ kind, shape }: SegmentFacts): Elements {
  if (kind === Kind.Queue) return 'messages';
  if (shape === Shape.Sized) return 'values';
  return shape === Shape.Record ? 'records' : 'bytes';
}

/** The geometry of a segment that is not damaged. */
export function geometryOf(facts: SegmentFacts): Geometry {
  return {
    elements: facts.elements,
    elementSize: facts.elementSize,
    holds: holds(facts),
    joinable: !facts.census.consumers.some(({ role }) => role === Role.Indexed),
    maxConsumers: facts.consumerCount,
    maxProducers: facts.maxProducers,
    maxMessage: facts.kind === Kind.Queue ? facts.shape : undefined,
    producers: producersOf(facts),
    orphans: orphansOf(facts),
    deadConsumers: deadConsumersOf(facts),
  };
}
