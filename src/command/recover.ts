import type { SegmentPath } from '../index.js';
import { Kind } from '../native/creation.js';
import { Start } from '../native/joining.js';
import { Ring } from '../native/ring.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import type { ObservedConsumer } from '../observe/ring.js';
import { located, placeOf, shownName } from '../segment/location.js';
import { doNow, namingSteps } from '../steps.js';
import { BLOCKING } from '../waiting/patience.js';
import { strategy } from '../waiting/strategy.js';
import { Word } from '../waiting/waiter.js';
import { Refusal } from './exit.js';
import { noun } from './fitting.js';
import { printJson, whole } from './output.js';

/** What `recover` takes. */
export interface RecoverOptions extends SegmentPath {
  json?: boolean;
  detach?: string[];
}

/** Does what whoever waits does before it sleeps, until there is nothing left to do. */
function tend(ring: Ring): void {
  while (ring.recover());
  ring.tend(Word.Data);
  ring.tend(Word.Space);
}

function consumerOf(seen: Observation, name: string): ObservedConsumer {
  const found = seen.ring?.consumers.find((one) => one.name === name && one.role !== 'member');
  if (seen.kind === 'disruptor' && found) return found;
  throw new Refusal('ERR_UNKNOWN_CONSUMER', `${seen.name} has no consumer ${name}`);
}

/** Ends the gating of a consumer, by being it for a moment: which fails while somebody lives who is. */
function detach(ring: Ring, seen: Observation, name: string): void {
  const found = consumerOf(seen, name);
  if (seen.geometry?.joinable === true) {
    const group = found.role === 'group';
    ring.join({ name, group, after: undefined, start: Start.Latest, sequence: 0 }, BLOCKING);
  } else {
    ring.attachConsumer(found.index, false, BLOCKING);
  }
  ring.leave();
}

function soundOne(name: string, place: SegmentPath): Observation {
  const seen = observe(name, place);
  const [damage] = seen.damaged;
  if (damage) throw new Refusal(damage.code, `${seen.name}: ${damage.reason}`);
  return seen;
}

function recoverRing(before: Observation, detached: string[]): void {
  const kind = before.kind === 'queue' ? Kind.Queue : Kind.Ring;
  const location = located(before.name, before.path);
  const shown = shownName(location, before.name);
  const ring = doNow(namingSteps(shown, Ring.open(location, strategy(), kind)));
  try {
    for (const consumer of detached) detach(ring, before, consumer);
    tend(ring);
  } finally {
    ring.release();
  }
}

function outcome({ kind, name, ring }: Observation, gaps: number, elements: number): string {
  if (!ring) return `${name} is ${noun(kind)}: nothing in it waits for the dead.`;
  if (gaps === 0) return 'No dead producer held anything up.';
  return `Closed ${whole(gaps)} gaps with ${whole(elements)} elements of dead producers.`;
}

/** Does something about the dead: closes their claims, and lets go of consumers. */
export function recover(name: string, options: RecoverOptions): void {
  const { json = false, detach: detached = [] } = options;
  const place = placeOf(options);
  const before = soundOne(name, place);
  if (before.ring) recoverRing(before, detached);
  else for (const consumer of detached) consumerOf(before, consumer);
  const after = observe(name, place);
  const gaps = (after.ring?.gaps.count ?? 0) - (before.ring?.gaps.count ?? 0);
  const elements = (after.ring?.gaps.elements ?? 0) - (before.ring?.gaps.elements ?? 0);
  const visible = (after.ring?.cursor ?? 0) - (before.ring?.cursor ?? 0);
  if (json) {
    const closed = { gaps, elements };
    printJson({ name: after.name, closed, visible, detached, stuck: after.stuck });
    return;
  }
  console.log(outcome(after, gaps, elements));
  for (const consumer of detached) console.log(`Producers no longer wait for ${consumer}.`);
  for (const { reason } of after.stuck) console.log(`! ${reason}`);
}
