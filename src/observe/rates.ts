import type { BroadcastObservation } from './broadcast.js';
import type { Finding } from './finding.js';
import type { Observation } from './observation.js';
import type { RingObservation } from './ring.js';

/** How fast one segment went on between two moments. */
export interface Rates {
  /** Between the two. */
  seconds: number;
  /** Elements committed, or messages published, a second. */
  committed: number;
  /** Elements a second that each consumer that gates has committed, by its index. */
  consumers: Record<number, number>;
  /** Elements a second that were lost with their producers. */
  lost: number;
  /** What stood still though there was something to do. Whoever is slow may go on a moment later. */
  stalled: Finding[];
}

function stalledPublishers(before: BroadcastObservation, after: BroadcastObservation): Finding[] {
  const open = new Map(before.producers.map(({ index, first }) => [index, first]));
  return after.producers
    .filter(({ index, alive, first }) => alive && first !== undefined && first === open.get(index))
    .map(({ pid, first }) => ({
      code: 'open-message',
      reason: `A publisher that lives, process ${pid}, has not finished message ${first}`,
    }));
}

function stalledIn(before: RingObservation, after: RingObservation): Finding[] {
  const findings: Finding[] = [];
  if (after.open && !after.open.orphaned && after.open.start === before.open?.start) {
    const { start, end } = after.open;
    const reason = `A producer that lives has not committed ${start} to ${end}`;
    findings.push({ code: 'open-claim', reason });
  }
  for (const consumer of after.consumers) {
    const earlier = before.consumers.find(({ index }) => index === consumer.index);
    if (!consumer.alive || consumer.lag === 0 || earlier?.lag === 0) continue;
    if (earlier?.sequence !== consumer.sequence) continue;
    const reason = `Consumer ${consumer.name} has not gone on, and lags by ${consumer.lag}`;
    findings.push({ code: 'slow-consumer', reason });
  }
  return findings;
}

function stalled(before: Observation, after: Observation): Finding[] {
  if (before.ring && after.ring) return stalledIn(before.ring, after.ring);
  if (!before.broadcast || !after.broadcast) return [];
  return stalledPublishers(before.broadcast, after.broadcast);
}

/** What rises with every element or message; undefined where nothing does. */
const progress = ({ ring, broadcast }: Observation) => ring?.cursor ?? broadcast?.next;

/**
 * How fast a segment goes on, from two looks at it. Undefined where there is nothing to compare: the
 * name means another object now, one of the two was damaged or at the same moment, or it is plain
 * memory.
 */
export function ratesBetween(before: Observation, after: Observation): Rates | undefined {
  const from = progress(before);
  const to = progress(after);
  if (before.object !== after.object || from === undefined || to === undefined) return undefined;
  const seconds = (after.seen - before.seen) / 1000;
  if (!(seconds > 0)) return undefined;
  const rate = (now: number, then: number) => Math.max(0, now - then) / seconds;
  const earlier = new Map(before.ring?.consumers.map(({ index, sequence }) => [index, sequence]));
  const consumers: Record<number, number> = {};
  for (const { index, sequence } of after.ring?.consumers ?? []) {
    const then = earlier.get(index);
    if (sequence !== undefined && then !== undefined) consumers[index] = rate(sequence, then);
  }
  return {
    seconds,
    committed: rate(to, from),
    consumers,
    lost: rate(after.ring?.gaps.elements ?? 0, before.ring?.gaps.elements ?? 0),
    stalled: stalled(before, after),
  };
}
