import { join, resolve } from 'node:path';

import type { SegmentLabel } from '../errors.js';
import { segmentName, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** Where a segment lies. */
export interface SegmentDirectory {
  /**
   * A directory: the segment is the file of its name there, and survives a restart of the machine
   * where that directory does. A relative one is relative to the working directory. Default: the
   * system's place for shared memory, `/dev/shm`.
   */
  path?: string;
}

/** Its options. */
export const PLACE: OptionNames<SegmentDirectory> = { path: true };

/** The directory that was asked for, absolute; empty for the system's own place. */
export function directoryOf(path: unknown): string {
  if (path === undefined) return '';
  if (typeof path !== 'string') throw wrongType('a string', 'path', path);
  if (path === '' || path.includes('\0')) throw wrongValue('a directory', 'path', path);
  return resolve(path);
}

/**
 * What the core calls a segment: its name alone, or the absolute path of a file.
 *
 * @param name - as it was given
 * @param path - the directory, as it was given
 */
export function located(name: unknown, path: unknown): string {
  const directory = directoryOf(path);
  const file = segmentName(name);
  return directory === '' ? file : join(directory, file);
}

/** The system's own place for shared memory. */
export const SHARED_MEMORY = '/dev/shm';

/** What errors call the segment at `location`, which was `given` as a name. */
export function labelOf(location: string, given: string): SegmentLabel {
  if (location.includes('/')) return { given: location, file: location };
  return { given, file: join(SHARED_MEMORY, location) };
}

/** What errors call a directory whose segments are listed; empty for the system's own place. */
export function directoryLabel(directory: string): SegmentLabel {
  const file = directory === '' ? SHARED_MEMORY : directory;
  return { given: file, file };
}

/** The option alone, as the library's functions take it. */
export function placeOf({ path }: { readonly path?: string | undefined }): SegmentDirectory {
  return path === undefined ? {} : { path };
}
