import { Kind } from '../native/creation.js';
import { deadConsumersOf, orphansOf, producersOf, Role } from '../native/facts.js';
import type { DeadConsumerPolicy, OrphanPolicy, ProducerMode } from '../native/creation.js';
import type { SegmentFacts } from '../native/facts.js';
import { Shape } from '../values/format.js';

/** What the elements of a disruptor, or the messages of a broadcast, are; a queue has messages. */
export type Elements = 'bytes' | 'values' | 'records' | 'messages';

/** How a segment was made. Plain memory has one element, all of it. */
export interface Geometry {
  /** Elements in the ring; of a queue, cells of 32 bytes; how many messages a broadcast keeps. */
  elements: number;
  /** Bytes in an element; the most in a message of a broadcast. */
  elementSize: number;
  /** What is in them. */
  holds: Elements;
  /** Whether consumers join, and are known by name; otherwise by their index alone. */
  joinable: boolean;
  /** Places for consumers, groups and members; 0 where nobody counts them. */
  maxConsumers: number;
  /** Places for producers; 0 where nobody counts them. */
  maxProducers: number;
  /** The longest message of a queue or a broadcast in bytes; undefined for other kinds. */
  maxMessage: number | undefined;
  /** How many may produce at a time. */
  producers: ProducerMode;
  /** What becomes of dead producers' claims. */
  orphans: OrphanPolicy;
  /** What becomes of dead consumers. */
  deadConsumers: DeadConsumerPolicy;
}

function holds({ kind, shape }: SegmentFacts): Elements {
  if (kind === Kind.Queue) return 'messages';
  if (shape === Shape.Sized) return 'values';
  return shape === Shape.Record ? 'records' : 'bytes';
}

function longestMessage({ kind, shape, elementSize }: SegmentFacts): number | undefined {
  if (kind === Kind.Broadcast) return elementSize;
  return kind === Kind.Queue ? shape : undefined;
}

/** The geometry of a segment that is not damaged. */
export function geometryOf(facts: SegmentFacts): Geometry {
  const ring = facts.kind === Kind.Ring || facts.kind === Kind.Queue;
  return {
    elements: facts.elements,
    elementSize: facts.elementSize,
    holds: holds(facts),
    joinable: ring && !facts.snapshot.consumers.some(({ role }) => role === Role.Indexed),
    maxConsumers: ring ? facts.consumerCount : 0,
    maxProducers: facts.kind === Kind.Memory ? 0 : facts.maxProducers,
    maxMessage: longestMessage(facts),
    producers: producersOf(facts),
    orphans: orphansOf(facts),
    deadConsumers: deadConsumersOf(facts),
  };
}
