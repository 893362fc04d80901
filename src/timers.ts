import { performance } from 'node:perf_hooks';
import { setTimeout as delayed } from 'node:timers/promises';

/**
 * The runtime's timers and clock, as they are when the package is loaded. Tests replace the global ones
 * by fake ones that stand still (node:test, sinon, Jest, vitest), and a wait must neither stand still
 * with them nor keep one of theirs for later. Nothing else in the package uses the globals: a lint rule
 * checks that.
 */
export const {
  setImmediate,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  queueMicrotask,
} = globalThis;

/** As `process.nextTick`. */
export const nextTick = process.nextTick.bind(process);

/** As `performance.now()`: milliseconds of a clock that never goes back. */
export const now = performance.now.bind(performance);

/** As `setTimeout` of `node:timers/promises`. */
export const delay = delayed;
