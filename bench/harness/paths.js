// npm runs a package's scripts in the package's own folder.
import { resolve } from 'node:path';

/** A path as it was meant where the command was typed. */
export function fromCaller(path) {
  return resolve(process.env.INIT_CWD ?? '.', path);
}
