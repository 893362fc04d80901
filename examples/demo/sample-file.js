import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { atEnd } from './undo.js';

/** Makes a file of real data: the beginning of Node's own program. */
export function makeSampleFile(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-demo-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'sample');
  const sample = Buffer.alloc(bytes);
  const program = openSync(process.execPath);
  readSync(program, sample);
  closeSync(program);
  writeFileSync(path, sample);
  return path;
}
