// The command line with broadcasts and plain memory: looking, moving and mending.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, truncateSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Broadcast, defineRecord, listSegments, Queue, SharedMemory } from 'shm-disruptor';

import type { Observation } from '../../dist/observe/observation.js';
import { count, newBroadcast } from '../broadcasts.js';
import { ring, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { newMemory } from '../memories.js';
import { command, ended, errorOf, fed, PROGRAM, refused, start } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const pathOf = (name: string) => `/dev/shm${name}`;
const lineOf = (output: string, name: string) =>
  output.split('\n').find((line) => line.startsWith(`${name} `));
const linesOf = (output: string) =>
  output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(10);
};

test('ls: a broadcast and memory', async (t) => {
  const broadcast = newBroadcast(t);
  broadcast.publish('x');
  const memory = newMemory(t, 100);
  const { output } = await command(t, 'ls');
  t.regex(
    lineOf(output, broadcast.name)!,
    / broadcast +8 x 16 B +\d+(\.\d+)? KiB +\S+ +\S+ +1 +- +- +in use$/,
  );
  t.regex(lineOf(output, memory.name)!, / memory +100 B +8\.1 KiB +\S+ +\S+ +- +- +- +in use$/);
});

test('info: a broadcast', async (t) => {
  const broadcast = newBroadcast(t, { elements: 4 });
  count(broadcast, 0, 9);
  const claim = broadcast.claim();
  const { end, output } = await command(t, 'info', broadcast.name);
  t.is(end, 0);
  for (const expected of [
    /^kind +broadcast$/m,
    /^geometry +4 x 16 B, of bytes$/m,
    /^longest message +16 B$/m,
    /^publishers +single$/m,
    /^next +11$/m,
    /^oldest +7$/m,
    /^messages +3 of the newest 4, 0 dropped, 0 missing$/m,
    /^PUBLISHER +PID +THREAD +STATE +WRITING$/m,
    /^#0 +\d+ +(main|\d+) +alive +1 from 10$/m,
  ]) {
    t.regex(output, expected);
  }
  t.notRegex(output, /CONSUMER|cursor/);
  claim.abort();
});

test('info: memory', async (t) => {
  const memory = newMemory(t, 2000);
  const { end, output } = await command(t, 'info', memory.name);
  t.is(end, 0);
  t.regex(output, /^memory +1\.95 KiB \(2,000 bytes\)$/m);
  t.notRegex(output, /CONSUMER|PRODUCER|cursor|next/);
});

test('info: what is damaged', async (t) => {
  for (const made of [newBroadcast(t), newMemory(t)]) {
    truncateSync(pathOf(made.name), 5000);
    const { end, output } = await command(t, 'info', made.name, '--json');
    t.is(end, 3);
    const { kind, damaged } = JSON.parse(output) as Observation;
    t.is(kind, made instanceof Broadcast ? 'broadcast' : 'memory');
    t.is(damaged[0]?.code, 'ERR_SEGMENT_TRUNCATED');
  }
});

test('top: a rate of publishing, and sizes', async (t) => {
  const broadcast = newBroadcast(t);
  const child = start(t, 'top', broadcast.name, '-i', '0.1');
  await once(child.stdout, 'readable');
  count(broadcast, 0, 19);
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line.includes(' next=20 ')) break;
  }
  t.regex(last, / in-use rate=\d+ next=20 oldest=12$/);
  const memory = newMemory(t, 100);
  const { output: sizes } = await command(t, 'top', memory.name, '-i', '0.1', '-n', '1');
  t.regex(sizes, / in-use size=100\n$/);
});

test('top: on a terminal', async (t) => {
  const broadcast = newBroadcast(t);
  count(broadcast, 0, 9);
  const shell = `stty rows 30 cols 100; ${process.execPath} ${PROGRAM} top ${broadcast.name} -i 0.1 -n 2`;
  const env = { ...process.env, COMMANDS: shell, SHELL: '/bin/sh', TERM: 'xterm' };
  const child = spawn('script', ['-qec', 'eval "$COMMANDS"', '/dev/null'], { env });
  t.teardown(() => child.kill('SIGKILL'));
  const shown = (await buffer(child.stdout)).toString();
  t.regex(shown, /broadcast 8 x 16 B/);
  t.regex(shown, /messages +2 to 9/);
  t.regex(shown, new RegExp(`publishers +pid ${process.pid}`));
});

