// NATS: whose a consumer is, and where a message goes.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AckPolicy, connect, DeliverPolicy } from 'nats';
import type { JetStreamClient, JetStreamManager } from 'nats';
import { Bridge, natsSource, natsTarget } from 'shm-disruptor/bridge';
import type { NatsSourceOptions, NatsTargetOptions } from 'shm-disruptor/bridge';

import { gone, ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { withServer } from './bridge/with-engine.js';

const backoff = { least: 1, most: 5 };
const onDisconnect = () => undefined;
const all = () => new ScriptTarget(({ length }) => length);
const some = (count: number) => Array.from({ length: count }, (_, i) => parcel(i));
const texts = ({ arrived }: ScriptTarget) =>
  arrived.map(({ data }) => Buffer.from(data).toString());

/** The stream `keys` with six messages, `0` to `5`, of two subjects in turn. */
async function stream(
  t: ExecutionContext,
  servers: string,
): Promise<{ manager: JetStreamManager; client: JetStreamClient }> {
  const connection = await connect({ servers });
  t.teardown(() => connection.close());
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: 'keys', subjects: ['keys.*'] });
  const client = connection.jetstream();
  for (let i = 0; i < 6; i += 1) await client.publish(`keys.${i % 2}`, String(i));
  return { manager, client };
}

/** A consumer of somebody else. */
const FOREIGN = {
  durable_name: 'mine',
  ack_policy: AckPolicy.Explicit,
  filter_subject: 'keys.1',
  max_deliver: 7,
  max_ack_pending: 3,
  ack_wait: 500_000_000,
  description: 'of the administrator',
};

const source = (servers: string, more: Partial<NatsSourceOptions> = {}) =>
  natsSource({ servers, stream: 'keys', durable: 'mine', ...more });

async function mismatch(
  t: ExecutionContext,
  servers: string,
  more: Partial<NatsSourceOptions>,
  message: RegExp,
): Promise<void> {
  const bridge = new Bridge({ from: source(servers, more), to: all(), backoff });
  const error = await t.throwsAsync(bridge.done, { message });
  t.like(error, { name: 'DisruptorError', code: 'ERR_CONSUMER_MISMATCH' });
  t.is(bridge.stats().reconnects, 0);
}

withServer('nats', 'a consumer that no bridge has made is left as it is', async (t, { url }) => {
  const { manager } = await stream(t, url);
  const made = await manager.consumers.add('keys', FOREIGN);
  await mismatch(t, url, {}, /consumer mine of the stream keys was not made by a bridge/);
  await mismatch(t, url, { create: false, filter: 'keys.0' }, /filter keys\.1, and not keys\.0/);
  const { created, config } = await manager.consumers.info('keys', 'mine');
  t.is(created, made.created);
  t.deepEqual(config, made.config);
});

withServer('nats', 'and used as it is where that is asked for', async (t, { url }) => {
  const { manager } = await stream(t, url);
  const made = await manager.consumers.add('keys', FOREIGN);
  // It takes one, and fails with the others.
  const first: ScriptTarget = new ScriptTarget(() => {
    if (first.arrived.length === 0) return 1;
    return new Promise<number>((_, reject) => (fail = reject));
  });
  let fail: ((error: Error) => void) | undefined;
  const one = new Bridge({
    from: source(url, { create: false }),
    to: first,
    backoff,
    onDisconnect,
  });
  await until(() => fail !== undefined);
  const stopped = one.stop();
  fail?.(gone());
  await stopped;
  // These come when their time is over.
  const second = all();
  const filtered = source(url, { create: false, filter: 'keys.1' });
  const two = new Bridge({ from: filtered, to: second, backoff, onDisconnect });
  const arrived = () => [...new Set(texts(second))].sort();
  await until(() => arrived().length === 2);
  await two.stop();
  t.deepEqual([texts(first), arrived()], [['1'], ['3', '5']]);
  const { created, config, num_ack_pending } = await manager.consumers.info('keys', 'mine');
  t.is(created, made.created);
  t.deepEqual(config, made.config);
  t.is(num_ack_pending, 0);
});

