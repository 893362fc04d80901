// Broadcasts of values: encodings, records, and where messages land.
import test from 'ava';
import { ascii, Broadcast, defineRecord } from 'shm-disruptor';
import type { BroadcastOf, BroadcastOptions } from 'shm-disruptor';

import { listen, newBroadcast } from './broadcasts.js';
import { uniqueName } from './fixture.js';
import type { Scope } from './fixture.js';

function made<const T extends BroadcastOptions>(t: Scope, options: T) {
  const broadcast = Broadcast.create(uniqueName(t), options);
  const subscription = broadcast.subscribe();
  t.teardown(() => {
    subscription.close();
    broadcast.close();
  });
  return { broadcast, subscription } as {
    broadcast: BroadcastOf<T>;
    subscription: ReturnType<BroadcastOf<T>['subscribe']>;
  };
}

const sizes = { elements: 8, elementSize: 200 };

test('strings and JSON', (t) => {
  const strings = made(t, { ...sizes, encoding: 'utf8' });
  for (const text of ['', 'ünïcö', '😀', 'x'.repeat(200)]) {
    strings.broadcast.publish(text);
    t.is(strings.subscription.tryReceive()?.data, text);
  }
  t.throws(() => strings.broadcast.publish('é'.repeat(101)), { code: 'ERR_OUT_OF_RANGE' });
  const values = made(t, { ...sizes, encoding: 'json' });
  for (const value of [null, 0, false, '', [1, { a: 'ü' }]]) {
    values.broadcast.publish(value);
    t.deepEqual(values.subscription.tryReceive()?.data, value);
    t.deepEqual(values.broadcast.latest()?.data, value);
  }
  t.throws(() => values.broadcast.publish(undefined), { name: 'TypeError' });
});

const Tick = defineRecord({ symbol: ascii(8), price: 'f64', size: 'u32' });

test('records', (t) => {
  const { broadcast, subscription } = made(t, { elements: 4, record: Tick });
  t.is(broadcast.elementSize, Tick.size);
  for (let size = 0; size < 3; size += 1) broadcast.publish({ symbol: 'ABC', price: 1.5, size });
  const all = [subscription.tryReceive(), subscription.tryReceive()].map((each) => each!.data);
  // Each is a cursor over memory of its own.
  t.deepEqual(
    all.map((each) => each.toObject()),
    [0, 1].map((size) => ({ symbol: 'ABC', price: 1.5, size })),
  );
  const slot = broadcast.claim();
  Tick.cursor(slot.view).set({ symbol: 'X', price: 2, size: 7 });
  slot.commit();
  t.is(broadcast.latest()?.data.size, 7);
  t.throws(() => broadcast.publish({ symbol: 'TOO LONG A NAME', price: 0, size: 0 }));
});

const dates = {
  name: 'dates 1',
  encode: (value: Date) => Buffer.from(value.toISOString()),
  decode: (bytes: Buffer) => new Date(bytes.toString()),
};

test('opening compares encodings and records', (t) => {
  const { broadcast } = made(t, { ...sizes, encoding: dates });
  const code = { code: 'ERR_SCHEMA_MISMATCH' };
  t.throws(() => Broadcast.open(broadcast.name, { encoding: 'utf8' }), code);
  t.throws(() => Broadcast.open(broadcast.name), code);
  t.throws(() => Broadcast.open(broadcast.name, { record: Tick }), code);
  using same = Broadcast.open(broadcast.name, { encoding: dates });
  broadcast.publish(new Date(0));
  t.deepEqual(same.latest()?.data, new Date(0));
});

test('an encoder may publish there as well', (t) => {
  const own = {
    encode(value: string): Uint8Array {
      if (value === 'outer') broadcast.publish('inner');
      return Buffer.from(value);
    },
    decode: String,
  };
  const { broadcast, subscription } = made(t, { ...sizes, encoding: own });
  broadcast.publish('outer');
  t.is(subscription.tryReceive()?.data, 'inner');
  t.is(subscription.tryReceive()?.data, 'outer');
});

test('a value whose getter publishes, or closes', (t) => {
  const { broadcast, subscription } = made(t, { elements: 4, record: Tick });
  const plain = { symbol: 'IN', price: 1, size: 1 };
  broadcast.publish({
    symbol: 'OUT',
    price: 2,
    get size() {
      broadcast.publish(plain);
      return 2;
    },
  });
  t.deepEqual(subscription.tryReceive()?.data.toObject(), plain);
  t.deepEqual(subscription.tryReceive()?.data.toObject(), { symbol: 'OUT', price: 2, size: 2 });
  const closing = {
    symbol: 'OUT',
    price: 2,
    get size() {
      broadcast.close();
      return 2;
    },
  };
  t.throws(() => broadcast.publish(closing), { code: 'ERR_RELEASED' });
  const json = made(t, { ...sizes, encoding: 'json' });
  const value = { toJSON: () => (json.broadcast.close(), 1) };
  t.throws(() => json.broadcast.publish(value), { code: 'ERR_RELEASED' });
});

test('a decoder may receive, or close', (t) => {
  const inner: unknown[] = [];
  const own = {
    encode: (value: string) => Buffer.from(value),
    decode(bytes: Buffer) {
      const text = bytes.toString();
      if (text === 'again') inner.push(subscription.tryReceive()?.data);
      if (text === 'close') subscription.close();
      return text;
    },
  };
  const { broadcast, subscription } = made(t, { ...sizes, encoding: own });
  for (const text of ['again', 'one', 'close']) broadcast.publish(text);
  t.is(subscription.tryReceive()?.data, 'again');
  t.deepEqual(inner, ['one']);
  t.is(subscription.tryReceive()?.data, 'close');
  t.throws(() => subscription.tryReceive(), { code: 'ERR_RELEASED' });
});

test('what was received stays as it is', (t) => {
  const broadcast = newBroadcast(t, { elements: 16, elementSize: 5000 });
  const subscription = listen(t, broadcast);
  const kept: Buffer[] = [];
  for (let i = 0; i < 300; i += 1) {
    broadcast.publish(Buffer.alloc((i * 37) % 5001, i));
    kept.push(subscription.tryReceive()!.data);
    subscription.latest();
  }
  for (const [i, data] of kept.entries()) {
    t.true(data.equals(Buffer.alloc((i * 37) % 5001, i)), String(i));
  }
});

test('messages land where there is room for them, and not for the longest', (t) => {
  const broadcast = newBroadcast(t, { elements: 2, elementSize: 4 << 20 });
  const subscription = listen(t, broadcast);
  broadcast.publish('small');
  const { data } = subscription.tryReceive()!;
  t.is(data.buffer.byteLength, 65_536);
  broadcast.publish(Buffer.alloc(100_001, 7));
  t.true(subscription.tryReceive()!.data.equals(Buffer.alloc(100_001, 7)));
  t.is(subscription.latest()?.data.length, 100_001);
});

test('who transfers what he received does not take others’ messages, and harms nobody', (t) => {
  const broadcast = newBroadcast(t);
  const subscription = listen(t, broadcast);
  broadcast.publish('first');
  const first = subscription.tryReceive()!.data;
  const buffer = first.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  try {
    structuredClone(first, { transfer: [buffer] });
  } catch {
    // Node 20 makes a copy instead.
  }
  t.is(first.toString(), 'first');
  // Newer runtimes have a way round that.
  buffer.transfer?.();
  broadcast.publish('second');
  t.is(subscription.tryReceive()?.data.toString(), 'second');
});
