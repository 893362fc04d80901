import { basename, dirname } from 'node:path';

import { naming } from '../errors.js';
import type { Attempt } from '../errors.js';
import { Kind } from '../native/creation.js';
import { inspect, list, userName } from '../native/segments.js';
import type { SegmentFacts } from '../native/facts.js';
import { directoryLabel, directoryOf, labelOf, located } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { observeBroadcast } from './broadcast.js';
import type { BroadcastObservation } from './broadcast.js';
import { contentDamage, headerDamage } from './damage.js';
import type { Finding } from './finding.js';
import { geometryOf } from './geometry.js';
import type { Geometry } from './geometry.js';
import { observeRing } from './ring.js';
import type { RingObservation } from './ring.js';
import { leftBehind, stuck } from './stuck.js';
import { now as clock } from '../timers.js';

/**
 * What can be seen of segments from outside, for people and programs that operate them. Looking reads
 * a segment's file: nothing is mapped, locked, woken or changed, and no participant notices.
 */

/** What a segment holds; `'unknown'` where its header is not to be believed. */
export type ObservedKind = 'disruptor' | 'queue' | 'broadcast' | 'memory' | 'unknown';

/** What each kind of segment is called. A further kind has its line here, and its content below. */
const KINDS = new Map<number, ObservedKind>([
  [Kind.Ring, 'disruptor'],
  [Kind.Queue, 'queue'],
  [Kind.Broadcast, 'broadcast'],
  [Kind.Memory, 'memory'],
]);

/** Plain memory at one moment. What is in it is the application's. */
export interface MemoryObservation {
  /** The application's bytes. */
  size: number;
  /** Somebody has replaced the segment and not yet taken its name away. */
  replaced: boolean;
}

/** What is in a segment: of its kind what there is, and of the others undefined. */
export interface Content {
  /** Of the kinds that are rings. */
  ring: RingObservation | undefined;
  broadcast: BroadcastObservation | undefined;
  memory: MemoryObservation | undefined;
}

/** A segment at one moment; without content where the header is not to be believed. */
export interface Observation extends Content {
  /** With a leading slash. */
  name: string;
  /** The directory that it is a file in, absolute; undefined for the system's place for shared memory. */
  path: string | undefined;
  kind: ObservedKind;
  /** All of it, in bytes. */
  bytes: number;
  /** User id of its owner, and what that user is called where the system knows. */
  owner: { uid: number; name: string | undefined };
  /** Permission bits. */
  mode: number;
  /** When it was created: milliseconds since 1970. */
  created: number;
  /** When this was seen: milliseconds since 1970, with fractions. */
  seen: number;
  /** The same as long as the name means the same object, and that of no other which lives. */
  object: string;
  /** Whether anybody who lives is attached. */
  attached: boolean;
  /** What is wrong with it; empty when nothing is. */
  damaged: Finding[];
  /** Why it does not go on by itself; empty when it does. */
  stuck: Finding[];
  /** Undefined where the header is not to be believed. */
  geometry: Geometry | undefined;
}

/** What users are called. They do not change while one looks. */
const users = new Map<number, string | undefined>();

function ownerName(uid: number): string | undefined {
  if (!users.has(uid)) users.set(uid, userName(uid) || undefined);
  return users.get(uid);
}

const NOTHING: Content = { ring: undefined, broadcast: undefined, memory: undefined };

function contentOf(facts: SegmentFacts): Content {
  if (facts.kind === Kind.Broadcast) return { ...NOTHING, broadcast: observeBroadcast(facts) };
  if (facts.kind !== Kind.Memory) return { ...NOTHING, ring: observeRing(facts) };
  return { ...NOTHING, memory: { size: facts.elementSize, replaced: facts.replaced } };
}

function observation(facts: SegmentFacts): Observation {
  const outside = {
    name: `/${basename(facts.name)}`,
    path: facts.name.includes('/') ? dirname(facts.name) : undefined,
    kind: KINDS.get(facts.damage === 0 ? facts.kind : facts.header.kind) ?? 'unknown',
    bytes: facts.bytes,
    owner: { uid: facts.owner, name: ownerName(facts.owner) },
    mode: facts.mode,
    created: facts.created,
    seen: performance.timeOrigin + clock(),
    object: facts.object,
    attached: facts.attached,
  };
  if (facts.damage !== 0) {
    const damaged = [headerDamage(facts)];
    return { ...outside, damaged, stuck: [], geometry: undefined, ...NOTHING };
  }
  const geometry = geometryOf(facts);
  const content = contentOf(facts);
  return {
    ...outside,
    damaged: contentDamage(facts),
    stuck: content.ring ? stuck(geometry, content.ring) : leftBehind(facts),
    geometry,
    ...content,
  };
}

/**
 * One segment, in a directory or in the system's place for shared memory.
 *
 * Throws: `ENOENT`, `EACCES` and others of the system; `ERR_SEGMENT_FOREIGN`,
 * `ERR_SEGMENT_TOO_SHORT`, `ERR_SEGMENT_NOT_REGULAR` and `ERR_SEGMENT_OWNER` for what is not a segment
 * or not for us. Other damage is among what is seen.
 *
 * @param attempt - what it is looked at for, as errors say it
 */
export function observe(
  name: string,
  { path }: SegmentDirectory = {},
  attempt: Attempt = 'open',
): Observation {
  const location = located(name, path);
  return naming(labelOf(location, name), attempt, () => observation(inspect(location)));
}

/**
 * All segments there that this user may read, by name, damaged ones as well.
 *
 * Throws: `ENOENT`, `EACCES`, `ENOTDIR` and others of the system for the directory.
 */
export function observeAll({ path }: SegmentDirectory = {}): Observation[] {
  const directory = directoryOf(path);
  return naming(directoryLabel(directory), 'list', () => list(directory)).map(observation);
}
