// `bench` and `demo`.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';

import test from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, start } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const segmentsOf = (pid: number) =>
  readdirSync('/dev/shm').filter((name) => name.startsWith(`shm-disruptor-bench-${pid}-`));

test.serial('bench: figures and histograms', async (t) => {
  const { end, output, errors } = await command(t, 'bench', '--seconds', '0.1', '--size', '16');
  t.deepEqual([end, errors], [0, '']);
  t.regex(output, /^messages of 16 B, between two processes$/m);
  t.regex(output, /^blocking calls +\S+ +[\d.]+ (ns|µs|ms) /m);
  t.regex(output, /^promises +\S+ +[\d.]+ (ns|µs|ms) /m);
  t.regex(output, /^ +[\d.]+ (ns|µs|ms) +█+.* %$/m);
  t.regex(output, /^64 at a time +\S+\/s +.*B\/s$/m);
});

test.serial('bench --json: nanoseconds and rates', async (t) => {
  const { end, output } = await command(t, 'bench', '--seconds', '0.1', '--json');
  t.is(end, 0);
  const { size, roundTrip, throughput } = JSON.parse(output) as {
    size: number;
    roundTrip: Record<string, { count: number; p50: number; most: number }>;
    throughput: { messagesPerSecond: number }[];
  };
  t.is(size, 64);
  for (const { count, p50, most } of Object.values(roundTrip)) {
    t.true(count > 0 && p50 > 0 && most >= p50);
  }
  t.true(throughput.every(({ messagesPerSecond }) => messagesPerSecond > 0));
});

test.serial('bench: an interrupt leaves nothing behind', async (t) => {
  const child = start(t, 'bench', '--seconds', '60');
  const gone = once(child, 'exit');
  while (segmentsOf(child.pid!).length < 2) await new Promise((done) => setTimeout(done, 20));
  child.kill('SIGINT');
  t.deepEqual(await gone, [130, null]);
  t.deepEqual(segmentsOf(child.pid!), []);
});

test.serial('demo: all that was sent has arrived', async (t) => {
  const { end, output } = await command(t, 'demo', '--json');
  t.is(end, 0);
  const results = JSON.parse(output) as { equal: boolean }[];
  t.deepEqual(
    results.map(({ equal }) => equal),
    [true, true],
  );
});
