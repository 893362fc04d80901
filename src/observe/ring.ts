import { Role } from '../native/facts.js';
import type { RingSnapshot, SegmentFacts } from '../native/facts.js';
import type { GapCount } from '../segment/segments.js';
import type { WaiterState } from '../ring/statistics.js';

/** What a consumer's sequence means to producers. */
export type Gating =
  /** They wait for it. */
  | 'gates'
  /** They wait until it has found its place. */
  | 'joining'
  /** They do not wait: it left, or was dead and in the way, and may come back. */
  | 'detached'
  /** They never wait for it again. */
  | 'ignored'
  /** A member's group gates. */
  | 'in a group';

/** Somebody who was given a place. */
interface Place {
  /** Of its entry in the table. */
  index: number;
  /** Somebody who lives has it; of a group: one of its members lives. */
  alive: boolean;
  /** Of the process that had it last, for people: numbers are used again. 0 for nobody yet. */
  pid: number;
  /** The kernel's number of the thread that had it last: for a main thread, `pid`. 0 for nobody yet. */
  thread: number;
}

/** A consumer, a group or a member of one. */
export interface ObservedConsumer extends Place {
  /** Its name, or `#` and its index where it has none. A member has its group's name. */
  name: string;
  role: 'consumer' | 'group' | 'member';
  /** Nobody comes back as it: when it is dead, producers that need room no longer wait for it. */
  passing: boolean;
  /** Names of those that it comes after. */
  after: string[];
  gating: Gating;
  /** First sequence that it has not committed; undefined where it does not gate. */
  sequence: number | undefined;
  /** How many elements are committed and it has not yet committed; 0 where it does not gate. */
  lag: number;
  /** A group: how many elements are committed and nobody was given. 0 for others. */
  unread: number;
  /** A member: how many elements it was given and has not done with. 0 for others. */
  held: number;
}

/** Somebody who has claimed. */
export interface ObservedProducer extends Place {
  /** About how many elements it has claimed and not committed. */
  claimed: number;
  /** The first of them; undefined when there are none. */
  first: number | undefined;
}

/** What is claimed at the cursor and not committed: all that is committed behind it waits for it. */
export interface OpenClaim {
  start: number;
  /** The last one. */
  end: number;
  /** Whoever claimed it is dead. */
  orphaned: boolean;
}

/** A ring, as disruptors and queues have one, at one moment. */
export interface RingObservation {
  /** First sequence that nobody has claimed. */
  next: number;
  /** All below it is committed. */
  cursor: number;
  /** The smallest sequence of those who gate; undefined when nobody does. */
  gating: number | undefined;
  /** Elements that cannot be claimed now: claimed, or not yet done with. */
  used: number;
  /** Elements that can be claimed now. */
  free: number;
  /** What was lost with its producers since creation. */
  gaps: GapCount;
  open: OpenClaim | undefined;
  /** Who waits for data, or for a commit to become visible. */
  forData: WaiterState;
  /** Who waits for room. */
  forSpace: WaiterState;
  /** Somebody has replaced the segment and not yet taken its name away. */
  replaced: boolean;
  /** Consumers, groups and members, alive and dead, in the order of their places. */
  consumers: ObservedConsumer[];
  /** Those who have claimed and live, or are dead and left claims behind. */
  producers: ObservedProducer[];
}

type ConsumerFacts = RingSnapshot['consumers'][number];

function gatingOf(facts: ConsumerFacts): Gating {
  if (facts.role === Role.Member) return 'in a group';
  if (facts.gates) return 'gates';
  if (facts.joining) return 'joining';
  return facts.ignored ? 'ignored' : 'detached';
}

/** Somebody who has claimed, or publishes. */
export function observedProducer(facts: RingSnapshot['producers'][number]): ObservedProducer {
  const { index, alive, pid, thread, claimed, first } = facts;
  return { index, alive, pid, thread, claimed, first: claimed > 0 ? first : undefined };
}

/** The ring in a segment that is not damaged. */
export function observeRing({ elements, snapshot }: SegmentFacts): RingObservation {
  const { next, cursor, hole, replaced, forData, forSpace } = snapshot;
  const nameOf = new Map(
    snapshot.consumers.map(({ index, name }) => [index, name === '' ? `#${index}` : name]),
  );
  const consumers = snapshot.consumers.map((facts): ObservedConsumer => {
    const { index, alive, pid, thread, held } = facts;
    const member = facts.role === Role.Member;
    const group = facts.role === Role.Group;
    const gating = gatingOf(facts);
    const gates = gating === 'gates';
    // The cursor was read after it, and cannot be further ahead than this.
    const behind = (sequence: number) => Math.min(elements, Math.max(0, cursor - sequence));
    return {
      index,
      name: nameOf.get(member ? (facts.after[0] ?? -1) : index) ?? `#${index}`,
      role: member ? 'member' : group ? 'group' : 'consumer',
      passing: facts.role === Role.Anonymous,
      after: member ? [] : facts.after.map((other) => nameOf.get(other) ?? `#${other}`),
      alive,
      pid,
      thread,
      gating,
      sequence: gates ? facts.sequence : undefined,
      lag: gates ? behind(facts.sequence) : 0,
      unread: group ? behind(facts.handed) : 0,
      held,
    };
  });
  const gating = Math.min(...consumers.map(({ sequence }) => sequence ?? Infinity));
  const used = Math.min(elements, Math.max(0, next - Math.min(gating, cursor)));
  return {
    next,
    cursor,
    gating: gating === Infinity ? undefined : gating,
    used,
    free: elements - used,
    gaps: { count: snapshot.gaps, elements: snapshot.lost },
    open:
      hole.end > hole.begin
        ? { start: hole.begin, end: hole.end - 1, orphaned: hole.orphaned }
        : undefined,
    forData,
    forSpace,
    replaced,
    consumers,
    producers: snapshot.producers.map(observedProducer),
  };
}
