import { DisruptorError } from '../errors.js';
import type { Message } from '../queue/message.js';
import { Queue } from '../queue/queue.js';
import { cellsOf } from '../queue/queue-options.js';
import { attachmentOf } from '../segment/participant.js';
import { oneOf, wrongType, wrongValue } from '../validate.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { segmentParcel } from './parcel.js';
import type { Parcel, SegmentFacts } from './parcel.js';
import { encodingNamed, toJson, writtenSchema } from './payload.js';
import type { SegmentSourceOptions } from './ring-source.js';

/**
 * The messages of a queue, each acknowledged when it has arrived at the other end. Other consumers get
 * the others. The queue is closed with the bridge, and gives back what has not arrived.
 *
 * @param queue - opened without an encoding to forward `'bytes'`, which any queue can be; with its
 * encoding to forward `'json'`
 * @throws TypeError
 */
export function queueSource(
  queue: Queue<never, unknown>,
  options: SegmentSourceOptions = {},
): BridgeSource {
  return new QueueSource(queue, options);
}

interface Held {
  readonly message: Message<unknown>;
  readonly parcel: Parcel;
}

class QueueSource implements BridgeSource {
  readonly name: string;
  readonly #queue: Queue<never, unknown>;
  readonly #json: boolean;
  readonly #facts: SegmentFacts;
  /** In the order in which they were taken; those before `#next` are under way. */
  readonly #held: Held[] = [];
  #next = 0;

  constructor(queue: unknown, { as }: SegmentSourceOptions) {
    if (!(queue instanceof Queue)) throw wrongType('a Queue', 'queue', queue);
    this.#queue = queue as Queue<never, unknown>;
    this.#json = oneOf(['bytes', 'json'] as const, as ?? 'bytes', 'as') === 'json';
    const { schema } = attachmentOf(queue).ring;
    this.name = `queue ${queue.name}`;
    const encoding = schema === 0n ? 'raw' : encodingNamed(schema);
    this.#facts = {
      origin: queue.generation,
      encoding: this.#json ? 'json' : encoding,
      schema: writtenSchema(schema),
    };
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async take(most: number, signal: AbortSignal): Promise<readonly Parcel[]> {
    const waiting = this.#held.length - this.#next;
    const messages = waiting === 0 ? [await this.#queue.receive({ signal })] : [];
    this.#more(messages, most - waiting);
    this.#hold(messages);
    const taken = this.#held.slice(this.#next, this.#next + most);
    this.#next += taken.length;
    return taken.map(({ parcel }) => parcel);
  }

  acknowledge(count: number): void {
    for (const { message } of this.#held.splice(0, count)) message.ack();
    this.#next -= count;
  }

  giveBack(): void {
    this.#next = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    for (const { message } of this.#held.splice(0)) message.nack();
    this.#next = 0;
    this.#queue.close();
  }

  counts(): EndpointCounts {
    return {};
  }

  #more(messages: Message<unknown>[], most: number): void {
    try {
      while (messages.length < most) {
        const message = this.#queue.tryReceive();
        if (!message) break;
        messages.push(message);
      }
    } catch (error) {
      // All that can be held at a time: the rest when these are acknowledged.
      if (!(error instanceof DisruptorError && error.code === 'ERR_TOO_MANY_CONSUMERS'))
        throw error;
    }
  }

  // What a dead bridge had comes with what is new: in the order in which it was sent.
  #hold(messages: Message<unknown>[]): void {
    const time = Date.now();
    messages.sort((a, b) => a.sequence - b.sequence);
    for (const message of messages) {
      const { sequence, data } = message;
      const bytes = this.#json ? toJson(data) : bytesAsTheyAre(data);
      // With its bytes at hand the next message's lowest sequence is known.
      const next = sequence + (this.#json ? 1 : cellsOf(bytes.length));
      const own = { data: bytes, sequence, from: sequence, next, time };
      this.#held.push({ message, parcel: segmentParcel(this.#facts, own) });
    }
  }
}

function bytesAsTheyAre(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw wrongValue('a queue opened without encoding, or the option as: json', 'queue', data);
}
