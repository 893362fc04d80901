// `shm-disruptor bridge` between rings, queues and real engines.
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import test from 'ava';
import { Disruptor, Queue } from 'shm-disruptor';
import { checkpointName } from 'shm-disruptor/bridge';

import { Server } from '../bridge/servers.js';
import type { Engine } from '../bridge/servers.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, start } from './command.js';
import { withEngine } from '../bridge/with-engine.js';

for (const engine of ['nats', 'redis'] as Engine[]) {
  withEngine(engine)(
    `${engine}: from a ring over it to a queue, until it is interrupted`,
    async (t) => {
      t.timeout(2 * WATCHDOG_MILLISECONDS);
      const server = await Server.start(engine);
      t.teardown(() => server.end());
      const [a, b] = [uniqueName(t), uniqueName(t)];
      using ring = Disruptor.create(a, {
        elements: 64,
        elementSize: 32,
        encoding: 'json',
        consumers: { bridge: {} },
      });
      using queue = Queue.create(b, { capacity: 8192, encoding: 'json' });
      t.teardown(() => {
        Disruptor.unlink(checkpointName(b, 'test'));
      });
      const values = Array.from({ length: 100 }, (_, i) => ({ i }));
      const out = start(t, 'bridge', a, `${server.url}/there`, '--json', '--interval', '0.05');
      const back = start(t, 'bridge', `${server.url}/there`, b, '--checkpoint', 'test');
      const ends = [out, back].map((child) => once(child, 'close'));
      back.stdout.resume();
      const sent = ring.producer().publishMany(values);
      const read: unknown[] = [];
      while (read.length < values.length) read.push(await queue.dequeue());
      t.deepEqual(read, values);
      await sent;
      for await (const line of createInterface(out.stdout)) {
        const { forwarded, state, lag } = JSON.parse(line) as Record<string, unknown>;
        if (forwarded !== 100) continue;
        t.deepEqual([state, lag], ['running', 0]);
        break;
      }
      out.kill('SIGINT');
      back.kill('SIGTERM');
      t.deepEqual(await Promise.all(ends), [
        [130, null],
        [143, null],
      ]);
    },
  );
}

test('what is no end of a bridge is an error', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using _ring = Disruptor.create(name, { elements: 8, elementSize: 8 });
  t.is(_ring.name, name);
  for (const [from, to, message, code] of [
    [uniqueName(), 'nats://127.0.0.1/x', /ENOENT/, 1],
    [name, 'http://127.0.0.1/x', /Expected nats:/, 2],
    [name, 'redis://127.0.0.1', /Expected nats:/, 2],
    [name, uniqueName(), /ENOENT/, 1],
  ] as const) {
    const { end, errors } = await command(t, 'bridge', from, to);
    t.is(end, code);
    t.regex(errors, message);
  }
});
