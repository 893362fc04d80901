import type { JetStreamClient, JetStreamManager, MsgHdrs, PubAck, StreamConfig } from 'nats';

import { flag, integer, optionsObject, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { reaching, Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import { NATS, NATS_PATIENCE, NatsConnections } from './nats-connection.js';
import type { NatsClient, NatsOptions } from './nats-connection.js';
import {
  isElsewhere,
  isForbidden,
  isMissing,
  isTooLarge,
  isUnanswered,
  natsDisconnected,
  natsRefusal,
} from './nats-errors.js';
import { HEADER, idOf, writeHeader } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';

/** How messages get into JetStream. */
export interface NatsTargetOptions extends NatsOptions {
  /**
   * The subject, or a function that finds each message's. A message whose subject the stream does not
   * take cannot be delivered; a fixed subject that it does not take ends the bridge (`maxRefusals`).
   */
  subject: string | ((parcel: BridgeMessage) => string);
  /**
   * How the stream is made where there is none, in the server's terms: `{ subjects, max_age }`. It needs
   * `subjects` if `subject` is a function. `false`: the stream is used as it is, and not made. Default: in
   * files, with the `subject` for its only one.
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

const OPTIONS: OptionNames<NatsTargetOptions> = {
  ...NATS,
  subject: true,
  create: true,
  chained: true,
  ackTimeout: true,
};

/**
 * Publishes into a stream of NATS JetStream, each message with an id (`Nats-Msg-Id`) by which the
 * server drops repetitions for as long as its stream says (`duplicate_window`).
 *
 * Needs the package `nats`, 2.x.
 *
 * @throws TypeError, RangeError for wrong options
 */
export function natsTarget(options: NatsTargetOptions): BridgeTarget {
  return new NatsTarget(optionsObject<NatsTargetOptions>(options, OPTIONS));
}

const LONGEST = 3_600_000;

class NatsTarget implements BridgeTarget {
  readonly name: string;
  readonly #options: NatsTargetOptions;
  readonly #connections: NatsConnections;
  readonly #subjectOf: (parcel: BridgeMessage) => string;
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
    const { subject, create } = options;
    if (typeof subject !== 'function') {
      if (typeof subject !== 'string') {
        throw wrongType('a subject, or a function that finds one', 'subject', subject);
      }
      checkSubject(subject, 'subject');
    } else if (create !== false && !hasSubjects(create)) {
      throw wrongType(
        '{ subjects: [...] }, or false for a stream that exists, since subject is a function,',
        'create',
        create,
      );
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
    await reaching(natsDisconnected, () => this.#ensureStream());
  }

  async send(parcels: readonly BridgeMessage[]): Promise<number> {
    if (this.#failure !== undefined) throw natsDisconnected(this.#failure);
    const subjects = this.#subjectsOf(parcels);
    // They arrive in this order, as long as it is one connection.
    const answers = await Promise.allSettled(
      subjects.map((subject, i) => this.#publish(subject, parcels[i]!)),
    );
    let count = 0;
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        const { reason } = answer as { reason: unknown };
        if (count === 0) throw await this.#reasonOf(subjects[0]!, reason);
        // What was answered says nothing against the connection.
        if (!isAboutMessage(reason)) this.#failure = reason;
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

  async #publish(subject: string, parcel: BridgeMessage): Promise<PubAck> {
    const id = idOf(parcel);
    const before = this.#chained ? this.#last : undefined;
    this.#last = id;
    return this.#stream!.publish(subject, parcel.data, {
      ...(id !== undefined && { msgID: id }),
      // The server would put it into whatever stream takes the subject.
      expect: {
        streamName: this.#options.stream,
        ...(before !== undefined && { lastMsgID: before }),
      },
      headers: this.#headers(parcel),
      timeout: this.#timeout,
    });
  }

  #headers(parcel: BridgeMessage): MsgHdrs {
    const headers = this.#client!.headers();
    headers.append(HEADER, writeHeader(parcel));
    return headers;
  }

  // Up to the first that cannot be one.
  #subjectsOf(parcels: readonly BridgeMessage[]): string[] {
    const subjects: string[] = [];
    for (const parcel of parcels) {
      const subject: unknown = this.#subjectOf(parcel);
      try {
        checkSubject(subject, 'the result of subject');
      } catch (error) {
        if (subjects.length > 0) break;
        throw new Undeliverable(error);
      }
      subjects.push(subject);
    }
    return subjects;
  }

  async #reasonOf(subject: string, reason: unknown): Promise<Error> {
    const { stream } = this.#options;
    if (isTooLarge(reason)) return new Undeliverable(reason);
    if (isElsewhere(reason)) {
      return this.#untaken(`The subject ${subject} is not one of the stream ${stream}`, reason);
    }
    if (!isUnanswered(reason)) return natsDisconnected(reason);
    // Either no stream takes the subject, or the leader of the one that does is away for a moment.
    let config: StreamConfig;
    try {
      ({ config } = await (await this.#manager()).streams.info(stream));
    } catch (error) {
      return isMissing(error) ? missing(stream, error) : natsDisconnected(reason);
    }
    if (config.subjects.some((pattern) => takes(pattern, subject))) return natsDisconnected(reason);
    const subjects = config.subjects.join(', ');
    const message = `No stream takes the subject ${subject}: the stream ${stream} takes ${subjects}`;
    return this.#untaken(message, reason);
  }

  // A fixed subject is wrong for all messages, that of a function for one.
  #untaken(message: string, reason: unknown): Error {
    return typeof this.#options.subject === 'string'
      ? natsRefusal(message, reason)
      : new Undeliverable(new Error(message, { cause: reason }));
  }

  #manager(): Promise<JetStreamManager> {
    const { current } = this.#connections;
    return current.jetstreamManager({ timeout: this.#timeout, checkAPI: false });
  }

  async #ensureStream(): Promise<void> {
    const { stream, create, subject } = this.#options;
    const manager = await this.#manager();
    try {
      await manager.streams.info(stream);
    } catch (error) {
      // A user who may only publish can do without looking.
      if (create === false && isForbidden(error)) return;
      if (!isMissing(error)) throw error;
      if (create === false) throw missing(stream, error);
      const subjects = typeof subject === 'string' ? { subjects: [subject] } : {};
      await manager.streams.add({
        name: stream,
        ...subjects,
        ...create,
      });
    }
  }
}

/** Whether it is an answer to that message, which says nothing against the connection. */
const isAboutMessage = (reason: unknown) =>
  isTooLarge(reason) || isElsewhere(reason) || isUnanswered(reason);

const missing = (stream: string, cause: unknown) =>
  natsRefusal(`There is no stream ${stream}`, cause);

function hasSubjects(create: object | undefined): boolean {
  const { subjects } = (create ?? {}) as { subjects?: unknown };
  return Array.isArray(subjects) && subjects.length > 0;
}

/** Tokens with dots between them, and none of them a wildcard. */
const SUBJECT = /^(?![*>](\.|$))[^\s.]+(\.(?![*>](\.|$))[^\s.]+)*$/;

function checkSubject(value: unknown, name: string): asserts value is string {
  if (typeof value === 'string' && SUBJECT.test(value)) return;
  throw wrongValue('a subject without blanks, empty parts and wildcards', name, value);
}

/** Whether a stream with that pattern takes the subject. */
function takes(pattern: string, subject: string): boolean {
  const [tokens, own] = [pattern.split('.'), subject.split('.')];
  const rest = tokens.at(-1) === '>';
  if (rest ? own.length < tokens.length : own.length !== tokens.length) return false;
  return tokens.every((token, i) => token === '*' || token === own[i] || (rest && token === '>'));
}
