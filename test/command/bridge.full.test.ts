// `shm-disruptor bridge` between rings, queues and real engines.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AckPolicy, connect } from 'nats';
import { Queue, Ring } from 'shm-disruptor';
import { checkpointName } from 'shm-disruptor/bridge';

import { certificates, folder, natsUser } from '../bridge/secrets.js';
import { Server } from '../bridge/servers.js';
import type { Engine } from '../bridge/servers.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { command, ended, errorOf, start } from './command.js';
import { started, withEngine } from '../bridge/with-engine.js';

for (const engine of ['nats', 'redis'] as Engine[]) {
  withEngine(engine)(
    `${engine}: from a ring over it to a queue, until it is interrupted`,
    async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      const server = await Server.start(engine);
      t.teardown(() => server.end());
      const [a, b] = [uniqueName(t), uniqueName(t)];
      using ring = Ring.create(a, {
        elements: 64,
        elementSize: 32,
        encoding: 'json',
        consumers: { bridge: {} },
      });
      using queue = Queue.create(b, { capacity: 8192, encoding: 'json' });
      t.teardown(() => {
        Ring.unlink(checkpointName(b, 'test'));
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

/** Sends one value from a ring to that URL, and gets it back into a queue. */
async function crosses(
  t: ExecutionContext,
  url: string,
  options: readonly string[] = [],
): Promise<void> {
  const [a, b] = [uniqueName(t), uniqueName(t)];
  using ring = Ring.create(a, {
    elements: 8,
    elementSize: 32,
    encoding: 'utf8',
    consumers: { bridge: {} },
  });
  using queue = Queue.create(b, { capacity: 4096, encoding: 'utf8' });
  t.teardown(() => {
    Ring.unlink(checkpointName(b, 'bridge'));
  });
  const children = [start(t, 'bridge', a, url, ...options), start(t, 'bridge', url, b, ...options)];
  await ring.producer().publish('hello');
  // A bridge that ends says why.
  const failed = Promise.race(children.map(ended)).then(({ errors }) =>
    Promise.reject(new Error(errors)),
  );
  t.is(await Promise.race([queue.dequeue(), failed]), 'hello');
  for (const child of children) child.kill('SIGTERM');
  await failed.catch(() => undefined);
}

/** Why the command ends. */
async function refusal(t: ExecutionContext, url: string, ...options: string[]): Promise<string> {
  const name = uniqueName(t);
  using queue = Queue.create(name, { capacity: 4096 });
  const { end, output, errors } = await command(t, 'bridge', url, queue.name, ...options);
  t.is(end, 1);
  t.regex(errors, /^shm-disruptor: .*\(ERR_BRIDGE_REFUSED\)\n( {2}caused by: .*\n)+$/);
  t.notRegex(output + errors, /BridgeWarning|s3cret/);
  return errors;
}

withEngine('nats')('nats: user, password, token and stream from URL and files', async (t) => {
  const server = await started(t, 'nats', () => ['--user', 'me', '--pass', '42s3cret/@']);
  const stream = 'there';
  await crosses(t, `nats://me:42s3cret%2F%40@${server.address}/${stream}`);
  const file = join(folder(t), 'password');
  writeFileSync(file, '42s3cret/@\nand more');
  await server.end();
  const other = await started(t, 'nats', () => ['--user', 'me', '--pass', '42s3cret/@']);
  await crosses(t, `nats://me@${other.address}/${stream}`, ['--password-file', file]);
  const wrong = await refusal(t, `nats://me:wrong-s3cret@${other.address}/${stream}`);
  t.regex(wrong, /NATS: 'Authorization Violation' \(after 5 tries\)/);
  const missing = `nats://me@${other.address}/none`;
  t.regex(await refusal(t, missing, '--password-file', file), /There is no stream none/);
  await other.end();
  const third = await started(t, 'nats', () => ['--auth', '42s3cret/@']);
  await crosses(t, `nats://${third.address}/${stream}`, ['--password-file', file]);
});

withEngine('nats')('nats: credentials and certificates from files', async (t) => {
  const { ca, server, client } = certificates(t);
  const { config, creds } = natsUser(t);
  const { address } = await started(t, 'nats', () => [
    ...['-c', config, '--tlsverify', '--tlscacert', ca],
    ...['--tlscert', server.cert, '--tlskey', server.key],
  ]);
  const tls = ['--ca', ca, '--cert', client.cert, '--key', client.key];
  await crosses(t, `tls://${address}/there`, ['--creds', creds, ...tls]);
  t.regex(await refusal(t, `tls://${address}/there`, ...tls), /Authorization Violation/);
  t.regex(await refusal(t, `tls://${address}/there`, '--creds', creds), /certificate/);
});

withEngine('redis')('redis: user, password and certificates', async (t) => {
  const { ca, server, client } = certificates(t);
  const { address } = await started(t, 'redis', (port) => [
    ...['--port', '0', '--tls-port', String(port), '--tls-ca-cert-file', ca],
    ...['--tls-cert-file', server.cert, '--tls-key-file', server.key],
    ...['--requirepass', '42s3cret/@'],
  ]);
  const tls = ['--ca', ca, '--cert', client.cert, '--key', client.key];
  await crosses(t, `rediss://:42s3cret%2F%40@${address}/there`, tls);
  await crosses(t, `rediss://:42s3cret%2F%40@${address}/other?db=3`, tls);
  const file = join(folder(t), 'password');
  writeFileSync(file, '42s3cret/@');
  await crosses(t, `rediss://default@${address}/third`, [...tls, '--password-file', file]);
  t.regex(await refusal(t, `rediss://${address}/there`, ...tls), /NOAUTH/);
  t.regex(await refusal(t, `rediss://:wrong-s3cret@${address}/there`, ...tls), /WRONGPASS/);
});

withEngine('nats')(
  'nats: a consumer that is not its own is used only with --no-create',
  async (t) => {
    const { address } = await started(t, 'nats');
    const connection = await connect({ servers: address });
    t.teardown(() => connection.close());
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'keys', subjects: ['keys.*'] });
    const durable = { durable_name: 'mine', ack_policy: AckPolicy.Explicit };
    await manager.consumers.add('keys', { ...durable, filter_subject: 'keys.1' });
    for (const i of [0, 1]) await connection.jetstream().publish(`keys.${i}`, String(i));
    const name = uniqueName(t);
    using queue = Queue.create(name, { capacity: 4096, encoding: 'utf8' });
    const args = ['bridge', `nats://${address}/keys`, name, '--as', 'mine', '--json'];
    const refused = await command(t, ...args);
    t.is(refused.end, 1);
    t.is(errorOf(refused).code, 'ERR_CONSUMER_MISMATCH');
    const child = start(t, ...args, '--no-create');
    t.is(await queue.dequeue(), '1');
    const end = ended(child);
    child.kill('SIGTERM');
    await end;
    Ring.unlink(checkpointName(name, 'bridge'));
  },
);

test('one file does not give two engines their passwords', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const urls = ['nats://me@127.0.0.1:1/x', 'redis://me@127.0.0.1:1/x'];
  const { end, errors } = await command(t, 'bridge', ...urls, '--password-file', '/dev/null');
  t.is(end, 1);
  t.regex(errors, /--password-file is for one engine/);
});

test('what is no end of a bridge is an error', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  using _ring = Ring.create(name, { elements: 8, elementSize: 8 });
  t.is(_ring.name, name);
  for (const [from, to, message, code] of [
    [uniqueName(), 'nats://127.0.0.1/x', /ENOENT/, 1],
    [name, 'http://127.0.0.1/x', /Expected nats:/, 2],
    [name, 'redis://127.0.0.1', /Expected nats:/, 2],
    [name, uniqueName(), /ENOENT/, 1],
    [name, 'nats://me:s3cret@127.0.0.1', /Expected nats:.* received nats:\/\/\*\*\*@127/, 2],
    [name, 'nats://me:s3%@127.0.0.1/x', /percent-encoded/, 2],
  ] as const) {
    const { end, errors } = await command(t, 'bridge', from, to);
    t.is(end, code);
    t.regex(errors, message);
    t.notRegex(errors, /s3/);
  }
});
