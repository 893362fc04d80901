import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tool = (name: string) => join(root, 'node_modules/.bin', name);

/** Runs a program to its end. Its output is in the error if it fails. */
function run(cwd: string, file: string, ...args: string[]): string {
  return execFileSync(file, args, { cwd, encoding: 'utf8', timeout: 300_000, stdio: 'pipe' });
}

/** Packs a copy of the package, so that building it disturbs nobody. */
function pack(into: string): string {
  const { files } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as {
    files: string[];
  };
  for (const file of [...files, 'package.json', 'README.md', 'LICENSE', 'scripts']) {
    if (file !== 'prebuilds') fs.cpSync(join(root, file), join(into, file), { recursive: true });
  }
  fs.symlinkSync(join(root, 'node_modules'), join(into, 'node_modules'));
  run(into, 'npm', 'run', '--silent', 'prebuild');
  const [packed] = JSON.parse(run(into, 'npm', 'pack', '--json', '--ignore-scripts')) as [
    { filename: string },
  ];
  return join(into, packed.filename);
}

const folder = fs.mkdtempSync(join(tmpdir(), 'shm-disruptor-package-'));
let tarball = '';
const app = join(folder, 'app');

test.before('pack and install without scripts', (t) => {
  t.timeout(600_000);
  const source = join(folder, 'source');
  fs.mkdirSync(source);
  fs.mkdirSync(app);
  tarball = pack(source);
  fs.writeFileSync(join(app, 'package.json'), '{ "private": true }');
  run(app, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', tarball);
});

test.after.always('remove it again', () => {
  fs.rmSync(folder, { recursive: true, force: true });
});

test('it contains what a user needs, and nothing else', (t) => {
  const list = run(folder, 'tar', '-tzf', tarball)
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  const kinds = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
    /^dist\/[\w/-]+\.(js|d\.ts|js\.map)$/,
    // The monitor's page.
    /^dist\/monitor\/page\/[\w-]+\.(html|css|svg|js)$/,
    /^prebuilds\/linux-\w+\/[\w.-]+\.node$/,
    // What `shm-disruptor demo` runs is among them.
    /^examples\/[\w/-]+\.(js|md)$/,
    // What the README leads to.
    /^docs\/([\w-]+\/)?[\w-]+\.(md|svg|png|dot|txt)$/,
    // To build where no prebuilt binary fits.
    /^addon\/[\w/]+\.(h|cc)$/,
  ];
  t.deepEqual(
    list.filter((file) => !kinds.some((kind) => kind.test(file))),
    [],
  );
  for (const kind of kinds)
    t.true(
      list.some((file) => kind.test(file)),
      String(kind),
    );
});

const use = `
  const name = '/shm-disruptor-package-' + process.pid;
  const ring = new Disruptor(name, 8, 4, 1, 0, true, false);
  ring.produceClaimSync().writeUInt32LE(42);
  ring.produceCommitSync();
  console.log(ring.consumeNewSync()[0].readUInt32LE());
  fs.unlinkSync('/dev/shm' + name);`;

test('import works', (t) => {
  const script = `import fs from 'node:fs'; import { Disruptor } from 'shm-disruptor'; ${use}`;
  t.is(run(app, process.execPath, '--input-type=module', '-e', script).trim(), '42');
});

test('require works', (t) => {
  const script = `const fs = require('fs'); const { Disruptor } = require('shm-disruptor'); ${use}`;
  t.is(run(app, process.execPath, '-e', script).trim(), '42');
});

test('the command runs as a program of the package', (t) => {
  const command = join(app, 'node_modules/.bin/shm-disruptor');
  t.regex(run(app, command, '--help'), /^Usage: shm-disruptor /);
  t.true(Array.isArray(JSON.parse(run(app, command, 'ls', '--json'))));
  t.regex(run(app, command, 'bench', '--seconds', '0.05'), /^THROUGHPUT /m);
  t.regex(run(app, command, 'demo', '--json'), /"equal": true/);
});

test('the types work for modules and CommonJS, strictly, and know each face', (t) => {
  const program = `
    import { Disruptor, DisruptorError, DisruptorReadStream } from 'shm-disruptor';
    import type { Claimed, DisruptorOptions } from 'shm-disruptor';
    const options: DisruptorOptions = { name: '/x', elements: 1, elementSize: 1, init: true };
    export const ring = new Disruptor(options);
    export const old = new Disruptor('/x', 1, 1, 1, -1, true, true);
    export const claimed: Promise<Claimed> = ring.produceClaim();
    ring.produceClaim((error, buf, start) => [error?.message, buf.length, start.toFixed()]);
    ring.produceCommit(0, 1, (error, committed: boolean) => [error, committed]);
    export const bufs: Buffer[] = ring.consumeNewSync();
    export const stream: NodeJS.ReadableStream = new DisruptorReadStream(ring);
    export const code = (error: unknown) => error instanceof DisruptorError && error.code === 'ERR_RELEASED';
    // @ts-expect-error an option that does not exist
    new Disruptor({ name: '/x', element: 1 });
    // @ts-expect-error a string is no count
    ring.produceClaimManySync('1');
    // @ts-expect-error half a range
    ring.produceCommitSync(1);`;
  fs.mkdirSync(join(app, 'node_modules/@types'), { recursive: true });
  for (const types of ['@types/node', 'undici-types']) {
    fs.symlinkSync(join(root, 'node_modules', types), join(app, 'node_modules', types));
  }
  for (const file of ['esm.mts', 'cjs.cts']) {
    fs.writeFileSync(join(app, file), program);
    t.notThrows(() =>
      run(
        app,
        tool('tsc'),
        '--noEmit',
        '--strict',
        '--module',
        'nodenext',
        '--types',
        'node',
        file,
      ),
    );
  }
});

test('publint and attw find nothing', (t) => {
  t.notThrows(() => run(folder, tool('publint'), '--strict', tarball));
  // require() of a module is what Node 20.19 and newer do, the only ones that we support.
  const known = ['--ignore-rules', 'cjs-resolves-to-esm'];
  t.notThrows(() => run(folder, tool('attw'), tarball, '--profile', 'node16', ...known));
});

test('without a binary that fits, the error names the command that builds one', (t) => {
  const moved = join(app, 'node_modules/shm-disruptor/prebuilds');
  const script = `import('shm-disruptor').catch((e) => console.log(JSON.stringify([e.code, e.message])))`;
  const copy = join(folder, 'bare');
  fs.cpSync(app, copy, { recursive: true, filter: (source) => source !== moved });
  const output = run(copy, process.execPath, '-e', script);
  const [code, message] = JSON.parse(output) as [string, string];
  t.is(code, 'ERR_NO_BINARY');
  const command = /npx node-gyp rebuild --directory "(.*)"$/.exec(message);
  t.truthy(command, message);
  t.is(join(command![1]!), join(copy, 'node_modules/shm-disruptor/'));
  run(copy, tool('node-gyp'), 'rebuild', '--directory', command![1]!);
  t.is(run(copy, process.execPath, '-e', script), '');
});
