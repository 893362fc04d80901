import { createInterface } from 'node:readline/promises';

import type { SegmentPath } from '../index.js';
import { observe, observeAll } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { unlinkSegment } from '../segment/segments.js';
import { fail, Refusal } from './exit.js';
import { printJson } from './output.js';

/** What `rm` takes. */
export interface RemoveOptions extends SegmentPath {
  json?: boolean;
  stale?: boolean;
  yes?: boolean;
  force?: boolean;
}

async function agreed(names: string[]): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Refusal('ERR_NOT_CONFIRMED', 'Nobody to ask: --yes removes them without asking');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Remove ${names.join(', ')}? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Whether somebody who lives is attached; what is damaged beyond that is for nobody. */
function inUse(name: string, place: SegmentPath): boolean {
  return observe(name, place).attached;
}

function removeOne(name: string, place: SegmentPath, force: boolean): void {
  if (!force && inUse(name, place)) {
    throw new Refusal(
      'ERR_SEGMENT_IN_USE',
      `${name}: somebody who lives is attached: --force takes its name away, and they go on`,
    );
  }
  unlinkSegment(name, place);
}

/** Takes names away: those given, or those of all segments that nobody uses. */
export async function remove(names: string[], options: RemoveOptions): Promise<void> {
  const { json = false, stale = false, yes = false, force = false } = options;
  if (stale === names.length > 0) {
    throw new Refusal('ERR_USAGE', 'Give the names of segments, or --stale');
  }
  const place = placeOf(options);
  const chosen = stale
    ? observeAll(place)
        .filter(({ attached }) => !attached)
        .map(({ name }) => name)
    : names;
  const removed: string[] = [];
  if (!stale || yes || chosen.length === 0 || (await agreed(chosen))) {
    for (const name of chosen) {
      try {
        // Somebody may have come meanwhile.
        removeOne(name, place, force && !stale);
        removed.push(name);
      } catch (error) {
        fail(error, json);
      }
    }
  }
  if (json) printJson({ removed });
  else for (const name of removed) console.log(`removed ${name}`);
  if (!json && stale && chosen.length === 0) console.log('Nothing is stale.');
}
