/**
 * Waiting without blocking the event loop: the one place that knows how.
 *
 * A wait looks once at once. If that is not enough, it is looked after by one poller for the whole
 * environment: it polls from the event loop for a short while after anything has happened, so that
 * traffic flows at the speed of the loop, and then every millisecond, so that idling costs little.
 */

/** Tries an operation without blocking: its result, or undefined when it must wait. May throw. */
export type Attempt<T> = () => T | undefined;

/** How long the loop is polled after the last success or the last new wait. */
const POLL_MILLISECONDS = 1;
/** How often is looked when nothing happens. */
const IDLE_MILLISECONDS = 1;

/** How long one native wait of a `*Sync` method lasts, so that a worker can be terminated. */
export const SLICE_MILLISECONDS = 50;

/** Looks, and says whether the wait is over. Never throws. */
type Look = () => boolean;

const waits = new Set<Look>();
let pollUntil = 0;
let immediate: NodeJS.Immediate | undefined;
let timer: NodeJS.Timeout | undefined;

function schedule(): void {
  if (performance.now() < pollUntil) {
    immediate ??= setImmediate(turn);
    clearTimeout(timer);
    timer = undefined;
  } else {
    timer ??= setTimeout(turn, IDLE_MILLISECONDS);
  }
}

function turn(): void {
  immediate = undefined;
  timer = undefined;
  for (const look of waits) {
    if (!look()) continue;
    waits.delete(look);
    pollUntil = performance.now() + POLL_MILLISECONDS;
  }
  if (waits.size > 0) schedule();
}

function wait(look: Look): void {
  waits.add(look);
  pollUntil = performance.now() + POLL_MILLISECONDS;
  schedule();
}

/**
 * After this many answers that were there at once, one goes round the event loop: a consumer that
 * always finds data must not keep timers and sockets waiting for ever.
 */
const ANSWERS_PER_TURN = 256;
let answers = 0;

/** Whether this answer has to go round the event loop. */
function takesTurn(): boolean {
  answers = (answers + 1) % ANSWERS_PER_TURN;
  return answers === 0;
}

/** The promise face: what `attempt` gives, as soon as it gives something. Rejects if it throws. */
export function promised<T>(attempt: Attempt<T>): Promise<T> {
  let result: T | undefined;
  try {
    result = attempt();
  } catch (error) {
    return Promise.reject(error);
  }
  if (result !== undefined) {
    if (!takesTurn()) return Promise.resolve(result);
    const delayed = result;
    return new Promise((resolve) => setImmediate(resolve, delayed));
  }
  return new Promise<T>((resolve, reject) => {
    wait(() => {
      try {
        const later = attempt();
        if (later === undefined) return false;
        resolve(later);
      } catch (error) {
        reject(error);
      }
      return true;
    });
  });
}

/** The callback face. `done` is never called before this function has returned. */
export function calledBack<T>(
  attempt: Attempt<T>,
  done: (error: Error | null, result?: T) => void,
): void {
  const look = (): boolean => {
    try {
      const result = attempt();
      if (result === undefined) return false;
      if (takesTurn()) setImmediate(done, null, result);
      else process.nextTick(done, null, result);
    } catch (error) {
      process.nextTick(done, error);
    }
    return true;
  };
  if (!look()) wait(look);
}

/**
 * The one shape of every asynchronous method: a promise without `done`, and otherwise a call of it
 * through `spread`, which turns a result into the callback's arguments. `begin` checks arguments:
 * what it throws is the caller's mistake, a rejection for a promise and an exception otherwise.
 */
export function face<T, Done extends (error: Error | null, ...rest: never[]) => void>(
  done: Done | undefined,
  begin: () => Attempt<T>,
  spread: (done: Done, result: T) => void,
): Promise<T> | undefined {
  if (done === undefined) {
    try {
      return promised(begin());
    } catch (error) {
      return Promise.reject(error);
    }
  }
  calledBack(begin(), (error, result) => {
    if (error) (done as (error: Error) => void)(error);
    else spread(done, result as T);
  });
  return undefined;
}
