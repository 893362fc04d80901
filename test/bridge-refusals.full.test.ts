// What an engine refuses and no retry cures ends a bridge, after some tries; whoever does not listen is
// warned.
import { once } from 'node:events';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect } from 'nats';
import {
  Disconnected,
  Bridge,
  kafkaTarget,
  natsSource,
  natsTarget,
  redisSource,
  redisTarget,
} from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeTarget } from 'shm-disruptor/bridge';

import { gone, ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { folder } from './bridge/secrets.js';
import { started, withEngine, withServer } from './bridge/with-engine.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const backoff = { least: 1, most: 4 };
const onDisconnect = () => undefined;
const some = (count: number) => Array.from({ length: count }, (_, i) => parcel(i));
const all = () => new ScriptTarget(({ length }) => length);
const refusal = () => new Disconnected('engine', new Error('not you'), { retriable: false });

/** Why the bridge ends. */
async function endOf(t: ExecutionContext, from: BridgeSource, to: BridgeTarget): Promise<Error> {
  const bridge = new Bridge({ from, to, backoff, onDisconnect });
  const error = await t.throwsAsync(bridge.done);
  t.like(error, { name: 'DisruptorError', code: 'ERR_BRIDGE_REFUSED' });
  t.is(bridge.stats().reconnects, 5);
  return error;
}

test('refusals in a row end it, with their reason', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const from = new ListSource(some(4));
  const to: ScriptTarget = new ScriptTarget(() => {
    if (to.arrived.length < 1) return 1;
    throw refusal();
  });
  const told: string[] = [];
  const bridge = new Bridge({
    from,
    to,
    backoff,
    maxRefusals: 3,
    onDisconnect: ({ message }) => {
      told.push(message);
    },
  });
  const error = await t.throwsAsync(bridge.done);
  t.like(error, { code: 'ERR_BRIDGE_REFUSED', message: 'engine: not you (after 3 tries)' });
  t.like(error.cause, { message: 'not you' });
  t.deepEqual(told, ['engine: not you', 'engine: not you']);
  t.like(bridge.stats(), { state: 'stopped', reconnects: 3, lastError: 'engine: not you' });
  t.is(from.acknowledged.length, 1);
  t.true(from.ended && to.ended);
});

test('a message that arrives starts the count anew, and an engine that is away is no refusal', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const from = new ListSource(some(8));
  let calls = 0;
  const to = new ScriptTarget(() => {
    calls += 1;
    if (calls % 5 === 0) return 1;
    throw calls % 5 === 3 ? refusal() : gone();
  });
  const bridge = new Bridge({ from, to, backoff, maxRefusals: 2, onDisconnect });
  await until(() => from.acknowledged.length === 8);
  await bridge.stop();
  t.is(bridge.stats().forwarded, 8);
});

test('without onDisconnect the process warns, once for each bridge', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const warnings: Error[] = [];
  const listen = (warning: Error) => {
    if (warning.name === 'BridgeWarning') warnings.push(warning);
  };
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  const awayFor = async (times: number, more: object) => {
    const from = new ListSource(some(1));
    let calls = 0;
    const to = new ScriptTarget(() => {
      calls += 1;
      if (calls <= times) throw gone();
      return 1;
    });
    const bridge = new Bridge({ from, to, backoff, ...more });
    await until(() => from.acknowledged.length === 1);
    await bridge.stop();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await awayFor(3, {});
  t.is(warnings.length, 1);
  t.like(warnings[0], { code: 'BRIDGE_DISCONNECTED' });
  t.regex(warnings[0]!.message, /from list to script .*engine: no answer/);
  await awayFor(3, { onDisconnect });
  await awayFor(0, {});
  t.is(warnings.length, 1);
});

