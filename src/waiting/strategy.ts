import { integer, outOfRange, wrongType } from '../validate.js';

/**
 * How a wait with `spin` passes its time.
 *
 * | strategy | what it does | CPU while idle | wakes in |
 * | --- | --- | --- | --- |
 * | `'adaptive'` | polls for as long as that has paid off lately, at most the polling budget; then sleeps | none | about 1 µs under traffic, tens of µs after idling |
 * | `'block'` | sleeps at once | none | tens of µs |
 * | `'sleep'` | sync: polls for the budget, then looks every 50 µs; otherwise as `'block'` | a little | 100 µs |
 * | `'yield'` | polls, letting others run in between | one core, when nobody else wants it | about 1 µs |
 * | `'busy-spin'` | polls without a pause | one core | below 1 µs |
 */
export type WaitStrategy = 'adaptive' | 'block' | 'sleep' | 'yield' | 'busy-spin';

/** The order is that of `Strategy` in `addon/core/wait.h`. */
const STRATEGIES: readonly WaitStrategy[] = ['adaptive', 'block', 'sleep', 'yield', 'busy-spin'];

const DEFAULT_BUDGET = 200;
const MOST_BUDGET = 1_000_000;

/** What a strategy and a polling budget come to. */
export interface Strategy {
  /** The strategy's number in the core. */
  readonly core: number;
  /** How long a blocking wait polls before it sleeps, in microseconds. */
  readonly budget: number;
  /** How long an asynchronous wait polls the event loop before it sleeps, in microseconds. */
  readonly mostPolling: number;
}

/** Checks the options `wait` and `pollingBudget`. */
export function strategy(wait: unknown = 'adaptive', pollingBudget?: unknown): Strategy {
  const core = STRATEGIES.indexOf(wait as WaitStrategy);
  if (typeof wait !== 'string') throw wrongType('a wait strategy', 'wait', wait);
  if (core < 0) throw outOfRange(`one of ${STRATEGIES.join(', ')}`, 'wait', wait);
  const budget =
    pollingBudget === undefined
      ? DEFAULT_BUDGET
      : integer(pollingBudget, 'pollingBudget', 0, MOST_BUDGET);
  const polls = wait === 'yield' || wait === 'busy-spin';
  return { core, budget, mostPolling: polls ? Infinity : wait === 'adaptive' ? budget : 0 };
}
