/** Moving things between two looks, and nothing while nothing moves. */

/** Something that moves; `progress` goes from 0 to 1. */
export interface Moving {
  move(progress: number): void;
}

interface Journey {
  start: number;
  milliseconds: number;
}

const journeys = new Map<Moving, Journey>();
const still = matchMedia('(prefers-reduced-motion: reduce)');
let asked = false;

function frame(now: number): void {
  asked = false;
  for (const [moving, { start, milliseconds }] of journeys) {
    const progress = Math.min(1, Math.max(0, (now - start) / milliseconds));
    moving.move(progress);
    if (progress === 1) journeys.delete(moving);
  }
  ask();
}

function ask(): void {
  if (asked || journeys.size === 0) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** Has something move for a while; at once where people do not want motion. */
export function travel(moving: Moving, milliseconds: number): void {
  if (still.matches || document.hidden) {
    journeys.delete(moving);
    moving.move(1);
    return;
  }
  journeys.set(moving, { start: performance.now(), milliseconds });
  ask();
}

/** Has it stop where it is. */
export function halt(moving: Moving): void {
  journeys.delete(moving);
}
