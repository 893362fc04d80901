import { addon } from './addon.js';

/** How a waker learns of a change, in the order of `Waker::Method` in `addon/binding/waker.h`. */
export const WakerMethod = {
  /** The event loop sleeps on the words itself (io_uring, Linux 6.7), or else as the next. */
  Best: 0,
  /** A thread sleeps on all words at once (futex_waitv, Linux 5.16), or else as the next. */
  Thread: 1,
  /** A thread looks every millisecond. */
  Look: 2,
  /** It does not: as where the system has no thread left. */
  None: 3,
} as const;

/**
 * Starts this environment's waker: `changed` is called with the keys of the words that have changed.
 * `method` is one of {@link WakerMethod}.
 */
export function startWaker(changed: (keys: number[]) => void, method: number): void {
  addon.startWaker(changed, method);
}

/**
 * Ends the waker's watching of that key, and its hold on the mapping: the key is not told any more. A
 * wake that was spent on it goes to another sleeper.
 */
export function forget(key: number): void {
  addon.forget(key);
}
