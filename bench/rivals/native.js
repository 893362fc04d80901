// The core without Node: what the binding and JavaScript cost on top of it.
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { leftover } from '../harness/leftovers.js';
import { ringName } from '../harness/place.js';
import { LIMIT_MILLISECONDS } from '../harness/time-limit.js';

const SOURCES = fileURLToPath(new URL('../native', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../build/bench/sync-loop', import.meta.url));

const execute = promisify(execFile);

/** Compiles the program, which takes no time when nothing has changed. */
export function compileNative() {
  execFileSync('make', ['--silent', `--directory=${SOURCES}`], { stdio: 'inherit' });
}

/** The per-message loop between two processes of its own: when it began and ended. */
export async function nativeSyncLoop(place, elements, messages) {
  const limit = String(Math.ceil(LIMIT_MILLISECONDS / 1000));
  const running = execute(
    PROGRAM,
    [ringName(place).slice(1), elements, messages, limit].map(String),
  );
  const kill = leftover(() => running.child.kill());
  try {
    const { stdout } = await running;
    return JSON.parse(stdout);
  } finally {
    kill();
  }
}
