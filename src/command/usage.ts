import { directoryOf, located } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';

/** Command lines that are wrong. */

/** The command line is wrong, which a second try does not change: exit code 2. */
export class UsageError extends Error {
  readonly code: string;

  constructor(message: string, code = 'ERR_USAGE') {
    super(message);
    this.code = code;
  }
}

/** The codes of bad arguments, in Node and in the library. */
const BAD_ARGUMENTS = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE'];

/** Calls the library with arguments that all come from the command line. */
export function fromCommandLine<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (BAD_ARGUMENTS.includes(code)) throw new UsageError(message, code);
    throw error;
  }
}

/** Checks the names and the directory of segments that were given. */
export function checkPlace(names: readonly string[], { path }: SegmentDirectory): void {
  try {
    directoryOf(path);
    for (const name of names) located(name, path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(message, code);
  }
}
