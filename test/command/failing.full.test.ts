// How commands fail: standard output that takes nothing, wrong command lines, what caused an error.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue, SharedMemory } from 'shm-disruptor';

import { ring, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { alone, canBeAlone, command, errorOf, fed, PROGRAM, start } from './command.js';
import { Terminal } from './terminal.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const pathOf = (name: string) => `/dev/shm${name}`;

/** Runs it with its output on a device that is full. */
async function onFullDevice(t: ExecutionContext, args: readonly string[]) {
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`);
  const child = spawn('sh', ['-c', `exec ${words.join(' ')} > /dev/full`]);
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.end('a line\n');
  const [[code], errors] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stderr),
  ]);
  return { code, errors };
}

test('every command says that its output failed, and ends with 1', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  const target = Queue.create(uniqueName(t), { capacity: 4096 });
  const memory = SharedMemory.create(uniqueName(t), 8);
  const unused = ring.named(t);
  unused.creator.release();
  const { name } = ring.named(t);
  t.true(queue.tryEnqueue(Buffer.from('message')));
  const message = 'Failed to write to standard output: no space left on device';
  for (const args of [
    ['--help'],
    ['--version'],
    ['read', '--help'],
    ['ls'],
    ['ls', '--json'],
    ['info', name],
    ['info', name, '--json'],
    ['top', name, '-i', '0.05'],
    ['top', name, '-i', '0.05', '--json'],
    ['write', queue.name, '--json'],
    ['read', queue.name],
    ['read', queue.name, '--json'],
    ['read', memory.name],
    ['read', memory.name, '--json'],
    ['recover', name],
    ['recover', name, '--json'],
    ['rm', unused.name],
    ['monitor', '--port', '0'],
    ['monitor', '--port', '0', '--json'],
    ['bridge', queue.name, target.name, '-i', '0.05'],
    ['bench', '--seconds', '0.05'],
    ['bench', '--seconds', '0.05', '--json'],
  ]) {
    const { code, errors } = await onFullDevice(t, args);
    t.is(code, 1, args.join(' '));
    const expected = args.includes('--json')
      ? `${JSON.stringify({ error: { code: 'ENOSPC', message } })}\n`
      : `shm-disruptor: ${message} (ENOSPC)\n`;
    t.is(errors, expected, args.join(' '));
  }
  queue.close();
  target.close();
  memory.close();
});

test('a terminal that hangs up ends a command without a crash', async (t) => {
  const { name } = ring.named(t);
  const directory = mkdtempSync(join(tmpdir(), 'shm-disruptor-hangup-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const [errors, code] = [join(directory, 'errors'), join(directory, 'code')];
  const top = `'${process.execPath}' '${PROGRAM}' top ${name} -i 0.05`;
  // The shell outlives its terminal, and the command is not told by a signal.
  const script = `trap '' HUP; setsid ${top} 2> ${errors}; echo $? > ${code}.new; mv ${code}.new ${code}`;
  const terminal = spawn('script', ['-qec', 'eval "$COMMANDS"', '/dev/null'], {
    env: { ...process.env, COMMANDS: script, SHELL: '/bin/sh', TERM: 'xterm' },
  });
  t.teardown(() => terminal.kill('SIGKILL'));
  await once(terminal.stdout, 'data');
  terminal.kill('SIGKILL');
  while (!existsSync(code)) await sleep(20);
  t.is(readFileSync(code, 'utf8'), '1\n');
  t.is(
    readFileSync(errors, 'utf8'),
    'shm-disruptor: Failed to write to standard output: i/o error (EIO)\n',
  );
});

test('a command whose reader goes away cleans up', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  queue.close();
  const child = start(t, 'read', queue.name, '--rm');
  const gone = once(child, 'close');
  child.stdout.destroy();
  t.is((await fed(t, 'one\n', 'write', queue.name)).end, 0);
  t.deepEqual(await gone, [0, null]);
  t.false(existsSync(pathOf(queue.name)));
});

test('a wrong command line ends with 2, and is JSON where that is asked for', async (t) => {
  const bytes = ring.named(t, { elementSize: 1, consumers: 2 });
  // Too large for one Buffer in every version of Node.
  const most = String(Number.MAX_SAFE_INTEGER);
  const rows: [args: string[], code: string][] = [
    [['nonsense'], 'ERR_USAGE'],
    [['ls', 'more'], 'ERR_USAGE'],
    [['ls', '--colour'], 'ERR_USAGE'],
    [['ls', '--path', ''], 'ERR_INVALID_ARG_VALUE'],
    [['info'], 'ERR_USAGE'],
    [['info', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['info', '/'], 'EINVAL'],
    [['top', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['top', '--sort', 'colour'], 'ERR_USAGE'],
    [['rm'], 'ERR_USAGE'],
    [['rm', '/x', '--stale'], 'ERR_USAGE'],
    [['rm', '/x', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['recover', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['write', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['write', uniqueName(t), '--queue', '--broadcast'], 'ERR_USAGE'],
    [['write', uniqueName(t), '--lines', '--capacity', most], 'ERR_OUT_OF_RANGE'],
    [['read', '/a/b'], 'ERR_INVALID_ARG_VALUE'],
    [['read', bytes.name, '--lines'], 'ERR_USAGE'],
    [['read', bytes.name, '--count', '1'], 'ERR_USAGE'],
    [['bench', '--size', most], 'ERR_OUT_OF_RANGE'],
    [['bridge', 'http://host/x', '/x'], 'ERR_INVALID_ARG_VALUE'],
    [['monitor', '--port', '70000'], 'ERR_USAGE'],
  ];
  for (const [args, code] of rows) {
    const { end, output, errors } = await command(t, ...args, '--json');
    t.deepEqual([end, output], [2, ''], `${args.join(' ')}: ${errors}`);
    t.is(errorOf({ end, output, errors }).code, code, args.join(' '));
  }
  for (const as of ['2', 'journal', '']) {
    t.is((await command(t, 'read', bytes.name, '--as', as)).end, 2, as);
  }
});

test('what is wrong only with what is there ends with 1', async (t) => {
  const { name } = ring.named(t);
  const long = await fed(t, 'longer than four bytes\n', 'write', name, '--json');
  t.is(long.end, 1);
  const empty = await command(t, 'write', uniqueName(t), '--memory', '--json');
  t.is(empty.end, 1);
  t.regex(errorOf(empty).message, /the input is empty/);
  t.is((await command(t, 'info', uniqueName())).end, 1);
});

test('an error’s causes are told, each once', async (t) => {
  const file = new URL('../../../dist/command/exit.js', import.meta.url).href;
  const script = `
    import { fail } from ${JSON.stringify(file)};
    const reset = Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
    const first = new Error('no server', { cause: reset });
    reset.cause = first;
    const tried = Object.assign(new AggregateError([reset, 'text'], ''), { code: 'ECONNREFUSED' });
    for (const error of [first, tried]) for (const json of [false, true]) fail(error, json);`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    `${script}; process.exitCode = 0;`,
  ]);
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'shm-disruptor: no server',
    '  caused by: the connection was reset (ECONNRESET)',
    '{"error":{"message":"no server","causes":[{"code":"ECONNRESET","message":"the connection was reset"}]}}',
    'shm-disruptor: ECONNREFUSED (ECONNREFUSED)',
    '  caused by: the connection was reset (ECONNRESET)',
    '  caused by: no server',
    '  caused by: text',
    `{"error":${JSON.stringify({
      code: 'ECONNREFUSED',
      message: 'ECONNREFUSED',
      causes: [
        { code: 'ECONNRESET', message: 'the connection was reset' },
        { message: 'no server' },
        { message: 'text' },
      ],
    })}}`,
  ]);
});

/** A file that some other program left under a segment's name. */
function foreign(t: ExecutionContext, bytes = 8192): string {
  const name = uniqueName(t);
  writeFileSync(pathOf(name), Buffer.alloc(bytes, 1));
  return name;
}

test('every command names the file that is not a segment, and the way out', async (t) => {
  const name = foreign(t);
  const path = pathOf(name);
  for (const args of [
    ['info', name],
    ['top', name],
    ['write', name],
    ['read', name],
    ['rm', name],
    ['recover', name],
    ['bridge', name, '/x'],
  ]) {
    const { end, errors } = await command(t, ...args);
    t.is(end, 1);
    t.is(
      errors,
      `shm-disruptor: ${path} was not made by shm-disruptor. If shared-memory-disruptor left it, ` +
        `remove it: rm ${path} (ERR_SEGMENT_FOREIGN)\n`,
      args.join(' '),
    );
  }
});

test('rm --force removes what is not ours once it is told to, and nothing with --stale', async (t) => {
  for (const bytes of [8192, 10]) {
    const name = foreign(t, bytes);
    const refusal = await command(t, 'rm', name, '--force');
    t.is(refusal.end, 1);
    t.regex(
      refusal.errors,
      /was not made by shm-disruptor: --force --yes .*\(ERR_SEGMENT_FOREIGN\)/,
    );
    t.true(existsSync(pathOf(name)));
    t.is((await command(t, 'rm', name, '--yes')).end, 1, 'not without --force');
    t.true(existsSync(pathOf(name)));
    const removal = await command(t, 'rm', name, '--force', '--yes');
    t.like(removal, { end: 0, output: `removed ${name}\n`, errors: '' });
    t.false(existsSync(pathOf(name)));
  }
  if (!canBeAlone) return;
  const left = alone('echo text > /dev/shm/other; $RUN rm --stale --force --yes; ls /dev/shm');
  t.is(left, 'Nothing is stale.\nother\n');
});

test('rm --force asks on a terminal', async (t) => {
  const name = foreign(t);
  for (const [answer, end, stays] of [
    ['n\r', '0', true],
    ['\u0004', '0', true],
    ['\u0003', '130', true],
    ['y\r', '0', false],
  ] as const) {
    const terminal = new Terminal(t, 'rm', name, '--force');
    await terminal.shows(/was not made by shm-disruptor\. Remove it\? \[y\/N\] /);
    terminal.press(answer);
    const [, code] = await terminal.shows(/code (\d+)\s+as it was/);
    t.is(code, end);
    await terminal.closed();
    t.is(existsSync(pathOf(name)), stays);
  }
});

if (canBeAlone) {
  test('without /dev/shm errors say that it is missing', (t) => {
    // A /dev of its own, with nothing in it.
    const script = `mount -t tmpfs none /dev
      for each in "info /x" "ls" "write /x" "rm /x"; do $RUN $each < /proc/version 2>&1; done
      true`;
    const missing = 'No such file or directory: the directory /dev/shm is missing (ENOENT)';
    t.deepEqual(alone(script).trimEnd().split('\n'), [
      `shm-disruptor: /x: Failed to open shared memory object: ${missing}`,
      `shm-disruptor: /dev/shm: Failed to list shared memory objects: ${missing}`,
      `shm-disruptor: /x: Failed to create shared memory object: ${missing}`,
      `shm-disruptor: /x: Failed to remove shared memory object: ${missing}`,
    ]);
  });
}
