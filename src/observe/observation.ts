import { naming } from '../errors.js';
import { inspect, Kind, list, userName } from '../native.js';
import type { SegmentFacts } from '../native.js';
import { contentDamage, headerDamage } from './damage.js';
import type { Finding } from './finding.js';
import { geometryOf } from './geometry.js';
import type { Geometry } from './geometry.js';
import { observeRing } from './ring.js';
import type { RingObservation } from './ring.js';
import { stuck } from './stuck.js';
import { segmentName } from '../validate.js';

/**
 * What can be seen of segments from outside, for people and programs that operate them. Looking reads
 * a segment's file: nothing is mapped, locked, woken or changed, and no participant notices.
 */

/** What a segment holds; `'unknown'` where its header is not to be believed. */
export type ObservedKind = 'disruptor' | 'queue' | 'unknown';

/** What each kind of segment is called. A further kind has its line here, and its content below. */
const KINDS = new Map<number, ObservedKind>([
  [Kind.Ring, 'disruptor'],
  [Kind.Queue, 'queue'],
]);

/** A segment at one moment. */
export interface Observation {
  /** With a leading slash. */
  name: string;
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
  /** Of the kinds that are rings; undefined as `geometry`. */
  ring: RingObservation | undefined;
}

/** What users are called. They do not change while one looks. */
const users = new Map<number, string | undefined>();

function ownerName(uid: number): string | undefined {
  if (!users.has(uid)) users.set(uid, userName(uid) || undefined);
  return users.get(uid);
}

function observation(facts: SegmentFacts): Observation {
  const outside = {
    name: `/${facts.name}`,
    kind: KINDS.get(facts.damage === 0 ? facts.kind : facts.header.kind) ?? 'unknown',
    bytes: facts.bytes,
    owner: { uid: facts.owner, name: ownerName(facts.owner) },
    mode: facts.mode,
    created: facts.created,
    seen: performance.timeOrigin + performance.now(),
    object: facts.object,
    attached: facts.attached,
  };
  if (facts.damage !== 0) {
    const damaged = [headerDamage(facts)];
    return { ...outside, damaged, stuck: [], geometry: undefined, ring: undefined };
  }
  const geometry = geometryOf(facts);
  const ring = observeRing(facts);
  const damaged = contentDamage(facts);
  return { ...outside, damaged, stuck: stuck(geometry, ring), geometry, ring };
}

/**
 * One segment.
 *
 * Throws: `ENOENT`, `EACCES` and others of the system; `ERR_SEGMENT_FOREIGN`,
 * `ERR_SEGMENT_TOO_SHORT`, `ERR_SEGMENT_NOT_REGULAR` and `ERR_SEGMENT_OWNER` for what is not a segment
 * or not for us. Other damage is among what is seen.
 */
export function observe(path: string): Observation {
  const name = segmentName(path);
  return naming(path, () => observation(inspect(name)));
}

/** All segments that this user may read, by name, damaged ones as well. */
export function observeAll(): Observation[] {
  return list().map(observation);
}
