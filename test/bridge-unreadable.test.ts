// Messages that a source cannot read: a bridge ends with an error that names them, or leaves them out.
import { writeSync, openSync, closeSync, readFileSync } from 'node:fs';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast, Queue, UnreadableMessageError, Ring } from 'shm-disruptor';
import { Bridge, broadcastSource, queueSource, ringSource } from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeMessage } from 'shm-disruptor/bridge';

import { ScriptTarget, until } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import { unreadable } from './unreadable.js';

type Kind = 'queue' | 'ring' | 'broadcast';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

/** Without a name: it is not compared. What it is given is not looked at. */
const asTheyAre = {
  encode: (value: string) => Buffer.from(value),
  decode: (bytes: Buffer) => bytes.toString(),
};
const json = { encoding: 'json' } as const;

/** A segment of JSON, something that publishes what is none, and sources that forward JSON. */
const SCENES: Record<Kind, (t: ExecutionContext) => Scene> = {
  queue(t) {
    const queue = Queue.create(uniqueName(t), { capacity: 4096, ...json });
    t.teardown(() => {
      queue.close();
    });
    return {
      name: queue.name,
      publish: (text) => {
        const bytes = Queue.open(queue.name);
        const sequence = bytes.enqueueSync(text);
        bytes.close();
        return sequence;
      },
      source: () => queueSource(Queue.open(queue.name, json), { as: 'json' }),
    };
  },
  ring(t) {
    const ring = Ring.create(uniqueName(t), {
      elements: 16,
      elementSize: 32,
      consumers: { bridge: {} },
      ...json,
    });
    const producer = Ring.open(ring.name, { encoding: asTheyAre }).producer();
    t.teardown(() => {
      for (const each of [ring, producer]) each.close();
    });
    return {
      name: ring.name,
      publish: (text) => producer.publishSync(text),
      source: () => ringSource(ring.consumer('bridge'), { as: 'json' }),
    };
  },
  broadcast(t) {
    const broadcast = Broadcast.create(uniqueName(t), { elements: 16, elementSize: 32, ...json });
    const publisher = Broadcast.open(broadcast.name, { encoding: asTheyAre });
    t.teardown(() => {
      for (const each of [broadcast, publisher]) each.close();
    });
    return {
      name: broadcast.name,
      publish: (text) => publisher.publish(text),
      source: () => {
        const opened = Broadcast.open(broadcast.name, json) as unknown as Broadcast<never>;
        return broadcastSource(opened, { as: 'json', from: 'oldest' });
      },
    };
  },
};

interface Scene {
  readonly name: string;
  /** @returns its sequence */
  readonly publish: (text: string) => number;
  readonly source: () => BridgeSource;
}

const texts = (parcels: readonly BridgeMessage[]) =>
  parcels.map(({ data }) => Buffer.from(data).toString());

for (const [kind, make] of Object.entries(SCENES) as [Kind, (t: ExecutionContext) => Scene][]) {
  test(`${kind}: the bridge ends, and what came before has arrived`, async (t) => {
    const { name, publish, source } = make(t);
    const all = ['1', '2', '{', '4'].map((text) => publish(text));
    const to = new ScriptTarget(({ length }) => length);
    const bridge = new Bridge({ from: source(), to });
    const error = await t.throwsAsync(bridge.done, { instanceOf: UnreadableMessageError });
    t.like(error, unreadable(kind, name, all[2]!));
    t.true(error.cause instanceof SyntaxError);
    t.deepEqual(texts(to.arrived), ['1', '2']);
    t.like(bridge.stats(), { state: 'stopped', forwarded: 2, skipped: 0, reconnects: 0 });

    // It is the next one of the next bridge; a broadcast begins where it is told to.
    const again = new ScriptTarget(({ length }) => length);
    const second = await t.throwsAsync(new Bridge({ from: source(), to: again }).done);
    t.like(second, unreadable(kind, name, all[2]!));
    // A queue may give what was never taken before what was given back.
    const before = { queue: /^4?$/, ring: /^$/, broadcast: /^1,2$/ }[kind];
    t.regex(texts(again.arrived).join(), before);
  });

  test(`${kind}: or leaves it out, counts it and goes on`, async (t) => {
    const { name, publish, source } = make(t);
    const all = ['[', '1', '{', '}', '4'].map((text) => publish(text));
    const to = new ScriptTarget(({ length }) => length);
    const told: { error: Error; parcel: BridgeMessage; bytes: string }[] = [];
    const bridge = new Bridge({
      from: source(),
      to,
      onUndeliverable: (error, parcel) => {
        told.push({ error, parcel, bytes: texts([parcel])[0]! });
        return 'skip';
      },
    });
    await until(() => to.arrived.length === 2);
    t.like(bridge.stats(), { forwarded: 2, skipped: 3 });
    await bridge.stop();
    t.deepEqual(texts(to.arrived), ['1', '4']);
    for (const [i, at] of [0, 2, 3].entries()) {
      const { error, parcel, bytes } = told[i]!;
      t.like(error, unreadable(kind, name, all[at]!));
      t.like(parcel, { sequence: all[at], encoding: 'json' });
      // A queue does not give what it cannot read.
      t.is(bytes, kind === 'queue' ? '' : '[ {}'.charAt(at));
    }
    // They are gone: none comes again.
    if (kind === 'broadcast') return;
    publish('5');
    const later = new ScriptTarget(({ length }) => length);
    const next = new Bridge({ from: source(), to: later });
    await until(() => later.arrived.length === 1);
    await next.stop();
    t.deepEqual(texts(later.arrived), ['5']);
  });

  test(`${kind}: a value that JSON does not have is named as well`, async (t) => {
    // What reads it as a value of its own gives a function.
    const odd = {
      encode: (value: string) => Buffer.from(value),
      decode: (bytes: Buffer) => (bytes.toString() === 'odd' ? () => undefined : bytes.toString()),
    };
    const { name, from, sequences } = oddScene(t, kind, odd);
    const to = new ScriptTarget(({ length }) => length);
    const error = await t.throwsAsync(new Bridge({ from: from(), to }).done);
    t.like(error, { name: 'DisruptorError', code: 'ERR_UNDELIVERABLE' });
    t.is(
      error.message,
      `Message ${sequences[1]} of ${kind} ${name} cannot be forwarded as JSON: JSON has no such value`,
    );
    t.true(error.cause instanceof TypeError);
    t.deepEqual(texts(to.arrived), ['"a"']);
    const all = new ScriptTarget(({ length }) => length);
    const bridge = new Bridge({ from: from(), to: all, onUndeliverable: () => 'skip' });
    await until(() => all.arrived.at(-1) !== undefined && texts(all.arrived).includes('"b"'));
    t.is(bridge.stats().skipped, 1);
    await bridge.stop();
  });
}

