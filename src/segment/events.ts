import { channel } from 'node:diagnostics_channel';

import { Role } from '../native/facts.js';
import type { RingSnapshot } from '../native/facts.js';
import type { RingHandle } from '../native/ring.js';

/** What subscribers of `shm-disruptor:attach` and `shm-disruptor:detach` are told. */
export interface AttachmentMessage {
  /** The ring, as it was named. */
  name: string;
  /** What attached: a `Ring`, one of its roles, a `Disruptor`, a `Queue`, ... */
  role:
    | 'ring'
    | 'producer'
    | 'consumer'
    | 'disruptor'
    | 'queue'
    | 'broadcast'
    | 'subscription'
    | 'memory';
}

/** Elements that were claimed and never committed, because their producer died: nobody gets them. */
export interface Gap {
  /** First sequence. */
  start: number;
  /** Last sequence. */
  end: number;
}

/** What subscribers of `shm-disruptor:gap` are told. */
export interface GapMessage extends Gap {
  /** The ring, as it was named when this object was made. */
  name: string;
  /** The consumer that has passed the gap. */
  consumer: number;
}

/** What subscribers of `shm-disruptor:death` are told, once for each death that a waiter notices. */
export interface DeathMessage {
  /** The ring, as it was named. */
  name: string;
  /** What it was. */
  role: 'producer' | 'consumer';
  /** Of the process that it was, or was in. */
  pid: number;
  /** A consumer's name, if it has one. */
  consumer?: string;
}

/** A consumer, or a member of a group, that holds up producers. */
export interface SlowConsumer {
  /** Undefined for one without a name. A member has its group's name. */
  name: string | undefined;
  /**
   * A group is named itself only where it has no member that lives or holds anything: then nobody
   * takes its elements.
   */
  role: 'consumer' | 'group' | 'member';
  /** Of the process that was it last; 0 for a group, and for a consumer that nobody has been yet. */
  pid: number;
  /** Whether it lives. */
  alive: boolean;
  /**
   * First sequence that it has not committed. Of a member that holds nothing, the first that its group
   * has not: it could take that.
   */
  sequence: number;
}

/** Somebody who has claimed and not committed. */
export interface ProducerClaims {
  /** Of the process that it is in. */
  pid: number;
  /** Whether it lives. */
  alive: boolean;
  /** About how many elements. */
  claimed: number;
}

/** What subscribers of `shm-disruptor:stall` are told, twice a second for as long as it lasts. */
export interface StallMessage {
  /** The ring, as it was named. */
  name: string;
  /** Room for a producer, or a claim to be committed for which consumers wait. */
  waitsFor: 'room' | 'commit';
  /**
   * For room: the slowest consumers. For a group, the member that holds its oldest element, or, if
   * nobody has that, every member that lives.
   */
  consumers: SlowConsumer[];
  /** For a commit: who has claimed and not committed. */
  producers: ProducerClaims[];
}

/**
 * What subscribers of `shm-disruptor:unlinked` are told, once for each object that has the segment
 * open, within about half a second of its removal.
 */
export type UnlinkedMessage = AttachmentMessage;

const attached = channel('shm-disruptor:attach');
const detached = channel('shm-disruptor:detach');
const gaps = channel('shm-disruptor:gap');
const deaths = channel('shm-disruptor:death');
const stalls = channel('shm-disruptor:stall');
const unlinkings = channel('shm-disruptor:unlinked');

export function emitAttach(message: AttachmentMessage): void {
  attached.publish(message);
}

export function emitDetach(message: AttachmentMessage): void {
  detached.publish(message);
}

export function emitUnlinked(message: UnlinkedMessage): void {
  unlinkings.publish(message);
}

export function emitGap(message: GapMessage): void {
  gaps.publish(message);
}

/** Whose death was told of: the ring's object, role, index and pid. */
const told = new Set<string>();

type ConsumerFacts = RingSnapshot['consumers'][number];

/** Who makes a consumer slow: it does, or members of it do if it is a group. */
function slowest(
  { index, role, name: own, pid, alive, sequence }: ConsumerFacts,
  all: readonly ConsumerFacts[],
): SlowConsumer[] {
  const name = own === '' ? undefined : own;
  const known = role === Role.Group ? 'group' : 'consumer';
  const itself: SlowConsumer[] = [{ name, role: known, pid, alive, sequence }];
  if (role !== Role.Group) return itself;
  const members = all.filter((one) => one.role === Role.Member && one.after[0] === index);
  const holders = members.filter(({ held }) => held > 0);
  const oldest = Math.min(...holders.map(({ begin }) => begin));
  const slow =
    holders.length > 0
      ? holders.filter(({ begin }) => begin === oldest)
      : members.filter((one) => one.alive);
  if (slow.length === 0) return itself;
  return slow.map((one) => ({
    name,
    role: 'member',
    pid: one.pid,
    alive: one.alive,
    sequence: one.held > 0 ? one.begin : sequence,
  }));
}

/** Somebody has waited for half a second: tells whoever wants to know what that may be about. */
export function emitStall(
  name: string,
  ring: RingHandle,
  waitsFor: StallMessage['waitsFor'],
): void {
  if (!stalls.hasSubscribers && !deaths.hasSubscribers) return;
  const { consumers, producers } = ring.snapshot();
  const tell = (key: string, message: DeathMessage) => {
    if (told.has(key)) return;
    told.add(key);
    deaths.publish(message);
  };
  for (const { index, role, name: own, alive, pid, gates, held } of consumers) {
    if (alive || pid === 0 || role === Role.Group || !(gates || held > 0)) continue;
    const known = own === '' ? {} : { consumer: own };
    tell(`${ring.object} consumer ${index} ${pid}`, { name, role: 'consumer', pid, ...known });
  }
  for (const { alive, pid } of producers) {
    if (!alive) tell(`${ring.object} producer ${pid}`, { name, role: 'producer', pid });
  }
  const gating = Math.min(...consumers.map((one) => (one.gates ? one.sequence : Infinity)));
  const uncommitted = producers.filter(({ claimed }) => claimed > 0);
  // Waiting for what nobody has claimed is what consumers do.
  if (waitsFor === 'commit' && uncommitted.length === 0) return;
  stalls.publish({
    name,
    waitsFor,
    consumers:
      waitsFor === 'commit'
        ? []
        : consumers
            .filter(({ gates, sequence }) => gates && sequence === gating)
            .flatMap((one) => slowest(one, consumers)),
    producers: waitsFor === 'commit' ? uncommitted : [],
  } satisfies StallMessage);
}
