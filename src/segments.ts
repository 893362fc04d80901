import { coreErrorCode, systemError } from './errors.js';
import type { DisruptorErrorCode } from './errors.js';
import { deadConsumersOf, list, orphansOf, unlink } from './native.js';
import type { DeadConsumers, Orphans, SegmentFacts } from './native.js';
import { segmentName } from './validate.js';

/** How many participants live, and how many are known to have been there and are gone. */
export interface Participants {
  alive: number;
  gone: number;
}

/** What can be seen of a segment from outside, at one moment. */
export interface SegmentInfo {
  /** With a leading slash. */
  name: string;
  kind: 'disruptor';
  /** All of it, in bytes. */
  bytes: number;
  /** User id of its owner. */
  owner: number;
  /** Permission bits. */
  mode: number;
  /** What attaching would fail with. Then what follows here is left out. */
  damage?: DisruptorErrorCode;
  elements?: number;
  elementSize?: number;
  /** First sequence that nobody has claimed. */
  next?: number;
  /** All below it is committed. */
  cursor?: number;
  /** What was lost with its producers since creation. */
  gaps?: { count: number; elements: number };
  orphans?: Orphans;
  deadConsumers?: DeadConsumers;
  /** Whether anybody who lives is attached. */
  attached?: boolean;
  /** Those who claimed; gone are those who left claims behind that are not committed. */
  producers?: Participants;
  /** Those who consumed. `count` is how many there can be. */
  consumers?: Participants & { count: number };
}

function info(facts: SegmentFacts): SegmentInfo {
  const { bytes, owner, mode } = facts;
  const outside = { name: `/${facts.name}`, kind: 'disruptor' as const, bytes, owner, mode };
  if (facts.damage !== 0) return { ...outside, damage: coreErrorCode(facts.damage) };
  return {
    ...outside,
    elements: facts.elements,
    elementSize: facts.elementSize,
    next: facts.next,
    cursor: facts.cursor,
    gaps: { count: facts.gaps, elements: facts.lost },
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
  try {
    unlink(name);
  } catch (error) {
    const { errno, syscall } = error as NodeJS.ErrnoException;
    if (errno !== undefined && syscall !== undefined) throw systemError(-errno, syscall, path);
    throw error;
  }
}
