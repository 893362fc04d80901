// Rings and queues as the ends of a bridge.
import test from 'ava';
import { ascii, bytes, defineRecord, Queue, Ring } from 'shm-disruptor';
import { Bridge, queueSource, queueTarget, ringSource, ringTarget } from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeTarget, BridgeMessage } from 'shm-disruptor/bridge';

import { ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

const Tick = defineRecord({ id: 'u64', price: 'f64', tag: bytes(3), symbol: ascii(4) });
const tick = (id: number) => ({
  id: BigInt(id) + 2n ** 60n,
  price: id / 4,
  tag: Buffer.from([id, 2, 3]),
  symbol: 'ESZ6',
});

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

/** Everything that a source gives, until there are so many. */
async function taken(from: BridgeSource, count: number, maxInFlight = 3): Promise<BridgeMessage[]> {
  const to = new ScriptTarget(({ length }) => length);
  const bridge = new Bridge({ from, to, maxInFlight });
  await until(() => to.arrived.length >= count);
  await bridge.stop();
  return to.arrived;
}

async function delivered(parcels: readonly BridgeMessage[], to: BridgeTarget) {
  const from = new ListSource(parcels);
  const bridge = new Bridge({ from, to });
  await Promise.race([until(() => from.acknowledged.length === parcels.length), bridge.done]);
  const stats = bridge.stats();
  await bridge.stop();
  return stats;
}

/** A ring that its own elements are forwarded from, and the generation of which is checked. */
const facts = ({ origin, sequence, from, next, encoding, schema }: BridgeMessage) => ({
  origin,
  sequence,
  from,
  next,
  encoding,
  schema,
});

test('raw elements are forwarded as they are, also round the ring’s end', async (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name, { elements: 8, elementSize: 4, consumers: { out: {} } });
  const texts = Array.from({ length: 30 }, (_, i) => `e${String(i).padStart(3, '0')}`);
  const sent = ring.producer().publishMany(texts);
  const arrived = await taken(ringSource(ring.consumer('out')), 30);
  await sent;
  t.deepEqual(
    arrived.map(({ data }) => Buffer.from(data).toString()),
    texts,
  );
  t.deepEqual(facts(arrived[7]!), {
    origin: ring.generation,
    sequence: 7,
    from: 7,
    next: 8,
    encoding: 'raw',
    schema: '',
  });
  t.is(ring.consumer('out').sequence, 30);
});

test('what was not acknowledged is the next bridge’s', async (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name, { elements: 8, elementSize: 4, consumers: { out: {} } });
  await ring.producer().publishMany(['a', 'b', 'c', 'd']);
  const once = new ScriptTarget(({ length }) =>
    length === 4 ? 1 : new Promise<number>(() => undefined),
  );
  const first = ringSource(ring.consumer('out'));
  new Bridge({ from: first, to: once });
  await until(() => once.arrived.length === 1 && ring.stats().consumers[0]!.lag === 3);
  // As the kernel does for one that dies.
  first.end();
  const rest = await taken(ringSource(ring.consumer('out')), 3);
  t.deepEqual(
    rest.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
});

test('a gap is told with what comes after it', async (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name, { elements: 8, elementSize: 4, consumers: { out: {} } });
  using producer = ring.producer();
  await producer.publish('a');
  const dead = ring.producer();
  await dead.claim(2);
  dead.close();
  await producer.publish('b');
  const from = ringSource(ring.consumer('out'));
  const to = new ScriptTarget(({ length }) => length);
  const bridge = new Bridge({ from, to });
  await until(() => to.arrived.length === 2);
  t.deepEqual(
    to.arrived.map(({ sequence, from: begin }) => [begin, sequence]),
    [
      [0, 0],
      [1, 3],
    ],
  );
  t.is(bridge.stats().gaps, 2);
  await bridge.stop();
});

