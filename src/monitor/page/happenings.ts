import type { ConsumerLook, ProducerLook, RingLook, SegmentLook } from '../look.js';
import { whole } from './figures.js';

/** Something that happened between two looks. */
export interface Happening {
  /** Milliseconds since 1970. */
  at: number;
  kind: 'death' | 'gap' | 'trouble' | 'news';
  text: string;
}

const lives = (one: { life: string } | undefined) => one?.life === 'alive';

function consumerHappening(
  before: ConsumerLook | undefined,
  after: ConsumerLook,
): Omit<Happening, 'at'> | undefined {
  const { role, name, pid, life } = after;
  const who = role === 'member' ? `a member of ${name}` : `${role} ${name}`;
  // A group comes and goes with its members, who are told of.
  if (role === 'group') return undefined;
  const other = before !== undefined && before.pid !== pid;
  if (lives(after) && (!lives(before) || other)) {
    return { kind: 'news', text: `${who} has come, pid ${pid}` };
  }
  if (!lives(before) || lives(after)) return undefined;
  if (life === 'dead') return { kind: 'death', text: `${who} is dead, pid ${pid}` };
  return { kind: 'news', text: `${who} has gone, pid ${pid}` };
}

function producerHappening(
  before: ProducerLook | undefined,
  after: ProducerLook | undefined,
): Omit<Happening, 'at'> | undefined {
  const came = lives(after) && !lives(before);
  if (came) return { kind: 'news', text: `a producer has come, pid ${after!.pid}` };
  if (!lives(before) || lives(after)) return undefined;
  const { pid } = before!;
  if (!after) return { kind: 'news', text: `a producer has gone, pid ${pid}` };
  const left = `${whole(after.claimed)} elements claimed`;
  return { kind: 'death', text: `a producer is dead, pid ${pid}, with ${left}` };
}

function ringHappenings(before: RingLook, after: RingLook): Omit<Happening, 'at'>[] {
  const found: (Omit<Happening, 'at'> | undefined)[] = [];
  const consumers = new Map(before.consumers.map((one) => [one.index, one]));
  for (const one of after.consumers) {
    found.push(consumerHappening(consumers.get(one.index), one));
    consumers.delete(one.index);
  }
  for (const one of consumers.values()) {
    found.push(consumerHappening(one, { ...one, life: 'gone' }));
  }
  const producers = new Map(after.producers.map((one) => [one.index, one]));
  for (const one of before.producers) found.push(producerHappening(one, producers.get(one.index)));
  const earlier = new Set(before.producers.map(({ index }) => index));
  for (const one of after.producers) {
    if (!earlier.has(one.index)) found.push(producerHappening(undefined, one));
  }
  const gaps = after.gaps.count - before.gaps.count;
  if (gaps > 0) {
    const lost = whole(after.gaps.elements - before.gaps.elements);
    const where = gaps === 1 ? 'a gap' : `${whole(gaps)} gaps`;
    found.push({ kind: 'gap', text: `${lost} elements lost with their producer, in ${where}` });
  }
  return found.filter((each) => each !== undefined);
}

/** What happened to a segment between two looks. */
export function happenings(before: SegmentLook, after: SegmentLook): Happening[] {
  const found: Omit<Happening, 'at'>[] = [];
  if (before.object !== after.object) {
    found.push({ kind: 'news', text: 'another segment has this name now' });
  } else if (before.ring && after.ring) {
    found.push(...ringHappenings(before.ring, after.ring));
  }
  const trouble = ['stuck', 'damaged'].includes(after.state);
  if (trouble && before.state !== after.state) {
    found.push({ kind: 'trouble', text: after.notes[0] ?? after.state });
  }
  return found.map((each) => ({ at: after.seen, ...each }));
}
