import { basename } from 'node:path';

import { coreErrorCode, naming } from '../errors.js';
import type { DisruptorErrorCode, SegmentLabel } from '../errors.js';
import { Kind } from '../native/creation.js';
import { deadConsumersOf, orphansOf } from '../native/facts.js';
import { list, unlink } from '../native/segments.js';
import type { DeadConsumerPolicy, OrphanPolicy } from '../native/creation.js';
import type { SegmentFacts } from '../native/facts.js';
import { directoryLabel, directoryOf, labelOf, located, PLACE } from './location.js';
import type { SegmentDirectory } from './location.js';
import { optionsObject } from '../validate.js';

/** How many participants live, and how many are known to have been there and are gone. */
export interface ParticipantCount {
  /** Who live now. */
  alive: number;
  /** Who were there and live no more. */
  gone: number;
}

/** What was lost with its producers. */
export interface GapCount {
  /** How many gaps. */
  count: number;
  /** How many elements in them. */
  elements: number;
}

/** The consumers of a ring. */
export interface ConsumerCount extends ParticipantCount {
  /** How many there can be. */
  count: number;
}

/** What can be seen of a segment from outside, at one moment. */
export interface SegmentInfo {
  /** With a leading slash. */
  name: string;
  /** What it holds. */
  kind: 'disruptor' | 'queue' | 'broadcast' | 'memory';
  /** All of it, in bytes. */
  bytes: number;
  /** User id of its owner. */
  owner: number;
  /** Permission bits. */
  mode: number;
  /** What attaching would fail with. Then what follows here is left out. */
  damage?: DisruptorErrorCode;
  /** How many of them are the application's: of plain memory alone, which has none of what is a ring's. */
  size?: number;
  /** How many elements the ring has, or messages the broadcast keeps. */
  elements?: number;
  /** Bytes in an element; the most in a message of a broadcast. */
  elementSize?: number;
  /** First sequence that nobody has claimed. */
  next?: number;
  /** The oldest message that may be there: of a broadcast alone, which has none of what stands below but who is attached and publishes. */
  oldest?: number;
  /** All below it is committed. */
  cursor?: number;
  /** What was lost with its producers since creation. */
  gaps?: GapCount;
  /** What becomes of dead producers' claims. */
  orphans?: OrphanPolicy;
  /** What becomes of dead consumers. */
  deadConsumers?: DeadConsumerPolicy;
  /** Whether anybody who lives is attached. */
  attached?: boolean;
  /** Those who claimed, or publish; gone are those who left claims, or messages, unfinished. */
  producers?: ParticipantCount;
  /** Those who consumed. */
  consumers?: ConsumerCount;
}

const KINDS: Readonly<Record<number, SegmentInfo['kind']>> = {
  [Kind.Ring]: 'disruptor',
  [Kind.Queue]: 'queue',
  [Kind.Broadcast]: 'broadcast',
  [Kind.Memory]: 'memory',
};

function info(facts: SegmentFacts): SegmentInfo {
  const { bytes, owner, mode, attached } = facts;
  const kind = KINDS[facts.damage === 0 ? facts.kind : facts.header.kind] ?? 'disruptor';
  const outside = { name: `/${basename(facts.name)}`, kind, bytes, owner, mode };
  if (facts.damage !== 0) return { ...outside, damage: coreErrorCode(facts.damage) };
  if (kind === 'memory') return { ...outside, size: facts.elementSize, attached };
  const { elements, elementSize, producers } = facts;
  if (kind === 'broadcast') {
    const { next } = facts.broadcast;
    const oldest = Math.max(0, next - elements);
    return { ...outside, elements, elementSize, next, oldest, attached, producers };
  }
  return {
    ...outside,
    elements,
    elementSize,
    next: facts.snapshot.next,
    cursor: facts.snapshot.cursor,
    gaps: { count: facts.snapshot.gaps, elements: facts.snapshot.lost },
    orphans: orphansOf(facts),
    deadConsumers: deadConsumersOf(facts),
    attached,
    producers,
    consumers: { count: facts.consumerCount, ...facts.consumers },
  };
}

function pathOf(options: SegmentDirectory | undefined): string | undefined {
  return options === undefined ? undefined : optionsObject<SegmentDirectory>(options, PLACE).path;
}

/**
 * Lists every segment of this package that the user may read, by name. It only looks: nothing is
 * mapped, locked or changed.
 *
 * @param options - `path`: a directory. Default: the system's place for shared memory
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for bad options
 * @throws Error of the system: ENOENT, EACCES, ... for the directory
 */
export function listSegments(options?: SegmentDirectory): SegmentInfo[] {
  const directory = directoryOf(pathOf(options));
  return naming(directoryLabel(directory), 'list', () => list(directory)).map(info);
}

/**
 * Removes the name of a segment of any kind. Participants that have it open keep it; its memory is
 * given back when the last of them closes it. The static `unlink` of each class does the same.
 *
 * @param name - as it was created, with or without the leading slash
 * @param options - `path`: the directory that it lies in
 * @throws TypeError for a bad name
 * @throws Error of the system: ENOENT, EACCES, ...
 * @throws DisruptorError `ERR_SEGMENT_FOREIGN`, `ERR_SEGMENT_NOT_REGULAR`, `ERR_SEGMENT_OWNER`,
 * `ERR_SEGMENT_BUSY`
 */
export function unlinkSegment(name: string, options?: SegmentDirectory): void {
  const location = located(name, pathOf(options));
  unlinkLocated(location, labelOf(location, name));
}

/** `label` is what errors call it. */
export function unlinkLocated(location: string, label: SegmentLabel): void {
  naming(label, 'remove', () => {
    unlink(location);
  });
}
