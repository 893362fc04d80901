import { DisruptorError, UnreadableMessageError } from '../errors.js';
import type { Message } from '../queue/message.js';
import { Queue } from '../queue/queue.js';
import { cellsOf } from '../queue/queue-options.js';
import { attachmentOf } from '../segment/ring-participant.js';
import { oneOf, optionsObject, wrongType, wrongValue } from '../validate.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { segmentParcel } from './bridge-message.js';
import type { BridgeMessage, SegmentFacts } from './bridge-message.js';
import { encodingNamed, toJson, writtenSchema } from './payload.js';
import { reasonOf, Unreadable } from './reading.js';
import { SOURCE } from './ring-source.js';
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
  return new QueueSource(queue, optionsObject<SegmentSourceOptions>(options, SOURCE));
}

interface WatchedSegment {
  readonly parcel: BridgeMessage;
  /** Why it cannot be forwarded, if it cannot. */
  readonly reason?: DisruptorError;
  acknowledge(): void;
  giveBack(): void;
}

const NO_BYTES = Buffer.alloc(0);

class QueueSource implements BridgeSource {
  readonly name: string;
  readonly #queue: Queue<never, unknown>;
  readonly #json: boolean;
  readonly #facts: SegmentFacts;
  /** In the order in which they were taken; those before `#next` are under way. */
  readonly #held: WatchedSegment[] = [];
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

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    await this.#gather(most, signal);
    const taken = this.#held.slice(this.#next, this.#next + most);
    const [{ reason, parcel }] = taken as [WatchedSegment];
    // One that cannot be read counts as taken.
    this.#next += 1;
    if (reason) throw new Unreadable(reason, parcel);
    const end = taken.findIndex((each) => each.reason);
    const parcels = (end < 0 ? taken : taken.slice(0, end)).map((each) => each.parcel);
    this.#next += parcels.length - 1;
    return parcels;
  }

  acknowledge(count: number): void {
    for (const held of this.#held.splice(0, count)) held.acknowledge();
    this.#next -= count;
  }

  giveBack(): void {
    this.#next = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    for (const held of this.#held.splice(0)) held.giveBack();
    this.#next = 0;
    this.#queue.close();
  }

  counts(): EndpointCounts {
    return {};
  }

  // So many, with those that are held already, or fewer; at least one.
  async #gather(most: number, signal: AbortSignal): Promise<void> {
    // One that the queue cannot read is the last: the queue gets rid of no other.
    if (this.#held.at(-1)?.reason instanceof UnreadableMessageError) return;
    const waiting = this.#held.length - this.#next;
    const messages: Message<unknown>[] = [];
    let unreadable: UnreadableMessageError | undefined;
    try {
      if (waiting === 0) messages.push(await this.#queue.receive({ signal }));
      this.#more(messages, most - waiting);
    } catch (error) {
      if (!(error instanceof UnreadableMessageError)) throw error;
      unreadable = error;
    }
    this.#hold(messages);
    if (unreadable) this.#holdUnreadable(unreadable);
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
      let bytes: Uint8Array = NO_BYTES;
      let reason: DisruptorError | undefined;
      try {
        bytes = this.#json ? toJson(data) : bytesAsTheyAre(data);
      } catch (error) {
        if (!this.#json) throw error;
        reason = reasonOf(this.name, sequence, error);
      }
      // With its bytes at hand the next message's lowest sequence is known.
      const next = sequence + (this.#json ? 1 : cellsOf(bytes.length));
      const own = { data: bytes, sequence, from: sequence, next, time };
      this.#held.push({
        parcel: segmentParcel(this.#facts, own),
        ...(reason && { reason }),
        acknowledge: () => message.ack(),
        giveBack: () => message.nack(),
      });
    }
  }

  #holdUnreadable(reason: UnreadableMessageError): void {
    const { sequence } = reason;
    const own = { data: NO_BYTES, sequence, from: sequence, next: sequence + 1, time: Date.now() };
    this.#held.push({
      parcel: segmentParcel(this.#facts, own),
      reason,
      acknowledge: () => this.#queue.reject(sequence),
      // The queue has it, as the next one.
      giveBack: () => undefined,
    });
  }
}

function bytesAsTheyAre(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw wrongValue('a queue opened without encoding, or the option as: json', 'queue', data);
}
