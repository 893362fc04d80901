// The command line with segments that are files in a directory: `--path`.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast, Queue, SharedMemory, Ring } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, errorOf, fed } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

function newDirectory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shm-disruptor-command-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

for (const [kind, making, reading] of [
  ['a stream', [], []],
  ['a ring of lines', ['--lines'], []],
  ['a queue', ['--queue'], ['--no-wait']],
  ['a broadcast', ['--broadcast', '--lines'], ['--from', 'oldest', '--no-wait']],
  ['memory', ['--memory'], []],
] as const) {
  test(`write, read, recover and rm: ${kind}`, async (t) => {
    const path = newDirectory(t);
    const name = uniqueName();
    const place = ['--path', path];
    t.like(await fed(t, 'one\n', 'write', name, ...making, ...place), { end: 0, errors: '' });
    t.deepEqual(readdirSync(path), [name.slice(1)]);
    t.false(existsSync(`/dev/shm${name}`));
    const args = kind === 'a ring of lines' ? ['--no-wait'] : reading;
    t.like(await command(t, 'read', name, ...args, ...place), { end: 0, output: 'one\n' });
    t.is((await command(t, 'recover', name, ...place)).end, 0);
    t.is((await command(t, 'rm', name, ...place)).output, `removed ${name}\n`);
    t.deepEqual(readdirSync(path), []);
  });
}

test('ls, info and top look there, and only there', async (t) => {
  const path = newDirectory(t);
  const name = uniqueName();
  const memory = SharedMemory.create(name, 10, { path });
  const listed = await command(t, 'ls', '--path', path);
  t.regex(listed.output, new RegExp(`^NAME.*\\n${name} +memory .* in use\\n$`));
  const { output } = await command(t, 'info', name, '--path', path);
  t.regex(output, new RegExp(`^directory +${path}$`, 'm'));
  const top = await command(t, 'top', '--path', path, '-n', '1', '-i', '0.1');
  t.regex(top.output, new RegExp(`^\\S+ ${name} in-use size=10\\n$`));
  t.is(errorOf(await command(t, 'info', name, '--json')).code, 'ENOENT');
  memory.close();
});

test('rm --stale: of each kind what nobody uses, there', async (t) => {
  const path = newDirectory(t);
  const used = Ring.create('/used', { elements: 8, elementSize: 4, path });
  Ring.create('/ring', { elements: 8, elementSize: 4, path }).close();
  Queue.create('/queue', { capacity: 4096, path }).close();
  Broadcast.create('/broadcast', { elements: 8, elementSize: 4, path }).close();
  SharedMemory.create('/memory', 10, { path }).close();
  const { end, output } = await command(t, 'rm', '--stale', '--yes', '--path', path);
  t.deepEqual(
    [end, output],
    [0, 'removed /broadcast\nremoved /memory\nremoved /queue\nremoved /ring\n'],
  );
  t.deepEqual(readdirSync(path), ['used']);
  const refusal = await command(t, 'rm', 'used', '--path', path, '--json');
  t.is(errorOf(refusal).code, 'ERR_SEGMENT_IN_USE');
  used.close();
});

test('directories that are not there', async (t) => {
  const path = join(newDirectory(t), 'none');
  for (const args of [
    ['ls'],
    ['info', '/x'],
    ['top'],
    ['top', '/x'],
    ['write', '/x'],
    ['read', '/x'],
    ['rm', '/x'],
    ['rm', '--stale'],
    ['recover', '/x'],
  ]) {
    const failed = await command(t, ...args, '--path', path, '--json');
    t.is(failed.end, 1, args.join(' '));
    const { code, message } = errorOf(failed);
    t.is(code, 'ENOENT');
    t.true(message.startsWith(path), message);
  }
});
