import { named } from './errors.js';
import type { Attempt, SegmentLabel } from './errors.js';

/** A call that may take long: made on this thread, or on one of libuv's pool. */
interface Step<T> {
  readonly now: () => T;
  readonly later: () => Promise<T>;
}

/** Something that takes several such calls, written once and done either way: see {@link doNow}. */
export type Steps<T> = Generator<Step<unknown>, T, unknown>;

/** One step. `now` and `later` give the same. */
export function* step<T>(now: () => T, later: () => Promise<T>): Steps<T> {
  return (yield { now, later }) as T;
}

/** The same for two functions that take the same arguments. */
export function stepOf<A extends unknown[], T>(
  now: (...args: A) => T,
  later: (...args: A) => Promise<T>,
  ...args: A
): Steps<T> {
  return step(
    () => now(...args),
    () => later(...args),
  );
}

/** The same steps, with complete errors about the segment: see {@link named}. */
export function* namingSteps<T>(label: SegmentLabel, attempt: Attempt, steps: Steps<T>): Steps<T> {
  try {
    return yield* steps;
  } catch (error) {
    throw named(label, attempt, error);
  }
}

/** Takes the steps one after the other, blocking the thread. */
export function doNow<T>(steps: Steps<T>): T {
  let next = steps.next();
  while (!next.done) {
    let result: unknown;
    try {
      result = next.value.now();
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(result);
  }
  return next.value;
}

/** Takes them on other threads. Whatever comes before the first has happened when this returns. */
export async function doLater<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    let result: unknown;
    try {
      result = await next.value.later();
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(result);
  }
  return next.value;
}
