/** What a segment holds, as `Kind` in `addon/core/layout.h`. */
export const Kind = { Ring: 1, Queue: 2, Broadcast: 3, Memory: 4 } as const;

/** A consumer that is there from the beginning. */
export interface Declared {
  name: string;
  group: boolean;
  /** Indices of those that it comes after. */
  after: number[];
}

/** Creating a segment: what the addon needs to know. */
export interface Creation {
  kind: number;
  elements: number;
  elementSize: number;
  consumers: number;
  maxProducers: number;
  orphans: OrphanPolicy;
  deadConsumers: DeadConsumerPolicy;
  producers: ProducerMode;
  /** What its elements are, and of which schema: see src/format.ts. */
  shape: number;
  schema: bigint;
  /** Whether consumers join and leave; those `declared` are there from the beginning. */
  joinable: boolean;
  declared: Declared[];
  mode: number;
  existing: Existing;
}

/** How many may produce at a time. */
export type ProducerMode = 'multi' | 'single';

/** In the order of `Producers` in `addon/core/layout.h`. */
export const PRODUCERS: readonly ProducerMode[] = ['multi', 'single'];

/** What becomes of what a producer claimed and had not committed when it died. */
export type OrphanPolicy = 'skip' | 'hold';

/** What becomes of a consumer that has died. */
export type DeadConsumerPolicy = 'hold' | 'detach';

/** In the order of `Orphans` in `addon/core/layout.h`. */
export const ORPHANS: readonly OrphanPolicy[] = ['skip', 'hold'];

/** In the order of `DeadConsumers` there. */
export const DEAD_CONSUMERS: readonly DeadConsumerPolicy[] = ['hold', 'detach'];

/** What creating does with a segment of that name, as `Existing` in `addon/core/segment.h`. */
const EXISTING = ['refuse', 'replace-dead', 'replace'] as const;

export type Existing = (typeof EXISTING)[number];

/** How a handle waits when it blocks the thread: see src/waiting/strategy.ts. `budget` in microseconds. */
export interface CoreStrategy {
  core: number;
  budget: number;
}

/** As the addon takes it: policies as numbers. */
export function numbered(creation: Creation): object {
  return {
    ...creation,
    orphans: ORPHANS.indexOf(creation.orphans),
    deadConsumers: DEAD_CONSUMERS.indexOf(creation.deadConsumers),
    producers: PRODUCERS.indexOf(creation.producers),
    existing: EXISTING.indexOf(creation.existing),
  };
}
