import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface PageFile {
  type: string;
  content: Buffer;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const FOLDER = new URL('page/', import.meta.url);
const { resolve } = createRequire(import.meta.url);

/** What the page has from others. */
const LIBRARIES = new Map([
  ['/uPlot.js', resolve('uplot/dist/uPlot.esm.js')],
  ['/uPlot.css', resolve('uplot/dist/uPlot.min.css')],
]);

/**
 * All that the page consists of, by its path: nothing else can be asked for, and nothing comes from
 * elsewhere.
 */
export function pageFiles(): Map<string, PageFile> {
  const paths = new Map(LIBRARIES);
  for (const name of readdirSync(FOLDER)) {
    paths.set(name === 'index.html' ? '/' : `/${name}`, fileURLToPath(new URL(name, FOLDER)));
  }
  const files = new Map<string, PageFile>();
  for (const [path, file] of paths) {
    const type = TYPES[extname(file)];
    if (type !== undefined) files.set(path, { type, content: readFileSync(file) });
  }
  return files;
}
