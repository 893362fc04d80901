// Draws what `bench --json FILE` has written: `node plot.js FILE [FOLDER]`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Command } from 'commander';

import { barChart } from './harness/bar-chart.js';
import { fromCaller } from './harness/paths.js';
import { scenarios } from './scenarios.js';

const command = new Command('bench:plot')
  .description('Draws one SVG file for each scenario in a file of results')
  .argument('<file>', 'what --json has written')
  .argument('[folder]', 'where the charts go', 'docs/plots')
  .parse();
const [file, folder] = command.processedArgs.map(fromCaller);

const { machine, profile, results } = JSON.parse(readFileSync(file, 'utf8'));
const conditions = [
  machine.cpu,
  `${machine.cores} cores`,
  `Linux ${machine.kernel}`,
  `Node ${machine.node}`,
  machine.date,
  ...(profile === 'long' ? [] : [`${profile} profile`]),
].join(', ');

mkdirSync(folder, { recursive: true });
for (const { name, about, chart } of scenarios) {
  const rows = results[name]?.rows;
  if (!rows) continue;
  const bars = rows
    .map((row) => ({ name: row.name, value: chart.value(row) }))
    .filter(({ value }) => value !== undefined);
  const svg = await barChart(bars, {
    title: `${name}: ${chart.unit}`,
    subtitle: [about, conditions],
  });
  const path = join(folder, `${name}.svg`);
  writeFileSync(path, `${svg}\n`);
  console.log(path);
}