withServer('nats', 'a bridge’s own consumer stays as it was edited', async (t, { url }) => {
  const { manager, client } = await stream(t, url);
  const first = all();
  const own = { filter: 'keys.0', ackWait: 5000, maxAckPending: 10, start: 3 };
  const one = new Bridge({ from: source(url, own), to: first, backoff });
  await until(() => first.arrived.length === 2);
  await one.stop();
  await manager.consumers.update('keys', 'mine', { max_deliver: 9, max_ack_pending: 4 });
  const { config: before, ack_floor } = await manager.consumers.info('keys', 'mine');
  t.like(before, { filter_subject: 'keys.0', max_deliver: 9, ack_wait: 5_000_000_000 });
  await client.publish('keys.0', '6');
  await client.publish('keys.1', '7');

  const second = all();
  const two = new Bridge({ from: source(url), to: second, backoff });
  await until(() => second.arrived.length === 1);
  await two.stop();
  t.deepEqual([texts(first), texts(second)], [['2', '4'], ['6']]);
  const { config: after } = await manager.consumers.info('keys', 'mine');
  const begin = {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: ack_floor.stream_seq + 1,
  };
  t.deepEqual(after, { ...before, ...begin });
  await mismatch(t, url, { filter: 'keys.1' }, /filter keys\.0, and not keys\.1/);
});

withServer('nats', 'a consumer that is of no use is refused', async (t, { url }) => {
  const { manager } = await stream(t, url);
  const none = { ...FOREIGN, durable_name: 'none', ack_policy: AckPolicy.None };
  await manager.consumers.add('keys', none);
  const pushing = { ...FOREIGN, durable_name: 'push', deliver_subject: 'somewhere' };
  await manager.consumers.add('keys', pushing);
  for (const durable of ['none', 'push']) {
    await mismatch(t, url, { create: false, durable }, /pushes its messages, or/);
  }
  const from = source(url, { create: false, durable: 'missing' });
  const error = await t.throwsAsync(new Bridge({ from, to: all(), backoff, onDisconnect }).done);
  t.like(error, { code: 'ERR_BRIDGE_REFUSED' });
  t.regex(error.message, /There is no consumer missing of the stream keys/);
});

const target = (servers: string, more: Partial<NatsTargetOptions>) =>
  natsTarget({ servers, stream: 'keys', subject: 'keys.0', create: false, ...more });

/** Why a bridge of three messages ends, and what was acknowledged by then. */
async function endOf(t: ExecutionContext, to: ReturnType<typeof target>) {
  const from = new ListSource(some(3));
  const error = await t.throwsAsync(new Bridge({ from, to, backoff, onDisconnect }).done);
  return { error, acknowledged: from.acknowledged.length };
}

withServer('nats', 'a subject that no stream takes is named', async (t, { url }) => {
  const { manager } = await stream(t, url);
  const subject = ({ sequence }: { sequence: number }) => `${sequence === 1 ? 'odd' : 'keys'}.1`;
  const one = await endOf(t, target(url, { subject }));
  t.like(one.error, { code: 'ERR_UNDELIVERABLE' });
  t.regex(one.error.message, /No stream takes the subject odd\.1: the stream keys takes keys\.\*/);
  t.is(one.acknowledged, 1);

  const from = new ListSource(some(3));
  const bridge = new Bridge({
    from,
    to: target(url, { subject }),
    backoff,
    onDisconnect,
    onUndeliverable: () => 'skip',
  });
  await until(() => from.acknowledged.length === 3);
  t.like(bridge.stats(), { skipped: 1, forwarded: 2 });
  await bridge.stop();

  // A fixed one is no matter of a single message.
  const fixed = await endOf(t, target(url, { subject: 'odd.1' }));
  t.like(fixed.error, { code: 'ERR_BRIDGE_REFUSED' });
  t.regex(fixed.error.message, /No stream takes the subject odd\.1/);
  t.is(fixed.acknowledged, 0);

  // Nor does a message go to another stream that takes it.
  await manager.streams.add({ name: 'others', subjects: ['odd.*'] });
  const elsewhere = /The subject odd\.1 is not one of the stream keys/;
  const two = await endOf(t, target(url, { subject }));
  t.like(two.error, { code: 'ERR_UNDELIVERABLE' });
  t.regex(two.error.message, elsewhere);
  const other = await endOf(t, target(url, { subject: 'odd.1' }));
  t.like(other.error, { code: 'ERR_BRIDGE_REFUSED' });
  t.regex(other.error.message, elsewhere);
  t.is((await manager.streams.info('others')).state.messages, 0);

  await manager.streams.delete('keys');
  await manager.streams.delete('others');
  const missing = await endOf(t, target(url, { subject }));
  t.like(missing.error, { code: 'ERR_BRIDGE_REFUSED' });
  t.regex(missing.error.message, /There is no stream keys/);
});

