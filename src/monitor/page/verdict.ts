import type { ConsumerLook, RingLook, SegmentLook } from '../look.js';
import { percent, whole } from './figures.js';

/** How bad it is: `bad` needs somebody, `slow` may become bad. */
export type Level = 'good' | 'slow' | 'bad' | 'idle';

/** What a newcomer is to know of a segment at a glance. */
export interface Verdict {
  level: Level;
  /** One sentence. */
  text: string;
  /** Index of the consumer that it is about. */
  about?: number;
}

/** From this part of the ring on, a consumer counts as slow. */
const SLOW = 0.5;
/** From this part on, producers wait, or will in a moment. */
const FULL = 0.98;

/** Those that producers wait for. */
export const gating = ({ consumers }: RingLook) =>
  consumers.filter(({ role, sequence }) => role !== 'member' && sequence !== undefined);

function furthestBehind(ring: RingLook): ConsumerLook | undefined {
  return gating(ring).reduce<ConsumerLook | undefined>(
    (worst, one) => (worst === undefined || one.lag > worst.lag ? one : worst),
    undefined,
  );
}

function ringVerdict(ring: RingLook, kind: string): Verdict {
  const worst = furthestBehind(ring);
  if (!worst) {
    return kind === 'broadcast'
      ? { level: 'good', text: 'Producers wait for nobody' }
      : { level: 'idle', text: 'Nobody reads: producers wait for nobody' };
  }
  const { name, lag, index, life } = worst;
  const part = lag / ring.elements;
  const who = life === 'alive' ? name : `${name} (${life})`;
  if (lag === 0) return { level: 'good', text: 'Everything is read' };
  const behind = `${who} is ${whole(lag)} behind, ${percent(part)} of the ring`;
  if (kind === 'queue') {
    const text = `${whole(lag)} cells are not done with, ${percent(part)} of the queue`;
    if (part >= FULL) return { level: 'bad', text: `${text}: producers wait`, about: index };
    return { level: part >= SLOW ? 'slow' : 'good', text, about: index };
  }
  if (part >= FULL) {
    return { level: 'bad', text: `${behind}: producers wait for it`, about: index };
  }
  return { level: part >= SLOW ? 'slow' : 'good', text: behind, about: index };
}

/** What there is to say of a segment. */
export function verdict({ state, notes, ring, kind }: SegmentLook): Verdict {
  const said = ring ? ringVerdict(ring, kind) : { level: 'idle' as const, text: '' };
  if (state === 'stuck' || state === 'damaged') return { ...said, level: 'bad', text: notes[0]! };
  if (state === 'unused' && said.level !== 'bad') {
    return { level: 'idle', text: 'Nobody is attached' };
  }
  return said;
}
