// What the benchmarks need besides a compiled library: their own dependencies, and the rival's
// addon. Quick when both are there already.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

function run(command, args, folder) {
  const { error, status } = spawnSync(command, args, { cwd: folder, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const installed = `${here}node_modules/.package-lock.json`;
const current =
  existsSync(installed) &&
  statSync(installed).mtimeMs >= statSync(`${here}package-lock.json`).mtimeMs;
// Without install scripts, which some versions of npm run and others do not: what needs building is
// built below.
if (!current) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], here);

const rival = `${here}node_modules/shared-memory-disruptor`;
if (!existsSync(`${rival}/build/Release/disruptor.node`)) {
  // The library's own node-gyp, one folder up.
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  run(process.execPath, [nodeGyp, 'rebuild', '--loglevel=warn'], rival);
}
