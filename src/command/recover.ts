import { naming } from '../errors.js';
import { Kind, Ring, Start } from '../native.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { segmentName } from '../validate.js';
import { strategy } from '../waiting/strategy.js';
import { Word } from '../waiting/waiter.js';
import { Refusal } from './exit.js';
import { printJson, whole } from './output.js';

/** What `recover` takes. */
export interface RecoverOptions {
  json?: boolean;
  detach?: string[];
}

/** Does what whoever waits does before it sleeps, until there is nothing left to do. */
function tend(ring: Ring): void {
  while (ring.recover());
  ring.tend(Word.Data);
  ring.tend(Word.Space);
}

/** Ends the gating of a consumer, by being it for a moment: which fails while somebody lives who is. */
function detach(ring: Ring, seen: Observation, name: string): void {
  const found = seen.ring?.consumers.find((one) => one.name === name && one.role !== 'member');
  if (seen.kind !== 'disruptor' || !found) {
    throw new Refusal('ERR_UNKNOWN_CONSUMER', `${seen.name} has no consumer ${name}`);
  }
  if (seen.geometry?.joinable === true) {
    const group = found.role === 'group';
    ring.join({ name, group, after: undefined, start: Start.Latest, sequence: 0 });
  } else {
    ring.attachConsumer(found.index, false);
  }
  ring.leave();
}

function soundOne(path: string): Observation {
  const seen = observe(path);
  const [damage] = seen.damaged;
  if (damage) throw new Refusal(damage.code, `${seen.name}: ${damage.reason}`);
  return seen;
}

/** Does something about the dead: closes their claims, and lets go of consumers. */
export function recover(
  path: string,
  { json = false, detach: detached = [] }: RecoverOptions,
): void {
  const before = soundOne(path);
  const kind = before.kind === 'queue' ? Kind.Queue : Kind.Ring;
  const ring = naming(path, () => Ring.open(segmentName(path), strategy(), kind));
  try {
    for (const consumer of detached) detach(ring, before, consumer);
    tend(ring);
  } finally {
    ring.release();
  }
  const after = observe(path);
  const gaps = (after.ring?.gaps.count ?? 0) - (before.ring?.gaps.count ?? 0);
  const elements = (after.ring?.gaps.elements ?? 0) - (before.ring?.gaps.elements ?? 0);
  const visible = (after.ring?.cursor ?? 0) - (before.ring?.cursor ?? 0);
  if (json) {
    printJson({
      name: after.name,
      closed: { gaps, elements },
      visible,
      detached,
      stuck: after.stuck,
    });
    return;
  }
  console.log(
    gaps === 0
      ? 'No dead producer held anything up.'
      : `Closed ${whole(gaps)} gaps with ${whole(elements)} elements of dead producers.`,
  );
  for (const consumer of detached) console.log(`Producers no longer wait for ${consumer}.`);
  for (const { reason } of after.stuck) console.log(`! ${reason}`);
}
