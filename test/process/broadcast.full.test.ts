// Many processes on one broadcast: no message is torn or out of order, and what is lost is told exactly.
//
//   BROADCAST_MESSAGES=50000000 npx ava build/test/process/broadcast.full.test.js      the litmus test in full
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast } from 'shm-disruptor';
import type { ProducerMode } from 'shm-disruptor';

import { uniqueName } from '../fixture.js';
import type { Pace, Party, Seen } from './broadcast-party.js';

const PARTY = fileURLToPath(new URL('./broadcast-party.js', import.meta.url));
/** Published in all for each size of messages. */
const MESSAGES = Number(process.env.BROADCAST_MESSAGES ?? 200_000);
const PATIENCE = 240_000 + MESSAGES / 10;
const PACES: Pace[] = ['fast', 'awaiting', 'slow'];
const ELEMENTS = 1024;
const KILLS = 20;

interface Running {
  child: ChildProcess;
  ended: Promise<void>;
}

/** Starts one; `ended` rejects when it fails, and not when it is killed. */
function start(t: ExecutionContext, party: Party): Running {
  const child = fork(PARTY, [JSON.stringify(party)], {
    timeout: PATIENCE,
    killSignal: 'SIGTERM',
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
    if (code !== 0 && signal !== 'SIGKILL') {
      throw new Error(`${party.role}: ${String(signal ?? code)}`);
    }
  });
  ended.catch(() => undefined);
  return { child, ended };
}

/** Starts one that listens, and gives what it will have seen. */
async function listener(t: ExecutionContext, name: string, bytes: number, pace: Pace) {
  const { child, ended } = start(t, { role: 'subscriber', name, bytes, pace });
  await Promise.race([once(child, 'message'), ended]);
  const seen = once(child, 'message').then(([message]) => message as Seen);
  seen.catch(() => undefined);
  const failed = ended.then(async () => {
    // The end may be heard of before the last message.
    await once(child, 'disconnect', { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    throw new Error('A subscriber ended and said nothing');
  });
  const either = Promise.race([seen, failed]);
  either.catch(() => undefined);
  return { child, ended, seen: either };
}

for (const bytes of [64, 1024]) {
  test.serial(`${bytes} bytes: nothing torn, nothing out of order, losses exact`, async (t) => {
    t.timeout(PATIENCE);
    const name = uniqueName(t);
    const creator = Broadcast.create(name, { elements: ELEMENTS, elementSize: bytes });
    const listeners = await Promise.all(PACES.map((pace) => listener(t, name, bytes, pace)));
    const begin = performance.now();
    const publisher = start(t, { role: 'publisher', name, id: 1, bytes, count: MESSAGES });
    await publisher.ended;
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    t.is(creator.publish(''), MESSAGES);
    for (const [i, { seen }] of listeners.entries()) {
      const { received, lost, dropped, end } = await seen;
      t.deepEqual([received + lost, dropped, end], [MESSAGES, 0, MESSAGES], PACES[i]);
      t.log(
        `${PACES[i]!}: ${received} received, ${lost} lost, of ${end} published in ${seconds} s`,
      );
    }
    creator.close();
  });
}

/** The sequences of what was published: all that publish() has returned. */
function published(folder: string): Set<number> {
  const all = new Set<number>();
  for (const log of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, log));
    // Who was killed has written its last number whole, or not at all.
    for (let at = 0; at + 4 <= bytes.length; at += 4) all.add(bytes.readUInt32LE(at));
  }
  return all;
}

for (const producers of ['single', 'multi'] as ProducerMode[]) {
  test.serial(`publishers and subscribers are killed: ${producers}`, async (t) => {
    t.timeout(PATIENCE);
    const bytes = 1024;
    const name = uniqueName(t);
    const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-broadcast-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    using creator = Broadcast.create(name, {
      elements: ELEMENTS,
      elementSize: bytes,
      producers,
      // The dead leave theirs to others.
      maxProducers: 4,
    });
    const witnesses = await Promise.all(PACES.map((pace) => listener(t, name, bytes, pace)));
    let id = 0;
    const another = () => {
      id += 1;
      const log = join(folder, String(id));
      return start(t, { role: 'publisher', name, id, bytes, count: 2 ** 31, log });
    };
    const publishers = Array.from({ length: producers === 'single' ? 1 : 3 }, another);
    const before = () => creator.stats().next;
    for (let kills = 0; kills < KILLS; kills += 1) {
      const victim = await listener(t, name, bytes, PACES[kills % PACES.length]!);
      const { child, ended } = publishers.shift()!;
      // It is to be killed at work.
      for (const then = before(); before() < then + 100;) {
        await Promise.race([sleep(5), ended]);
        if (child.exitCode !== null) t.fail('A publisher has ended by itself');
      }
      await sleep(Math.random() * 20);
      child.kill('SIGKILL');
      victim.child.kill('SIGKILL');
      victim.seen.catch(() => undefined);
      await Promise.all([ended, victim.ended]);
      publishers.push(another());
    }
    for (const { child, ended } of publishers) {
      child.kill('SIGKILL');
      await ended;
    }
    const end = creator.publish('');
    const all = published(folder);
    t.true(all.size > KILLS * 50);
    for (const [i, { seen }] of witnesses.entries()) {
      const told = await seen;
      t.is(told.end, end);
      t.is(told.received + told.lost + told.dropped, end);
      // At most one for each who was killed in the middle of it.
      t.true(told.dropped <= KILLS + publishers.length, `${told.dropped} dropped`);
      for (const [from, to, lost] of told.gaps) {
        let missing = 0;
        for (let sequence = from; sequence < to; sequence += 1) {
          missing += all.has(sequence) ? 1 : 0;
        }
        if (missing > lost) t.fail(`${missing} of ${from} to ${to}, and only ${lost} lost`);
      }
      t.log(
        `${PACES[i]!}: ${told.received} received, ${told.lost} lost, ${told.dropped} dropped of ${end}`,
      );
    }
  });
}
