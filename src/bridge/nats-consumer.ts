import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from 'nats';

import { DisruptorError } from '../errors.js';
import { flag, integer, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { checkNatsName } from './nats-connection.js';
import type { NatsClient } from './nats-connection.js';
import { isMissing, natsRefusal } from './nats-errors.js';

/** A durable consumer of a stream, and how it is made where there is none. */
export interface DurableOptions {
  /** Its name. One bridge at a time uses it. */
  durable: string;
  /**
   * `true`: it is made where there is none, and one that no bridge has made is refused. `false`: it is used
   * as it is, and never made or changed; it must be one that is pulled and acknowledged. Then messages of
   * an earlier connection come again when their time is over, perhaps behind newer ones. Default: `true`.
   */
  create?: boolean;
  /** Only the messages of these subjects. A consumer with another filter is refused. Default: its own, or all. */
  filter?: string;
  /** Where a new consumer begins, a sequence of the stream: an integer from 1. Default: 1. */
  start?: number;
  /** Milliseconds after which the server gives again what a new consumer's bridge has not acknowledged. Default: 30000. */
  ackWait?: number;
  /** The most messages that the server gives before any is acknowledged, of a new consumer. Default: 2000. */
  maxAckPending?: number;
}

/** The names of such options. */
export const DURABLE: OptionNames<DurableOptions> = {
  durable: true,
  create: true,
  filter: true,
  start: true,
  ackWait: true,
  maxAckPending: true,
};

const LONGEST = 3_600_000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;
const DEFAULT_WAIT = 30_000;
const DEFAULT_PENDING = 2000;
/** The description of a consumer that a bridge has made. */
const MADE_BY_BRIDGE = 'Made by a bridge of shm-disruptor';

/** What the consumer is at the server. */
export class DurableConsumer {
  /** Whether it is the bridge's own, made anew for each connection. */
  readonly #own: boolean;
  readonly #stream: string;
  readonly #durable: string;
  readonly #filter: string | undefined;
  readonly #start: number;
  readonly #config: Partial<ConsumerConfig>;

  /** @throws TypeError, RangeError */
  constructor(stream: string, options: DurableOptions) {
    const { durable, filter, ackWait, maxAckPending, start } = options;
    checkNatsName(durable, 'name of a consumer', 'durable');
    if (filter !== undefined && (typeof filter !== 'string' || filter === '')) {
      throw wrongType('a subject', 'filter', filter);
    }
    this.#stream = stream;
    this.#durable = durable;
    this.#filter = filter;
    this.#own = flag(options.create ?? true, 'create');
    this.#start = integer(start ?? 1, 'start', 1);
    const wait = integer(ackWait ?? DEFAULT_WAIT, 'ackWait', 1, LONGEST);
    this.#config = {
      durable_name: durable,
      description: MADE_BY_BRIDGE,
      ack_wait: wait * NANOSECONDS_PER_MILLISECOND,
      max_ack_pending: integer(maxAckPending ?? DEFAULT_PENDING, 'maxAckPending', 1),
      ...(filter !== undefined && { filter_subject: filter }),
    };
    if (this.#own) return;
    for (const [name, value] of Object.entries({ start, ackWait, maxAckPending })) {
      if (value !== undefined) throw wrongValue('none with create: false', name, value);
    }
  }

  /**
   * Has it begin behind what was acknowledged; nothing else of it changes.
   *
   * @throws DisruptorError `ERR_CONSUMER_MISMATCH`, what the client throws
   */
  async ready(client: NatsClient, manager: JetStreamManager): Promise<ConsumerInfo> {
    const known = await this.#known(manager);
    if (known) this.#check(client, known.config);
    if (!this.#own) return known!;
    let start = this.#start;
    if (known) {
      start = Math.max(start, known.ack_floor.stream_seq + 1);
      // A bridge that dies right here leaves none, and the next begins at `start`: with repetitions.
      await manager.consumers.delete(this.#stream, this.#durable);
    }
    const config: Partial<ConsumerConfig> = {
      ...(known?.config ?? { ...this.#config, ack_policy: client.AckPolicy.Explicit }),
      deliver_policy: client.DeliverPolicy.StartSequence,
      opt_start_seq: start,
    };
    // The other way to say where it begins.
    delete config.opt_start_time;
    return manager.consumers.add(this.#stream, config);
  }

  // Undefined where there is none and it is to be made.
  async #known(manager: JetStreamManager): Promise<ConsumerInfo | undefined> {
    try {
      return await manager.consumers.info(this.#stream, this.#durable);
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (this.#own) return undefined;
      throw natsRefusal(
        `There is no consumer ${this.#durable} of the stream ${this.#stream}`,
        error,
      );
    }
  }

  #check({ AckPolicy }: NatsClient, config: ConsumerConfig): void {
    if (this.#own && config.description !== MADE_BY_BRIDGE) {
      throw this.#mismatch(
        'was not made by a bridge, and is left as it is. Pass create: false to use it so, or choose ' +
          'another durable',
      );
    }
    const pushes = 'deliver_subject' in config;
    if (pushes || config.ack_policy === AckPolicy.None) {
      throw this.#mismatch(
        'pushes its messages, or has them not acknowledged. Choose another durable',
      );
    }
    const { filter_subject, filter_subjects } = config;
    const filters = filter_subjects ?? [filter_subject ?? ALL];
    if (this.#filter === undefined || (filters.length === 1 && filters[0] === this.#filter)) return;
    throw this.#mismatch(
      `has the filter ${filters.join(', ')}, and not ${this.#filter}. Remove it, or choose another durable`,
    );
  }

  #mismatch(reason: string): DisruptorError {
    const name = `The consumer ${this.#durable} of the stream ${this.#stream}`;
    return new DisruptorError('ERR_CONSUMER_MISMATCH', `${name} ${reason}`);
  }
}

/** A filter that lets everything pass. */
const ALL = '>';