test('a broadcast of lines, with what was lost', async (t) => {
  const name = uniqueName(t);
  const how = ['--broadcast', '--lines', '--capacity', '4'];
  const written = await fed(t, 'a\n\nc\nd\ne\nf €', 'write', name, ...how, '--json');
  t.deepEqual(JSON.parse(written.output), { name, messages: 6, bytes: 9 });
  const read = async (...args: string[]) => command(t, 'read', name, '--no-wait', ...args);
  t.like(await read(), { end: 0, output: '', errors: '' }, 'from now on');
  t.like(await read('--from', 'oldest'), { end: 0, output: 'c\nd\ne\nf €\n', errors: '' });
  t.like(await read('--from', '0', '--count', '2'), {
    end: 0,
    output: 'c\nd\n',
    errors: 'shm-disruptor: 2 messages were lost before message 2\n',
  });
  const json = await read('--from', '1', '--json', '--broadcast');
  t.is(json.errors, '');
  t.deepEqual(linesOf(json.output).slice(0, 2), [
    { sequence: 2, lost: 1, data: 'c' },
    { sequence: 3, lost: 0, data: 'd' },
  ]);
  t.is(errorOf(await read('--from', '7', '--json')).code, 'ERR_SEQUENCE_GONE');
});

test('a broadcast of bytes comes out as it went in', async (t) => {
  const name = uniqueName(t);
  const bytes = randomBytes(300_000);
  const reader = start(t, 'read', name, '--broadcast', '--capacity', '1000');
  const output = buffer(reader.stdout);
  await until(() => existsSync(pathOf(name)));
  const watching = Broadcast.open(name);
  t.is(watching.elementSize, 4096);
  watching.close();
  // Nobody waits for a reader: it may begin late, so it begins anew.
  reader.kill('SIGINT');
  t.is((await output).length, 0);
  t.is((await fed(t, bytes, 'write', name)).end, 0);
  const from = start(t, 'read', name, '--from', '0', '--no-wait');
  t.true((await buffer(from.stdout)).equals(bytes));
});

test('a broadcast: a subscriber gets what is published, until somebody interrupts it', async (t) => {
  const broadcast = newBroadcast(t, { elements: 64 });
  const reader = start(t, 'read', broadcast.name, '--lines');
  const ending = ended(reader);
  const heard = new AbortController();
  reader.stdout.once('readable', () => {
    heard.abort();
  });
  // It begins with what is published once it is there.
  while (!heard.signal.aborted) {
    broadcast.publish('tick');
    await sleep(20);
  }
  reader.kill('SIGINT');
  const { end, output, errors } = await ending;
  t.deepEqual([end, errors], [130, '']);
  t.regex(output, /^(tick\n)+$/);
});

test('a broadcast: a reader whose output is closed ends quietly', async (t) => {
  const broadcast = newBroadcast(t);
  const reader = start(t, 'read', broadcast.name, '--lines');
  const gone = once(reader, 'close');
  reader.stdout.destroy();
  while (reader.exitCode === null && reader.signalCode === null) {
    broadcast.publish('tick');
    await sleep(20);
  }
  t.deepEqual(await gone, [0, null]);
});

test('a broadcast of values: a line is what its encoding makes of one', async (t) => {
  const options = { elements: 8, elementSize: 64, encoding: 'json' } as const;
  const values = Broadcast.create(uniqueName(t), { ...options, producers: 'multi' });
  const subscription = values.subscribe();
  t.is((await fed(t, '{"c":3}\n', 'write', values.name)).end, 0);
  t.deepEqual(subscription.tryReceive()?.data, { c: 3 });
  t.is(
    (await command(t, 'read', values.name, '--from', 'oldest', '--no-wait')).output,
    '{"c":3}\n',
  );
  subscription.close();
  values.close();
});