interface Odd {
  encode: (value: string) => Buffer;
  decode: (bytes: Buffer) => unknown;
}

/** `a`, `odd` and `b` in a segment of that encoding. */
function oddScene(t: ExecutionContext, kind: Kind, encoding: Odd) {
  const name = uniqueName(t);
  const values = ['a', 'odd', 'b'];
  if (kind === 'queue') {
    const queue = Queue.create(name, { capacity: 4096, encoding });
    t.teardown(() => {
      queue.close();
    });
    const sequences = values.map((value) => queue.enqueueSync(value as never));
    const from = () => queueSource(Queue.open(name, { encoding }), { as: 'json' });
    return { name, sequences, from };
  }
  if (kind === 'ring') {
    const ring = Ring.create(name, {
      elements: 8,
      elementSize: 32,
      encoding,
      consumers: { bridge: {} },
    });
    const producer = ring.producer();
    t.teardown(() => {
      for (const each of [ring, producer]) each.close();
    });
    const sequences = values.map((value) => producer.publishSync(value as never));
    const from = () => ringSource(ring.consumer('bridge'), { as: 'json' });
    return { name, sequences, from };
  }
  const broadcast = Broadcast.create(name, { elements: 8, elementSize: 32, encoding });
  t.teardown(() => {
    broadcast.close();
  });
  const sequences = values.map((value) => broadcast.publish(value as never));
  const from = () =>
    broadcastSource(Broadcast.open(name, { encoding }), { as: 'json', from: 'oldest' });
  return { name, sequences, from };
}

test('queue: what is left out goes to the dead letters, and what is given back counts', async (t) => {
  const name = uniqueName(t);
  using bytes = Queue.create(name, { capacity: 4096 });
  using letters = Queue.create(uniqueName(t), { capacity: 4096 });
  const source = () => {
    const queue = Queue.open(name, { ...json, maxDeliveries: 2 });
    queue.deadLetters = letters;
    return queueSource(queue, { as: 'json' });
  };
  for (const text of ['{', '2']) bytes.enqueueSync(text);
  const to = new ScriptTarget(({ length }) => length);
  const bridge = new Bridge({ from: source(), to, onUndeliverable: () => 'skip' });
  await until(() => to.arrived.length === 1);
  await bridge.stop();
  t.is(letters.tryDequeue()?.toString(), '{');

  for (const text of ['[', '4']) bytes.enqueueSync(text);
  for (let i = 0; i < 2; i += 1) {
    await t.throwsAsync(new Bridge({ from: source(), to }).done, {
      code: 'ERR_MESSAGE_UNREADABLE',
    });
  }
  const last = new Bridge({ from: source(), to });
  await until(() => to.arrived.length === 2);
  await last.stop();
  t.deepEqual(texts(to.arrived), ['2', '4']);
  t.is(letters.tryDequeue()?.toString(), '[');
});

test('ring: an element whose length leads out of its slot is not forwarded as bytes', async (t) => {
  const name = uniqueName(t);
  using ring = Ring.create(name, {
    elements: 4,
    elementSize: 28,
    encoding: 'utf8',
    consumers: { bridge: {} },
  });
  using producer = ring.producer();
  for (const text of ['one', 'a text to be found', 'three']) producer.publishSync(text);
  // Somebody who writes where nothing is to be written.
  const path = `/dev/shm/${name.replace(/^\//, '')}`;
  const at = readFileSync(path).indexOf('a text to be found');
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([0xff, 0xff, 0, 0]), 0, 4, at - 4);
  closeSync(file);
  const to = new ScriptTarget(({ length }) => length);
  const error = await t.throwsAsync(
    new Bridge({ from: ringSource(ring.consumer('bridge')), to }).done,
  );
  t.like(error, { code: 'ERR_MESSAGE_UNREADABLE', sequence: 1, encoding: 'utf8' });
  t.deepEqual(texts(to.arrived), ['one']);
  const bridge = new Bridge({
    from: ringSource(ring.consumer('bridge')),
    to,
    onUndeliverable: () => 'skip',
  });
  await until(() => to.arrived.length === 2);
  await bridge.stop();
  t.deepEqual(texts(to.arrived), ['one', 'three']);
});
