import { setTimeout as sleep } from 'node:timers/promises';

/** So often a wait that polls would have looked, and one that does not wait would have ended. */
const TURNS = 20;

async function pendingAfter(
  promise: Promise<unknown>,
  after: () => Promise<void>,
): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await after();
  return !settled;
}

/** Whether `promise` is still pending after turns of the event loop. */
export function staysPending(promise: Promise<unknown>): Promise<boolean> {
  return pendingAfter(promise, async () => {
    for (let turn = 0; turn < TURNS; turn += 1) await new Promise(setImmediate);
  });
}

/**
 * Whether `promise` is still pending after some time. Only for what another process or the kernel
 * decides, and where nothing tells that it has: a busy machine makes it look too early, never fail.
 */
export function staysPendingFor(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return pendingAfter(promise, () => sleep(milliseconds));
}
