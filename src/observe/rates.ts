import type { Observation } from './observation.js';
import type { Finding } from './finding.js';

/** How fast one segment went on between two moments. */
export interface Rates {
  /** Between the two. */
  seconds: number;
  /** Elements committed a second. */
  committed: number;
  /** Elements a second that each consumer that gates has committed, by its index. */
  consumers: Record<number, number>;
  /** Elements a second that were lost with their producers. */
  lost: number;
  /** What stood still though there was something to do. Whoever is slow may go on a moment later. */
  stalled: Finding[];
}

function stalled({ ring: before }: Observation, { ring: after }: Observation): Finding[] {
  const findings: Finding[] = [];
  if (!before || !after) return findings;
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

/**
 * How fast a segment goes on, from two looks at it. Undefined where there is nothing to compare: the
 * name means another object now, or one of the two was damaged or at the same moment.
 */
export function ratesBetween(before: Observation, after: Observation): Rates | undefined {
  if (before.object !== after.object || !before.ring || !after.ring) return undefined;
  const seconds = (after.seen - before.seen) / 1000;
  if (!(seconds > 0)) return undefined;
  const rate = (now: number, then: number) => Math.max(0, now - then) / seconds;
  const earlier = new Map(before.ring.consumers.map(({ index, sequence }) => [index, sequence]));
  const consumers: Record<number, number> = {};
  for (const { index, sequence } of after.ring.consumers) {
    const then = earlier.get(index);
    if (sequence !== undefined && then !== undefined) consumers[index] = rate(sequence, then);
  }
  return {
    seconds,
    committed: rate(after.ring.cursor, before.ring.cursor),
    consumers,
    lost: rate(after.ring.gaps.elements, before.ring.gaps.elements),
    stalled: stalled(before, after),
  };
}
