import { randomBytes } from 'node:crypto';

import { DisruptorError } from '../errors.js';
import type { Existing } from '../native/creation.js';
import type { Steps } from '../steps.js';

const NAMES_TRIED = 100;

/**
 * What `make` makes under `path`, or under a name that is free where that is undefined: chosen at
 * random, and taken atomically because an existing segment is refused.
 */
export function* underName<T>(
  path: string | undefined,
  existing: Existing,
  make: (path: string, existing: Existing) => Steps<T>,
): Steps<T> {
  if (path !== undefined) return yield* make(path, existing);
  for (let tries = 1; ; tries += 1) {
    try {
      return yield* make(`/shm-disruptor-${randomBytes(8).toString('hex')}`, 'refuse');
    } catch (error) {
      const taken = error instanceof DisruptorError && error.code === 'ERR_SEGMENT_EXISTS';
      if (!taken || tries === NAMES_TRIED) throw error;
    }
  }
}
