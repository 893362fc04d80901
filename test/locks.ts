// Locks on segments that another process holds: as one that is stopped in the middle of something.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { ExecutionContext } from 'ava';

/** Whoever takes the segment's name from it: see `kReplacement` in `addon/core/liveness.h`. */
export const REPLACEMENT = 0n;
/** Whoever joins: `kDirectory` there. */
export const DIRECTORY = 2n ** 62n + 1n;

/** Locks a byte of a segment's file; resolves, with how to let go of it, when it is locked. */
export async function lock(
  t: ExecutionContext,
  name: string,
  byte: bigint,
): Promise<() => Promise<unknown>> {
  const script = `
import fcntl, sys
file = open("/dev/shm" + sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 1, int(sys.argv[2]))
print("locked", flush=True)
sys.stdin.read()
fcntl.lockf(file, fcntl.LOCK_UN, 1, int(sys.argv[2]))`;
  const child = spawn('python3', ['-c', script, name, String(byte)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return () => {
    child.stdin.end();
    return ended;
  };
}

/**
 * Whether the event loop goes round while `promise` waits: one that had blocked the thread until it
 * gave up would be settled by then.
 */
export async function leavesLoopFree(promise: Promise<unknown>): Promise<boolean> {
  let waits = true;
  const end = () => {
    waits = false;
  };
  promise.then(end, end);
  await new Promise((resolve) => setImmediate(resolve));
  return waits;
}

/**
 * What `promise` gives; undefined when its patience was over before the lock was released, as on a
 * machine that is busy.
 */
export async function orBusy<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SEGMENT_BUSY') return undefined;
    throw error;
  }
}
