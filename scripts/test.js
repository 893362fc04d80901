// Runs sets of tests, and says at the end what was slow, what failed, and how to run that alone.
//
//   node scripts/test.js [--verbose] [--busy] [--times N] SET...
//
// The sets are `quick` (`npm test`), `full` and `long`. With `--verbose` the output of each step is
// shown while it runs, otherwise only that of one that fails. `--busy` has two busy loops for each
// processor run beside it, and `--times` repeats it all.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

const SLOWEST = 10;
// Of the output of a step that fails, where it is not known which lines are about that.
const LAST_LINES = 100;
// A test of AVA's that passed.
const PASSED = /^ {2}✔ (.*?)(?: \(((?:\d+m )?[\d.]+m?s)\))?$/;

const npm = (script, ...args) => ['npm', 'run', '--silent', script, ...args];
const ava = (...args) => ['npx', '--no-install', 'ava', ...args];

/** Tests that do more with THOROUGH=1: test/thorough.ts. */
const THOROUGH = [
  'build/test/compat/many-to-many.test.js',
  'build/test/disruptor-lifecycle.test.js',
  'build/test/process/teardown.test.js',
];

/**
 * The steps of a set, in lanes. Lanes run side by side, and the steps of one after another. A step is
 * its name, its command, and variables for its environment.
 */
const SETS = {
  quick: [
    [
      ['lint', npm('lint')],
      ['native tests', npm('test:native')],
    ],
    [
      ['types of the tests', npm('build:test')],
      ['JavaScript tests', ava()],
    ],
  ],
  full: [
    [
      ['native tests with sanitizers', npm('test:native:full')],
      ['models', npm('test:model')],
      ['addon with AddressSanitizer', npm('test:asan')],
      ['damaged segments, native', npm('test:fuzz:native')],
      ['documents', npm('docs')],
    ],
    [
      ['types of the tests', npm('build:test')],
      ['package, examples, guide, engines, page', ava('--config', 'ava.full.config.js')],
      ['thorough JavaScript tests', ava(...THOROUGH), { THOROUGH: '1' }],
      ['every Node, Bun, waker, and a sandbox', npm('test:runtimes')],
      ['bridges while everything is killed', npm('test:bridge', '--', '--messages', '100000')],
      ['torture', npm('test:torture', '--', '--kills', '200')],
      ['damaged segments', npm('test:fuzz', '--', '--images', '2000')],
    ],
  ],
  long: [
    [
      ['native tests, long', npm('test:native:long')],
      ['models, long', npm('test:model', '--', 'long')],
      ['torture, long', npm('test:torture')],
      ['queues with a million messages', npm('test:queue'), { QUEUE_MESSAGES: '1000000' }],
      ['bridges with a million messages', npm('test:bridge')],
      ['damaged segments, long', npm('test:fuzz')],
      ['coverage', npm('coverage')],
      ['benchmark', npm('bench')],
    ],
  ],
};

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Seconds from AVA's `87ms`, `1.2s` or `1m 3.5s`, or TAP's `87ms`. */
function duration(text) {
  const [, minutes = 0, value, unit] = /^(?:(\d+)m )?([\d.]+)(ms|s)$/.exec(text);
  return Number(minutes) * 60_000 + Number(value) * (unit === 'ms' ? 1 : 1000);
}

/** The file of a test in AVA's output, `folder › file › title`, and its title in that file. */
function place(name) {
  const parts = name.split(' › ');
  for (let length = 1; length < parts.length; length += 1) {
    const file = `build/test/${parts.slice(0, length).join('/')}.test.js`;
    if (existsSync(file)) return { file, title: parts.slice(length).join(' › ') };
  }
  return undefined;
}

/** How to run a test of AVA's alone. Its `--match` gives a star a meaning. */
function alone(name, config) {
  const found = place(name);
  if (!found) return undefined;
  return only(found.file, found.title, config);
}

function only(file, name, config) {
  const title = name.replace(/ (before|after|beforeEach|afterEach)(\.always)? hook.*/, '');
  return [...ava(...config, file), `--match=${quoted(title)}`].join(' ');
}

/**
 * The results of the tests of a step, from its lines: TAP, and AVA's. AVA puts the message behind the
 * title of a test that fails, and the title alone on a line further down.
 */
