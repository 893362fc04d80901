import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { atEnd } from './undo.js';

/** Makes a file of real data, Node's own program, again and again if it is too short. */
export function makeSampleFile(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-demo-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'sample');
  const program = readFileSync(process.execPath);
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  for (let left = bytes; left > 0;) {
    const written = writeSync(file, program, 0, Math.min(left, program.length));
    hash.update(program.subarray(0, written));
    left -= written;
  }
  closeSync(file);
  return { path, sha256: hash.digest('hex') };
}
