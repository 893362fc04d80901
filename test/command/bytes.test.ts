// `write` and `read`: every byte arrives, and none is lost with the output.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, ended, errorOf, fed, PROGRAM, start } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

/** What `read` writes out, byte for byte. */
async function readBytes(t: ExecutionContext, ...args: string[]): Promise<Buffer> {
  const child = start(t, 'read', ...args);
  child.stdin.end();
  const [output, closed] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
  t.deepEqual(closed, [0, null], args.join(' '));
  return output;
}

/** Runs `read NAME` under a shell, which says what becomes of its output. */
async function readUnder(t: ExecutionContext, name: string, shell: string) {
  const script = `${shell}; exec "${process.execPath}" "${PROGRAM}" read "${name}" --no-wait`;
  const child = spawn('sh', ['-c', script]);
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.end();
  return ended(child);
}

const NEWLINE = Buffer.from('\n');
/** Lines of all bytes that a line can have: no two of them next to each other are text. */
const odd = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    Buffer.from(randomBytes(1 + (i % 700)).map((byte) => (byte === 0x0a ? 0xff : byte))),
  );

for (const how of [['--queue'], ['--lines'], ['--broadcast', '--lines']]) {
  test(`lines of any bytes arrive as they are: write ${how.join(' ')}`, async (t) => {
    const name = uniqueName(t);
    const lines = [...odd(600), Buffer.from('dos\r'), Buffer.alloc(0), Buffer.from([0xc3])];
    // More than standard input gives at once, and no newline at the end.
    const sent = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
    const capacity = how[0] === '--queue' ? String(1 << 20) : '1024';
    const written = await fed(
      t,
      sent.subarray(0, -1),
      ...['write', name, ...how, '--capacity', capacity, '--json'],
    );
    t.is(written.end, 0, written.errors);
    t.like(JSON.parse(written.output), {
      messages: lines.length,
      bytes: lines.reduce((sum, { length }) => sum + length, 0),
    });
    const from = how[0] === '--broadcast' ? ['--from', 'oldest'] : [];
    t.true((await readBytes(t, name, '--no-wait', ...from)).equals(sent));
  });
}

test('messages that are not text are base64 in JSON', async (t) => {
  const name = uniqueName(t);
  const bytes = Buffer.concat([Buffer.from('text €\n'), Buffer.from([0xff, 0xfe, 0x0a])]);
  t.is((await fed(t, bytes, 'write', name, '--queue')).end, 0);
  const { output } = await command(t, 'read', name, '--no-wait', '--json');
  const messages = output.trimEnd().split('\n');
  t.deepEqual(
    messages.map((line) => JSON.parse(line) as unknown),
    [
      { sequence: 0, redelivered: false, data: 'text €' },
      { sequence: 1, redelivered: false, base64: '//4=' },
    ],
  );
});

test('a line that never ends is refused when it is longer than any message', async (t) => {
  const name = uniqueName(t);
  const child = start(t, 'write', name, '--queue', '--capacity', '4096', '--json');
  const ending = ended(child);
  // Standard input stays open: an endless line is not collected.
  child.stdin.write('x'.repeat(100_000));
  const failed = await ending;
  t.is(failed.end, 1);
  t.is(errorOf(failed).code, 'ERR_OUT_OF_RANGE');
});

/** A stream that is in a ring whole, and has not ended. */
async function streamed(t: ExecutionContext, bytes: Buffer): Promise<string> {
  const name = uniqueName(t);
  const { end, errors } = await fed(t, bytes, 'write', name, '--more');
  t.is(end, 0, errors);
  return name;
}

test('the bytes that met a closed pipe are for the next reader', async (t) => {
  const name = await streamed(t, Buffer.from('one'));
  const reader = start(t, 'read', name);
  const gone = once(reader, 'close');
  await once(reader.stdout, 'data');
  reader.stdout.destroy();
  t.is((await fed(t, 'two', 'write', name)).end, 0);
  t.deepEqual(await gone, [0, null]);
  t.is((await readBytes(t, name)).toString(), 'two');
});

test('a full disk ends a reader with 1, and the next goes on exactly where its file ends', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'shm-disruptor-full-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const bytes = randomBytes(200_000);
  const name = await streamed(t, bytes);
  const file = join(directory, 'output');
  // 100 blocks of 512 bytes: the system cuts a write short there, as it does when a disk is full.
  const limited = `trap '' XFSZ; ulimit -f 100; exec > '${file}'`;
  const { end, errors } = await readUnder(t, name, limited);
  t.is(end, 1);
  t.is(errors, 'shm-disruptor: Failed to write to standard output: file too large (EFBIG)\n');
  const written = readFileSync(file);
  t.true(written.length > 0 && written.length < bytes.length, String(written.length));
  const rest = await readBytes(t, name, '--no-wait');
  t.true(Buffer.concat([written, rest]).equals(bytes), 'nothing is lost or there twice');
});

test('what a full device did not take is given to the next reader', async (t) => {
  const name = uniqueName(t);
  t.is((await fed(t, 'first\nsecond\n', 'write', name, '--queue')).end, 0);
  const { end, errors } = await readUnder(t, name, 'exec > /dev/full');
  t.is(end, 1);
  t.is(
    errors,
    'shm-disruptor: Failed to write to standard output: no space left on device (ENOSPC)\n',
  );
  t.is((await readBytes(t, name, '--no-wait')).toString(), 'first\nsecond\n');
});

test('an interrupt ends a reader whose output nobody takes, and loses nothing', async (t) => {
  const bytes = randomBytes(900_000);
  const name = await streamed(t, bytes);
  const reader = start(t, 'read', name);
  const closed = once(reader, 'close');
  const pieces = (await once(reader.stdout, 'data')) as Buffer[];
  reader.stdout.pause();
  // From then on Node reads what is left in the pipe.
  reader.once('exit', () => {
    reader.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  });
  reader.kill('SIGINT');
  t.deepEqual(await closed, [130, null]);
  const taken = Buffer.concat(pieces);
  const rest = await readBytes(t, name, '--no-wait');
  t.true(bytes.subarray(0, taken.length).equals(taken));
  t.true(taken.length < bytes.length && taken.length + rest.length >= bytes.length);
  t.true(bytes.subarray(bytes.length - rest.length).equals(rest));
});

test('a queue’s messages that met a closed pipe are for the next reader', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 1 << 16 });
  t.teardown(() => {
    queue.close();
  });
  queue.tryEnqueue(Buffer.from('one'));
  const reader = start(t, 'read', queue.name);
  const gone = once(reader, 'close');
  await once(reader.stdout, 'data');
  reader.stdout.destroy();
  queue.tryEnqueue(Buffer.from([0xff, 0x00]));
  t.deepEqual(await gone, [0, null]);
  t.true((await readBytes(t, queue.name, '--no-wait')).equals(Buffer.from([0xff, 0x00, 0x0a])));
});