test('memory: as large as the input, and read in parts', async (t) => {
  const name = uniqueName(t);
  const bytes = randomBytes(3_000_000);
  const written = await fed(t, bytes, 'write', name, '--memory', '--json');
  t.deepEqual(JSON.parse(written.output), { name, bytes: 3_000_000 });
  t.true((await buffer(start(t, 'read', name).stdout)).equals(bytes));
  const part = start(t, 'read', name, '--offset', '1000', '--length', '10', '--memory');
  t.true((await buffer(part.stdout)).equals(bytes.subarray(1000, 1010)));
  const json = await command(t, 'read', name, '--offset', '2999990', '--json');
  t.deepEqual(JSON.parse(json.output), {
    name,
    offset: 2_999_990,
    length: 10,
    data: bytes.subarray(2_999_990).toString('base64'),
  });
});

test('memory: of a size, written where it is told, all of it or nothing', async (t) => {
  const name = uniqueName(t);
  t.is((await fed(t, 'ab', 'write', name, '--memory', '--size', '8', '--offset', '2')).end, 0);
  const memory = SharedMemory.open(name);
  const text = () => memory.read(0, 8).toString().replaceAll('\0', '.');
  t.is(text(), '..ab....');
  t.is((await fed(t, 'cd', 'write', name, '--offset', '6')).end, 0);
  t.is(text(), '..ab..cd');
  const long = await fed(t, 'xyz', 'write', name, '--offset', '6', '--json');
  t.is(errorOf(long).code, 'ERR_OUT_OF_RANGE');
  t.is(
    errorOf(await fed(t, '', 'write', name, '--offset', '9', '--json')).code,
    'ERR_OUT_OF_RANGE',
  );
  t.is((await fed(t, '', 'write', name, '--offset', '8')).end, 0, 'nothing, at the end');
  t.is(text(), '..ab..cd');
  for (const wrong of [
    ['--offset', '9'],
    ['--length', '9'],
  ]) {
    t.is(errorOf(await command(t, 'read', name, ...wrong, '--json')).code, 'ERR_OUT_OF_RANGE');
  }
  memory.close();
  const none = await fed(t, '', 'write', uniqueName(t), '--memory', '--json');
  t.is(errorOf(none).code, 'ERR_OUT_OF_RANGE', 'memory of no bytes');
});

test('memory: what is interrupted changes nothing', async (t) => {
  const memory = newMemory(t, 100);
  const { name } = memory;
  memory.close();
  const writer = start(t, 'write', name);
  const ending = ended(writer);
  writer.stdin.write('half');
  await until(() => listSegments().find((each) => each.name === name)!.attached === true);
  writer.kill('SIGINT');
  t.is((await ending).end, 130);
  const after = SharedMemory.open(name);
  t.true(after.read(0, 100).equals(Buffer.alloc(100)));
  after.close();
});

test('memory: whoever stops reading ends it quietly', async (t) => {
  const memory = newMemory(t, 10_000_000);
  const reader = start(t, 'read', memory.name);
  const gone = once(reader, 'close');
  await once(reader.stdout, 'readable');
  reader.stdout.destroy();
  t.deepEqual(await gone, [0, null]);
});

