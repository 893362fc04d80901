import { optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { reaching } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { kafkaDisconnected } from './kafka-errors.js';
import type { KafkaProducer } from './kafka-client.js';
import { HEADER, writeHeader } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';

/** How messages get into a topic of Kafka. */
export interface KafkaTargetOptions {
  /**
   * Makes a producer, anew for each connection: `() => kafka.producer({ idempotent: true,
   * maxInFlightRequests: 1 })`. Without these two the order can be lost.
   */
  producer: () => KafkaProducer;
  /** Where to. */
  topic: string;
  /** The key of a message, which decides on its partition. Default: its origin, so that a ring stays in order. */
  key?: (parcel: BridgeMessage) => string;
}

const OPTIONS: OptionNames<KafkaTargetOptions> = { producer: true, topic: true, key: true };

/**
 * Sends to a topic of Kafka. Who reads it drops repetitions by their origin and sequence.
 *
 * Experimental: it follows the interface of KafkaJS and was never tried with a broker.
 *
 * @throws TypeError for wrong options
 */
export function kafkaTarget(options: KafkaTargetOptions): BridgeTarget {
  return new KafkaTarget(optionsObject<KafkaTargetOptions>(options, OPTIONS));
}

class KafkaTarget implements BridgeTarget {
  readonly name: string;
  readonly #make: () => KafkaProducer;
  readonly #topic: string;
  readonly #keyOf: (parcel: BridgeMessage) => string;
  #producer: KafkaProducer | undefined;

  constructor(options: KafkaTargetOptions) {
    const { producer, topic, key } = options;
    if (typeof producer !== 'function') throw wrongType('a function', 'producer', producer);
    if (typeof topic !== 'string' || topic === '') throw wrongType('a name', 'topic', topic);
    if (key !== undefined && typeof key !== 'function') throw wrongType('a function', 'key', key);
    this.name = `kafka ${topic}`;
    this.#make = producer;
    this.#topic = topic;
    this.#keyOf = key ?? (({ origin }) => origin);
  }

  async open(): Promise<void> {
    if (this.#producer) return;
    const producer = this.#make();
    this.#producer = producer;
    await reaching(kafkaDisconnected, () => producer.connect());
  }

  async send(parcels: readonly BridgeMessage[]): Promise<number> {
    const messages = parcels.map((parcel) => {
      const headers = { [HEADER]: writeHeader(parcel) };
      const { buffer, byteOffset, byteLength } = parcel.data;
      return {
        key: this.#keyOf(parcel),
        value: Buffer.from(buffer, byteOffset, byteLength),
        headers,
      };
    });
    await reaching(kafkaDisconnected, () => this.#producer!.send({ topic: this.#topic, messages }));
    return parcels.length;
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.disconnect().catch(() => undefined);
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return {};
  }
}