for (const as of ['bytes', 'json'] as const) {
  test(`records cross to a ring of the same record as ${as}`, async (t) => {
    const options = { elements: 8, record: Tick, consumers: { out: {} } };
    using a = Ring.create(uniqueName(t), options);
    using b = Ring.create(uniqueName(t), options);
    await a.producer().publishMany([tick(1), tick(2)]);
    const parcels = await taken(ringSource(a.consumer('out'), { as }), 2);
    t.is(parcels[0]!.encoding, as === 'bytes' ? 'record' : 'json');
    t.is(parcels[0]!.schema, Tick.fingerprint.toString(16).padStart(16, '0'));
    if (as === 'json') {
      t.deepEqual(JSON.parse(Buffer.from(parcels[0]!.data).toString()), {
        id: '1152921504606846977',
        price: 0.25,
        tag: 'AQID',
        symbol: 'ESZ6',
      });
    }
    await delivered(parcels, ringTarget(b.producer(), { record: Tick, checkpoint: false }));
    const read = [];
    for (const record of await b.consumer('out').next()) read.push(record.toObject());
    t.deepEqual(read, [tick(1), tick(2)]);
  });
}

for (const as of ['bytes', 'json'] as const) {
  test(`values with an encoding cross as ${as}`, async (t) => {
    const options = {
      elements: 4,
      elementSize: 64,
      encoding: 'json',
      consumers: { out: {} },
    } as const;
    using a = Ring.create(uniqueName(t), options);
    using b = Ring.create(uniqueName(t), options);
    const values = [{ a: 1 }, 'text', null, [1, 2, { x: 'ü' }], { b: 2 }, { c: 3 }];
    const sent = a.producer().publishMany(values);
    const parcels = await taken(ringSource(a.consumer('out'), { as }), values.length);
    await sent;
    t.true(parcels.every(({ encoding }) => encoding === 'json'));
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const batch of b.consumer('out')) {
        read.push(...batch);
        if (read.length === values.length) return;
      }
    })();
    // More than it has room for: it waits.
    await delivered(parcels, ringTarget(b.producer(), { checkpoint: false }));
    await reading;
    t.deepEqual(read, values);
  });
}

test('a ring takes only what it can hold and knows', async (t) => {
  using plain = Ring.create(uniqueName(t), { elements: 4, elementSize: 4 });
  using records = Ring.create(uniqueName(t), { elements: 4, record: Tick });
  using json = Ring.create(uniqueName(t), { elements: 4, elementSize: 8, encoding: 'json' });
  const other = { encoding: 'record', schema: '0123456789abcdef' };
  const cases: [BridgeTarget, BridgeMessage][] = [
    [ringTarget(plain.producer(), { checkpoint: false }), parcel(0, { data: Buffer.alloc(5) })],
    [ringTarget(records.producer(), { checkpoint: false }), parcel(0, other)],
    [ringTarget(records.producer(), { checkpoint: false }), parcel(0, { data: Buffer.alloc(9) })],
    // Without the option `record`, or with what is none.
    [ringTarget(records.producer(), { checkpoint: false }), parcel(0, { encoding: 'json' })],
    [
      ringTarget(records.producer(), { checkpoint: false, record: Tick }),
      parcel(0, { encoding: 'json', data: Buffer.from('{"id":1}') }),
    ],
    [
      ringTarget(records.producer(), { checkpoint: false, record: Tick }),
      parcel(0, { encoding: 'json', data: Buffer.from('{') }),
    ],
    [ringTarget(json.producer(), { checkpoint: false }), parcel(0, other)],
  ];
  for (const [to, wrong] of cases) {
    const from = new ListSource([wrong]);
    const error = await t.throwsAsync(new Bridge({ from, to }).done);
    t.like(error, { code: 'ERR_UNDELIVERABLE' });
    t.is(from.acknowledged.length, 0);
  }
  t.deepEqual(
    [plain, records, json].map((ring) => ring.stats().cursor),
    [0, 0, 0],
  );
});

