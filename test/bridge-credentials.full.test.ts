// Engines that want to know who is there: users, tokens, keys and certificates, with real servers.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Bridge, natsSource, natsTarget, redisSource, redisTarget } from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeTarget, NatsOptions, RedisOptions } from 'shm-disruptor/bridge';

import { ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { certificates, natsUser } from './bridge/secrets.js';
import { started, withEngine } from './bridge/with-engine.js';

const backoff = { least: 1, most: 5 };
const onDisconnect = () => undefined;
/** What a URL has to encode, and what a parser of `host:port` would take for a port. */
const PASSWORD = '42:p@ss/w%rd?';
const ENCODED = encodeURIComponent(PASSWORD);

/** Sends through such ends and gets it back. */
async function crosses(t: ExecutionContext, to: BridgeTarget, from: BridgeSource): Promise<void> {
  // Of an origin of its own, so that nobody takes it for a repetition.
  const origin = randomUUID();
  const sent = new ListSource([parcel(0, { origin }), parcel(1, { origin })]);
  const out = new Bridge({ from: sent, to, backoff, maxRefusals: 1 });
  await Promise.race([until(() => sent.acknowledged.length === 2), out.done]);
  await out.stop();
  const got = new ScriptTarget(({ length }) => length);
  const back = new Bridge({ from, to: got, backoff, maxRefusals: 1 });
  await Promise.race([until(() => got.arrived.length === 2), back.done]);
  await back.stop();
  t.deepEqual(
    got.arrived.map((each) => [each.origin, each.sequence]),
    [
      [origin, 0],
      [origin, 1],
    ],
  );
}

/** That these ends are refused, and how. No secret is in what can be seen of the error. */
async function isRefused(t: ExecutionContext, ends: [BridgeTarget, BridgeSource], reason: RegExp) {
  const [to, from] = ends;
  const sent = new ListSource([parcel(0)]);
  const got = new ScriptTarget(({ length }) => length);
  for (const bridge of [
    new Bridge({ from: sent, to, backoff, maxRefusals: 2, onDisconnect }),
    new Bridge({ from, to: got, backoff, maxRefusals: 2, onDisconnect }),
  ]) {
    const error = await t.throwsAsync(bridge.done);
    t.like(error, { name: 'DisruptorError', code: 'ERR_BRIDGE_REFUSED' });
    t.regex(error.message, reason);
    t.regex(error.message, /after 2 tries/);
    t.true(error.cause instanceof Error);
    t.notRegex(inspect(error, { depth: 10 }), /p@ss|p%40ss|wrong-secret/);
    t.is(bridge.stats().reconnects, 2);
  }
}

const nats = (options: Omit<NatsOptions, 'stream'>): [BridgeTarget, BridgeSource] => [
  natsTarget({ ...options, stream: 'there', subject: 'there' }),
  natsSource({ ...options, stream: 'there', durable: 'back' }),
];

const redis = (options: Omit<RedisOptions, 'key'>): [BridgeTarget, BridgeSource] => [
  redisTarget({ ...options, key: 'there' }),
  redisSource({ ...options, key: 'there', group: 'back' }),
];

withEngine('nats')('nats: user and password of the URL', async (t) => {
  const { address } = await started(t, 'nats', () => ['--user', 'me', '--pass', PASSWORD]);
  await crosses(t, ...nats({ servers: `nats://me:${ENCODED}@${address}` }));
  await crosses(t, ...nats({ servers: address, connection: { user: 'me', pass: PASSWORD } }));
  const wrong = `nats://me:wrong-secret@${address}`;
  await isRefused(t, nats({ servers: wrong }), /Authorization Violation/);
  await isRefused(t, nats({ servers: `nats://${address}` }), /Authorization Violation/);
  // Of several servers the first that is there.
  await crosses(t, ...nats({ servers: ['nats://127.0.0.1:1', `nats://me:${ENCODED}@${address}`] }));
});

withEngine('nats')('nats: a token of the URL', async (t) => {
  const { address } = await started(t, 'nats', () => ['--auth', PASSWORD]);
  await crosses(t, ...nats({ servers: `nats://${ENCODED}@${address}` }));
  await isRefused(
    t,
    nats({ servers: `nats://wrong-secret@${address}` }),
    /Authorization Violation/,
  );
});

withEngine('nats')('nats: a file of credentials', async (t) => {
  const { config, creds } = natsUser(t);
  const { address } = await started(t, 'nats', () => ['-c', config]);
  const servers = `nats://${address}`;
  await crosses(t, ...nats({ servers, credsFile: creds }));
  await isRefused(t, nats({ servers, credsFile: natsUser(t).creds }), /Authorization Violation/);
  await isRefused(t, nats({ servers, credsFile: config }), /BAD_CREDS/);
  const [to] = nats({ servers, credsFile: '/nowhere/user.creds' });
  const from = new ListSource([parcel(0)]);
  const error = await t.throwsAsync(new Bridge({ from, to }).done);
  t.like(error, { code: 'ENOENT', path: '/nowhere/user.creds' });
});

withEngine('nats')('nats: certificates of both sides', async (t) => {
  const { ca, otherCa, server, client } = certificates(t);
  const { address } = await started(t, 'nats', () => [
    ...['--tlsverify', '--tlscacert', ca, '--tlscert', server.cert, '--tlskey', server.key],
  ]);
  const servers = `tls://${address}`;
  const mine = { certFile: client.cert, keyFile: client.key };
  await crosses(t, ...nats({ servers, tls: { caFile: ca, ...mine } }));
  await crosses(t, ...nats({ servers: `nats://${address}`, tls: { caFile: ca, ...mine } }));
  await isRefused(t, nats({ servers, tls: { caFile: otherCa, ...mine } }), /certificate/);
  await isRefused(t, nats({ servers, tls: { caFile: ca } }), /certificate/);
  const elsewhere = { caFile: ca, servername: 'elsewhere', ...mine };
  await isRefused(t, nats({ servers, tls: elsewhere }), /Host: elsewhere/);
});

withEngine('nats')('nats: tls:// wants a server that has it', async (t) => {
  const { address } = await started(t, 'nats', () => []);
  await isRefused(t, nats({ servers: `tls://${address}` }), /tls/i);
});

withEngine('redis')('redis: user and password of the URL', async (t) => {
  const { address } = await started(t, 'redis', () => [
    ...['--requirepass', PASSWORD, '--user', 'me', 'on', `>${PASSWORD}`, '~*', '+@all'],
  ]);
  await crosses(t, ...redis({ url: `redis://me:${ENCODED}@${address}` }));
  await crosses(t, ...redis({ url: `redis://:${ENCODED}@${address}/1` }));
  await crosses(t, ...redis({ url: address, connection: { password: PASSWORD, db: 2 } }));
  await isRefused(t, redis({ url: `redis://me:wrong-secret@${address}` }), /WRONGPASS/);
  await isRefused(t, redis({ url: `redis://${address}` }), /NOAUTH/);
  await isRefused(t, redis({ url: `redis://me:${ENCODED}@${address}/99` }), /DB index/);
});

withEngine('redis')('redis: certificates of both sides', async (t) => {
  const { ca, otherCa, server, client } = certificates(t);
  const { address } = await started(t, 'redis', (port) => [
    ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'yes'],
    ...['--tls-ca-cert-file', ca, '--tls-cert-file', server.cert, '--tls-key-file', server.key],
  ]);
  const url = `rediss://${address}`;
  const mine = { certFile: client.cert, keyFile: client.key };
  await crosses(t, ...redis({ url, tls: { caFile: ca, ...mine } }));
  await crosses(t, ...redis({ url: `redis://${address}`, tls: { caFile: ca, ...mine } }));
  await isRefused(t, redis({ url, tls: { caFile: otherCa, ...mine } }), /certificate/);
  // Such a server may have cut the connection before its reason has come.
  const [to] = redis({ url, tls: { caFile: ca } });
  const from = new ListSource([parcel(0)]);
  const bridge = new Bridge({ from, to, backoff, onDisconnect });
  await Promise.allSettled([
    Promise.race([until(() => bridge.stats().reconnects > 1), bridge.done]),
  ]);
  await Promise.allSettled([bridge.stop()]);
  t.regex(bridge.stats().lastError!, /certificate|ECONNRESET|EPIPE/);
  t.deepEqual(from.acknowledged, []);
});

