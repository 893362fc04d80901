// Running the `shm-disruptor` command as a shell would.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { ExecutionContext } from 'ava';

const FOLDER = new URL('../../../dist/command/', import.meta.url);
/** What Node is to run. */
export const PROGRAM = fileURLToPath(new URL('main.js', FOLDER));

const root = process.getuid?.() === 0;

/** How it ended. */
export interface Ended {
  /** Exit code, or the signal's name. */
  end: number | string;
  output: string;
  errors: string;
}

/** Starts it; whoever reads its output does so from the beginning. */
export function start(t: ExecutionContext, ...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [PROGRAM, ...args]);
  t.teardown(() => child.kill('SIGKILL'));
  // Who ends before it has read its input breaks the pipe.
  child.stdin.on('error', () => undefined);
  return child;
}

/** Waits until it has ended. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [[code, signal], output, errors] = await Promise.all([
    once(child, 'close') as Promise<[number | null, string | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { end: code ?? signal!, output, errors };
}

/** Runs it with nothing on standard input. */
export async function command(t: ExecutionContext, ...args: string[]): Promise<Ended> {
  return fed(t, '', ...args);
}

/** Runs it with `input` on standard input. */
export async function fed(
  t: ExecutionContext,
  input: string | Buffer,
  ...args: string[]
): Promise<Ended> {
  const child = start(t, ...args);
  child.stdin.end(input);
  return ended(child);
}

/** Runs it with a segment that it may not open. */
export async function refused(
  t: ExecutionContext,
  name: string,
  ...args: string[]
): Promise<Ended> {
  if (!root) {
    chmodSync(`/dev/shm${name}`, 0);
    return command(t, ...args);
  }
  // Nobody may read this checkout, perhaps: everything is loaded before.
  const files = ['list', 'info', 'top', 'write', 'read', 'remove', 'recover', 'program'];
  const urls = files.map((file) => new URL(`${file}.js`, FOLDER).href);
  const script = `
    const all = await Promise.all(${JSON.stringify(urls)}.map((url) => import(url)));
    process.setgid(65534);
    process.setuid(65534);
    await all.at(-1).run(['node', 'shm-disruptor', ...${JSON.stringify(args)}]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(FOLDER),
  });
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.end();
  return ended(child);
}

// Root can make a mount namespace; others can where the kernel gives them a user namespace.
const NAMESPACE = root ? ['-m'] : ['-m', '-r'];

/** Whether {@link alone} works here. */
export const canBeAlone = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

/** Runs shell commands where /dev/shm is empty and nobody else's; `$RUN` is the command. */
export function alone(script: string): string {
  const commands = `mount -t tmpfs none /dev/shm && cd / && ${script}`;
  return execFileSync('unshare', [...NAMESPACE, 'sh', '-c', commands], {
    encoding: 'utf8',
    env: {
      ...process.env,
      RUN: `${process.execPath} ${PROGRAM}`,
      LIBRARY: pathToFileURL(fileURLToPath(new URL('../index.js', FOLDER))).href,
    },
    timeout: 300_000,
  });
}

/** What a failed command with `--json` says on standard error. */
export function errorOf({ errors }: Ended): { code: string; message: string } {
  return (JSON.parse(errors) as { error: { code: string; message: string } }).error;
}
