// Segments that are closed while something else still uses their memory. Arguments: their kind, and
// whether that happens `here` or in a `worker` that ends at once. Exit code 0: all bytes that came
// through were the segment's or zeros.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { open, others, OWN, USES } from './closing-uses.js';
import type { Kind } from './closing-uses.js';

const [, , kind, where] = process.argv as [string, string, Kind, string];

async function closeUnder(use: string): Promise<void> {
  const { view, close } = open(kind, OWN);
  const outcome = await USES[use]!(view);
  close();
  const foreign = others();
  await outcome().catch((error: unknown) => {
    throw new Error(`After ${use}`, { cause: error });
  });
  for (const each of foreign) each.close();
}

if (!isMainThread) {
  const { kind, use } = workerData as { kind: Kind; use: string };
  const { view } = open(kind, OWN);
  await USES[use]!(view);
  parentPort!.postMessage('under way');
} else {
  for (const use of Object.keys(USES)) {
    if (where === 'here') {
      await closeUnder(use);
    } else {
      const worker = new Worker(new URL(import.meta.url), { workerData: { kind, use } });
      await once(worker, 'message');
      await worker.terminate();
      for (const each of others()) each.close();
    }
  }
}
