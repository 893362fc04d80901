// Where the processes of one measurement meet: names that no other measurement uses.
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { leftover } from './leftovers.js';

const SEGMENTS = '/dev/shm';

let count = 0;

/** The name of one of the place's rings. */
export function ringName(place, which = 'ring') {
  return `/${place}-${which}`;
}

/** The path of the place's socket. */
export function socketPath(place) {
  return join(tmpdir(), `${place}-socket`);
}

function clear(place) {
  for (const segment of readdirSync(SEGMENTS)) {
    if (segment.startsWith(`${place}-`)) rmSync(join(SEGMENTS, segment), { force: true });
  }
  rmSync(socketPath(place), { force: true });
}

/** Calls `measure` with a new place, and leaves nothing of it. */
export async function withPlace(measure) {
  count += 1;
  const place = `shm-disruptor-bench-${process.pid}-${count}`;
  const remove = leftover(() => clear(place));
  try {
    return await measure(place);
  } finally {
    remove();
  }
}
