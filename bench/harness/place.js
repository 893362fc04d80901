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

/** The path of one of the place's sockets. */
export function socketPath(place, which = 'socket') {
  return join(tmpdir(), `${place}-${which}`);
}

function clear(place) {
  for (const folder of [SEGMENTS, tmpdir()]) {
    for (const file of readdirSync(folder)) {
      if (file.startsWith(`${place}-`)) rmSync(join(folder, file), { force: true });
    }
  }
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
