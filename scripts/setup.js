// What a fresh clone needs before anything else: the dependencies, then the addon and the JavaScript. Quick when both
// are there already.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const current =
  existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs;

for (const args of [
  ...(current ? [] : [['ci', '--no-audit', '--no-fund']]),
  ['run', '--silent', 'compile'],
]) {
  const { status } = spawnSync('npm', args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
