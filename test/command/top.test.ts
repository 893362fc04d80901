// `top`: lines where standard output is no terminal, and a screen that goes as it came where it is one.
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import test from 'ava';

import { ring, ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { peers } from '../ring-peers.js';
import { word } from '../words.js';
import { command, ended, errorOf, refused, start } from './command.js';
import { Terminal } from './terminal.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

test('a line at every look, with what has happened since', async (t) => {
  const made = ringOfRoles(t, { elements: 64, consumers: { slow: {} } });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  const child = start(t, 'top', made.name, '--interval', '0.2', '--count', '3');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    for (let i = 0; i < 5; i += 1) producer.tryPublish(word(i));
  }
  t.is(lines.length, 3);
  t.regex(lines[0]!, /^\d{4}-\S+Z \/\S+ in-use rate=0 used=0\/64 slow=0\(never-came\)$/);
  t.regex(lines.at(-1)!, /used=(5|10)\/64 slow=\1\(never-came\)$/);
});

test('as JSON, one segment a line', async (t) => {
  const { name } = ring.named(t);
  const { end, output } = await command(t, 'top', name, '-i', '0.1', '-n', '2', '--json');
  t.is(end, 0);
  const lines = output.split('\n').slice(0, -1);
  t.is(lines.length, 2);
  for (const line of lines) t.like(JSON.parse(line), { name, rates: { committed: 0 } });
});

test('all of them, until somebody interrupts it', async (t) => {
  const { name } = ring.named(t);
  const child = start(t, 'top', '-i', '0.1', '--sort', 'rate');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) if (line.includes(` ${name} `)) break;
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number];
  t.is(code, 130);
});

test('whoever stops reading ends it', async (t) => {
  ring.named(t);
  const child = start(t, 'top', '-i', '0.05');
  const gone = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  t.deepEqual(await gone, [0, null]);
});

test('a segment that goes away ends it with an error', async (t) => {
  const made = ringOfRoles(t);
  const child = start(t, 'top', made.name, '-i', '0.1', '--json');
  const ending = ended(child);
  await once(child.stdout, 'readable');
  t.is((await command(t, 'rm', made.name, '--force')).end, 0);
  const { end, errors } = await ending;
  t.is(end, 1);
  t.regex(errors, /ENOENT/);
});

test('names that are wrong, damage, and no permission', async (t) => {
  t.is(errorOf(await command(t, 'top', uniqueName(), '--json')).code, 'ENOENT');
  const { name } = ring.named(t);
  t.is(errorOf(await refused(t, name, 'top', name, '--json')).code, 'EACCES');
});

/** What a terminal is told when a screen comes, and when it goes. */
const ENTERS = '\u001B[?1049h';
const LEAVES = '\u001B[?1049l';
const HIDES = '\u001B[?25l';
const SHOWS = '\u001B[?25h';

test('on a terminal: a screen with a bar for each consumer, and keys', async (t) => {
  const made = ringOfRoles(t, { elements: 8, consumers: { journal: {} } });
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'consumer', name: 'journal' });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  for (let i = 0; i < 4; i += 1) producer.tryPublish(word(i));
  const terminal = new Terminal(t, 'top', made.name, '-i', '0.1');
  await terminal.shows(/\?1049h/);
  await terminal.shows(/1 segment, by name/);
  await terminal.shows(/█+.* 50%/);
  await terminal.shows(/journal .*lag 4 +pid \d+/);
  terminal.press('s');
  await terminal.shows(/by rate/);
  terminal.press('p');
  await terminal.shows(/paused/);
  terminal.press(' ');
  await peer.end();
  await terminal.shows(/\[31m[^\n]*journal[^\n]*dead/);
  terminal.press('q');
  const [, code] = await terminal.shows(/code (\d+)\s+as it was/);
  t.is(code, '0');
  await terminal.closed();
});

for (const [how, end, code] of [
  ['q', 'q', 0],
  ['ctrl-c', '\u0003', 130],
  ['SIGINT', 'SIGINT', 130],
  ['SIGTERM', 'SIGTERM', 143],
  ['an error', 'rm', 1],
] as const) {
  test(`the terminal is as it was: ${how}`, async (t) => {
    const { name } = ring.named(t);
    const terminal = new Terminal(t, 'top', name, '-i', '0.1');
    const [, pid] = await terminal.shows(/pid (\d+)/);
    await terminal.shows(/by name/);
    if (end === 'rm') t.is((await command(t, 'rm', name, '--force')).end, 0);
    else if (end.startsWith('SIG')) process.kill(Number(pid), end);
    else terminal.press(end);
    await terminal.shows(new RegExp(`\\?25h.*\\?1049l`, 's'));
    const rest = terminal.output;
    // Where it can be read.
    if (end === 'rm') await terminal.shows(/ENOENT/);
    const [, exit] = await terminal.shows(/code (\d+)\s+as it was/);
    t.is(exit, String(code));
    await terminal.closed();
    t.false(rest.includes(ENTERS) || rest.includes(HIDES), `${LEAVES}${SHOWS} come last`);
  });
}