test('options that do not fit the kind', async (t) => {
  const broadcast = newBroadcast(t);
  const memory = newMemory(t);
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  queue.close();
  const { name } = ring.named(t);
  const rows: [string, string[], string][] = [
    ['write', [memory.name, '--lines'], 'ERR_USAGE'],
    ['write', [memory.name, '--capacity', '5'], 'ERR_USAGE'],
    ['write', [broadcast.name, '--readers', '2'], 'ERR_USAGE'],
    ['write', [broadcast.name, '--more'], 'ERR_USAGE'],
    ['write', [broadcast.name, '--offset', '1'], 'ERR_USAGE'],
    ['write', [queue.name, '--size', '1'], 'ERR_USAGE'],
    ['write', [uniqueName(), '--broadcast', '--readers', '2'], 'ERR_USAGE'],
    ['write', [name, '--queue'], 'ERR_SEGMENT_KIND'],
    ['write', [broadcast.name, '--memory'], 'ERR_SEGMENT_KIND'],
    ['read', [memory.name, '--from', 'oldest'], 'ERR_USAGE'],
    ['read', [memory.name, '--count', '1'], 'ERR_USAGE'],
    ['read', [memory.name, '--no-wait'], 'ERR_USAGE'],
    ['read', [broadcast.name, '--as', 'me'], 'ERR_USAGE'],
    ['read', [broadcast.name, '--group'], 'ERR_USAGE'],
    ['read', [broadcast.name, '--length', '1'], 'ERR_USAGE'],
    ['read', [queue.name, '--from', 'latest'], 'ERR_USAGE'],
    ['read', [name, '--broadcast'], 'ERR_SEGMENT_KIND'],
    ['read', [uniqueName(), '--memory'], 'ENOENT'],
  ];
  for (const [how, args, code] of rows) {
    const failed = await command(t, how, ...args, '--json');
    t.is(failed.end, code === 'ERR_USAGE' ? 2 : 1, args.join(' '));
    t.is(errorOf(failed).code, code, args.join(' '));
  }
  for (const [how, ...args] of [
    ['write', '/x', '--queue', '--broadcast'],
    ['write', '/x', '--memory', '--queue'],
    ['write', '/x', '--memory', '--size', '0'],
    ['read', '/x', '--from', 'never'],
    ['read', '/x', '--offset', '-1'],
  ]) {
    t.is((await command(t, how!, ...args)).end, 2, args.join(' '));
  }
});

test('what cannot be attached to', async (t) => {
  const Tick = defineRecord({ price: 'f64' });
  const records = Broadcast.create(uniqueName(t), { elements: 8, record: Tick });
  records.close();
  for (const how of ['write', 'read']) {
    const code = async (...args: string[]) =>
      errorOf(await command(t, how, ...args, '--json')).code;
    t.is(await code(records.name), 'ERR_SCHEMA_MISMATCH');
    t.is(await code(uniqueName(), '--broadcast', '--no-create'), 'ENOENT');
    for (const { name } of [newBroadcast(t), newMemory(t)]) {
      t.is(errorOf(await refused(t, name, how, name, '--json')).code, 'EACCES');
      chmodSync(pathOf(name), 0o600);
      truncateSync(pathOf(name), 5000);
      t.is(await code(name), 'ERR_SEGMENT_TRUNCATED');
    }
  }
  const busy = newBroadcast(t);
  busy.publish('x');
  t.is(errorOf(await fed(t, 'x', 'write', busy.name, '--json')).code, 'ERR_PRODUCER_BUSY');
});

test('rm and recover: every kind', async (t) => {
  const broadcast = newBroadcast(t);
  const memory = newMemory(t);
  for (const [what, { name }] of [
    ['a broadcast', broadcast],
    ['plain memory', memory],
  ] as const) {
    t.like(await command(t, 'recover', name), {
      end: 0,
      output: `${name} is ${what}: nothing in it waits for the dead.\n`,
    });
    const json = await command(t, 'recover', name, '--json');
    t.like(JSON.parse(json.output), { closed: { gaps: 0, elements: 0 }, stuck: [] });
    const detaching = await command(t, 'recover', name, '--detach', 'a', '--json');
    t.is(errorOf(detaching).code, 'ERR_UNKNOWN_CONSUMER');
    t.is(errorOf(await command(t, 'rm', name, '--json')).code, 'ERR_SEGMENT_IN_USE');
  }
  broadcast.close();
  memory.close();
  truncateSync(pathOf(broadcast.name), 5000);
  const damaged = await command(t, 'recover', broadcast.name, '--json');
  t.is(errorOf(damaged).code, 'ERR_SEGMENT_TRUNCATED');
  t.is((await command(t, 'rm', broadcast.name, memory.name)).end, 0);
  t.false(existsSync(pathOf(broadcast.name)) || existsSync(pathOf(memory.name)));
});
