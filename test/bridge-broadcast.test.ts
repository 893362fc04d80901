// Broadcasts as the ends of a bridge.
import test from 'ava';
import { Broadcast, defineRecord } from 'shm-disruptor';
import { Bridge, broadcastSource, broadcastTarget } from 'shm-disruptor/bridge';
import type { BroadcastSourceOptions, BridgeMessage } from 'shm-disruptor/bridge';

import { ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

const Tick = defineRecord({ id: 'u64', price: 'f64' });

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

async function taken(
  broadcast: Broadcast<never, unknown>,
  count: number,
  options: BroadcastSourceOptions,
): Promise<{ parcels: BridgeMessage[]; overrun: number }> {
  const to = new ScriptTarget(({ length }) => length);
  const from = broadcastSource(broadcast, options);
  const bridge = new Bridge({ from, to, maxInFlight: 3 });
  await until(() => to.arrived.length >= count);
  const { overrun = 0 } = from.counts();
  await bridge.stop();
  return { parcels: to.arrived, overrun };
}

const texts = (parcels: readonly BridgeMessage[]) =>
  parcels.map(({ data }) => Buffer.from(data).toString());

test('messages are forwarded as they are, and what was overrun is counted', async (t) => {
  const name = uniqueName(t);
  const broadcast = Broadcast.create(name, { elements: 4, elementSize: 8 });
  const { generation } = broadcast;
  broadcast.publishMany(Array.from({ length: 10 }, (_, i) => `m${i}`));
  const { parcels, overrun } = await taken(broadcast, 4, { from: 0 });
  t.deepEqual(texts(parcels), ['m6', 'm7', 'm8', 'm9']);
  t.is(overrun, 6);
  const [first] = parcels;
  t.deepEqual(
    [first!.origin, first!.sequence, first!.from, first!.next, first!.encoding, first!.schema],
    [generation, 6, 0, 7, 'raw', ''],
  );
  t.true(broadcast.closed);
});

test('encoded values and records are forwarded as bytes or as JSON', async (t) => {
  const json = Broadcast.create(uniqueName(t), { elements: 4, elementSize: 64, encoding: 'json' });
  json.publish({ a: 1 });
  const asBytes = await taken(json, 1, { from: 'oldest' });
  t.deepEqual(texts(asBytes.parcels), ['{"a":1}']);
  t.is(asBytes.parcels[0]!.encoding, 'json');
  for (const as of ['bytes', 'json'] as const) {
    const records = Broadcast.create(uniqueName(t), { elements: 4, record: Tick });
    records.publish({ id: 7n, price: 1.5 });
    const { parcels } = await taken(records, 1, { from: 'oldest', as });
    t.is(parcels[0]!.encoding, as === 'json' ? 'json' : 'record');
    if (as === 'json') t.deepEqual(texts(parcels), ['{"id":"7","price":1.5}']);
    else t.is(parcels[0]!.data.length, Tick.size);
  }
});

test('what did not arrive is taken again', async (t) => {
  const broadcast = Broadcast.create(uniqueName(t), { elements: 8, elementSize: 8 });
  broadcast.publishMany(['a', 'b', 'c']);
  const from = broadcastSource(broadcast, { from: 'oldest' });
  const signal = new AbortController().signal;
  t.deepEqual(texts(await from.take(2, signal)), ['a', 'b']);
  await from.acknowledge(1);
  from.giveBack();
  t.deepEqual(texts(await from.take(8, signal)), ['b', 'c']);
  from.end();
});

test('what is published through a broadcast is new, and fits', async (t) => {
  const name = uniqueName(t);
  const broadcast = Broadcast.create(name, { elements: 8, elementSize: 4 });
  const subscription = broadcast.subscribe();
  const from = new ListSource([parcel(1), parcel(2), parcel(2), parcel(1), parcel(3)]);
  const to = broadcastTarget(broadcast);
  const bridge = new Bridge({ from, to });
  await until(() => from.acknowledged.length === 5);
  await bridge.stop();
  const received = await subscription.receiveMany(10);
  t.deepEqual(
    received.map(({ data }) => data.toString()),
    ['1', '2', '3'],
  );
  t.is(to.counts().duplicates, 2);
  subscription.close();
});

test('what never fits ends the bridge', async (t) => {
  const broadcast = Broadcast.create(uniqueName(t), { elements: 8, elementSize: 4 });
  const from = new ListSource([parcel(1, { data: Buffer.alloc(5) })]);
  const bridge = new Bridge({ from, to: broadcastTarget(broadcast) });
  await t.throwsAsync(bridge.done, { code: 'ERR_UNDELIVERABLE' });
});

test('only broadcasts are taken', (t) => {
  t.throws(() => broadcastSource({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => broadcastTarget('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
