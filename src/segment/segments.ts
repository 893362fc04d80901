import { coreErrorCode, naming } from '../errors.js';
import type { DisruptorErrorCode } from '../errors.js';
import { deadConsumersOf, Kind, list, orphansOf, unlink } from '../native.js';
import type { DeadConsumers, Orphans, SegmentFacts } from '../native.js';
import { segmentName } from '../validate.js';

/** How many participants live, and how many are known to have been there and are gone. */
export interface Participants {
  /** Who live now. */
  alive: number;
  /** Who were there and live no more. */
  gone: number;
}

/** What was lost with its producers. */
export interface Losses {
  /** How many gaps. */
  count: number;
  /** How many elements in them. */
  elements: number;
}

/** The consumers of a ring. */
export interface ConsumerCount extends Participants {
  /** How many there can be. */
  count: number;
}

/** What can be seen of a segment from outside, at one moment. */
export interface SegmentInfo {
  /** With a leading slash. */
  name: string;
  /** What it holds. */
  kind: 'disruptor' | 'queue';
  /** All of it, in bytes. */
  bytes: number;
  /** User id of its owner. */
  owner: number;
  /** Permission bits. */
  mode: number;
  /** What attaching would fail with. Then what follows here is left out. */
  damage?: DisruptorErrorCode;
  /** How many elements the ring has. */
  elements?: number;
  /** Bytes in an element. */
  elementSize?: number;
  /** First sequence that nobody has claimed. */
  next?: number;
  /** All below it is committed. */
  cursor?: number;
  /** What was lost with its producers since creation. */
  gaps?: Losses;
  /** What becomes of dead producers' claims. */
  orphans?: Orphans;
  /** What becomes of dead consumers. */
  deadConsumers?: DeadConsumers;
  /** Whether anybody who lives is attached. */
  attached?: boolean;
  /** Those who claimed; gone are those who left claims behind that are not committed. */
  producers?: Participants;
  /** Those who consumed. */
  consumers?: ConsumerCount;
}

function info(facts: SegmentFacts): SegmentInfo {
  const { bytes, owner, mode } = facts;
  const kind = facts.kind === Kind.Queue ? ('queue' as const) : ('disruptor' as const);
  const outside = { name: `/${facts.name}`, kind, bytes, owner, mode };
  if (facts.damage !== 0) return { ...outside, damage: coreErrorCode(facts.damage) };
  return {
    ...outside,
    elements: facts.elements,
    elementSize: facts.elementSize,
    next: facts.census.next,
    cursor: facts.census.cursor,
    gaps: { count: facts.census.gaps, elements: facts.census.lost },
    orphans: orphansOf(facts),
    deadConsumers: deadConsumersOf(facts),
    attached: facts.attached,
    producers: facts.producers,
    consumers: { count: facts.consumerCount, ...facts.consumers },
  };
}

export function listSegments(): SegmentInfo[] {
  return list().map(info);
}

export function unlinkSegment(path: string): void {
  const name = segmentName(path);
  naming(path, () => {
    unlink(name);
  });
}
