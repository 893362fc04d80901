import type { DisruptorError } from '../errors.js';
import type { SegmentDirectory } from '../index.js';
import { Kind } from '../native/creation.js';
import { RingHandle } from '../native/ring.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import { labelOf, located, placeOf } from '../segment/location.js';
import { doNow, namingSteps } from '../steps.js';
import { strategy } from '../waiting/strategy.js';
import { Word } from '../waiting/waiter.js';
import { Refusal } from './exit.js';
import { noun } from './fitting.js';
import { printJson, whole } from './output.js';
import { print } from './standard.js';
import { checkPlace } from './usage.js';

/** What `recover` takes. */
export interface RecoverOptions extends SegmentDirectory {
  json?: boolean;
  detach?: string[];
}

/** Does what whoever waits does before it sleeps, until there is nothing left to do. */
function tend(ring: RingHandle): void {
  while (ring.recover());
  ring.unblock(Word.Data);
  ring.unblock(Word.Space);
}

/** The place of the consumer or group that `info` lists under that name. */
function placeOfConsumer({ name: segment, kind, ring }: Observation, name: string): number {
  if (kind === 'queue') {
    const reason = 'is a queue, whose messages wait for a receiver: rm removes them with it';
    throw new Refusal('ERR_SEGMENT_KIND', `${segment} ${reason}`);
  }
  const found = ring?.consumers.find((one) => one.name === name && one.role !== 'member');
  if (found) return found.index;
  throw new Refusal('ERR_UNKNOWN_CONSUMER', `${segment} has no consumer ${name}`);
}

/** Producers wait no longer for those consumers, who must be dead. */
function detach(ring: RingHandle, places: ReadonlyMap<string, number>): void {
  for (const [name, place] of places) {
    try {
      ring.detach(place);
    } catch (error) {
      const { code, message } = error as DisruptorError;
      if (code !== 'ERR_CONSUMER_BUSY') throw error;
      throw new Refusal(code, `${name}: ${message}`);
    }
  }
}

function soundOne(name: string, place: SegmentDirectory): Observation {
  const seen = observe(name, place);
  const [damage] = seen.damaged;
  if (damage) throw new Refusal(damage.code, `${seen.name}: ${damage.reason}`);
  return seen;
}

function recoverRing(before: Observation, detached: string[]): void {
  // All of them are there before any of them is detached.
  const places = new Map(detached.map((name) => [name, placeOfConsumer(before, name)]));
  const kind = before.kind === 'queue' ? Kind.Queue : Kind.Ring;
  const location = located(before.name, before.path);
  const label = labelOf(location, before.name);
  const ring = doNow(namingSteps(label, 'open', RingHandle.open(location, strategy(), kind)));
  try {
    detach(ring, places);
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
export async function recover(name: string, options: RecoverOptions): Promise<void> {
  const { json = false, detach: detached = [] } = options;
  checkPlace([name], options);
  const place = placeOf(options);
  const before = soundOne(name, place);
  if (before.ring) recoverRing(before, detached);
  else for (const consumer of detached) placeOfConsumer(before, consumer);
  const after = observe(name, place);
  const gaps = (after.ring?.gaps.count ?? 0) - (before.ring?.gaps.count ?? 0);
  const elements = (after.ring?.gaps.elements ?? 0) - (before.ring?.gaps.elements ?? 0);
  const visible = (after.ring?.cursor ?? 0) - (before.ring?.cursor ?? 0);
  if (json) {
    const closed = { gaps, elements };
    await printJson({ name: after.name, closed, visible, detached, stuck: after.stuck });
    return;
  }
  const lines = [
    outcome(after, gaps, elements),
    ...detached.map((consumer) => `Producers no longer wait for ${consumer}.`),
    ...after.stuck.map(({ reason }) => `! ${reason}`),
  ];
  await print(lines.join('\n'));
}
