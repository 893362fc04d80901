// The adapters of NATS and Redis against real servers, where they are installed.
import { once } from 'node:events';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect } from 'nats';
import { Bridge, natsSource, natsTarget, redisSource, redisTarget } from 'shm-disruptor/bridge';

import { engineSource, engineTarget } from './bridge/engines.js';
import { gone, ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { withServer } from './bridge/with-engine.js';

const ENGINES = ['nats', 'redis'] as const;
const backoff = { least: 5, most: 50 };

const some = (count: number) => Array.from({ length: count }, (_, i) => parcel(i));
const all = () => new ScriptTarget(({ length }) => length);

for (const engine of ENGINES) {
  withServer(engine, 'parcels come back as they went, in order', async (t, { url }) => {
    const parcels = [
      parcel(0, { time: 1700000000000 }),
      parcel(5, { from: 1, next: 9, encoding: 'record', schema: '00000000000000ff', time: 1 }),
      parcel(9, { encoding: 'json', data: Buffer.from('{"ü":1}') }),
      parcel(10, { data: Buffer.from([0, 255, 13, 10, 0]) }),
      parcel(11, { data: Buffer.alloc(0) }),
      parcel(12, { origin: 'elsewhere' }),
    ];
    const from = new ListSource(parcels);
    const out = new Bridge({ from, to: engineTarget(engine, url, 'there') });
    await until(() => from.acknowledged.length === parcels.length);
    await out.stop();
    const to = all();
    const back = new Bridge({ from: engineSource(engine, url, 'there'), to, backoff });
    await until(() => to.arrived.length === parcels.length);
    await back.stop();
    const plain = (each: (typeof parcels)[number]) => ({ ...each, data: [...each.data] });
    t.deepEqual(to.arrived.map(plain), parcels.map(plain));
  });

  withServer(
    engine,
    'what was acknowledged does not come again, and the rest does',
    async (t, { url }) => {
      const from = new ListSource(some(10));
      const out = new Bridge({ from, to: engineTarget(engine, url, 'there') });
      await until(() => from.acknowledged.length === 10);
      await out.stop();
      // Of what it takes the first bridge never gets rid of the last three.
      const first: ScriptTarget = new ScriptTarget(({ length }) =>
        first.arrived.length < 7
          ? Math.min(length, 7 - first.arrived.length)
          : new Promise<number>((_, reject) => (fail = reject)),
      );
      let fail: ((error: Error) => void) | undefined;
      const stuck = new Bridge({ from: engineSource(engine, url, 'there'), to: first });
      // Before that, those that arrived are being acknowledged, and nothing could be failed.
      await until(() => fail !== undefined);
      t.is(stuck.stats().inFlight, 3);
      const stopped = stuck.stop();
      fail!(gone());
      await stopped;

      const second = all();
      const bridge = new Bridge({ from: engineSource(engine, url, 'there'), to: second });
      await until(() => second.arrived.length === 3);
      await bridge.stop();
      t.deepEqual(
        second.arrived.map(({ sequence }) => sequence),
        [7, 8, 9],
      );
    },
  );

  withServer(engine, 'a server that hangs is left, and found again', async (t, server) => {
    const from = new ListSource(some(4));
    const to = engineTarget(engine, server.url, 'there');
    const bridge = new Bridge({ from, to, backoff });
    await until(() => from.acknowledged.length === 4);
    server.signal('SIGSTOP');
    const more = new ListSource(some(8));
    const away = new Bridge({ from: more, to: engineTarget(engine, server.url, 'there'), backoff });
    await until(() => away.stats().reconnects > 0);
    server.signal('SIGCONT');
    await until(() => more.acknowledged.length === 8);
    await Promise.all([bridge.stop(), away.stop()]);
    t.is(away.stats().state, 'stopped');
    t.truthy(away.stats().lastError);
  });

  withServer(engine, 'a bridge to where nobody is stops when it is told to', async (t, server) => {
    await server.kill();
    const ends = [
      [new ListSource(some(1)), engineTarget(engine, server.url, 'there')],
      [engineSource(engine, server.url, 'there'), all()],
    ] as const;
    for (const [from, to] of ends) {
      const bridge = new Bridge({ from, to, backoff });
      await until(() => bridge.stats().reconnects > 2);
      t.is(bridge.stats().state, 'away');
      await bridge.stop();
      t.is(bridge.stats().forwarded, 0);
    }
  });

  withServer(
    engine,
    'a way back that waits stops at once, and goes on later',
    async (t, { url }) => {
      const to = all();
      if (engine === 'nats') {
        const bridge = new Bridge({
          from: new ListSource([parcel(0)]),
          to: engineTarget(engine, url, 'there'),
        });
        await until(() => bridge.stats().forwarded === 1);
        await bridge.stop();
      }
      const back = new Bridge({ from: engineSource(engine, url, 'there'), to });
      await until(() => back.stats().state === 'running');
      await back.stop();
      t.is(back.stats().state, 'stopped');
    },
  );
}

withServer('nats', 'repetitions are dropped by the server, and counted', async (t, { url }) => {
  for (const expected of [0, 20]) {
    const from = new ListSource(some(20));
    const bridge = new Bridge({ from, to: engineTarget('nats', url, 'there') });
    await until(() => from.acknowledged.length === 20);
    t.is(bridge.stats().duplicates, expected);
    await bridge.stop();
  }
  const to = all();
  const back = new Bridge({ from: engineSource('nats', url, 'there'), to });
  await until(() => to.arrived.length === 20);
  await back.stop();
  t.is(to.arrived.length, 20);
});

withServer(
  'nats',
  'each message can have its subject, and others’ messages come as well',
  async (t, { url }) => {
    const from = new ListSource(some(6));
    const out = new Bridge({
      from,
      to: natsTarget({
        servers: url,
        stream: 'keys',
        create: { subjects: ['keys.*'] },
        subject: ({ sequence }) => `keys.${sequence % 2}`,
      }),
    });
    await until(() => from.acknowledged.length === 6);
    await out.stop();
    const connection = await connect({ servers: url });
    await connection.jetstream().publish('keys.1', 'hello');
    await connection.close();

    const to = all();
    const source = natsSource({ servers: url, stream: 'keys', durable: 'odd', filter: 'keys.1' });
    const back = new Bridge({ from: source, to });
    await until(() => to.arrived.length === 4);
    await back.stop();
    t.deepEqual(
      to.arrived.slice(0, 3).map(({ sequence }) => sequence),
      [1, 3, 5],
    );
    const { data, origin, sequence, encoding } = to.arrived[3]!;
    t.is(data.toString(), 'hello');
    t.regex(origin, /^nats:keys:/);
    t.deepEqual([sequence, encoding], [7, 'raw']);
  },
);

withServer('nats', 'chained: order is kept, also beside another publisher', async (t, { url }) => {
  const target = () =>
    natsTarget({ servers: url, stream: 'chain', subject: 'chain', chained: true });
  const from = new ListSource(some(30));
  const out = new Bridge({ from, to: target(), maxInFlight: 4, backoff });
  await until(() => from.acknowledged.length === 30);
  const before = out.stats().reconnects;
  await out.stop();
  const connection = await connect({ servers: url });
  await connection.jetstream().publish('chain', 'between');
  await connection.close();
  const again = new ListSource(some(40));
  const second = new Bridge({ from: again, to: target(), maxInFlight: 7, backoff });
  await until(() => again.acknowledged.length === 40);
  await second.stop();
  t.is(before, 0);
  const to = all();
  const back = new Bridge({ from: engineSource('nats', url, 'chain'), to });
  await until(() => to.arrived.length === 41);
  await back.stop();
  const ours = to.arrived.filter(({ origin }) => origin === 'there');
  t.deepEqual(
    ours.map(({ sequence }) => sequence),
    some(40).map(({ sequence }) => sequence),
  );
});

withServer('nats', 'what is too large can never be delivered', async (t, { url }) => {
  const from = new ListSource([parcel(0), parcel(1, { data: Buffer.alloc(2_000_000) })]);
  const bridge = new Bridge({ from, to: engineTarget('nats', url, 'there') });
  t.like(await t.throwsAsync(bridge.done), { code: 'ERR_UNDELIVERABLE' });
  t.deepEqual(
    from.acknowledged.map(({ sequence }) => sequence),
    [0],
  );
});

withServer(
  'redis',
  'the stream is kept at its length, and what was trimmed unread is counted',
  async (t, { url }) => {
    const key = 'short';
    const source = () => redisSource({ url, key, group: 'back', consumer: 'one' });
    const first = new ListSource(some(4));
    const out = new Bridge({
      from: first,
      to: redisTarget({ url, key, maxLength: 4, exact: true }),
    });
    await until(() => first.acknowledged.length === 4);
    await out.stop();
    // Taken and never acknowledged, and then trimmed.
    let fail: (error: Error) => void = () => undefined;
    const stuck = new ScriptTarget(() => new Promise<number>((_, reject) => (fail = reject)));
    const back = new Bridge({ from: source(), to: stuck });
    await until(() => back.stats().inFlight === 4);
    const stopped = back.stop();
    fail(gone());
    await stopped;
    const second = new ListSource(Array.from({ length: 6 }, (_, i) => parcel(4 + i)));
    const more = new Bridge({
      from: second,
      to: redisTarget({ url, key, maxLength: 4, exact: true }),
    });
    await until(() => second.acknowledged.length === 6);
    await more.stop();

    const redis = new Redis(url);
    t.is(await redis.xlen(key), 4);
    const to = all();
    const again = new Bridge({ from: source(), to });
    await until(() => to.arrived.length === 4);
    const { overrun } = again.stats();
    await again.stop();
    t.deepEqual(
      to.arrived.map(({ sequence }) => sequence),
      [6, 7, 8, 9],
    );
    t.is(overrun, 4);
    redis.disconnect();
    await once(redis, 'end');
  },
);

withServer(
  'redis',
  'another consumer’s pending entries are claimed where that is asked for',
  async (t, { url }) => {
    const key = 'claim';
    const redis = new Redis(url);
    await redis.xgroup('CREATE', key, 'back', '0', 'MKSTREAM');
    const from = new ListSource(some(5));
    const out = new Bridge({ from, to: redisTarget({ url, key }) });
    await until(() => from.acknowledged.length === 5);
    await out.stop();
    await redis.xreadgroup('GROUP', 'back', 'dead', 'COUNT', 3, 'STREAMS', key, '>');
    const to = all();
    const options = { url, key, group: 'back', consumer: 'living' };
    const back = new Bridge({ from: redisSource({ ...options, claimIdle: 0 }), to });
    await until(() => to.arrived.length === 5);
    await back.stop();
    t.deepEqual(
      to.arrived.map(({ sequence }) => sequence),
      [0, 1, 2, 3, 4],
    );
    const [pending] = (await redis.xpending(key, 'back')) as [number];
    t.is(pending, 0);
    redis.disconnect();
    await once(redis, 'end');
  },
);

/** A client for the test's own use, as long as it runs. */
function connected(t: ExecutionContext, url: string): Redis {
  const redis = new Redis(url);
  t.teardown(() => {
    redis.disconnect();
  });
  return redis;
}

const sequences = (count: number) => some(count).map(({ sequence }) => sequence);

/** The sequences of a stream's entries, in its order. */
async function sequencesIn(redis: Redis, key: string): Promise<number[]> {
  const entries = await redis.xrange(key, '-', '+');
  return entries.map(([, fields]) => Number(/;sequence=(\d+)/.exec(fields.at(-1)!)?.[1]));
}

/** Why Redis refuses a batch: brings that about, and ends it. `before`: of the batch, how many it takes. */
const REFUSALS = {
  'in its middle': {
    before: 3,
    // Three more ids, and then none.
    begin: (redis: Redis, key: string) =>
      redis.xadd(key, `${2n ** 64n - 1n}-${2n ** 64n - 4n}`, 'data', 'last', 'other', ''),
    end: (redis: Redis, key: string) => redis.del(key),
  },
  'for its key': {
    before: 0,
    begin: (redis: Redis, key: string) => redis.set(key, 'no stream'),
    end: (redis: Redis, key: string) => redis.del(key),
  },
  'for want of memory': {
    before: 0,
    begin: (redis: Redis) => redis.config('SET', 'maxmemory', '1'),
    end: (redis: Redis) => redis.config('SET', 'maxmemory', '0'),
  },
} as const;

for (const [title, { before, begin, end }] of Object.entries(REFUSALS)) {
  withServer('redis', `a batch refused ${title} is not overtaken`, async (t, { url }) => {
    const redis = connected(t, url);
    const key = 'refused';
    await begin(redis, key);
    const from = new ListSource(some(20));
    const bridge = new Bridge({
      from,
      to: redisTarget({ url, key }),
      maxInFlight: 8,
      backoff,
      maxRefusals: 10_000,
    });
    t.teardown(() => bridge.stop());
    // Time enough for the next batch, if that were tried.
    await until(() => bridge.stats().reconnects > 2 || from.acknowledged.length > 0);
    t.deepEqual(from.acknowledged, []);
    if (before > 0) {
      const [, ...taken] = await sequencesIn(redis, key);
      t.deepEqual(taken, sequences(before));
    }
    await end(redis, key);
    await until(() => from.acknowledged.length === 20);
    t.deepEqual(await sequencesIn(redis, key), sequences(20));
  });
}

withServer('redis', 'what it executes after a hang comes in order', async (t, server) => {
  const { url } = server;
  const key = 'hung';
  const to = redisTarget({ url, key, connection: { commandTimeout: 200 } });
  const send = to.send.bind(to);
  let calls = 0;
  to.send = (parcels, signal) => {
    calls += 1;
    // It gets this batch, and looks at it when the bridge has given it up.
    if (calls === 3) server.signal('SIGSTOP');
    return send(parcels, signal);
  };
  const from = new ListSource(some(40));
  const onDisconnect = () => {
    server.signal('SIGCONT');
  };
  const bridge = new Bridge({ from, to, maxInFlight: 8, backoff, onDisconnect });
  t.teardown(() => bridge.stop());
  await until(() => from.acknowledged.length === 40);
  t.is(bridge.stats().repeated, 8);
  const there = await sequencesIn(connected(t, url), key);
  t.deepEqual([...new Set(there)], sequences(40));
});

withServer('redis', 'what is too much for one argument goes in several', async (t, { url }) => {
  const redis = connected(t, url);
  const key = 'large';
  await redis.config('SET', 'proto-max-bulk-len', String(2 ** 20));
  const data = Buffer.alloc(100_000);
  const from = new ListSource(some(40).map((each) => ({ ...each, data })));
  const bridge = new Bridge({ from, to: redisTarget({ url, key }), backoff });
  t.teardown(() => bridge.stop());
  await until(() => from.acknowledged.length === 40 || bridge.stats().reconnects > 0);
  t.deepEqual(await sequencesIn(redis, key), sequences(40));
  t.is(bridge.stats().reconnects, 0);
});

withServer('redis', 'an entry of other fields comes as JSON', async (t, { url }) => {
  const redis = new Redis(url);
  await redis.xadd('own', '*', 'a', '1', 'b', 'ü');
  await redis.xadd('own', '*', 'data', 'plain');
  const to = all();
  const back = new Bridge({ from: engineSource('redis', url, 'own'), to });
  await until(() => to.arrived.length === 2);
  await back.stop();
  t.deepEqual(
    to.arrived.map(({ data, origin, encoding }) => [data.toString(), origin, encoding]),
    [
      ['{"a":"1","b":"ü"}', '', 'json'],
      ['plain', '', 'raw'],
    ],
  );
  redis.disconnect();
  await once(redis, 'end');
});

test('wrong options are errors', (t) => {
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  const range = { code: 'ERR_OUT_OF_RANGE' };
  t.throws(() => natsTarget(undefined as never), type);
  t.throws(() => natsTarget({ stream: '', subject: 'x' }), type);
  t.throws(() => natsTarget({ stream: 'x', subject: 1 as never }), type);
  t.throws(() => natsTarget({ stream: 'x', subject: 'x', ackTimeout: 0 }), range);
  t.throws(() => natsSource({ stream: 'x', durable: '' }), type);
  t.throws(() => natsSource({ stream: 'x', durable: 'x', start: 0 }), range);
  t.throws(() => redisTarget({ key: '' }), type);
  t.throws(() => redisTarget({ key: 'x', maxLength: 0 }), range);
  t.throws(() => redisSource({ key: 'x', group: '' }), type);
  t.throws(() => redisSource({ key: 'x', group: 'x', claimIdle: -1 }), range);
});
