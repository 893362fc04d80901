import type { ConsumerMessages, JetStreamManager, JsMsg, NatsConnection } from 'nats';

import { optionsObject } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { reaching } from './endpoint.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { Inbox } from './inbox.js';
import { NATS, NATS_PATIENCE, NatsConnections } from './nats-connection.js';
import type { NatsOptions } from './nats-connection.js';
import { DURABLE, DurableConsumer } from './nats-consumer.js';
import type { DurableOptions } from './nats-consumer.js';
import { isMissing, natsDisconnected, natsRefusal } from './nats-errors.js';
import { HEADER, readParcel } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';

/** How messages get out of JetStream. */
export interface NatsSourceOptions extends NatsOptions, DurableOptions {}

const OPTIONS: OptionNames<NatsSourceOptions> = {
  ...NATS,
  ...DURABLE,
};

/**
 * The messages of a stream of NATS JetStream, taken by a durable pull consumer, in order.
 *
 * What the server gave to an earlier bridge, or on an earlier connection, it would give again only after
 * `ackWait`, and behind newer ones. So a consumer that a bridge has made is made anew with each connection,
 * to begin behind what was acknowledged, and as it was in all else. Any other consumer is left as it is:
 * `done` rejects with `ERR_CONSUMER_MISMATCH`, unless `create` is `false`.
 *
 * Needs the package `nats`, 2.x.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function natsSource(options: NatsSourceOptions): BridgeSource {
  return new NatsSource(optionsObject<NatsSourceOptions>(options, OPTIONS));
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000;
/** The most messages that are asked for ahead. */
const MAX_AHEAD = 1000;

class NatsSource implements BridgeSource {
  readonly name: string;
  readonly #options: NatsSourceOptions;
  readonly #connections: NatsConnections;
  readonly #consumer: DurableConsumer;
  #origin = '';
  #inbox = new Inbox<JsMsg>();
  #messages: ConsumerMessages | undefined;
  /** Whether the server has taken an acknowledgement on this connection. */
  #confirmed = false;
  /** Taken and not acknowledged; those before `#next` are under way. */
  #held: JsMsg[] = [];
  #next = 0;
  #lag: number | undefined;

  constructor(options: NatsSourceOptions) {
    this.#connections = new NatsConnections(options);
    this.#consumer = new DurableConsumer(options.stream, options);
    this.name = `nats ${options.stream}`;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { client, connection } = await this.#connections.open();
    const inbox = new Inbox<JsMsg>();
    this.#inbox = inbox;
    this.#held = [];
    this.#next = 0;
    this.#confirmed = false;
    const fail = (error: unknown) => {
      inbox.fail(natsDisconnected(error));
    };
    await reaching(natsDisconnected, async () => {
      const { stream, durable } = this.#options;
      const manager = await connection.jetstreamManager({
        timeout: NATS_PATIENCE,
        checkAPI: false,
      });
      this.#origin = await originOf(manager, stream);
      const { config } = await this.#consumer.ready(client, manager);
      const most = config.max_ack_pending ?? 0;
      const consumer = await connection.jetstream().consumers.get(stream, durable);
      void failures(connection, fail);
      this.#messages = await consumer.consume({
        max_messages: most > 0 ? Math.min(most, MAX_AHEAD) : MAX_AHEAD,
        abort_on_missing_resource: true,
        callback: (message) => {
          inbox.push(message);
        },
      });
    });
    void this.#messages!.closed().then(fail, fail);
    void connection.closed().then(fail, fail);
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    if (this.#next === this.#held.length)
      this.#held.push(...(await this.#inbox.take(most, signal)));
    const taken = this.#held.slice(this.#next, this.#next + most);
    this.#next += taken.length;
    return taken.map((message) => this.#parcel(message));
  }

  async acknowledge(count: number): Promise<void> {
    const done = this.#held.splice(0, count);
    this.#next -= count;
    const last = done.at(-1);
    if (!last) return;
    this.#lag = last.info.pending;
    await reaching(natsDisconnected, async () => {
      // One by one: to acknowledge one with all before it would be to speak for what went to others.
      for (const message of done) if (message !== last) message.ack();
      // A server that takes none does not say so of one that asks for no answer.
      if (this.#confirmed) last.ack();
      else await last.ackAck({ timeout: NATS_PATIENCE });
    });
    this.#confirmed = true;
  }

  giveBack(): void {
    // It comes again on the next connection: at once where the consumer is made anew.
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

  #parcel(message: JsMsg): BridgeMessage {
    const { info, data } = message;
    const foreign = {
      origin: this.#origin,
      sequence: info.streamSequence,
      time: Math.floor(info.timestampNanos / NANOSECONDS_PER_MILLISECOND),
    };
    return readParcel(data, headerOf(message), foreign);
  }
}

/** What a message has not is an empty text to the client. */
function headerOf({ headers }: JsMsg): string | undefined {
  return headers?.has(HEADER) ? headers.get(HEADER) : undefined;
}

/** Names the stream as it is now: another one is made at another time. */
async function originOf(manager: JetStreamManager, stream: string): Promise<string> {
  try {
    const { created } = await manager.streams.info(stream);
    return `nats:${stream}:${created}`;
  } catch (error) {
    throw isMissing(error) ? natsRefusal(`There is no stream ${stream}`, error) : error;
  }
}

// What the server refuses of that for which the client awaits no answer, as asking for more messages.
async function failures(connection: NatsConnection, fail: (error: unknown) => void): Promise<void> {
  for await (const { type, permissionContext } of connection.status()) {
    if ((type as string) !== 'error' || !permissionContext) continue;
    const { operation, subject } = permissionContext;
    fail(natsRefusal(`this user may not ${operation} to ${subject}`));
  }
}
