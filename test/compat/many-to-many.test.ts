// Every element reaches every consumer once, and in the order of its producer.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { promiseFace } from '../faces.js';
import { WATCHDOG_MILLISECONDS, attach, ring } from '../fixture.js';
import { thorough } from '../thorough.js';
import type { Part } from './many-to-many-participant.js';
import { TRAFFIC_ELEMENT_SIZE, consumeAll, produceAll } from './traffic.js';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const producers of [1, 2, 10, 100]) {
  for (const consumers of [1, 2, 10, 100]) {
    test.serial(`${producers} to ${consumers} in one thread`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const each = Math.ceil(2000 / producers);
      const elementSize = TRAFFIC_ELEMENT_SIZE;
      const d = ring(t, { elements: 64, elementSize, consumers });
      const consuming = range(consumers).map((consumer) =>
        consumeAll(promiseFace, attach(t, d, { consumer, spin: true }), producers * each),
      );
      const producing = range(producers).map((id) =>
        produceAll(promiseFace, attach(t, d, { spin: true }), id, each),
      );
      const [counts] = await Promise.all([Promise.all(consuming), Promise.all(producing)]);
      t.deepEqual(counts, Array(consumers).fill(Array(producers).fill(each)));
      t.is(d.cursor, producers * each);
    });
  }
}

const ENTRY = new URL('./many-to-many-participant.js', import.meta.url);

/** Something that a participant runs in: what it sends and its exit code come as events. */
type Start = (t: ExecutionContext, part: Part) => Worker | ReturnType<typeof fork>;

const places: Record<string, Start> = {
  processes: (t, part) => {
    const child = fork(fileURLToPath(ENTRY), [JSON.stringify(part)]);
    t.teardown(() => {
      child.kill('SIGKILL');
    });
    return child;
  },
  'worker threads': (t, part) => {
    const worker = new Worker(ENTRY, { workerData: part });
    t.teardown(() => worker.terminate());
    return worker;
  },
};

/** Resolves to what a participant has sent when it has ended well. */
async function run(start: Start, t: ExecutionContext, part: Part): Promise<unknown> {
  const participant = start(t, part);
  let sent: unknown;
  participant.on('message', (message: unknown) => {
    sent = message;
  });
  const [code] = (await once(participant, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${JSON.stringify(part)} ended with ${code}`);
  return sent;
}

const pairs = [1, 2, 4].flatMap((producers) =>
  [1, 2, 4].map((consumers) => ({ producers, consumers })),
);
const few = [
  { producers: 1, consumers: 2 },
  { producers: 2, consumers: 1 },
  { producers: 2, consumers: 2 },
];

for (const [place, start] of Object.entries(places)) {
  for (const face of ['promise', 'sync'] as const) {
    for (const { producers, consumers } of thorough ? pairs : few) {
      test.serial(`${producers} to ${consumers} in ${place} (${face})`, async (t) => {
        t.timeout(WATCHDOG_MILLISECONDS);
        const each = 2000;
        const elementSize = TRAFFIC_ELEMENT_SIZE;
        const { name, creator } = ring.named(t, { elements: 64, elementSize, consumers });
        const consuming = range(consumers).map((consumer) =>
          run(start, t, { name, face, consumer, consumes: producers * each }),
        );
        const producing = range(producers).map((id) =>
          run(start, t, { name, face, id, produces: each }),
        );
        const [counts] = await Promise.all([Promise.all(consuming), Promise.all(producing)]);
        t.deepEqual(counts, Array(consumers).fill(Array(producers).fill(each)));
        t.is(creator.cursor, producers * each);
      });
    }
  }
}
