// Collecting garbage on demand.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Collects garbage until `done`, at most 100 times; finalizers run between turns of the event loop. Says
 * whether it is done.
 */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !done(); i += 1) {
    collect();
    await turn();
  }
  return done();
}
