import { integer, oneOf, outOfRange, wrongType } from '../validate.js';

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
const MAX_BUDGET = 1_000_000;

/**
 * What a participant does when the file of its segment is removed under it, by `rm` or `unlink`: it
 * shares the memory with those who have it open, and nobody else can join them. `'ignore'`: it goes
 * on, and `shm-disruptor:unlinked` and `unlinked` tell. `'error'`: it fails with
 * `ERR_SEGMENT_UNLINKED` within about half a second.
 */
export type OnUnlinked = 'ignore' | 'error';

/** How a participant waits, as a user gives it. */
export interface StrategyOptions {
  wait?: WaitStrategy | undefined;
  pollingBudget?: number | undefined;
  onUnlinked?: OnUnlinked | undefined;
}

/** What these options come to. */
export interface Strategy {
  /** The strategy's number in the core. */
  readonly core: number;
  /** How long a blocking wait polls before it sleeps, in microseconds. */
  readonly budget: number;
  /** How long an asynchronous wait polls the event loop before it sleeps, in microseconds. */
  readonly maxPolling: number;
  /** What waits do once the segment was removed. */
  readonly onUnlinked: OnUnlinked;
}

/** Checks these options. `standard` is what those have that are left out. */
export function strategy(options: StrategyOptions = {}, standard?: Strategy): Strategy {
  const {
    wait = STRATEGIES[standard?.core ?? 0]!,
    pollingBudget = standard?.budget ?? DEFAULT_BUDGET,
    onUnlinked = standard?.onUnlinked ?? 'ignore',
  } = options;
  const core = STRATEGIES.indexOf(wait);
  if (typeof (wait as unknown) !== 'string') throw wrongType('a wait strategy', 'wait', wait);
  if (core < 0) throw outOfRange(`one of ${STRATEGIES.join(', ')}`, 'wait', wait);
  const budget = integer(pollingBudget, 'pollingBudget', 0, MAX_BUDGET);
  const polls = wait === 'yield' || wait === 'busy-spin';
  return {
    core,
    budget,
    maxPolling: polls ? Infinity : wait === 'adaptive' ? budget : 0,
    onUnlinked: oneOf(['ignore', 'error'] as const, onUnlinked, 'onUnlinked'),
  };
}
