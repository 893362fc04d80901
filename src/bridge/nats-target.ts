import type { JetStreamClient, MsgHdrs, PubAck } from 'nats';

import { flag, integer, wrongType } from '../validate.js';
import { Away, reaching, Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { isMissing, NATS_PATIENCE, NatsConnections } from './nats-connection.js';
import type { NatsClient, NatsOptions } from './nats-connection.js';
import { HEADER, idOf, writeHeader } from './parcel.js';
import type { Parcel } from './parcel.js';

/** How messages get into JetStream. */
export interface NatsTargetOptions extends NatsOptions {
  /** The subject, or a function that finds each message's. */
  subject: string | ((parcel: Parcel) => string);
  /**
   * How the stream is made where there is none, in the server's terms: `{ max_age, num_replicas }`.
   * `false`: it is not made. Default: in files, with the `subject` for its only one.
   */
  create?: object | false;
  /**
   * Have the server refuse a message that does not come right after the one before it, so that order is
   * kept also in a cluster that loses some. Only for a stream that nobody else writes into: with others
   * each message may have to be tried several times. Default: `false`.
   */
  chained?: boolean;
  /** Milliseconds that the server may take to acknowledge. Default: 5000. */
  ackTimeout?: number;
}

/**
 * Publishes into a stream of NATS JetStream, each message with an id (`Nats-Msg-Id`) by which the
 * server drops repetitions for as long as its stream says (`duplicate_window`).
 *
 * Needs the package `nats`, 2.x.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function natsTarget(options: NatsTargetOptions): BridgeTarget {
  return new NatsTarget(options);
}

const LONGEST = 3_600_000;

class NatsTarget implements BridgeTarget {
  readonly name: string;
  readonly #options: NatsTargetOptions;
  readonly #connections: NatsConnections;
  readonly #subjectOf: (parcel: Parcel) => string;
  readonly #chained: boolean;
  readonly #timeout: number;
  #client: NatsClient | undefined;
  #stream: JetStreamClient | undefined;
  /** The id of what was sent last on this connection. */
  #last: string | undefined;
  /** Why those behind the ones that had arrived had not. */
  #failure: unknown;
  #duplicates = 0;

  constructor(options: NatsTargetOptions) {
    this.#connections = new NatsConnections(options);
    const { subject } = options;
    if (typeof subject !== 'function' && (typeof subject !== 'string' || subject === '')) {
      throw wrongType('a subject, or a function that finds one', 'subject', subject);
    }
    this.name = `nats ${options.stream}`;
    this.#options = options;
    this.#subjectOf = typeof subject === 'function' ? subject : () => subject;
    this.#chained = flag(options.chained, 'chained');
    this.#timeout = integer(options.ackTimeout ?? NATS_PATIENCE, 'ackTimeout', 1, LONGEST);
  }

  async open(): Promise<void> {
    const { client, connection } = await this.#connections.open();
    this.#client = client;
    this.#stream = connection.jetstream({ timeout: this.#timeout });
    this.#last = undefined;
    this.#failure = undefined;
    await reaching('NATS', () => this.#ensureStream());
  }

  async send(parcels: readonly Parcel[]): Promise<number> {
    if (this.#failure !== undefined) throw new Away('NATS', this.#failure);
    // They arrive in this order, as long as it is one connection.
    const answers = await Promise.allSettled(parcels.map((parcel) => this.#publish(parcel)));
    let count = 0;
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        const { reason } = answer as { reason: unknown };
        if (count === 0) throw this.#refusal(reason);
        this.#failure = reason;
        break;
      }
      if (answer.value.duplicate) this.#duplicates += 1;
      count += 1;
    }
    return count;
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  end(): void {
    // Nothing is left.
  }

  counts(): EndpointCounts {
    return { duplicates: this.#duplicates };
  }

  async #publish(parcel: Parcel): Promise<PubAck> {
    const id = idOf(parcel);
    const before = this.#chained ? this.#last : undefined;
    this.#last = id;
    return this.#stream!.publish(this.#subjectOf(parcel), parcel.data, {
      ...(id !== undefined && { msgID: id }),
      ...(before !== undefined && { expect: { lastMsgID: before } }),
      headers: this.#headers(parcel),
      timeout: this.#timeout,
    });
  }

  #headers(parcel: Parcel): MsgHdrs {
    const headers = this.#client!.headers();
    headers.append(HEADER, writeHeader(parcel));
    return headers;
  }

  #refusal(reason: unknown): Error {
    const { code } = reason as { code?: unknown };
    return code === 'MAX_PAYLOAD_EXCEEDED' ? new Undeliverable(reason) : new Away('NATS', reason);
  }

  async #ensureStream(): Promise<void> {
    const { stream, create, subject } = this.#options;
    const manager = await this.#connections.current.jetstreamManager({ timeout: this.#timeout });
    if (create === false) return;
    try {
      await manager.streams.info(stream);
    } catch (error) {
      if (!isMissing(error)) throw error;
      const subjects = typeof subject === 'string' ? { subjects: [subject] } : {};
      await manager.streams.add({
        name: stream,
        ...subjects,
        ...create,
      });
    }
  }
}
