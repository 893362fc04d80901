// What waiting costs when nothing comes, or little: processor time and threads.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { together } from './harness/participants.js';
import { ringName, withPlace } from './harness/place.js';
import { column, nameColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const ELEMENTS = 1024;
const MESSAGES_PER_SECOND = 1_000;
// Until waits that have just begun have done with polling.
const SETTLE_MILLISECONDS = 300;
// What the numbers are scaled to.
const REPORTED_SECONDS = 10;

const MANY = 1_000;
const RIVALS = ['shm-disruptor', 'shared-memory-disruptor'];
const FORMS = ['await', 'stream'];

const CASES = [
  { name: 'a process in which nobody waits', rival: RIVALS[0], form: 'await', count: 0, rate: 0 },
  ...RIVALS.flatMap((rival) =>
    [0, MESSAGES_PER_SECOND].flatMap((rate) =>
      FORMS.flatMap((form) => [1, MANY].map((count) => ({ rival, form, count, rate }))),
    ),
  ).map((one) => ({ ...one, name: nameOf(one) })),
];

function nameOf({ rival, form, count, rate }) {
  const traffic = rate === 0 ? 'idle' : `${rate.toLocaleString('en')} messages/s`;
  return `${rival}, ${form}, ${count.toLocaleString('en')} waiting, ${traffic}`;
}

// Each waits for ever and counts what it gets: it ends with its process.
const wait = {
  async await(d, saw) {
    for (;;) {
      const { bufs } = await d.consumeNew();
      for (const buf of bufs) saw(buf.length);
    }
  },
  async stream(d, saw, { DisruptorReadStream }) {
    new DisruptorReadStream(d).on('data', (chunk) => saw(chunk.length));
  },
};

function threadsOfProcess() {
  return Number(/^Threads:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

export const roles = {
  async waiters({ rival, place, form, count, rate, seconds }) {
    const library = await loadRival(rival);
    const spin = form === 'await';
    const attach = (consumer, init) =>
      new library.Disruptor(ringName(place), ELEMENTS, 1, Math.max(count, 1), consumer, init, spin);
    const creator = attach(-1, true);
    const consumers = Array.from({ length: count }, (_, consumer) => attach(consumer, false));
    return async () => {
      const seen = consumers.map(() => 0);
      for (const [i, d] of consumers.entries()) {
        void wait[form](d, (messages) => (seen[i] += messages), library);
      }
      await sleep(SETTLE_MILLISECONDS);
      const begin = { ...process.cpuUsage(), time: performance.now() };
      await sleep(seconds * 1000);
      const { user, system } = process.cpuUsage(begin);
      const elapsed = (performance.now() - begin.time) / 1000;
      const least = Math.min(...seen);
      if (rate > 0 && least === 0) throw new Error('somebody who waits has got nothing');
      return {
        // Of the one who got the least.
        messagesPerSecond: rate > 0 ? least / (elapsed + SETTLE_MILLISECONDS / 1000) : undefined,
        cpuSeconds: ((user + system) / 1e6) * (REPORTED_SECONDS / elapsed),
        threads: threadsOfProcess(),
        // Kept, so that nobody collects the ring that all are attached to.
        cursor: creator.cursor,
      };
    };
  },

  async producer({ rival, place, count, rate, seconds }) {
    const { Disruptor } = await loadRival(rival);
    const d = new Disruptor(ringName(place), ELEMENTS, 1, count, -1, false, false);
    return async () => {
      const end = performance.now() + SETTLE_MILLISECONDS + seconds * 1000;
      let due = performance.now();
      while (performance.now() < end) {
        // Those for which the timer was late come together; what has no room is not sent.
        for (; due <= performance.now(); due += 1000 / rate) {
          if (d.produceClaimSync().length > 0) d.produceCommitSync();
        }
        await sleep(1);
      }
    };
  },
};

function measure({ rival, form, count, rate }, seconds) {
  return withPlace(async (place) => {
    const part = { rival, place, form, count, rate, seconds };
    const producers = rate > 0 ? [{ ...part, role: 'producer' }] : [];
    const [{ result }] = await together('idle', [{ ...part, role: 'waiters' }, ...producers]);
    return result;
  });
}

async function run({ seconds, atOnce }) {
  const rows = [];
  for (let i = 0; i < CASES.length; i += atOnce) {
    const some = CASES.slice(i, i + atOnce);
    const results = await Promise.all(some.map((one) => measure(one, seconds)));
    for (const [j, result] of results.entries()) rows.push({ name: some[j].name, ...result });
  }
  return rows;
}

export const scenario = {
  name: 'idle',
  about: `processor seconds of the waiting process in ${REPORTED_SECONDS} s (the short profile takes 2 s, five cases at once, and scales)`,
  sizes: {
    short: { seconds: 2, atOnce: 5 },
    long: { seconds: REPORTED_SECONDS, atOnce: 1 },
  },
  columns: [
    nameColumn,
    column('CPU s', ({ cpuSeconds }) => cpuSeconds, 3),
    column('threads', ({ threads }) => threads, 0),
    column('messages/s each', ({ messagesPerSecond }) => messagesPerSecond, 0),
  ],
  chart: lessIsBetter('CPU seconds in 10 s', ({ cpuSeconds }) => cpuSeconds),
  run,
};

await commandLineOf(import.meta.url, scenario);