test('a ring drops repetitions, also within what it is sent at a time, and counts them', async (t) => {
  using ring = Ring.create(uniqueName(t), {
    elements: 32,
    elementSize: 4,
    consumers: { out: {} },
  });
  const order = [0, 1, 1, 2, 0, 5, 4, 4, 5, 6];
  const { duplicates, late, missing, forwarded } = await delivered(
    order.map((sequence) => parcel(sequence)),
    ringTarget(ring.producer(), { checkpoint: false }),
  );
  const read = [...(await ring.consumer('out').next())].map((slot) =>
    slot.toString('latin1', 0, 1),
  );
  t.deepEqual(read.join(''), '012546');
  t.deepEqual([duplicates, late, missing, forwarded], [4, 1, 1, 10]);
});

test('a queue’s messages are acknowledged when they have arrived, and given back otherwise', async (t) => {
  const name = uniqueName(t);
  const queue = Queue.create(name, { capacity: 8192, maxHeld: 4 });
  t.teardown(() => {
    queue.close();
  });
  const texts = Array.from({ length: 12 }, (_, i) => `message ${'x'.repeat(5 * i)}`);
  await queue.enqueueMany(texts);
  const to: ScriptTarget = new ScriptTarget(({ length }) =>
    to.arrived.length < 6 ? Math.min(2, length) : new Promise<number>(() => undefined),
  );
  const from = queueSource(Queue.open(name));
  new Bridge({ from, to });
  await until(() => to.arrived.length >= 6);
  from.end();
  const rest = await taken(queueSource(Queue.open(name)), 12 - to.arrived.length);
  // What was given back comes when it is found, perhaps behind others.
  const all = [...to.arrived, ...rest].sort((a, b) => a.sequence - b.sequence);
  t.deepEqual(
    all.map(({ data }) => Buffer.from(data).toString()),
    texts,
  );
  // Each says where the next begins.
  t.deepEqual(
    all.slice(1).map(({ sequence }) => sequence),
    all.slice(0, -1).map(({ next }) => next),
  );
  t.is(queue.stats().unread + queue.stats().held, 0);
});

test('messages of queues cross as bytes or as JSON, to a queue that waits for room', async (t) => {
  for (const as of ['bytes', 'json'] as const) {
    const options = { capacity: 4096, encoding: 'json' } as const;
    using a = Queue.create(uniqueName(t), options);
    const name = uniqueName(t);
    using b = Queue.create(name, options);
    const values = Array.from({ length: 60 }, (_, i) => ({ i, text: 'x'.repeat(60) }));
    const sent = a.enqueueMany(values);
    const parcels = await taken(
      queueSource(as === 'json' ? Queue.open(a.name, { encoding: 'json' }) : Queue.open(a.name), {
        as,
      }),
      values.length,
    );
    await sent;
    t.true(parcels.every(({ encoding }) => encoding === 'json'));
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const value of b) {
        read.push(value);
        if (read.length === values.length) return;
      }
    })();
    const stats = await delivered(
      [...parcels.slice(0, 30), ...parcels.slice(20)],
      queueTarget(Queue.open(name), { checkpoint: false }),
    );
    await reading;
    t.deepEqual(read, values);
    t.is(stats.duplicates, 10);
  }
});

test('wrong ends are errors', (t) => {
  using ring = Ring.create(uniqueName(t), {
    elements: 4,
    elementSize: 4,
    consumers: { group: { group: true } },
  });
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  t.throws(() => ringSource({} as never), type);
  t.throws(() => ringTarget({} as never), type);
  t.throws(() => queueSource(ring as never), type);
  t.throws(() => queueTarget(ring as never), type);
  const member = ring.consumer('group', { group: true });
  t.throws(() => ringSource(member), { code: 'ERR_INVALID_ARG_VALUE' });
  member.close();
  using consumer = ring.consumer();
  t.throws(() => ringSource(consumer, { as: 'text' as never }), { code: 'ERR_OUT_OF_RANGE' });
  using producer = ring.producer();
  t.throws(() => ringTarget(producer, { record: Tick }), { code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => ringTarget(producer, { checkpoint: '../x' }), { code: 'ERR_INVALID_ARG_VALUE' });
});
