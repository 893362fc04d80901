// The command line of all scenarios and of each.
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Argument, Command, Option } from 'commander';

import { machine } from './machine.js';
import { fromCaller } from './paths.js';
import { formatTable } from './table.js';

function parse(scenarios) {
  const command = new Command('bench')
    .description('Measures shm-disruptor beside its rivals')
    .addOption(
      new Option('--profile <profile>', 'short: about a minute for everything')
        .choices(['short', 'long'])
        .default('long'),
    )
    .option('--json <file>', 'write all results to this file');
  if (scenarios.length > 1) {
    const names = new Argument('[scenario...]', 'only these');
    command.addArgument(names.choices(scenarios.map(({ name }) => name)));
  }
  command.parse();
  return { ...command.opts(), chosen: command.args };
}

/**
 * Runs the scenarios that the command line asks for. One that fails (wrong data, a process that
 * died or took too long) does not keep the others from running, but is the exit code.
 *
 * A scenario is `{ name, about, sizes, columns, chart, run }`: `run` gets the profile's `sizes` and
 * resolves to the rows of its table and its chart.
 */
export async function commandLine(scenarios) {
  const { profile, json, chosen } = parse(scenarios);
  const results = {};
  for (const { name, about, sizes, columns, run } of scenarios) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    console.log(`\n${name}: ${about}`);
    try {
      results[name] = { size: sizes[profile], rows: await run(sizes[profile]) };
      console.log(formatTable(columns, results[name].rows));
    } catch (error) {
      results[name] = { size: sizes[profile], error: error.message };
      console.error(`${name} failed:`, error);
      process.exitCode = 1;
    }
  }
  if (json) {
    const file = fromCaller(json);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ machine: machine(), profile, results }, null, 2)}\n`);
  }
}

/** Runs `scenario` if the module of this URL is the program, and not imported by one. */
export async function commandLineOf(url, scenario) {
  if (realpathSync(process.argv[1]) === fileURLToPath(url)) await commandLine([scenario]);
}
