// Many processes on one queue: nothing is lost, and nothing comes twice unmarked.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';

import { uniqueName } from '../fixture.js';
import { ENTRY_WORDS } from './queue-party.js';
import type { Party } from './queue-party.js';

const PARTY = fileURLToPath(new URL('./queue-party.js', import.meta.url));
const PRODUCERS = 4;
const CONSUMERS = 4;
/** Messages of each producer; 1,000,000 takes minutes and room for the logs. */
const MESSAGES = Number(process.env.QUEUE_MESSAGES ?? 25_000);
const PATIENCE = 240_000 + MESSAGES * 2;
const KILL_MILLISECONDS = 200;

/** Starts one; `ended` rejects when it fails, and not when it is killed. */
function start(t: ExecutionContext, party: Party): { child: ChildProcess; ended: Promise<void> } {
  const child = spawn(process.execPath, [PARTY, JSON.stringify(party)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: PATIENCE,
    killSignal: 'SIGTERM',
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${party.role}: ${signal ?? code}`);
  });
  ended.catch(() => undefined);
  return { child, ended };
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shm-disruptor-queue-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** What one consumer wrote down: producer, number and mark of each message. */
function entriesOf(log: string): Uint32Array {
  const bytes = readFileSync(log);
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** All that was written down, checked: complete, in order, and what came again is marked. */
function check(t: ExecutionContext, logs: string[]): { redelivered: number; twice: number } {
  const seen = Array.from({ length: PRODUCERS }, () => new Uint8Array(MESSAGES));
  const unmarked = Array.from({ length: PRODUCERS }, () => new Uint8Array(MESSAGES));
  let redelivered = 0;
  let disorder = 0;
  for (const log of logs) {
    const entries = entriesOf(log);
    const last = new Array<number>(PRODUCERS).fill(-1);
    for (let i = 0; i < entries.length; i += ENTRY_WORDS) {
      const [producer, number, marked] = entries.subarray(i, i + ENTRY_WORDS);
      seen[producer!]![number!]! += 1;
      redelivered += marked!;
      if (marked !== 0) continue;
      unmarked[producer!]![number!]! += 1;
      if (number! <= last[producer!]!) disorder += 1;
      last[producer!] = number!;
    }
  }
  const count = (all: Uint8Array[], matches: (times: number) => boolean) =>
    all.reduce((sum, each) => sum + each.reduce((n, times) => n + (matches(times) ? 1 : 0), 0), 0);
  t.is(disorder, 0, 'each consumer gets each producer’s in order');
  t.is(
    count(seen, (times) => times === 0),
    0,
    'none was lost',
  );
  t.is(
    count(unmarked, (times) => times > 1),
    0,
    'none came again unmarked',
  );
  return { redelivered, twice: count(seen, (times) => times > 1) };
}

/** Lets all messages through; `disturb` is called over and over until the producers are done. */
async function sendAll(
  t: ExecutionContext,
  acknowledges: boolean,
  disturb: (consumers: ReturnType<typeof start>[], another: () => void) => Promise<void>,
): Promise<string[]> {
  t.timeout(PATIENCE);
  using queue = Queue.create(uniqueName(t), { capacity: 1 << 18 });
  const { name } = queue;
  const logs = folder(t);
  const consumers: ReturnType<typeof start>[] = [];
  let started = 0;
  const begin = () => {
    const log = join(logs, String(started));
    consumers.push(start(t, { role: 'consumer', name, id: started, log, acknowledges }));
    started += 1;
  };
  for (let i = 0; i < CONSUMERS; i += 1) begin();
  const producers = Array.from({ length: PRODUCERS }, (_, id) =>
    start(t, { role: 'producer', name, id, count: MESSAGES }),
  );
  const state = { producing: true };
  const produced = Promise.all(producers.map(({ ended }) => ended)).finally(() => {
    state.producing = false;
  });
  while (state.producing) await disturb(consumers, begin);
  await produced;
  // Those who are left get what the dead have left before they are told to end.
  while (queue.stats().free < queue.stats().capacity) await sleep(10);
  await queue.enqueueMany(new Array<string>(CONSUMERS).fill(''));
  await Promise.all(consumers.map(({ ended }) => ended));
  t.is(queue.stats().unread, 0);
  return readdirSync(logs).map((log) => join(logs, log));
}

for (const acknowledges of [false, true]) {
  const how = acknowledges ? 'acknowledged' : 'not acknowledged';
  test.serial(
    `${PRODUCERS} producers, ${CONSUMERS} consumers, each message once: ${how}`,
    async (t) => {
      const logs = await sendAll(t, acknowledges, () => sleep(10));
      t.is(logs.length, CONSUMERS);
      t.deepEqual(check(t, logs), { redelivered: 0, twice: 0 });
    },
  );
}

test.serial('with a consumer killed every 200 ms, each message at least once', async (t) => {
  let killed = 0;
  const logs = await sendAll(t, true, async (consumers, another) => {
    await sleep(KILL_MILLISECONDS);
    const { child, ended } = consumers.shift()!;
    child.kill('SIGKILL');
    killed += 1;
    another();
    await ended;
  });
  t.true(killed > 0);
  const { redelivered, twice } = check(t, logs);
  t.log(`${killed} killed, ${redelivered} redelivered, ${twice} of them seen twice`);
});
