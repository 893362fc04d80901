// A process that has nothing but one wait. Its arguments: the ring, a wait strategy, the wait, and
// what it calls, in this order.
import { Disruptor } from 'shm-disruptor';
import type { WaitStrategy } from 'shm-disruptor';

const [name, wait, kind, ...calls] = process.argv.slice(2) as [string, WaitStrategy, string];
const ring = new Disruptor({ name, consumer: 0, shared: true, spin: true, wait });

const waits: Record<string, () => Promise<unknown>> = {
  consume: () => ring.consumeNew(),
  timeout: () => ring.consumeNew({ timeout: 2 ** 31 - 1 }),
  callback: () =>
    new Promise((resolve) => {
      ring.consumeNew((_error, bufs) => {
        resolve(bufs);
      });
    }),
  loop: async () => {
    // The first batch is enough.
    for await (const batch of ring) return batch;
    return undefined;
  },
};

for (const call of calls as string[]) {
  if (call === 'wait') void waits[kind]!().then(() => process.stdout.write('delivered\n'));
  if (call === 'unref') ring.unref();
  if (call === 'ref') ring.ref();
}
process.stdout.write('waiting\n');
