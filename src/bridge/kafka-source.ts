import { delay } from '../timers.js';

import { optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { Disconnected, reaching } from './endpoint.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { Inbox } from './inbox.js';
import { kafkaDisconnected } from './kafka-errors.js';
import type { KafkaBatch, KafkaConsumer, KafkaMessage } from './kafka-client.js';
import { HEADER, readParcel } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';

/** How messages get out of a topic of Kafka. */
export interface KafkaSourceOptions {
  /** Makes a consumer, anew for each connection: `() => kafka.consumer({ groupId })`. */
  consumer: () => KafkaConsumer;
  /** Where from. */
  topic: string;
}

const OPTIONS: OptionNames<KafkaSourceOptions> = { consumer: true, topic: true };

/** A message, and the batch that it came with. */
interface WatchedSegment {
  readonly batch: Handed;
  readonly message: KafkaMessage;
}

/** A batch that the client waits for. */
interface Handed {
  readonly payload: KafkaBatch;
  left: number;
  done: () => void;
}

/** Milliseconds after which a group would hold a consumer that says nothing for dead, with a margin. */
const HEARTBEAT = 2000;

/**
 * The messages of a topic of Kafka, whose offsets are committed when they have arrived at the other end.
 * Messages of one partition stay in order.
 *
 * Experimental: it follows the interface of KafkaJS and was never tried with a broker.
 *
 * @throws TypeError for wrong options
 */
export function kafkaSource(options: KafkaSourceOptions): BridgeSource {
  return new KafkaSource(optionsObject<KafkaSourceOptions>(options, OPTIONS));
}

class KafkaSource implements BridgeSource {
  readonly name: string;
  readonly #make: () => KafkaConsumer;
  readonly #topic: string;
  #consumer: KafkaConsumer | undefined;
  #inbox = new Inbox<WatchedSegment>();
  /** Batches that the client waits for. */
  readonly #handed = new Set<Handed>();
  /** Taken and not acknowledged; those before `#next` are under way. */
  #held: WatchedSegment[] = [];
  #next = 0;
  #lag: number | undefined;

  constructor(options: KafkaSourceOptions) {
    const { consumer, topic } = options;
    if (typeof consumer !== 'function') throw wrongType('a function', 'consumer', consumer);
    if (typeof topic !== 'string' || topic === '') throw wrongType('a name', 'topic', topic);
    this.name = `kafka ${topic}`;
    this.#make = consumer;
    this.#topic = topic;
  }

  async open(): Promise<void> {
    if (this.#consumer) return;
    const consumer = this.#make();
    const inbox = new Inbox<WatchedSegment>();
    this.#consumer = consumer;
    this.#inbox = inbox;
    this.#held = [];
    this.#next = 0;
    await reaching(kafkaDisconnected, async () => {
      consumer.on?.('consumer.crash', (event) => {
        const { error } = (event as { payload?: { error?: unknown } } | undefined)?.payload ?? {};
        inbox.fail(kafkaDisconnected(error ?? new Error('the consumer has failed')));
      });
      await consumer.connect();
      await consumer.subscribe({ topics: [this.#topic] });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: (payload) => this.#eachBatch(payload, inbox),
      });
    });
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    if (this.#next === this.#held.length)
      this.#held.push(...(await this.#inbox.take(most, signal)));
    const taken = this.#held.slice(this.#next, this.#next + most);
    this.#next += taken.length;
    return taken.map(({ batch, message }) => parcelOf(batch.payload, message));
  }

  async acknowledge(count: number): Promise<void> {
    const done = this.#held.slice(0, count);
    const offsets = new Map<number, { topic: string; partition: number; offset: string }>();
    for (const { batch, message } of done) {
      const { topic, partition, highWatermark } = batch.payload.batch;
      // What is committed is the offset of the next.
      const offset = String(BigInt(message.offset) + 1n);
      offsets.set(partition, { topic, partition, offset });
      this.#lag = Number(BigInt(highWatermark) - BigInt(offset));
    }
    if (done.some(({ batch }) => batch.payload.isStale() || !batch.payload.isRunning())) {
      throw new Disconnected('Kafka', new Error('the partition went to another consumer'));
    }
    await reaching(kafkaDisconnected, () => this.#consumer!.commitOffsets([...offsets.values()]));
    for (const { batch, message } of done) {
      batch.payload.resolveOffset(message.offset);
      batch.left -= 1;
      if (batch.left === 0) batch.done();
    }
    this.#held.splice(0, count);
    this.#next -= count;
  }

  giveBack(): void {
    // They come again on the next connection.
    this.#held = [];
    this.#next = 0;
  }

  async close(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    // Whoever waits for the rest of a batch is to end.
    for (const { done } of this.#handed) done();
    this.giveBack();
    await consumer?.disconnect().catch(() => undefined);
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return this.#lag === undefined ? {} : { lag: this.#lag };
  }

  // The client gives the next batch of a partition when this one is done with.
  async #eachBatch(payload: KafkaBatch, inbox: Inbox<WatchedSegment>): Promise<void> {
    const { messages } = payload.batch;
    if (messages.length === 0) return;
    const end = new AbortController();
    const batch: Handed = {
      payload,
      left: messages.length,
      done: () => {
        end.abort();
      },
    };
    this.#handed.add(batch);
    for (const message of messages) inbox.push({ batch, message });
    try {
      const ended = () => end.signal.aborted;
      while (!ended() && payload.isRunning()) {
        await delay(HEARTBEAT, undefined, { signal: end.signal }).catch(() => undefined);
        if (!ended()) await payload.heartbeat();
      }
    } finally {
      this.#handed.delete(batch);
    }
    if (batch.left > 0)
      inbox.fail(new Disconnected('Kafka', new Error('the consumer was stopped')));
  }
}

function parcelOf({ batch }: KafkaBatch, { value, offset, timestamp, headers }: KafkaMessage) {
  const foreign = {
    origin: `kafka:${batch.topic}:${batch.partition}`,
    sequence: Number(offset),
    time: Number(timestamp),
  };
  const given = headers?.[HEADER];
  const one: unknown = Array.isArray(given) ? given[0] : given;
  const header = typeof one === 'string' || Buffer.isBuffer(one) ? one.toString() : undefined;
  return readParcel(value ?? Buffer.alloc(0), header, foreign);
}
