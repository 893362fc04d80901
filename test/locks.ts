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

/** Resolves when the event loop has gone round so many times, milliseconds apart. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
