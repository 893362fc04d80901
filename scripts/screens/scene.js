// Segments with something to see: who lags, who is dead, what was lost. Each part is a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Ring, Queue } from '../../dist/index.js';

const SIZE = 64;
const some = Buffer.alloc(SIZE, 'x');

/** About so many times a second, in steps that timers can do. */
async function steadily(rate, act) {
  const start = performance.now();
  for (let done = 0; ;) {
    const due = ((performance.now() - start) * rate) / 1000;
    while (done < due) {
      await act(Math.min(Math.ceil(due - done), 256));
      done += Math.min(Math.ceil(due - done), 256);
    }
    await sleep(20);
  }
}

const parts = {
  async produce(name, rate) {
    const producer = Ring.open(name).producer();
    await steadily(Number(rate), (count) => producer.publishMany(Array(count).fill(some)));
  },
  /** Claims, commits what comes behind it, and waits to be killed. */
  async abandon(name, count) {
    const producer = Ring.open(name).producer();
    const left = await producer.claim(Number(count));
    (await producer.claim(1)).commit();
    process.send(left.start);
    await sleep(600_000);
  },
  async consume(name, consumer, rate, maxBatch = '256') {
    const reading = Ring.open(name).consumer(consumer, { maxBatch: Number(maxBatch) });
    const start = performance.now();
    for (let done = 0; ;) {
      done += (await reading.next()).length;
      reading.commit();
      const ahead = (done / Number(rate)) * 1000 - (performance.now() - start);
      if (ahead > 5) await sleep(ahead);
    }
  },
  async send(name, rate) {
    const queue = Queue.open(name);
    await steadily(Number(rate), async (count) => {
      for (let i = 0; i < count; i += 1) await queue.enqueue(some);
    });
  },
  async receive(name, milliseconds) {
    const queue = Queue.open(name);
    for (;;) {
      const message = await queue.receive();
      await sleep(Number(milliseconds));
      message.ack();
    }
  },
};

const [part, ...given] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) await parts[part](...given);

const children = [];

function begin(...args) {
  const child = fork(fileURLToPath(import.meta.url), args.map(String));
  children.push(child);
  return child;
}

async function kill(child) {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Sets the scene, which goes on until it is ended; it has something to look at after `seconds`. */
export async function begins(seconds) {
  const made = { elementSize: SIZE, maxConsumers: 8 };
  Ring.create('/orders', {
    ...made,
    elements: 4096,
    consumers: { journal: {}, replica: {}, pricing: { after: ['journal', 'replica'] } },
  });
  Ring.create('/ticks', { ...made, elements: 32, consumers: { screen: {}, alarms: {} } });
  Ring.create('/trades', { ...made, elements: 1024, consumers: { ledger: {}, risk: {} } });
  Queue.create('/jobs', { capacity: 65_536 });
  begin('produce', '/orders', 4000);
  begin('consume', '/orders', 'journal', 1e9);
  begin('consume', '/orders', 'replica', 1e9);
  begin('consume', '/orders', 'pricing', 4000 - 2900 / seconds);
  begin('produce', '/ticks', 5);
  begin('consume', '/ticks', 'screen', 1e9);
  begin('consume', '/ticks', 'alarms', 5 - 18 / seconds, 1);
  begin('produce', '/trades', 150);
  begin('consume', '/trades', 'ledger', 1e9);
  const risk = begin('consume', '/trades', 'risk', 1e9);
  begin('send', '/jobs', 60);
  for (const milliseconds of [30, 60, 90]) begin('receive', '/jobs', milliseconds);
  await sleep(seconds * 300);
  const lost = begin('abandon', '/trades', 5);
  await once(lost, 'message');
  await kill(lost);
  await sleep(seconds * 200);
  await kill(risk);
  await sleep(seconds * 500);
}

/** Ends it. */
export async function ends() {
  await Promise.all(
    children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map(kill),
  );
  for (const name of ['/orders', '/ticks', '/trades']) Ring.unlink(name);
  Queue.unlink('/jobs');
}
