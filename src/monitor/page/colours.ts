import type { RingLook } from '../look.js';
import { gating } from './verdict.js';

/** How many colours the style sheet has for consumers. */
const COLOURS = 8;

/** The class of each consumer that gates, by its index: the same in the ring, the table and the charts. */
export function consumerColours(ring: RingLook): Map<number, string> {
  return new Map(gating(ring).map(({ index }, nth) => [index, `consumer-${nth % COLOURS}`]));
}

/** A colour of the style sheet as it is now, light or dark. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
