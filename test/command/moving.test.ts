// `write` and `read`: what goes in at one end comes out at the other.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, truncateSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import {
  defineRecord,
  Disruptor,
  DisruptorReadStream,
  Queue,
  Ring,
  listSegments,
} from 'shm-disruptor';

import { ring, ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, ended, errorOf, fed, refused, start } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const pathOf = (name: string) => `/dev/shm${name}`;
const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(10);
};

for (const first of ['write', 'read']) {
  test(`bytes stream through a ring, whoever comes first (${first})`, async (t) => {
    const name = uniqueName(t);
    const bytes = randomBytes(3_000_000);
    const other = first === 'write' ? 'read' : 'write';
    const processes = { [first]: start(t, first, name, '--capacity', '65536') };
    await until(() => existsSync(pathOf(name)));
    processes[other] = start(t, other, name);
    processes.write!.stdin.end(bytes);
    const [received, writer] = await Promise.all([
      buffer(processes.read!.stdout),
      once(processes.write!, 'close'),
      once(processes.read!, 'close'),
    ]);
    t.true(received.equals(bytes));
    t.deepEqual(writer, [0, null]);
    t.is(processes.read!.exitCode, 0);
  });
}

test('every reader of a stream gets all of it', async (t) => {
  const name = uniqueName(t);
  t.like(await fed(t, 'hello', 'write', name, '--readers', '2'), { end: 0, errors: '' });
  const readers = ['0', '1'].map((as) => command(t, 'read', name, '--as', as));
  for (const each of await Promise.all(readers)) t.like(each, { end: 0, output: 'hello' });
});

test('a stream that is to go on has no end until it has', async (t) => {
  const name = uniqueName(t);
  t.is((await fed(t, 'one ', 'write', name, '--more')).end, 0);
  const reader = start(t, 'read', name);
  const reading = ended(reader);
  await once(reader.stdout, 'readable');
  t.is(reader.exitCode, null);
  t.is((await fed(t, 'two', 'write', name)).end, 0);
  t.like(await reading, { end: 0, output: 'one two' });
});

test('the package’s own streams are at the other end', async (t) => {
  const name = uniqueName(t);
  const disruptor = new Disruptor({
    name,
    elements: 64,
    elementSize: 1,
    consumers: 1,
    consumer: 0,
    init: true,
  });
  const writer = fed(t, 'x'.repeat(1000), 'write', name);
  t.is((await buffer(new DisruptorReadStream(disruptor))).length, 1000);
  t.is((await writer).end, 0);
  disruptor.release();
});

test('a message a line, through a ring of messages', async (t) => {
  const name = uniqueName(t);
  const written = await fed(t, 'one\n\nthree €\nlast', 'write', name, '--lines', '--json');
  t.is(written.end, 0);
  t.deepEqual(JSON.parse(written.output), { name, messages: 4, bytes: 16 });
  const two = await command(t, 'read', name, '--count', '2');
  t.like(two, { end: 0, output: 'one\n\n' });
  const rest = await command(t, 'read', name, '--no-wait', '--json');
  t.deepEqual(
    rest.output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
    [
      { sequence: 2, redelivered: false, data: 'three €' },
      { sequence: 3, redelivered: false, data: 'last' },
    ],
  );
  t.like(await command(t, 'read', name, '--no-wait'), { end: 0, output: '' });
});

test('a queue: each message to one reader', async (t) => {
  const name = uniqueName(t);
  const lines = Array.from({ length: 500 }, (_, i) => `job ${i}`);
  t.is((await fed(t, lines.join('\n'), 'write', name, '--queue')).end, 0);
  const readers = await Promise.all([1, 2].map(() => command(t, 'read', name, '--no-wait')));
  const got = readers.flatMap(({ output }) => output.split('\n').slice(0, -1));
  t.deepEqual(got.sort(), [...lines].sort());
});

test('rings and queues that programs have made, whatever their encoding', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096, encoding: 'json' });
  t.is((await fed(t, '{"a":1}\n', 'write', queue.name)).end, 0);
  t.deepEqual(queue.tryDequeue(), { a: 1 });
  queue.tryEnqueue({ b: 2 });
  t.is((await command(t, 'read', queue.name, '--no-wait')).output, '{"b":2}\n');
  queue.close();

  const options = { elements: 8, elementSize: 64, encoding: 'json', consumers: { a: {} } } as const;
  const values = Ring.create(uniqueName(t), options);
  t.is((await fed(t, '{"c":3}\n', 'write', values.name)).end, 0);
  const consumer = values.consumer('a');
  t.deepEqual([...consumer.tryNext()!], [{ c: 3 }]);
  consumer.close();
  t.is((await command(t, 'read', values.name, '--as', 'a', '--no-wait')).output, '{"c":3}\n');
  values.close();
});

