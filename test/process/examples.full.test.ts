import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { withEngine } from '../bridge/with-engine.js';
import { WATCHDOG_MILLISECONDS } from '../fixture.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Exit code, or the signal's name. */
type End = number | string;

/** Starts an example as a user would. */
function start(
  t: ExecutionContext,
  script: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join('examples', script), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** 'close' comes when nobody holds the output any more: the example's own children have ended. */
async function ended(child: ChildProcessWithoutNullStreams): Promise<End> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return code ?? signal!;
}

async function run(
  child: ChildProcessWithoutNullStreams,
): Promise<{ end: End; output: string; errors: string }> {
  const [end, output, errors] = await Promise.all([
    ended(child),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { end, output, errors };
}

let names = 0;

/** A name for a ring, and where its file is. */
function uniqueName(t: ExecutionContext): { name: string; file: string } {
  names += 1;
  const name = `/shm-disruptor-examples-${process.pid}-${names}`;
  const file = join('/dev/shm', name);
  t.teardown(() => {
    rmSync(file, { force: true });
  });
  return { name, file };
}

async function untilExists(file: string): Promise<void> {
  while (!existsSync(file)) await delay(10);
}

function* randomChunks(bytes: number, hash: Hash): Generator<Buffer> {
  for (let left = bytes; left > 0;) {
    const chunk = randomBytes(Math.min(left, 100_003));
    hash.update(chunk);
    left -= chunk.length;
    yield chunk;
  }
}

/** Feeds random bytes to a process; resolves to their SHA-256. */
async function feed(child: ChildProcessWithoutNullStreams, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(Readable.from(randomChunks(bytes, hash)), child.stdin);
  return hash.digest('hex');
}

/** What a consumer of the stream example wrote, and how it ended. */
async function received(
  child: ChildProcessWithoutNullStreams,
): Promise<{ end: End; bytes: number; sha256: string; errors: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  const [end, errors] = await Promise.all([ended(child), text(child.stderr)]);
  return { end, bytes, sha256: hash.digest('hex'), errors };
}

test.serial('numbers: producer and consumer come to the same sum', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const sent = run(start(t, 'numbers/producer.js', { args: [name] }));
  await untilExists(file);
  const read = run(start(t, 'numbers/consumer.js', { args: [name] }));

  const [producer, consumer] = await Promise.all([sent, read]);
  const sum = /^sent 1000000 numbers, (sum \d+)\n$/.exec(producer.output)?.[1];
  t.truthy(sum, producer.output);
  t.is(consumer.output, `read 1000000 numbers, ${sum!}\n`);
  t.deepEqual([producer.end, producer.errors], [0, '']);
  t.deepEqual([consumer.end, consumer.errors], [0, '']);
  t.false(existsSync(file));
});

test.serial('numbers: a consumer without a ring says what to start', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name } = uniqueName(t);
  const { end, errors } = await run(start(t, 'numbers/consumer.js', { args: [name] }));
  t.is(end, 1);
  t.regex(errors, /Start the producer first: node examples\/numbers\/producer\.js/);
});

test.serial('numbers: a producer without a consumer gives up', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const options = { args: [name], env: { PATIENCE: '0.5' } };
  const { end, errors } = await run(start(t, 'numbers/producer.js', options));
  t.is(end, 1);
  t.regex(errors, /Is the consumer running\?/);
  t.false(existsSync(file));
});

test.serial('stream: 10 MB arrive byte for byte', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const bytes = 10_000_000;
  const env = { NAME: name };
  const consumer = received(start(t, 'stream/consumer.js', { env }));
  const producer = start(t, 'stream/producer.js', { env });
  const [end, sha256] = await Promise.all([ended(producer), feed(producer, bytes)]);

  t.is(end, 0);
  t.deepEqual(await consumer, { end: 0, bytes, sha256, errors: '' });
  t.false(existsSync(file));
});

test.serial('stream: three consumers, in any order, all get 5 MB', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const bytes = 5_000_000;
  // Consumer 0 creates the ring, and the others and the producer wait for it.
  const producer = start(t, 'stream/producer.js', { env: { NAME: name } });
  const consumers = ['2', '1', '0'].map((ID) =>
    received(start(t, 'stream/consumer.js', { env: { NAME: name, ID, TOTAL: '3' } })),
  );
  const [end, sha256] = await Promise.all([ended(producer), feed(producer, bytes)]);

  t.is(end, 0);
  for (const consumer of await Promise.all(consumers)) {
    t.deepEqual(consumer, { end: 0, bytes, sha256, errors: '' });
  }
  t.false(existsSync(file));
});

test.serial('stream: short input waits for a late consumer', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const env = { NAME: name, TOTAL: '2' };
  const first = run(start(t, 'stream/consumer.js', { env: { ...env, ID: '0' } }));
  const producer = start(t, 'stream/producer.js', { env });
  producer.stdin.end('hello');
  t.is(await ended(producer), 0);
  const second = run(start(t, 'stream/consumer.js', { env: { ...env, ID: '1' } }));

  for (const consumer of [await first, await second]) {
    t.deepEqual(consumer, { end: 0, output: 'hello', errors: '' });
  }
  t.false(existsSync(file));
});

test.serial('stream: a consumer whose output is closed ends quietly', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const env = { NAME: name };
  const consumer = start(t, 'stream/consumer.js', { env });
  const producer = start(t, 'stream/producer.js', { env });
  consumer.stdout.once('data', () => consumer.stdout.destroy());
  // The producer ends before it has read all its input.
  const feeding = feed(producer, 10_000_000).catch((error: unknown) => error);
  const [end, errors, sent] = await Promise.all([
    ended(consumer),
    text(consumer.stderr),
    run(producer),
  ]);
  await feeding;

  t.deepEqual([end, errors], [0, '']);
  t.deepEqual([sent.end, sent.errors], [1, 'no consumers\n']);
  t.false(existsSync(file));
});

