// The adapter for Kafka, against a broker in this process that keeps to what KafkaJS promises: batches
// of one partition, the next one when the handler has ended, offsets committed by the user, everything
// behind them again for whoever connects next.
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';
import { Kafka } from 'kafkajs';
import { Ring } from 'shm-disruptor';
import { Bridge, kafkaSource, kafkaTarget, ringSource, ringTarget } from 'shm-disruptor/bridge';
import type { KafkaBatch, KafkaConsumer, KafkaMessage, KafkaProducer } from 'shm-disruptor/bridge';

import { ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

const backoff = { least: 1, most: 4 };

/** One partition of one topic. */
class FakeBroker {
  readonly log: (KafkaMessage & { key: string })[] = [];
  committed = 0;
  reachable = true;
  /** Of the sends and commits to come, how many fail: after it was done, as a lost answer does. */
  lostAnswers = 0;
  readonly #consumers = new Set<() => void>();

  answer(): void {
    if (!this.reachable) throw new Error('broker not reachable');
    if (this.lostAnswers === 0) return;
    this.lostAnswers -= 1;
    throw new Error('no answer');
  }

  /** Ends all connections. */
  cut(): void {
    for (const end of this.#consumers) end();
  }

  producer(): KafkaProducer {
    return {
      connect: async () => {
        await delay(1);
        if (!this.reachable) throw new Error('broker not reachable');
      },
      disconnect: () => Promise.resolve(),
      send: async ({ messages }) => {
        await delay(1);
        if (!this.reachable) throw new Error('broker not reachable');
        for (const { key, value, headers } of messages) {
          const wire = Object.fromEntries(
            Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
          );
          const [offset, timestamp] = [String(this.log.length), '1700000000000'];
          this.log.push({ key, value: Buffer.from(value), headers: wire, offset, timestamp });
        }
        this.answer();
      },
    };
  }

  consumer(): KafkaConsumer {
    let running = false;
    let ended: Promise<void> = Promise.resolve();
    let crashed: (event: unknown) => void = () => undefined;
    const end = () => {
      running = false;
    };
    const crash = () => {
      end();
      crashed({ payload: { error: new Error('the connection broke') } });
    };
    return {
      on: (_, listener) => {
        crashed = listener;
      },
      connect: async () => {
        await delay(1);
        this.answer();
      },
      disconnect: async () => {
        end();
        await ended;
      },
      subscribe: () => Promise.resolve(),
      run: ({ eachBatch }) => {
        running = true;
        this.#consumers.add(crash);
        ended = (async () => {
          let position = this.committed;
          const goesOn = () => running;
          while (goesOn()) {
            const messages = this.log.slice(position, position + 7);
            if (messages.length === 0) {
              await delay(1);
              continue;
            }
            const payload: KafkaBatch = {
              batch: {
                topic: 'ticks',
                partition: 0,
                highWatermark: String(this.log.length),
                messages,
              },
              resolveOffset: (offset) => {
                position = Number(offset) + 1;
              },
              heartbeat: () => Promise.resolve(),
              isRunning: () => running,
              isStale: () => false,
            };
            await eachBatch(payload);
          }
          this.#consumers.delete(crash);
        })();
        return Promise.resolve();
      },
      commitOffsets: async ([first]) => {
        await delay(1);
        if (!this.reachable) throw new Error('broker not reachable');
        this.committed = Number(first!.offset);
        this.answer();
      },
    };
  }
}

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

test('KafkaJS has the interface that is asked for', (t) => {
  const kafka = new Kafka({ brokers: ['127.0.0.1:1'] });
  const producer: () => KafkaProducer = () =>
    kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const consumer: () => KafkaConsumer = () => kafka.consumer({ groupId: 'group' });
  t.is(kafkaTarget({ producer, topic: 'ticks' }).name, 'kafka ticks');
  t.is(kafkaSource({ consumer, topic: 'ticks' }).name, 'kafka ticks');
});

test('from ring to ring, with a broker that goes away and answers that are lost', async (t) => {
  const broker = new FakeBroker();
  const options = { elements: 64, elementSize: 8, consumers: { out: {} } };
  using a = Ring.create(uniqueName(t), options);
  using b = Ring.create(uniqueName(t), options);
  const there = new Bridge({
    from: ringSource(a.consumer('out')),
    to: kafkaTarget({ producer: () => broker.producer(), topic: 'ticks' }),
    maxInFlight: 5,
    backoff,
  });
  const back = new Bridge({
    from: kafkaSource({ consumer: () => broker.consumer(), topic: 'ticks' }),
    to: ringTarget(b.producer(), { checkpoint: false }),
    maxInFlight: 3,
    backoff,
  });
  const numbers = Array.from({ length: 400 }, (_, i) => String(i).padStart(8, '0'));
  const sent = a.producer().publishMany(numbers);
  const read: string[] = [];
  for await (const batch of b.consumer('out')) {
    for (const slot of batch) {
      read.push(slot.toString());
      if (read.length === 100) broker.lostAnswers = 3;
      if (read.length === 200) broker.cut();
      if (read.length === 300) {
        broker.reachable = false;
        broker.cut();
        setTimeout(() => (broker.reachable = true), 20);
      }
    }
    if (read.length >= 400) break;
  }
  await sent;
  const [out, returned] = [there.stats(), back.stats()];
  await Promise.all([there.stop(), back.stop()]);
  t.deepEqual(read, numbers);
  t.true(out.reconnects + returned.reconnects >= 3);
  // What was sent again because an answer was lost, and what came again because a commit was.
  t.true(broker.log.length >= 400);
  t.is(out.repeated > 0 || returned.repeated > 0, true);
  t.is(new Set(broker.log.map(({ key }) => key)).size, 1);
  t.is(returned.missing, 0);
});

test('a message that no bridge has sent has the broker’s own name', async (t) => {
  const broker = new FakeBroker();
  const message = { value: Buffer.from('hello'), offset: '0', timestamp: '1700000000000', key: '' };
  broker.log.push({ ...message, value: null, offset: '0' }, { ...message, offset: '1' });
  const to = new ScriptTarget(({ length }) => length);
  const bridge = new Bridge({
    from: kafkaSource({ consumer: () => broker.consumer(), topic: 'ticks' }),
    to,
  });
  await until(() => broker.committed === 2);
  t.is(bridge.stats().lag, 0);
  await bridge.stop();
  t.deepEqual(
    to.arrived.map(({ data, origin, sequence, time }) => [data.toString(), origin, sequence, time]),
    [
      ['', 'kafka:ticks:0', 0, 1700000000000],
      ['hello', 'kafka:ticks:0', 1, 1700000000000],
    ],
  );
});

test('a key can be chosen for each message', async (t) => {
  const broker = new FakeBroker();
  const from = new ListSource([parcel(0), parcel(1)]);
  const key = ({ sequence }: { sequence: number }) => `key ${sequence}`;
  const to = kafkaTarget({ producer: () => broker.producer(), topic: 'ticks', key });
  const bridge = new Bridge({ from, to });
  await until(() => from.acknowledged.length === 2);
  await bridge.stop();
  t.deepEqual(
    broker.log.map((message) => message.key),
    ['key 0', 'key 1'],
  );
});

test('wrong options are errors', (t) => {
  const code = 'ERR_INVALID_ARG_TYPE';
  t.throws(() => kafkaTarget(undefined as never), { code });
  t.throws(() => kafkaTarget({ producer: {} as never, topic: 'x' }), { code });
  t.throws(() => kafkaTarget({ producer: () => null as never, topic: '' }), { code });
  t.throws(() => kafkaSource({ consumer: () => null as never, topic: 1 as never }), { code });
  t.throws(() => kafkaSource({ consumer: 1 as never, topic: 'x' }), { code });
});
