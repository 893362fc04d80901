// Makes the screens in docs/screens: what `ls` and `top` show of a few rings that are in use, as text
// and as pictures. Needs tmux, and a /dev/shm of its own (unshare).
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { svgOf } from './screens/svg.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'docs/screens');
const PARTY = fileURLToPath(new URL('screens/party.js', import.meta.url));
const COLUMNS = 104;
const SCREENS = [
  { name: 'ls', command: 'ls', rows: 9, seconds: 3 },
  { name: 'top', command: 'top --interval 0.5', rows: 24, seconds: 12 },
];

if (process.argv[2] !== 'alone') {
  const script = `mount -t tmpfs none /dev/shm && exec "$0" "$1" alone`;
  const args = ['-m', 'sh', '-c', script, process.execPath, fileURLToPath(import.meta.url)];
  process.exit(spawnSync('unshare', args, { stdio: 'inherit' }).status ?? 1);
}

/** What a command shows after a while, with its colours. */
async function screenOf({ name, command, rows, seconds }) {
  const server = `screens-${name}-${process.pid}`;
  const tmux = (...args) => execFileSync('tmux', ['-L', server, ...args], { encoding: 'utf8' });
  const program = `${process.execPath} ${join(ROOT, 'dist/command/main.js')} ${command}`;
  // It stays when the command has ended.
  const shell = `stty -echo; ${program}; sleep 60`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', COLUMNS, '-y', rows + 1, shell);
  await sleep(seconds * 1000);
  const shown = tmux('capture-pane', '-e', '-p');
  tmux('kill-server');
  const lines = shown.split('\n').slice(0, rows);
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

const children = ['feed', 'check', 'journal', 'execute', 'worker'].map((role) =>
  fork(PARTY, [role]),
);
try {
  await Promise.all(children.map((child) => once(child, 'message')));
  await sleep(3000);
  // Somebody dies, and the others go on for as long as there is room.
  children[2].kill('SIGKILL');
  mkdirSync(FOLDER, { recursive: true });
  for (const screen of SCREENS) {
    const lines = await screenOf(screen);
    const text = lines.map((line) => stripVTControlCharacters(line).trimEnd()).join('\n');
    writeFileSync(join(FOLDER, `${screen.name}.txt`), `${text}\n`);
    writeFileSync(join(FOLDER, `${screen.name}.svg`), svgOf(lines, COLUMNS));
    console.log(text);
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
}
