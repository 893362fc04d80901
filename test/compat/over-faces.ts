// One suite over several faces.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { faces } from '../faces.js';
import type { Face } from '../faces.js';
import { WATCHDOG_MILLISECONDS } from '../fixture.js';

type Body<Rest extends unknown[]> = (
  t: ExecutionContext,
  face: Face,
  ...rest: Rest
) => Promise<void>;

/** One test for each of `over`. */
export function overFaces(title: string, body: Body<[]>, over = faces): void {
  for (const face of over) {
    test(`${title} (${face.name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, face);
    });
  }
}

/** One test for each face without and with `spin`, for what must not depend on it. */
export function overFacesAndSpin(title: string, body: Body<[spin: boolean]>): void {
  for (const spin of [false, true]) {
    overFaces(`${title}, spin ${spin}`, (t, face) => body(t, face, spin));
  }
}
