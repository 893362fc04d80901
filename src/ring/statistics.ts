import { Role } from '../native/facts.js';
import type { RingHandle } from '../native/ring.js';
import type { GapCount } from '../segment/segments.js';
import { now as clock } from '../timers.js';

/** One consumer, group or member of a group. */
export interface ConsumerStatistics {
  /** Undefined for one without a name. */
  name: string | undefined;
  /** A member of a group has its group's name. */
  role: 'consumer' | 'group' | 'member';
  /** Names of those that it comes after. */
  after: string[];
  /** Somebody who lives is it, or is a member of it. */
  alive: boolean;
  /** Of the process that was it last: for people, since numbers are used again. 0 for nobody yet. */
  pid: number;
  /** Whether producers wait for it. Members do not gate: their group does. */
  gates: boolean;
  /** First sequence that it has not committed; undefined where it does not gate. */
  sequence: number | undefined;
  /** How many elements are committed and it has not yet committed. 0 where it does not gate. */
  lag: number;
  /** Elements a second since the last call; undefined in the first. */
  rate: number | undefined;
  /** A member: how many elements it has taken from the group and not committed. */
  held: number;
}

/** One producer that has claimed. */
export interface ProducerStatistics {
  /** Whether it lives. */
  alive: boolean;
  /** Of the process that it is in: for people, since numbers are used again. */
  pid: number;
  /** About how many elements it has claimed and not committed. */
  claimed: number;
}

/** Those who sleep until something comes. */
export interface WaiterState {
  /** Whether anybody sleeps now. Who polls, or does not wait, does not. */
  now: boolean;
  /** How often sleepers were woken since the ring was created, whoever they were. */
  wakes: number;
}

/** A ring at one moment. Its numbers were read one after the other while it went on. */
export interface RingStatistics {
  /** How many elements there are room for. */
  capacity: number;
  /** First sequence that nobody has claimed. */
  next: number;
  /** All below it is committed. */
  cursor: number;
  /** The smallest sequence of those who gate; undefined when nobody does. */
  gating: number | undefined;
  /** How many elements can be claimed now. */
  remaining: number;
  /** Elements a second that were committed since the last call; undefined in the first. */
  rate: number | undefined;
  /** What was lost with its producers since creation. */
  gaps: GapCount;
  /** Who waits for data, or for a commit to become visible. */
  forData: WaiterState;
  /** Who waits for room. */
  forSpace: WaiterState;
  /** Whether the segment's file was removed: nobody else can open it. See {@link OnUnlinked}. */
  unlinked: boolean;
  /** Consumers, groups and members, alive and dead, in the order of their places. */
  consumers: ConsumerStatistics[];
  /** Those who have claimed and live, or are dead and left claims behind. */
  producers: ProducerStatistics[];
}

/** Takes them, and remembers the last for the rates. */
export class Statistics {
  readonly #ring: RingHandle;
  #taken = 0;
  #cursor = 0;
  #sequences = new Map<number, number>();

  constructor(ring: RingHandle) {
    this.#ring = ring;
  }

  take(): RingStatistics {
    const ring = this.#ring;
    const { consumers, producers, forData, forSpace } = ring.snapshot();
    const cursor = ring.cursor();
    const next = Math.max(ring.next(), cursor);
    const now = clock();
    const seconds = this.#taken === 0 ? 0 : (now - this.#taken) / 1000;
    const rate = (current: number, before: number | undefined) =>
      seconds > 0 && before !== undefined ? Math.max(0, current - before) / seconds : undefined;
    const nameOf = new Map(consumers.map(({ index, name }) => [index, name]));
    const gating = Math.min(...consumers.map((one) => (one.gates ? one.sequence : Infinity)));
    const used = next - Math.min(gating, cursor);

    const result: RingStatistics = {
      capacity: ring.elementCount,
      next,
      cursor,
      gating: gating === Infinity ? undefined : gating,
      remaining: Math.max(0, ring.elementCount - used),
      rate: rate(cursor, this.#cursor),
      gaps: ring.gaps(),
      forData,
      forSpace,
      unlinked: ring.unlinked(),
      consumers: consumers.map(
        ({ index, role, name, after, sequence, gates, held, alive, pid }) => {
          const member = role === Role.Member;
          const called = member ? nameOf.get(after[0] ?? -1) : name;
          return {
            name: called === '' ? undefined : called,
            role: member ? 'member' : role === Role.Group ? 'group' : 'consumer',
            after: member ? [] : after.map((other) => nameOf.get(other) ?? ''),
            alive,
            pid,
            gates,
            sequence: gates ? sequence : undefined,
            lag: gates ? Math.max(0, cursor - sequence) : 0,
            rate: gates ? rate(sequence, this.#sequences.get(index)) : undefined,
            held,
          };
        },
      ),
      producers: producers.map(({ alive, pid, claimed }) => ({ alive, pid, claimed })),
    };
    this.#taken = now;
    this.#cursor = cursor;
    this.#sequences = new Map(
      consumers.filter(({ gates }) => gates).map(({ index, sequence }) => [index, sequence]),
    );
    return result;
  }
}