withServer('nats', 'a function of subjects that goes wrong', async (t, { url }) => {
  await stream(t, url);
  for (const wrong of ['', 'a b', 'keys.*', 'keys.>', '.keys', 'keys..0', 1]) {
    const subject = ({ sequence }: { sequence: number }) =>
      sequence === 1 ? (wrong as string) : 'keys.1';
    const { error, acknowledged } = await endOf(t, target(url, { subject }));
    t.like(error, { code: 'ERR_UNDELIVERABLE' });
    t.regex(error.message, /the result of subject/);
    t.is(acknowledged, 1);
  }
  const subject = (): string => {
    throw new RangeError('no idea');
  };
  const { error } = await endOf(t, target(url, { subject }));
  t.like(error, { name: 'RangeError', message: 'no idea' });
});

withServer('nats', 'what the stream finds too long can never be delivered', async (t, { url }) => {
  const from = new ListSource([parcel(0), parcel(1, { data: Buffer.alloc(200) }), parcel(2)]);
  const to = target(url, { create: { subjects: ['keys.*'], max_msg_size: 200 } });
  const skipped: number[] = [];
  const bridge = new Bridge({
    from,
    to,
    backoff,
    onDisconnect,
    onUndeliverable: (_, { sequence }) => {
      skipped.push(sequence);
      return 'skip';
    },
  });
  await until(() => from.acknowledged.length === 3);
  await bridge.stop();
  t.deepEqual(skipped, [1]);
  // That is an answer, and no reason to connect anew.
  t.is(bridge.stats().reconnects, 0);
});

test('a function of subjects needs those of the stream, and wrong options are errors', (t) => {
  const subject = () => 'x';
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };
  const value = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' };
  for (const create of [undefined, {}, { max_age: 1 }, { subjects: [] }]) {
    const options = { stream: 'x', subject, ...(create && { create }) };
    t.throws(() => natsTarget(options), { ...type, message: /subjects.*subject is a function/ });
  }
  t.notThrows(() => natsTarget({ stream: 'x', subject, create: { subjects: ['x'] } }));
  t.notThrows(() => natsTarget({ stream: 'x', subject, create: false }));
  t.notThrows(() => natsTarget({ stream: 'x', subject: 'x', create: { max_age: 1 } }));
  for (const wrong of ['', 'a b', '*', 'a.>', 'a.', '.a']) {
    t.throws(() => natsTarget({ stream: 'x', subject: wrong }), value);
  }
  for (const name of ['a.b', 'a b', '*', 'a/b', '>']) {
    t.throws(() => natsTarget({ stream: name, subject: 'x' }), value);
    t.throws(() => natsSource({ stream: 'x', durable: name }), value);
  }
  const own = { stream: 'x', durable: 'x' };
  t.throws(() => natsSource({ ...own, create: 1 as never }), type);
  t.throws(() => natsSource({ ...own, filter: '' }), type);
  for (const more of [{ start: 2 }, { ackWait: 1 }, { maxAckPending: 1 }]) {
    t.throws(() => natsSource({ ...own, ...more, create: false }), value);
  }
});
