// Runs the tests of the public interface where users are: on every version of Node that the package
// promises, with each way to be woken, in a sandbox as a container's, and a smaller program on Bun. The
// binaries are packages of npm (test/runtimes). Arguments: names of those below. Default: all.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const files = (...names) => names.map((name) => `build/test/${name}.test.js`);
const WAITING = files(
  'broadcast-{receiving,streams}',
  'compat/{spinning,spinning-loop,spinning-sync,streams-bytes,streams-end}',
  'memory-waiting',
  'queue-{receiving,sending,streams}',
  'ring-{consuming,publish}',
  'waiting-{alive,loop,options,passing,races}',
);
const PUBLIC = files(
  'broadcast-{publishing,receiving,segments,streams,values}',
  'compat/contract-*',
  'compat/streams-{bytes,destroy,end,errors}',
  'disruptor-{arguments,lifecycle}',
  'memory-{segments,waiting}',
  'process/{closing,fake-timers,loaded-twice}',
  'queue-{acknowledge,receiving,sending,streams,values}',
  'ring-{consuming,create,handler,publish,values}',
);
const AVA = 'node_modules/ava/entrypoints/cli.mjs';

const PACKAGES = 'test/runtimes';
const SANDBOX = 'build/runtimes/sandbox';
const binary = (name) => join(PACKAGES, 'node_modules', name);

const RUNTIMES = {
  ...Object.fromEntries(
    ['20', '22', '24', '26'].map((version) => [
      `node-${version}`,
      { command: [binary(`node-${version}/bin/node`), AVA, ...PUBLIC] },
    ]),
  ),
  bun: { command: [binary('bun/bin/bun'), 'build/test/smoke.js'] },
  ...Object.fromEntries(
    ['thread', 'look', 'none'].map((waker) => [
      `waker-${waker}`,
      { command: [process.execPath, AVA, ...WAITING], env: { SHM_DISRUPTOR_WAKER: waker } },
    ]),
  ),
  sandbox: { command: [SANDBOX, process.execPath, AVA, ...new Set([...PUBLIC, ...WAITING])] },
};

function run([file, ...args], env = {}) {
  const { status } = spawnSync(file, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return status === 0;
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in RUNTIMES));
if (unknown !== undefined) {
  console.error(`No runtime is called ${unknown}: choose from ${Object.keys(RUNTIMES).join(', ')}`);
  process.exit(2);
}
mkdirSync('build/runtimes', { recursive: true });
const ready =
  (existsSync(join(PACKAGES, 'node_modules')) || run(['npm', '--prefix', PACKAGES, 'ci'])) &&
  run(['cc', '-O1', '-Wall', '-Wextra', '-Werror', '-o', SANDBOX, join(PACKAGES, 'sandbox.c')]);
if (!ready) process.exit(1);
const failed = (asked.length > 0 ? asked : Object.keys(RUNTIMES)).filter((name) => {
  console.log(`== ${name}`);
  return !run(RUNTIMES[name].command, RUNTIMES[name].env);
});
if (failed.length > 0) {
  console.error(`Failed: node scripts/runtimes.js ${failed.join(' ')}`);
  process.exit(1);
}
