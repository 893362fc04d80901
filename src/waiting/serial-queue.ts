import type { Operation } from './waiter.js';

/** An operation that may have to stand in line. */
export interface QueuedOperation<T> extends Operation<T> {
  /** Called when it must wait, tried or not: what it was given may be something else by then. */
  readonly keep?: () => void;
}

/** An operation that is told more once it waits. */
type Patient<T> = { -readonly [Key in keyof Operation<T>]: Operation<T>[Key] };

/** Operations that wait for the same thing and must not overtake each other. */
export class SerialQueue {
  readonly #waiting = new Set<object>();
  readonly #look: () => void;

  /** `look` has all who wait look: called when somebody in front was given up. */
  constructor(look: () => void) {
    this.#look = look;
  }

  /** The operation, once those before it that must wait are done or given up. */
  behind<T>({ attempt, keep, answered, underWay }: QueuedOperation<T>): Operation<T> {
    const waiting = this.#waiting;
    const operation: Patient<T> = {
      ...(answered && { answered }),
      ...(underWay && { underWay }),
      attempt: () => {
        let result: T | undefined;
        try {
          if (waiting.size === 0 || waiting.values().next().value === operation) result = attempt();
        } catch (error) {
          waiting.delete(operation);
          throw error;
        }
        if (result === undefined) {
          keep?.();
          this.#wait(operation, answered);
        } else if (waiting.size > 0) {
          waiting.delete(operation);
        }
        return result;
      },
    };
    return operation;
  }

  #wait(operation: Patient<unknown>, answered: Patient<unknown>['answered']): void {
    this.#waiting.add(operation);
    // What was given up is in nobody's way.
    operation.answered = (error) => {
      answered?.(error);
      if (this.#waiting.delete(operation) && this.#waiting.size > 0) this.#look();
    };
  }
}

/** Calls `action` the first time only. */
export function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