test('raw elements hold a line each, and zeros', async (t) => {
  const made = ringOfRoles(t, { elements: 8, elementSize: 6, consumers: 1 });
  t.is((await fed(t, 'ab\nabcdef\n', 'write', made.name)).end, 0);
  t.is((await command(t, 'read', made.name, '--no-wait')).output, 'ab\nabcdef\n');
  const long = await fed(t, 'abcdefg\n', 'write', made.name, '--json');
  t.is(long.end, 1);
  t.regex(errorOf(long).code, /^ERR_/);
});

test('a reader joins where it is told, and one that is known goes on', async (t) => {
  const made = ringOfRoles(t, { elements: 8, elementSize: 4, consumers: { slow: {} } });
  t.is((await fed(t, 'a\nb\n', 'write', made.name)).end, 0);
  const read = async (...args: string[]) => (await command(t, 'read', made.name, ...args)).output;
  t.is(await read('--as', 'new', '--no-wait'), '', 'with what comes next');
  t.is(await read('--as', 'old', '--from', 'oldest', '--count', '1'), 'a\n');
  t.is(await read('--as', 'old', '--no-wait'), 'b\n');
  t.is(await read('--as', 'pool', '--group', '--from', 'oldest', '--no-wait'), 'a\nb\n');
});

test('an interrupt ends a reader; what it had not written is given again', async (t) => {
  const name = uniqueName(t);
  await fed(t, 'one\n', 'write', name, '--lines');
  const reader = start(t, 'read', name);
  const reading = ended(reader);
  await once(reader.stdout, 'readable');
  reader.kill('SIGINT');
  t.like(await reading, { end: 130, output: 'one\n', errors: '' });
  await fed(t, 'two\n', 'write', name);
  t.is((await command(t, 'read', name, '--no-wait')).output, 'two\n');
});

test('an interrupt ends a writer, and its readers get all that it had read', async (t) => {
  const name = uniqueName(t);
  const writer = start(t, 'write', name);
  const writing = ended(writer);
  writer.stdin.write('so far');
  const reader = start(t, 'read', name);
  const reading = ended(reader);
  await once(reader.stdout, 'readable');
  writer.kill('SIGINT');
  t.like(await writing, { end: 130, errors: '' });
  t.like(await reading, { end: 0, output: 'so far' });
});

test('a writer that nobody makes room for can be interrupted', async (t) => {
  for (const how of [[], ['--lines'], ['--queue']]) {
    const name = uniqueName(t);
    const writer = start(t, 'write', name, ...how, '--capacity', '4096');
    const writing = ended(writer);
    writer.stdin.write(`${'x'.repeat(100)}\n`.repeat(100_000));
    await until(() => existsSync(pathOf(name)));
    await until(() => listSegments().find((each) => each.name === name)!.cursor! > 40);
    writer.kill('SIGTERM');
    t.is((await writing).end, 143, how.join());
  }
});

test('a reader whose output is closed ends quietly', async (t) => {
  const name = uniqueName(t);
  const writer = start(t, 'write', name, '--lines');
  const reader = start(t, 'read', name, '--lines');
  const gone = once(reader, 'close');
  writer.stdin.write('one\n');
  await once(reader.stdout, 'data');
  reader.stdout.destroy();
  writer.stdin.write('two\n');
  t.deepEqual(await gone, [0, null]);
  writer.stdin.end();
  t.is((await ended(writer)).end, 0);
  t.is((await command(t, 'read', name, '--no-wait')).output, 'two\n', 'it was not lost');
});

test('--rm takes the name away at the end', async (t) => {
  const name = uniqueName(t);
  await fed(t, 'x', 'write', name);
  t.like(await command(t, 'read', name, '--rm'), { end: 0, output: 'x' });
  t.false(existsSync(pathOf(name)));
});

test('what cannot be attached to', async (t) => {
  const missing = uniqueName();
  const { name } = ring.named(t);
  truncateSync(pathOf(name), 5000);
  const Tick = defineRecord({ price: 'f64' });
  const records = Ring.create(uniqueName(t), { elements: 8, record: Tick });
  const bytes = ring.named(t, { elementSize: 1 });
  for (const how of ['write', 'read']) {
    const rows: [string[], string, number][] = [
      [[missing, '--no-create'], 'ENOENT', 1],
      [['/a/b'], 'ERR_INVALID_ARG_VALUE', 2],
      [[name], 'ERR_SEGMENT_TRUNCATED', 1],
      [[records.name], 'ERR_SCHEMA_MISMATCH', 1],
      [[bytes.name, '--lines'], 'ERR_USAGE', 2],
    ];
    for (const [args, code, end] of rows) {
      const failed = await command(t, how, ...args, '--json');
      t.is(failed.end, end, args.join(' '));
      t.is(errorOf(failed).code, code, args.join(' '));
    }
    const mine = ring.named(t);
    t.is(errorOf(await refused(t, mine.name, how, mine.name, '--json')).code, 'EACCES');
  }
  t.is(errorOf(await command(t, 'read', bytes.name, '--count', '1', '--json')).code, 'ERR_USAGE');
  records.close();
});
