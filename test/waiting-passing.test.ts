// A wake for one that comes to an event loop whose wait is over goes to another one that waits.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Queue } from 'shm-disruptor';

import { asleepOn } from './asleep.js';
import { staysPending } from './compat/pending.js';
import { WATCHDOG_MILLISECONDS, uniqueName } from './fixture.js';
import { inProcess, newMemory, wordsOf } from './memories.js';
import { sizeFor } from './waiting-passing-child.js';
import type { Pass } from './waiting-passing-child.js';

const CHILD = fileURLToPath(new URL('./waiting-passing-child.js', import.meta.url));

// One that was not woken looks by itself within half a second: with that in each round the test takes
// longer than its watchdog waits.
const ROUNDS = (3 * WATCHDOG_MILLISECONDS) / 1000;

async function play(t: ExecutionContext, kind: Pass['kind'], end: Pass['end'], waker: string) {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name } = newMemory(t, sizeFor(ROUNDS));
  const queue = uniqueName(t);
  if (kind === 'queue') {
    const created = Queue.create(queue, { capacity: 4096 });
    t.teardown(() => {
      created.close();
    });
  }
  const exits = (['holder', 'other'] as const).map((part) => {
    const pass: Pass = { part, kind, end, name, queue, rounds: ROUNDS };
    const child = fork(CHILD, [JSON.stringify(pass)], {
      env: { ...process.env, SHM_DISRUPTOR_WAKER: waker },
    });
    t.teardown(() => child.kill('SIGKILL'));
    return once(child, 'exit');
  });
  t.deepEqual(await Promise.all(exits), [
    [0, null],
    [0, null],
  ]);
}

for (const waker of ['', 'thread']) {
  const by = `the waker being '${waker}'`;
  for (const end of ['abort', 'close'] as const) {
    test.serial(`memory: a wait that is given up (${end}) passes its wake on, ${by}`, (t) =>
      play(t, 'memory', end, waker),
    );
    test.serial(`queue: a wait that is given up (${end}) passes its wake on, ${by}`, (t) =>
      play(t, 'queue', end, waker),
    );
  }
  test.serial(`memory: a wait that has looked by itself takes no wake, ${by}`, (t) =>
    play(t, 'memory', 'look', waker),
  );
}

// The bound is the look that each waiter makes by itself.
for (const does of ['wait', 'wait sync'] as const) {
  test(`memory: a process that is stopped while it sleeps (${does}) holds up nobody for ever`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const memory = newMemory(t);
    const stopped = await inProcess(t, { name: memory.name, does });
    if (does === 'wait') t.is(await stopped.heard(), 'waiting');
    else await asleepOn(memory, 0);
    stopped.stop();
    const waiting = memory.wait(0, 0);
    t.true(await staysPending(waiting));
    Atomics.store(wordsOf(memory), 0, 1);
    memory.notify(0, 1);
    t.is(await waiting, 'ok');
  });
}
