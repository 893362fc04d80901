// A child's standard input and output. Node makes pairs of connected unix sockets for them.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { askThrough } from './byte-links.js';

const ECHO = fileURLToPath(new URL('./stdio-pipe-echo.js', import.meta.url));

export const links = {
  await: {
    /** Nothing: only a child of the caller's can answer it. */
    answer: () => () => undefined,
    call() {
      // It ends with us, as its input does.
      const child = spawn(process.execPath, [ECHO], { stdio: ['pipe', 'pipe', 'inherit'] });
      return askThrough(child.stdout, child.stdin);
    },
  },
};

// In the child that writes to nobody and reads what its parent writes.
export const streams = { reader: () => () => process.stdin };