test.serial('workers: every message arrives once and in order', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, file } = uniqueName(t);
  const { end, output, errors } = await run(start(t, 'workers/main.js', { args: [name] }));
  t.deepEqual([end, errors], [0, '']);
  t.is(output.match(/^consumer \d received 600000 messages, 0 out of order$/gm)?.length, 2, output);
  t.false(existsSync(file));
});

/** Runs an example that makes its own rings, names of which begin with what it is given. */
async function runAlone(t: ExecutionContext, script: string): Promise<string[]> {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name } = uniqueName(t);
  const { end, output, errors } = await run(start(t, script, { args: [name] }));
  t.deepEqual([end, errors], [0, ''], output);
  t.deepEqual(
    readdirSync('/dev/shm').filter((file) => `/${file}`.startsWith(name)),
    [],
  );
  return output.trim().split('\n');
}

test.serial('market-data: a slow reader and one after another lose nothing', async (t) => {
  const lines = await runAlone(t, 'market-data/main.js');
  const [, volume] = /^feed: 200000 ticks, (\d+) traded$/.exec(lines[0]!)!;
  const readers = lines
    .slice(1)
    .map((line) => line.replace(/, batches of up to \d+: good$/, ', good'));
  t.deepEqual(readers, [
    `book: 200000 ticks, ${volume!} traded, good`,
    `audit: 200000 ticks, ${volume!} traded, good`,
    `risk: 200000 ticks, ${volume!} traded, 0 before book, good`,
  ]);
});

test.serial('diamond: the last stage comes after both others', async (t) => {
  t.deepEqual(await runAlone(t, 'diamond/main.js'), [
    'check: 20000 orders, sum 9990000, 0 too early: good',
    'journal: 20000 orders, sum 9990000, 0 too early: good',
    'execute: 20000 orders, sum 9990000, 0 too early: good',
  ]);
});

test.serial('jobs: what a killed worker had is done by others', async (t) => {
  t.deepEqual(await runAlone(t, 'jobs/main.js'), [
    'worker 0 ended by SIGKILL, after 22 jobs',
    '1000 of 1000 jobs done, 0 wrong, 0 left',
    '4 given again, 2 of them done twice',
  ]);
});

test.serial('late-joiner: each begins where it should', async (t) => {
  t.deepEqual(await runAlone(t, 'late-joiner/main.js'), [
    'archive: 300 from 0 on: good',
    'archive ended by SIGKILL',
    'latest: 500 from 500 on: good',
    'oldest: 700 from 300 on: good',
    'archive again: 700 from 300 on: good',
  ]);
});

test.serial('ticker: the slow listener loses, and knows how many', async (t) => {
  const [published, ...listeners] = await runAlone(t, 'ticker/main.js');
  t.is(published, '20000 prices published, the last is 22000');
  const [fast, slow] = listeners.map((line) => {
    const found = /^(\w+): (\d+) received, (\d+) lost, the last is 22000: good$/.exec(line);
    return { pace: found?.[1], received: Number(found?.[2]), lost: Number(found?.[3]) };
  });
  t.deepEqual([fast!.pace, fast!.received + fast!.lost], ['fast', 20_000]);
  t.deepEqual([slow!.pace, slow!.received + slow!.lost], ['slow', 20_000]);
});

test.serial('counters: no count is lost, and a reader sees them', async (t) => {
  t.deepEqual(await runAlone(t, 'counters/main.js'), [
    '3 workers counted 100000 + 100000 + 100000 = 300000',
    'a reader sees 300000: good',
  ]);
});

withEngine('nats')('two-machines: a killed bridge loses nothing and repeats nothing', async (t) => {
  t.deepEqual(await runAlone(t, 'two-machines/main.js'), [
    'a bridge ended by SIGKILL, half way',
    '20000 of 20000 orders filled, 0 wrong or out of order',
  ]);
});

/** Starts the demo with a folder of its own for its files; `leftovers` is what it has not removed. */
function startDemo(t: ExecutionContext): {
  demo: ChildProcessWithoutNullStreams;
  leftovers: () => string[];
} {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'shm-disruptor-examples-'));
  t.teardown(() => {
    rmSync(TMPDIR, { recursive: true, force: true });
  });
  const demo = start(t, 'demo/main.js', { env: { TMPDIR } });
  const rings = () =>
    readdirSync('/dev/shm').filter((file) =>
      file.startsWith(`shm-disruptor-demo-${String(demo.pid)}-`),
    );
  t.teardown(() => {
    for (const file of rings()) rmSync(join('/dev/shm', file), { force: true });
  });
  return { demo, leftovers: () => [...rings(), ...readdirSync(TMPDIR)] };
}

test.serial('demo: all checksums are equal, and nothing is left', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { demo, leftovers } = startDemo(t);
  const { end, output, errors } = await run(demo);
  t.deepEqual([end, errors], [0, '']);

  const answers = [...output.matchAll(/(\S+) *│$/gm)].map(([, last]) => last);
  t.deepEqual(answers, ['equal', 'yes', 'yes'], output);
  t.deepEqual(leftovers(), []);
});

test.serial('demo: an interrupt ends it with its children, and nothing is left', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { demo, leftovers } = startDemo(t);
  const end = ended(demo);
  await once(demo.stdout, 'data');
  demo.stdout.resume();
  t.not(leftovers().length, 0);
  demo.kill('SIGINT');
  t.is(await end, 130);
  t.deepEqual(leftovers(), []);
});