test('Kafka: what its client only gives up is tried again, and what a broker refuses is not', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const failing = (error: object) =>
    kafkaTarget({
      topic: 'x',
      producer: () => ({
        connect: () => Promise.reject(Object.assign(new Error('no'), error)),
        disconnect: () => Promise.resolve(),
        send: () => Promise.resolve(),
      }),
    });
  const exceeded = (cause: object) => ({
    name: 'KafkaJSNumberOfRetriesExceeded',
    retriable: false,
    cause: Object.assign(new Error('no'), cause),
  });
  for (const refused of [
    { name: 'KafkaJSSASLAuthenticationError', retriable: false },
    { name: 'KafkaJSProtocolError', type: 'TOPIC_AUTHORIZATION_FAILED', retriable: false },
    exceeded({ name: 'KafkaJSConnectionError', code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
  ]) {
    t.regex((await endOf(t, new ListSource(some(1)), failing(refused))).message, /Kafka: no/);
  }
  for (const away of [
    exceeded({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' }),
    { name: 'KafkaJSProtocolError', type: 'ILLEGAL_GENERATION', retriable: false },
  ]) {
    const from = new ListSource(some(1));
    const bridge = new Bridge({ from, to: failing(away), backoff, maxRefusals: 1, onDisconnect });
    await until(() => bridge.stats().reconnects > 2);
    await t.notThrowsAsync(bridge.stop());
  }
});

test('wrong options are errors', (t) => {
  const ends = { from: new ListSource([]), to: all() };
  for (const [maxRefusals, code] of [
    [0, 'ERR_OUT_OF_RANGE'],
    [1.5, 'ERR_OUT_OF_RANGE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    t.throws(() => new Bridge({ ...ends, maxRefusals: maxRefusals as never }), { code });
  }
});

withServer('redis', 'a key that is no stream', async (t, { url }) => {
  const redis = new Redis(url);
  t.teardown(() => {
    redis.disconnect();
  });
  await redis.set('text', 'x');
  const to = redisTarget({ url, key: 'text' });
  t.regex((await endOf(t, new ListSource(some(3)), to)).message, /WRONGTYPE/);
  const from = redisSource({ url, key: 'text', group: 'back' });
  t.regex((await endOf(t, from, all())).message, /WRONGTYPE/);
});

withServer('redis', 'what the user may not do', async (t, { url, address }) => {
  const redis = new Redis(url);
  t.teardown(() => {
    redis.disconnect();
  });
  await redis.acl('SETUSER', 'reader', 'on', '>s3cret', '~*', '+@all', '-xadd', '-xgroup');
  await redis.acl('SETUSER', 'limited', 'on', '>s3cret', '~other', '+@all');
  await redis.xgroup('CREATE', 'key', 'back', '0', 'MKSTREAM');
  const urlOf = (user: string) => `redis://${user}:s3cret@${address}`;
  for (const [user, reason] of [
    ['reader', /can't run this command/],
    ['limited', /NOPERM|can't access/],
  ] as const) {
    const to = redisTarget({ url: urlOf(user), key: 'key' });
    t.regex((await endOf(t, new ListSource(some(3)), to)).message, reason);
    const from = redisSource({ url: urlOf(user), key: 'key', group: 'back' });
    t.regex((await endOf(t, from, all())).message, /NOPERM/);
  }
  // The group is there: nobody has to make it.
  await redis.xadd('key', '*', 'data', 'x');
  const to = all();
  const from = redisSource({ url: urlOf('reader'), key: 'key', group: 'back', create: false });
  const bridge = new Bridge({ from, to, backoff });
  await until(() => to.arrived.length === 1);
  await bridge.stop();
  const none = redisSource({ url: urlOf('reader'), key: 'key', group: 'none', create: false });
  t.regex((await endOf(t, none, all())).message, /NOGROUP/);
  redis.disconnect();
  await once(redis, 'end');
});

withServer('redis', 'what is longer than an argument may be', async (t, { url }) => {
  const redis = new Redis(url);
  t.teardown(() => {
    redis.disconnect();
  });
  await redis.config('SET', 'proto-max-bulk-len', String(2 ** 20));
  const long = parcel(1, { data: Buffer.alloc(2 ** 20 + 1) });
  const from = new ListSource([parcel(0), long, parcel(2)]);
  const skipped: number[] = [];
  const bridge = new Bridge({
    from,
    to: redisTarget({ url, key: 'long' }),
    backoff,
    onDisconnect,
    onUndeliverable: (_, { sequence }) => {
      skipped.push(sequence);
      return 'skip';
    },
  });
  t.teardown(() => bridge.stop());
  await until(() => from.acknowledged.length === 3);
  t.deepEqual(skipped, [1]);
  t.is(await redis.xlen('long'), 2);
});

withServer('nats', 'a stream that is missing', async (t, { url }) => {
  const to = natsTarget({ servers: url, stream: 'none', subject: 'none', create: false });
  const missing = { message: 'NATS: There is no stream none (after 5 tries)' };
  t.like(await endOf(t, new ListSource(some(1)), to), missing);
  const from = natsSource({ servers: url, stream: 'none', durable: 'back' });
  t.like(await endOf(t, from, all()), missing);
});

withEngine('nats')('nats: what the user may not do', async (t) => {
  const config = join(folder(t), 'server.conf');
  const user = (name: string, denied: string) =>
    `{ user: ${name}, password: pw, permissions: { publish: { deny: ["${denied}"] } } }`;
  writeFileSync(
    config,
    `authorization: { users: [
      { user: admin, password: pw },
      ${user('mute', 'there')},
      ${user('blind', '$JS.API.STREAM.INFO.there')},
      ${user('idle', '$JS.API.CONSUMER.MSG.NEXT.>')},
      ${user('thankless', '$JS.ACK.>')},
    ] }`,
  );
  const { address } = await started(t, 'nats', () => ['-c', config]);
  const serversOf = (name: string) => `nats://${name}:pw@${address}`;
  const manager = await connect({ servers: address, user: 'admin', pass: 'pw' });
  t.teardown(() => manager.close());
  await (await manager.jetstreamManager()).streams.add({ name: 'there', subjects: ['there'] });
  await manager.jetstream().publish('there', 'hello');
  const targetOf = (name: string, create?: false) =>
    natsTarget({
      servers: serversOf(name),
      stream: 'there',
      subject: 'there',
      ...(create === false && { create }),
    });
  const sourceOf = (name: string) =>
    natsSource({ servers: serversOf(name), stream: 'there', durable: name });

  const mute = await endOf(t, new ListSource(some(2)), targetOf('mute'));
  t.regex(mute.message, /Permissions Violation for Publish to "there"/);
  const blind = await endOf(t, new ListSource(some(2)), targetOf('blind'));
  t.regex(blind.message, /STREAM\.INFO\.there/);
  t.regex((await endOf(t, sourceOf('blind'), all())).message, /STREAM\.INFO\.there/);
  t.regex((await endOf(t, sourceOf('idle'), all())).message, /may not publish to .*MSG\.NEXT/);
  t.regex((await endOf(t, sourceOf('thankless'), all())).message, /Violation .*JS\.ACK/);

  // To publish takes no right but that.
  const from = new ListSource(some(2));
  const bridge = new Bridge({ from, to: targetOf('blind', false), backoff });
  await until(() => from.acknowledged.length === 2);
  await bridge.stop();
});
