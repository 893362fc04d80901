/**
 * Noticing that a segment was removed under its users. Nothing in shared memory changes when a name
 * is removed, and nothing is woken, so the event loop looks: twice a second, for as long as anything
 * is open, at one system call for each segment. The timer alone keeps no process alive.
 */

import { clearInterval, setInterval } from '../timers.js';

/** How often it looks, in milliseconds. */
export const REMOVAL_MILLISECONDS = 500;

/** A hold on a segment. */
export interface WatchedSegment {
  /** Names the segment: the same for all holds on it, and for no others. */
  readonly object: string;
  /** Whether there is nothing more to look for: it was let go of, or has been told. */
  readonly settled: boolean;
  /** Whether the segment was removed. */
  unlinked(): boolean;
  /** The segment was removed. */
  removed(): void;
}

/** Weakly: what nothing else refers to lets go of its segment. */
const held = new Set<WeakRef<WatchedSegment>>();
let timer: NodeJS.Timeout | undefined;

function look(): void {
  const known = new Map<string, boolean>();
  for (const reference of held) {
    const hold = reference.deref();
    if (!hold || hold.settled) {
      held.delete(reference);
      continue;
    }
    const unlinked = known.get(hold.object) ?? hold.unlinked();
    known.set(hold.object, unlinked);
    if (unlinked) hold.removed();
  }
  if (held.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** Looks after a hold until it is settled. */
export function watchForRemoval(hold: WatchedSegment): void {
  held.add(new WeakRef(hold));
  timer ??= setInterval(look, REMOVAL_MILLISECONDS).unref();
}
