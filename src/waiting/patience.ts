import { DisruptorError } from '../errors.js';
import type { DisruptorErrorCode } from '../errors.js';
import { now, setTimeout } from '../timers.js';

/** The patience of a call that may block the thread, in milliseconds; 0 stands for an event loop. */
export const BLOCKING = 1000;

/**
 * What others may hold for a moment, and for how many milliseconds at most before that is an error:
 * as `patience` in `addon/core/patience.h`.
 */
const MAX: Partial<Record<DisruptorErrorCode, number>> = {
  ERR_SEGMENT_BUSY: BLOCKING,
  ERR_CONSUMER_BUSY: 20,
};
const PAUSE_MILLISECONDS = 1;

/** Patience with others who hold a lock for a moment, where the thread must not be blocked. */
export class Patience {
  #since: number | undefined;

  /** Whether the latest attempt met such a lock, and is to be made again. */
  get busy(): boolean {
    return this.#since !== undefined;
  }

  /** What `attempt` gives; undefined when it is to be made again. Throws when that lasts too long. */
  look<T>(attempt: () => T): T | undefined {
    try {
      const result = attempt();
      this.over();
      return result;
    } catch (error) {
      this.forgive(error);
      return undefined;
    }
  }

  /** An attempt has failed. Throws what it failed with, unless that is reason for patience. */
  forgive(error: unknown): void {
    const most = error instanceof DisruptorError ? MAX[error.code] : undefined;
    const since = (this.#since ??= now());
    if (most !== undefined && now() - since < most) return;
    this.over();
    throw error;
  }

  /** An attempt has succeeded. */
  over(): void {
    this.#since = undefined;
  }
}

/** An attempt that is made again, by calling `again`, as long as there is reason for patience. */
export function patient<T>(attempt: () => T | undefined, again: () => void): () => T | undefined {
  const patience = new Patience();
  let pausing = false;
  return () => {
    const result = patience.look(attempt);
    if (patience.busy && !pausing) {
      pausing = true;
      // The wait itself keeps the process alive, if it is to.
      setTimeout(() => {
        pausing = false;
        again();
      }, PAUSE_MILLISECONDS).unref();
    }
    return result;
  };
}

/** What `attempt` gives once there is no more reason for patience. */
export async function patiently<T>(attempt: () => T): Promise<T> {
  const patience = new Patience();
  for (;;) {
    const result = patience.look(attempt);
    if (!patience.busy) return result as T;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}
