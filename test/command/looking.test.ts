// `ls` and `info`: what they say, and how they end.
import { once } from 'node:events';
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

import { text } from 'node:stream/consumers';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';

import type { Observation } from '../../dist/observe/observation.js';
import { ring, ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { peers } from '../ring-peers.js';
import { word } from '../words.js';
import { alone, canBeAlone, command, errorOf, refused, start } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const pathOf = (name: string) => `/dev/shm${name}`;
/** Where the byte map has the layout version. */
const VERSION = 8;

/** A ring that another layout version has made. */
function damaged(t: ExecutionContext): string {
  const { name } = ring.named(t);
  const file = openSync(pathOf(name), 'r+');
  writeSync(file, Buffer.from([77]), 0, 1, VERSION);
  closeSync(file);
  return name;
}

/** A full ring whose one consumer was killed. */
async function stuck(t: ExecutionContext): Promise<string> {
  const made = ringOfRoles(t, { elements: 2, consumers: { journal: {} } });
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'consumer', name: 'journal' });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  producer.tryPublishMany([word(1), word(2)]);
  await peer.end();
  return made.name;
}

const lineOf = (output: string, name: string) =>
  output.split('\n').find((line) => line.startsWith(`${name} `));

test('ls: a line for each segment, and why something is wrong', async (t) => {
  const { name } = ring.named(t, { elements: 1000 });
  const queue = Queue.create(uniqueName(t), { capacity: 8192 });
  t.teardown(() => {
    queue.close();
  });
  const bad = damaged(t);
  const full = await stuck(t);
  const { end, output, errors } = await command(t, 'ls');
  t.deepEqual([end, errors], [0, '']);
  t.regex(output, /^NAME +KIND +GEOMETRY +SIZE +OWNER +AGE +PRODUCERS +CONSUMERS +LAG +STATE$/m);
  t.regex(
    lineOf(output, name)!,
    / disruptor +1000 x 4 B +\d+(\.\d+)? KiB +\S+ +\S+ +0 +1 +0 +in use$/,
  );
  t.regex(lineOf(output, queue.name)!, / queue +8 KiB .* in use$/);
  t.regex(lineOf(output, bad)!, / disruptor +- .* - +- +- +damaged$/);
  t.regex(lineOf(output, full)!, / 1 +0 \+1 dead +2 +stuck$/);
  t.true(output.includes(`! ${bad}: The segment has the layout of another version`), output);
  t.true(output.includes(`! ${full}: There is no room, and consumer journal, process `), output);
});

test('ls --json: all that can be seen', async (t) => {
  const { name } = ring.named(t);
  const { end, output } = await command(t, 'ls', '--json');
  t.is(end, 0);
  const all = JSON.parse(output) as Observation[];
  t.like(
    all.find((seen) => seen.name === name),
    { kind: 'disruptor', attached: true, damaged: [], stuck: [], ring: { cursor: 0, free: 8 } },
  );
});

test('ls: segments that one may not read are left out', async (t) => {
  const { name } = ring.named(t);
  const { end, output, errors } = await refused(t, name, 'ls');
  t.deepEqual([end, errors], [0, '']);
  t.is(lineOf(output, name), undefined);
});

test('ls: whoever stops reading its output ends it, and nothing is wrong', async (t) => {
  const child = start(t, 'ls');
  child.stdout.destroy();
  const [[code], errors] = await Promise.all([
    once(child, 'close') as Promise<[number]>,
    text(child.stderr),
  ]);
  t.deepEqual([code, errors], [0, '']);
});

if (canBeAlone) {
  test('ls: nothing there', (t) => {
    t.is(alone('$RUN ls; $RUN ls --json'), 'No segments.\n[]\n');
  });
}

test('info: everything about a ring', async (t) => {
  const made = ringOfRoles(t, {
    elements: 16,
    consumers: { journal: {}, mail: { group: true }, execute: { after: ['journal'] } },
  });
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'consumer', name: 'journal' });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  producer.tryPublish(word(1));
  producer.tryClaim(2);
  const before = readFileSync(pathOf(made.name));
  const { end, output, errors } = await command(t, 'info', made.name.slice(1));
  t.deepEqual([end, errors], [0, '']);
  t.true(before.equals(readFileSync(pathOf(made.name))), 'looking changes nothing');
  for (const expected of [
    /^name +\/shm-disruptor-test-/m,
    /^state +in use$/m,
    /^geometry +16 x 4 B, of bytes$/m,
    /^next +3$/m,
    /^cursor +1$/m,
    /^used +3 of 16$/m,
    /^open claim +1 to 2, of a producer that lives$/m,
    /^journal +consumer +\d+ +main +alive +gates +0 +1 +0 +-$/m,
    /^mail +group +- +- +empty +gates +0 +1 +0 +-$/m,
    /^execute +consumer +- +- +never came +gates +0 +1 +0 +journal$/m,
    /^#0 +\d+ +(main|\d+) +alive +2 from 1$/m,
  ]) {
    t.regex(output, expected);
  }
});

