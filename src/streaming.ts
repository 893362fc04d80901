import type { Disruptor } from './compatible/disruptor.js';

/** What a writer tells its readers through `Disruptor.status`. */
export const StreamStatus = { Open: 0, Ended: 1, Errored: 2 } as const;

/** How many bytes go through at once: the other side begins with them while the next are copied. */
export const PORTION = 65_536;

/** Checks what both streams ask of a Disruptor. */
export function checkStreamable(disruptor: Disruptor): void {
  if (disruptor.elementSize !== 1) throw new Error('element size must be 1');
  if (disruptor.spin) throw new Error('spin must be false');
}
