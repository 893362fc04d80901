// The guide's snippets do what they say, and its diagrams are up to date.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { alone, canBeAlone } from '../command/command.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const GUIDE = join(ROOT, 'docs/guide');

/** Runs Node where the package knows its own name. */
async function node(t: ExecutionContext, args: string[], program = '') {
  const child = spawn(process.execPath, args, { cwd: ROOT });
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.end(program);
  const [[code], output, errors] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, output, errors };
}

/** The programs of a page: its snippets one after the other, a new one from each that imports. */
function programsOf(page: string): string[] {
  const snippets = [...readFileSync(join(GUIDE, page), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
  return snippets
    .map(([, snippet]) => snippet!)
    .reduce<string[]>((programs, snippet) => {
      if (snippet.startsWith('import ')) return [...programs, snippet];
      return [...programs.slice(0, -1), `${programs.at(-1)!}\n${snippet}`];
    }, []);
}

/** What a program prints: it stands behind each console.log, and words about it after a colon. */
function promised(program: string): string[] {
  return [...program.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line!);
}

for (const page of readdirSync(GUIDE).filter((file) => file.endsWith('.md'))) {
  programsOf(page).forEach((program, index) => {
    test(`${page}, program ${index + 1}`, async (t) => {
      const { code, output, errors } = await node(t, ['--input-type=module', '-'], program);
      t.deepEqual([code, errors], [0, ''], output);
      const lines = output.split('\n').slice(0, -1);
      const expected = promised(program);
      t.deepEqual(
        lines,
        expected.map((comment, i) => (comment.startsWith(`${lines[i]!}: `) ? lines[i]! : comment)),
      );
    });
  });
}

/** The commands of a page's sessions, each with what it prints. */
function sessionsOf(page: string): { command: string; prints: string[] }[] {
  const text = readFileSync(join(GUIDE, page), 'utf8');
  const lines = [...text.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, session]) =>
    session!.split('\n').slice(0, -1),
  );
  const commands: { command: string; prints: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), prints: [] });
    else commands.at(-1)!.prints.push(line);
  }
  return commands;
}

/** Whether it prints that; `...` stands for anything, and widths of columns vary. */
function prints(promise: string, line: string): boolean {
  const parts = promise
    .trim()
    .split(/ *\.\.\. */)
    .map((part) =>
      part
        .split(/ +/)
        .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join(' +'),
    );
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}

// They expect to be alone.
if (canBeAlone) {
  for (const page of readdirSync(GUIDE).filter((file) => file.endsWith('.md'))) {
    const session = sessionsOf(page);
    if (session.length === 0) continue;
    test(`${page}, its commands`, (t) => {
      t.timeout(600_000);
      const script = session.map(({ command }) => `echo '$'; ${command} 2>&1`).join('\n');
      const outputs = alone(`alias shm-disruptor="$RUN"\n${script}`).split('$\n').slice(1);
      t.is(outputs.length, session.length);
      for (const [i, { command, prints: promises }] of session.entries()) {
        const lines = outputs[i]!.split('\n').slice(0, -1);
        const kept = promises.every((promise, j) => prints(promise, lines[j] ?? ''));
        t.true(kept && lines.length === promises.length, `${command}\n${outputs[i]!}`);
      }
    });
  }
}

test('diagrams are as their text says', async (t) => {
  const { code, errors } = await node(t, ['scripts/diagrams.js', '--check']);
  t.deepEqual([code, errors], [0, '']);
});
