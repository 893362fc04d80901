// Tests that replace the timers: waits go on, under fake ones and after them.
import test from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { succeeds } from './program.js';

const WAITS: Record<string, string> = {
  'a promise': `queue.dequeue().then(done)`,
  'a callback': `queue.dequeue((error, message) => done(message))`,
  'a loop': `(async () => { for await (const message of queue) return done(message); })()`,
  'a stream': `new QueueReadStream(queue).once('data', done)`,
  'a timeout': `queue.dequeue({ timeout: 5 }).then(done, (error) => done(error.code))`,
  'a sync timeout': `(() => { try { queue.dequeueSync({ timeout: 5 }); } catch (error) { done(error.code); } })()`,
};

for (const [what, wait] of Object.entries(WAITS)) {
  test(`${what} does not stand still with fake timers, nor after them`, async (t) => {
    t.timeout(WATCHDOG_MILLISECONDS);
    const code = `
      import { Queue, QueueReadStream } from ${JSON.stringify(import.meta.resolve('shm-disruptor'))};
      const names = ['setImmediate', 'setTimeout', 'setInterval', 'clearImmediate', 'clearTimeout', 'clearInterval', 'queueMicrotask'];
      const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
      const { nextTick } = process;
      const clock = performance.now;
      const still = () => ({ ref() { return this; }, unref() { return this; }, refresh() { return this; } });
      const fake = () => {
        for (const name of names) globalThis[name] = still;
        // Node's own streams need it.
        if (${what !== 'a stream'}) process.nextTick = still;
        performance.now = () => 0;
      };
      const restore = () => {
        Object.assign(globalThis, real);
        process.nextTick = nextTick;
        performance.now = clock;
      };
      const once = async () => {
        const queue = Queue.create({ capacity: 4096 });
        Queue.unlink(queue.name);
        const waited = new Promise((done) => { ${wait}; });
        real.setTimeout(() => queue.enqueueSync('late'), 50);
        const outcome = String(await waited);
        if (!['late', 'ERR_TIMEOUT'].includes(outcome)) throw new Error(outcome);
      };
      fake();
      await once();
      restore();
      await once();
      process.exit(0);`;
    await t.notThrowsAsync(succeeds(t, ['--input-type=module', '--eval', code]));
  });
}
