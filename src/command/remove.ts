import { once } from 'node:events';
import { unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';

import type { DisruptorError, SegmentDirectory } from '../index.js';
import { observe, observeAll } from '../observe/observation.js';
import { placeOf } from '../segment/location.js';
import { unlinkSegment } from '../segment/segments.js';
import { fail, Refusal } from './exit.js';
import { printJson } from './output.js';
import { print, writeOut } from './standard.js';
import { checkPlace, UsageError } from './usage.js';

/** What `rm` takes. */
export interface RemoveOptions extends SegmentDirectory {
  json?: boolean;
  stale?: boolean;
  yes?: boolean;
  force?: boolean;
}

/** Asks on the terminal. No answer is no. */
async function agreed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => {
    process.exitCode = 128 + constants.signals.SIGINT;
    terminal.close();
  });
  // Some versions of Node leave the question open when the input ends, and others reject it.
  const end = once(terminal, 'close').then(() => '');
  const answered = terminal.question(`${question} [y/N] `).catch(() => '');
  const answer = await Promise.race([answered, end]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Whether somebody who lives is attached; what is damaged beyond that is for nobody. */
function inUse(name: string, place: SegmentDirectory): boolean {
  return observe(name, place, 'remove').attached;
}

/** The file of a name that is not a segment's, if that is what is wrong. */
function foreignFile(error: unknown): string | undefined {
  const { code, path } = error as Partial<DisruptorError>;
  return code === 'ERR_SEGMENT_FOREIGN' ? path : undefined;
}

/** Removes what is not ours, once it is said that it may go. False: it may not. */
async function removeForeign(name: string, file: string, options: RemoveOptions): Promise<boolean> {
  if (options.yes !== true) {
    if (!process.stdin.isTTY) {
      const reason = 'was not made by shm-disruptor: --force --yes removes it all the same';
      throw new Refusal('ERR_SEGMENT_FOREIGN', `${file} ${reason}`);
    }
    if (!(await agreed(`${file} was not made by shm-disruptor. Remove it?`))) return false;
  }
  try {
    // Meanwhile it may have become a segment, whose removal takes a lock.
    unlinkSegment(name, placeOf(options));
  } catch (error) {
    if (foreignFile(error) === undefined) throw error;
    unlinkSync(file);
  }
  return true;
}

async function removeOne(name: string, force: boolean, options: RemoveOptions): Promise<boolean> {
  const place = placeOf(options);
  if (!force && inUse(name, place)) {
    throw new Refusal(
      'ERR_SEGMENT_IN_USE',
      `${name}: somebody who lives is attached: --force takes its name away, and they go on`,
    );
  }
  try {
    unlinkSegment(name, place);
  } catch (error) {
    const file = force ? foreignFile(error) : undefined;
    if (file === undefined) throw error;
    return removeForeign(name, file, options);
  }
  return true;
}

/** All segments that nobody uses, if they are to be removed. */
async function staleOnes(options: RemoveOptions): Promise<string[]> {
  const stale = observeAll(placeOf(options))
    .filter(({ attached }) => !attached)
    .map(({ name }) => name);
  if (stale.length === 0 && options.json !== true) await print('Nothing is stale.');
  if (options.yes === true || stale.length === 0) return stale;
  if (!process.stdin.isTTY) {
    throw new Refusal('ERR_NOT_CONFIRMED', 'Nobody to ask: --yes removes them without asking');
  }
  return (await agreed(`Remove ${stale.join(', ')}?`)) ? stale : [];
}

/** Takes names away: those given, or those of all segments that nobody uses. */
export async function remove(names: string[], options: RemoveOptions): Promise<void> {
  const { json = false, stale = false, force = false } = options;
  if (stale === names.length > 0) {
    throw new UsageError('Give the names of segments, or --stale');
  }
  checkPlace(names, options);
  const removed: string[] = [];
  for (const name of stale ? await staleOnes(options) : names) {
    try {
      // Somebody may have come meanwhile.
      if (await removeOne(name, force && !stale, options)) removed.push(name);
    } catch (error) {
      fail(error, json);
    }
  }
  if (json) await printJson({ removed });
  else await writeOut(removed.map((name) => `removed ${name}\n`).join(''));
}
