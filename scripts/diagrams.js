// Draws docs/diagrams/*.dot, each into an SVG beside it; with --check it says which are not up to date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

import { instance } from '@viz-js/viz';

const TEXT = { fontname: 'Helvetica,Arial,sans-serif', fontsize: 12 };
const LINE = '#848d97'; // to be seen on white and on black

const STYLE = {
  graphAttributes: { rankdir: 'LR', bgcolor: 'transparent', nodesep: 0.25, ranksep: 0.6 },
  nodeAttributes: {
    ...TEXT,
    shape: 'box',
    style: 'rounded,filled',
    fillcolor: '#ddf4ff',
    color: LINE,
    margin: '0.15,0.08',
    height: 0.35,
  },
  edgeAttributes: { ...TEXT, fontsize: 11, fontcolor: LINE, color: LINE, arrowsize: 0.7 },
};

const folder = new URL('../docs/diagrams/', import.meta.url);

const viz = await instance();
const check = process.argv[2] === '--check';

for (const file of readdirSync(folder).filter((name) => name.endsWith('.dot'))) {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const svg = viz.renderString(text, { format: 'svg', ...STYLE });
  const target = new URL(file.replace('.dot', '.svg'), folder);
  if (!check) {
    writeFileSync(target, svg);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== svg) {
    console.error(`${file} is not drawn as it is now: npm run diagrams`);
    process.exitCode = 1;
  }
}