function resultsOf(lines, command) {
  const at = command.indexOf('--config');
  const config = at < 0 ? [] : command.slice(at, at + 2);
  const results = { passed: 0, failures: [], tests: [] };
  const end = lines.indexOf('  ─');
  const titles = new Set(lines.slice(end).map((line) => line.trim()));
  let pendingIn;
  const title = (text) =>
    [...titles]
      .filter((each) => each && `${text} `.startsWith(`${each} `))
      .sort()
      .at(-1) ?? text;
  for (const line of lines) {
    const tap = /^(not )?ok \d+ - (.*?)(?: # time=(\d+ms))?$/.exec(line);
    const passed = PASSED.exec(line);
    const failed = /^ {2}✘ \[fail\]: (.*)$/.exec(line);
    const command = /^# {3}alone: (.*)$/.exec(line);
    pendingIn = /^ {2}\d+ tests? (?:was|were) pending in (.*)$/.exec(line)?.[1] ?? pendingIn;
    const ended = /^ {2}✘ (build\/test\/\S+) (exited .*)$/.exec(line);
    const pending = /^ {2}◌ (.*)$/.exec(line);
    const [, name, time] = passed ?? tap?.slice(1) ?? [];
    if (time !== undefined) results.tests.push({ name, time: duration(time) });
    if (passed || (tap && !tap[1])) results.passed += 1;
    else if (tap) results.failures.push({ name });
    else if (failed) {
      const name = title(failed[1]);
      results.failures.push({ name, command: alone(name, config) });
    } else if (ended) {
      const [, file, how] = ended;
      results.failures.push({ name: `${file} ${how}`, command: ava(...config, file).join(' ') });
    } else if (pending) {
      const [, title] = pending;
      results.failures.push({
        name: `${title} (did not end)`,
        command: only(pendingIn, title, config),
      });
    } else if (command) {
      // The native tests say themselves how to run one.
      const native = results.failures.find(({ name }) => command[1].endsWith(quoted(name)));
      if (native) native.command = command[1];
    }
  }
  return results;
}

/** Runs a step to its end. */
async function run([name, command, variables = {}], verbose) {
  const begin = Date.now();
  const [file, ...args] = command;
  const child = spawn(file, args, {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (data) => {
      output += data;
      if (verbose) process.stdout.write(data);
    });
  }
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += `${error}\n`;
      resolve(1);
    });
    child.on('close', resolve);
  });
  const results = resultsOf(output.split('\n'), command);
  const good = code === 0 && results.failures.length === 0;
  const count = results.passed > 0 ? `, ${results.passed} tests` : '';
  console.log(`${good ? '✔' : '✘'} ${name}${count} (${seconds(Date.now() - begin)})`);
  return { name, command, good, output, ...results };
}

async function runLane(steps, verbose) {
  const runs = [];
  // The rest runs also when one has failed: a change should be told all that it breaks.
  for (const step of steps) runs.push(await run(step, verbose));
  return runs;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verbose: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
  },
});
const sets = positionals.map((name) => SETS[name]);
const times = Number(values.times);
if (sets.length === 0 || sets.includes(undefined) || !(times > 0)) {
  const names = Object.keys(SETS).join(' | ');
  console.error(`Usage: node scripts/test.js [--verbose] [--busy] [--times N] (${names})...`);
  process.exit(2);
}

const loops = Array.from({ length: values.busy ? 2 * availableParallelism() : 0 }, () =>
  // It ends with its parent, whatever happens to that.
  spawn(process.execPath, ['-e', 'for (const { ppid } = process; process.ppid === ppid;);']),
);
const begin = Date.now();
const runs = [];
for (let time = 1; time <= times; time += 1) {
  if (times > 1) console.log(`== ${time} of ${times}`);
  for (const lanes of sets) {
    const lane = (steps) => runLane(steps, values.verbose);
    runs.push(...(await Promise.all(lanes.map(lane))).flat());
  }
}
for (const loop of loops) loop.kill();
const broken = runs.filter(({ good }) => !good);

for (const { name, output } of values.verbose ? [] : broken) {
  console.log(`\n== ${name}\n`);
  const lines = output.trimEnd().split('\n');
  // What AVA says of failures is below its line, or, where tests did not end or their process did, of
  // the first that it crosses out. TAP's "not ok" and its reasons are anywhere.
  const crossed = lines.findIndex((line) => /^ {2}✘ (?!\[fail\])/.test(line));
  const end = crossed < 0 ? lines.indexOf('  ─') : crossed;
  const failures = lines.flatMap((line, i) =>
    line.startsWith('not ok') ? lines.slice(Math.max(0, i - 5), i + 1) : [],
  );
  const shown = end < 0 ? [...failures, ...lines.slice(-LAST_LINES)] : lines.slice(end);
  console.log(shown.filter((line) => !PASSED.test(line)).join('\n'));
}

const slowest = runs.flatMap(({ tests }) => tests).sort((one, other) => other.time - one.time);
console.log('\nThe slowest tests:');
for (const { name, time } of slowest.slice(0, SLOWEST)) console.log(`  ${seconds(time)}  ${name}`);

if (broken.length > 0) console.log('\nFailed, and how to run it alone:');
for (const { name, command, failures } of broken) {
  console.log(`  ${name}: ${command.join(' ')}`);
  for (const failure of failures) {
    console.log(`    ${failure.name}${failure.command ? `\n      ${failure.command}` : ''}`);
  }
}
// A step that fails without a test that does is a failure of its own: lint, a build, a crash.
const sum = (count) => runs.reduce((total, each) => total + count(each), 0);
const passed = sum((each) => each.passed + Number(each.good));
const failed = sum(
  (each) => each.failures.length + Number(!each.good && each.failures.length === 0),
);
console.log(`\n${passed} passed, ${failed} failed in ${seconds(Date.now() - begin)}`);
process.exitCode = failed === 0 ? 0 : 1;
