// ref() and unref(): whether a wait keeps its process alive.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { staysPendingFor } from './compat/pending.js';
import { produce } from './compat/values.js';
import { WATCHDOG_MILLISECONDS, ring } from './fixture.js';

const CHILD = fileURLToPath(new URL('./waiting-child.js', import.meta.url));

/** A child that waits for a ring's data: see waiting-child.ts. */
function child(t: ExecutionContext, wait: string, kind: string, calls: string[]) {
  const { name, creator } = ring.named(t);
  const process_ = spawn(process.execPath, [CHILD, name, wait, kind, ...calls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => process_.kill('SIGKILL'));
  const end = Promise.all([text(process_.stdout), once(process_, 'exit')]);
  return { creator, waiting: once(process_.stdout, 'data'), end };
}

for (const kind of ['consume', 'timeout', 'callback', 'loop']) {
  for (const calls of [['wait'], ['wait', 'unref', 'ref'], ['unref', 'wait', 'ref']]) {
    test(`a process stays for its wait: ${kind}, ${calls.join(', ')}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const { creator, waiting, end } = child(t, 'adaptive', kind, calls);
      await waiting;
      t.true(await staysPendingFor(end, 300));
      produce(creator, 1);
      t.deepEqual(await end, ['waiting\ndelivered\n', [0, null]]);
    });
  }

  for (const calls of [
    ['wait', 'unref'],
    ['unref', 'wait'],
    ['wait', 'unref', 'ref', 'unref'],
  ]) {
    test(`a process ends in spite of its wait: ${kind}, ${calls.join(', ')}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const { end } = child(t, 'adaptive', kind, calls);
      t.deepEqual(await end, ['waiting\n', [0, null]]);
    });
  }
}

test('a process stays for a stream after another one was destroyed by its listener', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { name, creator } = ring.named(t, { elements: 16, elementSize: 1, spin: false });
  const program = fileURLToPath(new URL('./stream-child.js', import.meta.url));
  const process_ = spawn(process.execPath, [program, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => process_.kill('SIGKILL'));
  const end = Promise.all([text(process_.stdout), once(process_, 'exit')]);
  // It may have to wait for the first as well.
  await staysPendingFor(end, 300);
  produce(creator, 1);
  await once(process_.stdout, 'data');
  t.true(await staysPendingFor(end, 300));
  produce(creator, 1);
  t.deepEqual(await end, ['waiting\ndelivered\n', [0, null]]);
});

for (const kind of ['read', 'write']) {
  test(`a process ends when the stream that waited is destroyed: ${kind}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const { name } = ring.named(t, { elements: 16, elementSize: 1 });
    const program = fileURLToPath(new URL('./destroying-child.js', import.meta.url));
    const process_ = spawn(process.execPath, [program, name, kind], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => process_.kill('SIGKILL'));
    const end = Promise.all([text(process_.stdout), once(process_, 'exit')]);
    t.deepEqual(await end, ['destroyed\n', [0, null]]);
  });
}

for (const wait of ['block', 'sleep', 'yield', 'busy-spin']) {
  test(`a process stays for its wait, and not with unref: ${wait}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const stays = child(t, wait, 'consume', ['wait']);
    await stays.waiting;
    t.true(await staysPendingFor(stays.end, 300));
    produce(stays.creator, 1);
    t.deepEqual(await stays.end, ['waiting\ndelivered\n', [0, null]]);
    const { end } = child(t, wait, 'consume', ['wait', 'unref']);
    t.deepEqual(await end, ['waiting\n', [0, null]]);
  });
}