test('wrong URLs and files are errors, in which no password is to be seen', (t) => {
  const options = { stream: 'x', subject: 'x' };
  for (const servers of [
    'http://me:s3cret@a',
    'nats://me:s3cret@',
    'nats://me:s3cret@a:port',
    'nats://me:s3cret@a:1/path',
    'nats://me:s3%@a',
    'me:s3cret@a@b@:x',
    ['nats://a', 'nats://me:s3cret@a?x=1'],
    [],
  ]) {
    const error = t.throws(() => natsTarget({ ...options, servers }), { instanceOf: TypeError });
    t.like(error, { code: 'ERR_INVALID_ARG_VALUE' });
    t.notRegex(inspect(error), /s3/);
  }
  for (const url of ['http://me:s3cret@a', 'redis://me:s3%@a', 'redis://me:s3cret@a:port']) {
    const error = t.throws(() => redisTarget({ key: 'x', url }), { instanceOf: TypeError });
    t.like(error, { code: 'ERR_INVALID_ARG_VALUE' });
    t.notRegex(inspect(error), /s3/);
  }
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  const value = { code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(() => natsTarget({ ...options, servers: [1] as never }), type);
  t.throws(() => natsTarget({ ...options, credsFile: '' }), type);
  t.throws(() => natsTarget({ ...options, tls: 'yes' as never }), type);
  t.throws(() => natsTarget({ ...options, tls: { caFile: 1 as never } }), type);
  t.throws(() => natsTarget({ ...options, tls: { certFile: 'x' } }), value);
  t.throws(() => natsTarget({ ...options, tls: { ca: 'x' } as never }), value);
  t.throws(() => redisTarget({ key: 'x', url: 1 as never }), type);
  t.throws(() => redisTarget({ key: 'x', tls: { keyFile: 'x' } }), value);
});
