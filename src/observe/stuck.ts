import type { Finding } from './finding.js';
import type { Geometry } from './geometry.js';
import type { ObservedConsumer, RingObservation } from './ring.js';

/** Why a consumer that keeps producers from going on does not go on itself. */
function inTheWay(consumer: ObservedConsumer, held: boolean): Finding | undefined {
  const { role, name, pid, thread } = consumer;
  // Whoever needs room lets go of those.
  if (consumer.passing) return undefined;
  if (thread === 0) {
    return { code: 'absent-consumer', reason: `nobody has come yet as ${role} ${name}` };
  }
  if (!held) return undefined;
  if (role === 'group') {
    return { code: 'empty-group', reason: `nobody who lives is in group ${name}` };
  }
  return { code: 'dead-consumer', reason: `consumer ${name}, process ${pid}, is dead` };
}

function blocked(ring: RingObservation): string | undefined {
  if (ring.free === 0) return 'There is no room';
  return ring.forSpace.now ? 'Producers wait for room' : undefined;
}

/** What is wrong with a name that means a segment which somebody has replaced. */
export function leftBehind({ replaced }: { replaced: boolean }): Finding[] {
  if (!replaced) return [];
  const reason = 'Whoever replaced this segment did not take its name away: rm does';
  return [{ code: 'replaced', reason }];
}

/** Why a ring does not go on, whatever those do who live. */
export function stuck({ orphans, deadConsumers }: Geometry, ring: RingObservation): Finding[] {
  const findings = leftBehind(ring);
  if (ring.open?.orphaned === true) {
    const { start, end } = ring.open;
    const outcome =
      orphans === 'hold'
        ? 'they wait for somebody who takes them over'
        : 'whoever waits passes them, or recover';
    const reason = `A dead producer had claimed ${start} to ${end}: ${outcome}`;
    findings.push({ code: 'dead-producer', reason });
  }
  const because = blocked(ring);
  if (because === undefined) return findings;
  for (const consumer of ring.consumers) {
    if (consumer.alive || consumer.lag === 0 || consumer.sequence !== ring.gating) continue;
    const finding = inTheWay(consumer, deadConsumers === 'hold');
    if (finding) findings.push({ ...finding, reason: `${because}, and ${finding.reason}` });
  }
  return findings;
}
