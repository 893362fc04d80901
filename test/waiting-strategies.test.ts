// Every way to pass the time of a wait delivers, whether the answer comes soon or late.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Disruptor } from 'shm-disruptor';
import type { DisruptorOptions, WaitStrategy } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, attach, ring, uniqueName } from './fixture.js';
import type { Player } from './waiting-pong.js';

const PLAYER = new URL('./waiting-pong.js', import.meta.url);
const ROUNDS = 400;

const choices: Partial<DisruptorOptions>[] = [
  ...(['adaptive', 'block', 'sleep', 'yield', 'busy-spin'] as const).map((wait: WaitStrategy) => ({
    wait,
  })),
  { pollingBudget: 0 },
  { pollingBudget: 1000 },
  { wait: 'sleep', pollingBudget: 0 },
  { wait: 'busy-spin', pollingBudget: 0 },
];

/** Two rings of one element. */
function rings(t: ExecutionContext) {
  const make = () => ring.named(t, { elements: 1 });
  const [ping, pong] = [make(), make()];
  return { ping, pong, names: { ping: ping.name, pong: pong.name } };
}

/** Both sides have played all rounds. */
function played(t: ExecutionContext, { ping, pong }: ReturnType<typeof rings>): void {
  for (const { creator } of [ping, pong]) {
    t.deepEqual([creator.next, creator.cursor, creator.consumer], [ROUNDS, ROUNDS, ROUNDS]);
  }
}

for (const options of choices) {
  for (const face of ['sync', 'promise'] as const) {
    test.serial(`ping-pong between threads: ${face}, ${JSON.stringify(options)}`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const both = rings(t);
      const exits = [true, false].map((first) => {
        const workerData: Player = { ...both.names, face, rounds: ROUNDS, options, first };
        const worker = new Worker(PLAYER, { workerData });
        t.teardown(() => worker.terminate());
        return once(worker, 'exit');
      });
      t.deepEqual(await Promise.all(exits), [[0], [0]]);
      played(t, both);
    });
  }
}

for (const waker of ['best', 'thread', 'look', 'none']) {
  test.serial(`ping-pong between processes, SHM_DISRUPTOR_WAKER=${waker}`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const both = rings(t);
    const exits = [true, false].map((first) => {
      const player: Player = {
        ...both.names,
        face: 'promise',
        rounds: ROUNDS,
        // Whoever does not poll must be woken every time.
        options: { wait: 'block' },
        first,
      };
      const child = fork(fileURLToPath(PLAYER), [JSON.stringify(player)], {
        env: { ...process.env, SHM_DISRUPTOR_WAKER: waker },
      });
      t.teardown(() => child.kill('SIGKILL'));
      return once(child, 'exit');
    });
    t.deepEqual(await Promise.all(exits), [
      [0, null],
      [0, null],
    ]);
    played(t, both);
  });
}

test('participants of one thread and one ring may wait in different ways', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const consumers = choices.length;
  const { name, creator } = ring.named(t, { consumers, spin: true });
  const waiting = choices.map((options, consumer) =>
    attach(t, creator, { ...options, consumer, spin: true }),
  );
  t.is(waiting.length, consumers);
  for (let round = 1; round <= 50; round += 1) {
    const answers = waiting.map((d) => d.consumeNew());
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { buf } = await creator.produceClaim();
    buf.writeUInt32LE(round);
    await creator.produceCommit();
    for (const answer of answers) {
      t.deepEqual(
        (await answer).bufs.map((one) => one.readUInt32LE()),
        [round],
      );
    }
  }
  t.is(new Disruptor({ name }).cursor, 50);
});

test('a wait strategy that there is not', (t) => {
  const make = (options: object) => {
    const name = uniqueName();
    return new Disruptor({ name, elements: 8, elementSize: 4, init: true, ...options });
  };
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  for (const wait of [null, 1, true, {}, ['block'], () => 'block'])
    t.throws(() => make({ wait }), type);
  for (const wait of ['', 'Block', 'busySpin', 'toString']) t.throws(() => make({ wait }), range);
  for (const pollingBudget of [null, '100', 1n, true, {}]) {
    t.throws(() => make({ pollingBudget }), type);
  }
  for (const pollingBudget of [-1, 1.5, NaN, Infinity, 1_000_001]) {
    t.throws(() => make({ pollingBudget }), range);
  }
});
