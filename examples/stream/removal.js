import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Disruptor } from 'shm-disruptor';

const PATIENCE_MILLISECONDS = 10_000;

/**
 * The ring's file stays in /dev/shm when all processes have ended, and the package has no call to
 * remove it.
 */
export function removeAtExit(name) {
  process.once('exit', () => unlinkSync(join('/dev/shm', name)));
  process.once('SIGINT', () => process.exit(130));
}

/**
 * Only attaching needs the name, so it can go when everybody has read something. Not before: short
 * input is at its end when a slowly starting consumer is still on its way.
 */
export async function untilAllHaveCome(name) {
  const ring = new Disruptor({ name });
  const end = performance.now() + PATIENCE_MILLISECONDS;
  while (someoneIsMissing(ring) && performance.now() < end) await delay(50);
}

function someoneIsMissing(ring) {
  if (ring.cursor === 0) return false;
  const { consumers } = ring;
  for (let at = 0; at < consumers.length; at += 8) {
    if (consumers.readBigUInt64LE(at) === 0n) return true;
  }
  return false;
}
