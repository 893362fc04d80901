import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What `look` gives; undefined where a process has ended meanwhile, or is another user's. */
function seen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** A file that a process has open, as the system names it. */
interface Open {
  readonly pid: number;
  readonly link: string;
  readonly facts: Stats;
}

/** The files of a directory that processes have open although no name leads to them any more. */
function removedFrom(directory: string): Open[] {
  const device = seen(() => statSync(directory).dev);
  const found: Open[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const opened = join('/proc', pid, 'fd');
    for (const descriptor of seen(() => readdirSync(opened)) ?? []) {
      const path = join(opened, descriptor);
      const link = seen(() => readlinkSync(path));
      if (link === undefined || dirname(link) !== directory || !link.endsWith(DELETED)) continue;
      const facts = seen(() => statSync(path));
      // In another container a directory of this path may be another directory.
      if (facts?.nlink !== 0 || facts.dev !== device) continue;
      found.push({ pid: Number(pid), link, facts });
    }
  }
  return found;
}

/** What the system writes behind the name of a file that was removed. */
const DELETED = ' (deleted)';

/**
 * The processes that go on with a segment of that file which was removed or replaced, as far as this
 * user may look at them: their ids, in rising order. One that created the segment is found only while
 * another has opened it, since its own opening is older than the name.
 *
 * @param file - the segment's absolute path
 */
export function usersOfRemoved(file: string): number[] {
  const all = removedFrom(dirname(file));
  const name = basename(file) + DELETED;
  const opened = all.filter(({ link }) => basename(link) === name);
  const inodes = new Set(opened.map(({ facts }) => facts.ino));
  const users = all.filter(({ facts }) => inodes.has(facts.ino)).map(({ pid }) => pid);
  return [...new Set(users)].sort((a, b) => a - b);
}
