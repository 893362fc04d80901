// Runs the tests of the public interface on every version of Node that the package promises. The
// binaries are packages of npm (test/nodes). Arguments: versions, such as `24`. Default: all.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const VERSIONS = ['20', '22', '24', '26'];
const TESTS = [
  'compat/contract-*',
  'compat/streams-{bytes,destroy,end,errors}',
  'disruptor-{arguments,lifecycle}',
  'ring-{consuming,create,handler,publish,values}',
  'queue-{acknowledge,receiving,sending,streams,values}',
  'broadcast-{publishing,receiving,segments,streams,values}',
  'memory-{segments,waiting}',
  'process/{closing,fake-timers,loaded-twice}',
].map((name) => `build/test/${name}.test.js`);

function run(file, args) {
  const { status } = spawnSync(file, args, { stdio: 'inherit' });
  return status === 0;
}

const folder = 'test/nodes';
if (!existsSync(join(folder, 'node_modules')) && !run('npm', ['--prefix', folder, 'ci'])) {
  process.exit(1);
}
const asked = process.argv.slice(2);
const failed = (asked.length > 0 ? asked : VERSIONS).filter((version) => {
  console.log(`== Node ${version}`);
  const node = join(folder, 'node_modules', `node-${version}`, 'bin/node');
  return !run(node, ['node_modules/ava/entrypoints/cli.mjs', ...TESTS]);
});
if (failed.length > 0) {
  console.error(`Failed: node scripts/nodes.js ${failed.join(' ')}`);
  process.exit(1);
}
