import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Whether `promise` is still pending after a while: a wait that does not wait has ended by then,
 * however it looks for its condition.
 */
export async function staysPending(promise: Promise<unknown>, milliseconds = 30): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await sleep(milliseconds);
  return !settled;
}
