import type { ConsumerConfig, ConsumerInfo, ConsumerMessages, JetStreamManager, JsMsg } from 'nats';

import { integer, wrongType } from '../validate.js';
import { Away, reaching } from './endpoint.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { Inbox } from './inbox.js';
import { isMissing, NATS_PATIENCE, NatsConnections } from './nats-connection.js';
import type { NatsOptions } from './nats-connection.js';
import { HEADER, readParcel } from './parcel.js';
import type { Parcel } from './parcel.js';

/** How messages get out of JetStream. */
export interface NatsSourceOptions extends NatsOptions {
  /** The name of the durable consumer, which is made where there is none. One bridge at a time uses it. */
  durable: string;
  /** Only the messages of these subjects. Default: all of the stream. */
  filter?: string;
  /** Where a new consumer begins, a sequence of the stream: an integer from 1. Default: 1. */
  start?: number;
  /** Milliseconds after which the server gives again what was not acknowledged. Default: 30000. */
  ackWait?: number;
  /** The most messages that the server gives before any is acknowledged. Default: 2000. */
  maxAckPending?: number;
}

/**
 * The messages of a stream of NATS JetStream, taken by a durable pull consumer, in order.
 *
 * What the server gave to an earlier bridge, or on an earlier connection, it would give again only after
 * `ackWait`, and behind newer ones. So the consumer is made anew with each connection, to begin behind
 * what was acknowledged.
 *
 * Needs the package `nats`, 2.x.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function natsSource(options: NatsSourceOptions): BridgeSource {
  return new NatsSource(options);
}

const LONGEST = 3_600_000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;
const STANDARD_PENDING = 2000;

class NatsSource implements BridgeSource {
  readonly name: string;
  readonly #options: NatsSourceOptions;
  readonly #connections: NatsConnections;
  readonly #config: Partial<ConsumerConfig>;
  readonly #start: number;
  #origin = '';
  #inbox = new Inbox<JsMsg>();
  #messages: ConsumerMessages | undefined;
  /** Taken and not acknowledged; those before `#next` are under way. */
  #held: JsMsg[] = [];
  #next = 0;
  #lag: number | undefined;

  constructor(options: NatsSourceOptions) {
    this.#connections = new NatsConnections(options);
    const { stream, durable, filter } = options;
    if (typeof durable !== 'string' || durable === '') {
      throw wrongType('the name of a consumer', 'durable', durable);
    }
    this.name = `nats ${stream}`;
    this.#options = options;
    this.#start = integer(options.start ?? 1, 'start', 1);
    const wait = integer(options.ackWait ?? 30_000, 'ackWait', 1, LONGEST);
    this.#config = {
      durable_name: durable,
      ack_wait: wait * NANOSECONDS_PER_MILLISECOND,
      max_ack_pending: integer(options.maxAckPending ?? STANDARD_PENDING, 'maxAckPending', 1),
      ...(filter !== undefined && { filter_subject: filter }),
    };
  }

  async open(): Promise<void> {
    const { client, connection } = await this.#connections.open();
    const inbox = new Inbox<JsMsg>();
    this.#inbox = inbox;
    this.#held = [];
    this.#next = 0;
    await reaching('NATS', async () => {
      const { stream, durable } = this.#options;
      const manager = await connection.jetstreamManager({ timeout: NATS_PATIENCE });
      const { created } = await manager.streams.info(stream);
      this.#origin = `nats:${stream}:${created}`;
      await this.#ensureConsumer(
        manager,
        client.AckPolicy.Explicit,
        client.DeliverPolicy.StartSequence,
      );
      const consumer = await connection.jetstream().consumers.get(stream, durable);
      this.#messages = await consumer.consume({
        max_messages: Math.min(this.#config.max_ack_pending!, 1000),
        abort_on_missing_resource: true,
        callback: (message) => {
          inbox.push(message);
        },
      });
    });
    const fail = (error: unknown) => {
      inbox.fail(new Away('NATS', error ?? new Error('the connection was closed')));
    };
    void this.#messages!.closed().then(fail, fail);
    void connection.closed().then(fail, fail);
  }

  async take(most: number, signal: AbortSignal): Promise<readonly Parcel[]> {
    if (this.#next === this.#held.length)
      this.#held.push(...(await this.#inbox.take(most, signal)));
    const taken = this.#held.slice(this.#next, this.#next + most);
    this.#next += taken.length;
    return taken.map((message) => this.#parcel(message));
  }

  acknowledge(count: number): void {
    const done = this.#held.splice(0, count);
    this.#next -= count;
    this.#lag = done.at(-1)?.info.pending ?? this.#lag;
    try {
      // One by one: to acknowledge one with all before it would be to speak for what went to others.
      for (const message of done) message.ack();
    } catch (error) {
      throw new Away('NATS', error);
    }
  }

  giveBack(): void {
    // Whatever it is, it comes again on the next connection.
    this.#held = [];
    this.#next = 0;
  }

  async close(): Promise<void> {
    this.#messages?.stop();
    this.#messages = undefined;
    await this.#connections.close();
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return this.#lag === undefined ? {} : { lag: this.#lag };
  }

  #parcel(message: JsMsg): Parcel {
    const { info, data } = message;
    const foreign = {
      origin: this.#origin,
      sequence: info.streamSequence,
      time: Math.floor(info.timestampNanos / NANOSECONDS_PER_MILLISECOND),
    };
    return readParcel(data, headerOf(message), foreign);
  }

  async #ensureConsumer(
    manager: JetStreamManager,
    ackPolicy: ConsumerConfig['ack_policy'],
    deliverPolicy: ConsumerConfig['deliver_policy'],
  ): Promise<void> {
    const { stream, durable } = this.#options;
    let start = this.#start;
    const known = await consumerInfo(manager, stream, durable);
    if (known) {
      start = Math.max(start, known.ack_floor.stream_seq + 1);
      // Who dies right here leaves none, and the next begins at `start`: with repetitions.
      await manager.consumers.delete(stream, durable);
    }
    await manager.consumers.add(stream, {
      ...this.#config,
      ack_policy: ackPolicy,
      deliver_policy: deliverPolicy,
      opt_start_seq: start,
    });
  }
}

/** What a message has not is an empty text to the client. */
function headerOf({ headers }: JsMsg): string | undefined {
  return headers?.has(HEADER) ? headers.get(HEADER) : undefined;
}

async function consumerInfo(
  manager: JetStreamManager,
  stream: string,
  durable: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, durable);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