test('info: a damaged segment, and what is wrong', async (t) => {
  const { end, output, errors } = await command(t, 'info', damaged(t));
  t.deepEqual([end, errors], [3, '']);
  t.regex(output, /^state +damaged$/m);
  t.regex(output, /it has layout 77, and this is layout \d+ \(ERR_SEGMENT_VERSION\)$/m);
  t.notRegex(output, /^cursor/m);
  const { name } = ring.named(t);
  truncateSync(pathOf(name), 5000);
  const short = await command(t, 'info', name, '--json');
  t.is(short.end, 3);
  t.like(JSON.parse(short.output), { name, damaged: [{ code: 'ERR_SEGMENT_TRUNCATED' }] });
});

test('info: a stuck ring, and why', async (t) => {
  const { end, output } = await command(t, 'info', await stuck(t));
  t.is(end, 3);
  t.regex(output, /^state +stuck$/m);
  t.regex(output, /consumer journal, process \d+, is dead \(dead-consumer\)$/m);
});

test('info: names that are wrong', async (t) => {
  const missing = uniqueName();
  const { end, output, errors } = await command(t, 'info', missing);
  t.deepEqual([end, output], [1, '']);
  t.is(
    errors,
    `shm-disruptor: ${missing}: Failed to open shared memory object: No such file or directory (ENOENT)\n`,
  );
  t.is(errorOf(await command(t, 'info', missing, '--json')).code, 'ENOENT');
  t.is(errorOf(await command(t, 'info', '/a/b', '--json')).code, 'ERR_INVALID_ARG_VALUE');
  const foreign = uniqueName(t);
  writeFileSync(pathOf(foreign), Buffer.alloc(8192, 1));
  t.is(errorOf(await command(t, 'info', foreign, '--json')).code, 'ERR_SEGMENT_FOREIGN');
});

test('info: without permission', async (t) => {
  const { name } = ring.named(t);
  const refusal = await refused(t, name, 'info', name, '--json');
  t.is(refusal.end, 1);
  t.is(errorOf(refusal).code, 'EACCES');
});

test('help has examples, and wrong command lines end with 2', async (t) => {
  for (const name of ['ls', 'info', 'top', 'write', 'read', 'rm', 'recover', 'bench', 'demo']) {
    const { end, output } = await command(t, name, '--help');
    t.is(end, 0);
    t.regex(output, new RegExp(`Examples:\\n.*\\$ .*shm-disruptor ${name}`), name);
    t.regex(output, /--json/);
  }
  t.regex((await command(t, '--version')).output, /^\d+\.\d+\.\d+\n$/);
  for (const wrong of [['list'], ['info'], ['ls', '--colour'], ['top', '-i', '0'], []]) {
    const { end, output, errors } = await command(t, ...wrong);
    t.deepEqual([end, output], [2, ''], wrong.join(' '));
    t.regex(errors, /Usage:|--help/);
  }
});

test('info names the processes that go on with a removed segment', async (t) => {
  const name = uniqueName(t);
  using queue = Queue.create(name, { capacity: 4096 });
  // Whoever created it has it open under no name.
  using other = Queue.open(name);
  const before = await command(t, 'info', name);
  t.notRegex(before.output, /removed/);
  rmSync(pathOf(name));
  const gone = await command(t, 'info', name, '--json');
  t.is(gone.end, 1);
  t.is(errorOf(gone).code, 'ENOENT');
  t.true(
    errorOf(gone).message.endsWith(`It was removed, and is still used by process ${process.pid}`),
  );
  using next = Queue.create(name, { capacity: 4096 });
  const beside = await command(t, 'info', name);
  t.is(beside.end, 0);
  t.regex(beside.output, new RegExp(`^removed .* is still used by process ${process.pid}$`, 'm'));
  const { removed } = JSON.parse((await command(t, 'info', name, '--json')).output) as {
    removed: number[];
  };
  t.deepEqual(removed, [process.pid]);
  for (const each of [queue, other]) t.true(each.unlinked);
  t.false(next.unlinked);
});
