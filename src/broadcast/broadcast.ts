import { broadcastCreation, CREATING, OPENING, SLOT_HEADER } from './broadcast-options.js';
import type { BroadcastOpenOptions, BroadcastOptions } from './broadcast-options.js';
import type { AnyEncoding, DecodedValue, EncodableValue } from '../values/encoding.js';
import { DisruptorError, released, recordSent, transferred } from '../errors.js';
import { Listening } from './listening.js';
import type { Place } from './listening.js';
import { messageFormatOf } from '../values/message-format.js';
import type { MessageFormat } from '../values/message-format.js';
import type { Read } from '../values/reading.js';
import { underName } from '../segment/free-name.js';
import { labelOf, located } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { checkFormat } from '../values/format.js';
import { PublisherHandle } from '../native/broadcast.js';
import type { RecordCursor, RecordSchema, RecordType, SchemaInput } from '../values/record.js';
import { SegmentHandle } from '../segment/segment-handle.js';
import { ringWaiting, WAITING } from '../ring/ring-options.js';
import type { AttachOptions } from '../ring/ring-options.js';
import type { Strategy } from '../waiting/strategy.js';
import { unlinkSegment } from '../segment/segments.js';
import { doLater, doNow, namingSteps } from '../steps.js';
import type { Steps } from '../steps.js';
import { Subscription } from './subscription.js';
import type { StartPosition, ReceivedMessage } from './subscription.js';
import { integer, noOptions, type NoOptions, optionsObject } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** Where a message is written in place. */
export interface BroadcastSlot {
  /** The sequence that the message gets. */
  readonly sequence: number;
  /**
   * Where it goes: a view of shared memory, as long as the longest message. It is not to be touched
   * after `commit` or `abort`: then it is somebody else's.
   */
  readonly view: Buffer;
  /**
   * Publishes it.
   *
   * @param length - how many bytes it has. Default: all of the view
   * @returns false when it was published or dropped before
   */
  commit(length?: number, options?: NoOptions): boolean;
  /** Drops it: nobody gets it. @returns false when it was published or dropped before */
  abort(options?: NoOptions): boolean;
}

/** How a subscription is made. */
export interface SubscribeOptions extends AttachOptions {
  /**
   * Where it begins: with what is published from now on, with the oldest that is there, or with a
   * sequence, of which what is gone counts as lost. Default: `'latest'`.
   */
  from?: StartPosition;
}

const SUBSCRIBING: OptionNames<SubscribeOptions> = { ...WAITING, from: true };

/** A broadcast at one moment. */
export interface BroadcastStatistics {
  /** How many messages it keeps. */
  elements: number;
  /** The most bytes in one. */
  elementSize: number;
  /** The sequence of the oldest that may be there. */
  oldest: number;
  /** The sequence that the next message gets, so also how many there were. */
  next: number;
  /** Whether the segment's file was removed: nobody else can open it. See {@link OnUnlinked}. */
  unlinked: boolean;
}

/** The broadcast that such options make. */
export type BroadcastOf<T> =
  T extends Record<'record', RecordType<infer S extends RecordSchema>>
    ? Broadcast<SchemaInput<S>, RecordCursor<S>>
    : T extends Record<'encoding', infer E extends AnyEncoding>
      ? Broadcast<EncodableValue<E>, DecodedValue<E>>
      : Broadcast;

/**
 * A broadcast: whoever publishes never waits, and whoever subscribes gets what is published in time, or
 * is told how much was lost. Publishers and subscribers come and go in any number of processes and
 * threads; one object belongs to one thread.
 *
 * The object publishes, and makes subscriptions. It becomes a publisher with the first message; until
 * then it can only read.
 *
 * @typeParam In - the values to publish
 * @typeParam Out - the values that are received
 */
export class Broadcast<In = ArrayBufferView | string, Out = Buffer> extends SegmentHandle {
  readonly #listening: Listening;
  /** The name under which others open it. */
  readonly name: string;
  readonly #format: MessageFormat;
  #read: Read<unknown> | undefined;
  readonly #strategy: Strategy;
  readonly #place: Place;
  #publisher: PublisherHandle | undefined;
  /** It published until that began to fail, and may have an open slot. */
  #former: PublisherHandle | undefined;
  #memory = Buffer.alloc(0);
  #claims = 0;
  #glance: Subscription<Out> | undefined;

  private constructor(
    place: Place,
    listening: Listening,
    format: MessageFormat,
    strategy: Strategy,
    publisher?: PublisherHandle,
  ) {
    super(listening);
    this.#listening = listening;
    this.name = place.name;
    this.#place = place;
    this.#format = format;
    this.#strategy = strategy;
    if (publisher) this.#publishThrough(publisher);
  }

  /**
   * Makes a broadcast. Blocks the thread while memory is allocated and, on a disk, written.
   *
   * @param name - as for {@link DisruptorOptions}; default: one that is free, chosen atomically
   * @throws TypeError, RangeError for wrong options
   * @throws DisruptorError `ERR_SEGMENT_EXISTS` and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOSPC, EACCES, ...
   */
  static create<const T extends BroadcastOptions>(name: string, options: T): BroadcastOf<T>;
  static create<const T extends BroadcastOptions>(options: T): BroadcastOf<T>;
  static create(first: unknown, second?: unknown): unknown {
    return doNow(Broadcast.#create(first, second));
  }

  /**
   * As {@link Broadcast.create}, without blocking the event loop: memory is allocated, and written to
   * its disk, on another thread.
   */
  static createAsync<const T extends BroadcastOptions>(
    name: string,
    options: T,
  ): Promise<BroadcastOf<T>>;
  static createAsync<const T extends BroadcastOptions>(options: T): Promise<BroadcastOf<T>>;
  static createAsync(first: unknown, second?: unknown): Promise<unknown> {
    return doLater(Broadcast.#create(first, second));
  }

  static *#create(first: unknown, second: unknown): Steps<unknown> {
    const path = typeof first === 'string' ? first : undefined;
    const options = optionsObject<BroadcastOptions>(path === undefined ? first : second, CREATING);
    const format = messageFormatOf(options, options.elementSize);
    const creation = broadcastCreation(options, format);
    const strategy = ringWaiting(options);
    return yield* underName(path, creation.existing, function* (chosen, existing) {
      const place = { name: chosen, directory: options.path };
      const location = located(chosen, options.path);
      const publisher = yield* namingSteps(
        labelOf(location, chosen),
        'create',
        PublisherHandle.create(location, { ...creation, existing }),
      );
      let listening: Listening;
      try {
        listening = yield* Listening.to(place, strategy, 'broadcast');
      } catch (error) {
        publisher.withdraw();
        publisher.release();
        throw error;
      }
      const broadcast = new Broadcast(place, listening, format, strategy, publisher);
      try {
        // Another creation may have replaced it meanwhile.
        broadcast.#checkSame(publisher.made);
        return broadcast;
      } catch (error) {
        broadcast.close();
        throw error;
      }
    });
  }

  /**
   * Opens a broadcast for reading, and for writing once something is published; its sizes are read from
   * it.
   *
   * @throws DisruptorError `ERR_SCHEMA_MISMATCH` when its messages are of another record or encoding,
   * `ERR_SEGMENT_KIND` when it is no broadcast, and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOENT, EACCES, ...
   */
  static open<const T extends BroadcastOpenOptions = object>(
    name: string,
    options?: T,
  ): BroadcastOf<T>;
  static open(path: string, given: unknown = {}): unknown {
    return doNow(Broadcast.#open(path, given));
  }

  /** As {@link Broadcast.open}, without blocking the event loop. */
  static openAsync<const T extends BroadcastOpenOptions = object>(
    name: string,
    options?: T,
  ): Promise<BroadcastOf<T>>;
  static openAsync(path: string, given: unknown = {}): Promise<unknown> {
    return doLater(Broadcast.#open(path, given));
  }

  static *#open(path: string, given: unknown): Steps<unknown> {
    const options = optionsObject<BroadcastOpenOptions>(given, OPENING);
    // As it is now, whatever becomes of the object.
    const { encoding, record } = options;
    const place = { name: path, directory: options.path };
    const strategy = ringWaiting(options);
    const listening = yield* Listening.to(place, strategy, 'broadcast');
    try {
      const { elementSize, shape, schema } = listening.subscriber.made;
      const format = messageFormatOf({ encoding, record }, elementSize);
      checkFormat({ ...format, elementSize: format.longest }, { shape, schema, elementSize });
      return new Broadcast(place, listening, format, strategy);
    } catch (error) {
      listening.release();
      throw error;
    }
  }

  /** Takes the name away. Those who have it open go on until they close. */
  static unlink(name: string, options?: SegmentDirectory): void {
    unlinkSegment(name, options);
  }

  /** How many messages it keeps. */
  get elements(): number {
    return this.#listening.subscriber.made.elementCount;
  }

  /** The most bytes in a message. */
  get elementSize(): number {
    return this.#listening.subscriber.made.elementSize;
  }

  /**
   * Publishes a message, and never waits.
   *
   * @returns its sequence
   * @throws TypeError for a value that cannot be published, RangeError for one that is too long
   * @throws DisruptorError `ERR_PRODUCER_BUSY`, `ERR_TOO_MANY_PRODUCERS` when one cannot become a
   * publisher, `ERR_SEGMENT_REPLACED`, `ERR_SEGMENT_UNLINKED`, `ERR_RELEASED`, `ERR_SEGMENT_BUSY` when in every slot there is
   * somebody who lives and stands still in the middle of a message: have more slots than publishers
   * @throws Error of the system: EACCES for who may only read
   */
  publish(value: In, options?: NoOptions): number {
    noOptions(options);
    const bytes = this.#format.encode(value);
    return (this.#publisher ?? this.#attach()).publish(bytes, bytes.length);
  }

  /**
   * Publishes several messages in their order.
   *
   * @returns the sequence of the last; other publishers' may lie between them; -1 for none
   * @throws as {@link Broadcast.publish}; those before the one that failed are published, and the
   * error says in `sent` how many they are ({@link PartialSendError})
   */
  publishMany(values: Iterable<In>, options?: NoOptions): number {
    noOptions(options);
    let last = -1;
    let sent = 0;
    try {
      for (const value of values) {
        last = this.publish(value);
        sent += 1;
      }
    } catch (error) {
      recordSent(error, sent);
      throw error;
    }
    return last;
  }

  /**
   * Takes the place of the next message, to be written there. One at a time: claiming again drops the
   * one before. Subscribers wait for it for 50 ms once there are later ones, and then count it as lost.
   *
   * @throws as {@link Broadcast.publish}
   */
  claim(options?: NoOptions): BroadcastSlot {
    noOptions(options);
    const publisher = this.#publisher ?? this.#attach();
    if (this.#memory.length === 0 && !this.closed) throw transferred();
    // Before: when it throws, the one before is dropped all the same.
    const number = (this.#claims += 1);
    const { sequence, slot } = publisher.claim();
    const { stride, elementSize } = publisher.made;
    const begin = slot * stride + SLOT_HEADER;
    const view = this.#memory.subarray(begin, begin + elementSize);
    const end = (action: () => void) => {
      if (this.#claims !== number || this.closed) return false;
      this.#claims += 1;
      action();
      return true;
    };
    return {
      sequence,
      view,
      commit(length = elementSize, options?: NoOptions) {
        noOptions(options);
        const bytes = integer(length, 'length', 0, elementSize);
        return end(() => {
          publisher.commit(bytes);
        });
      },
      abort(options?: NoOptions) {
        noOptions(options);
        return end(() => {
          publisher.abort();
        });
      },
    };
  }

  /**
   * Begins to listen.
   *
   * @throws DisruptorError `ERR_SEQUENCE_GONE` for a sequence in the future, `ERR_SEGMENT_REPLACED`,
   * `ERR_RELEASED`, and what opening throws
   */
  subscribe(options: SubscribeOptions = {}): Subscription<Out> {
    return this.#subscribe(options, this.#format);
  }

  #subscribe<T>(options: SubscribeOptions, format: MessageFormat): Subscription<T> {
    const { from = 'latest', ...waiting } = optionsObject<SubscribeOptions>(options, SUBSCRIBING);
    if (this.closed) throw released();
    const strategy = ringWaiting(waiting, this.#strategy);
    const listening = doNow(Listening.to(this.#place, strategy, 'subscription'));
    try {
      this.#checkSame(listening.subscriber.made);
      return new Subscription(listening, format, from);
    } catch (error) {
      listening.release();
      throw error;
    }
  }

  /** As {@link Subscription.latest}, without a subscription. */
  latest(options?: NoOptions): ReceivedMessage<Out> | undefined {
    noOptions(options);
    this.#glance ??= new Subscription<Out>(this.#listening, this.#format, 'latest');
    return this.#glance.latest();
  }

  /**
   * Names this creation of the segment, as the `generation` of a ring's participants does: with a
   * sequence it names a message everywhere and for ever.
   */
  get generation(): string {
    return this.#listening.subscriber.made.generation.toString(16).padStart(16, '0');
  }

  /** What its messages are. @internal */
  get holds(): { readonly shape: number; readonly schema: bigint } {
    return this.#listening.subscriber.made;
  }

  /** As {@link Broadcast.subscribe}, to the bytes of messages, whatever they are. @internal */
  subscribeToBytes(options: SubscribeOptions = {}): Subscription {
    return this.#subscribe(options, messageFormatOf({}, this.elementSize));
  }

  /** The value of a message's bytes. @throws UnreadableMessageError @internal */
  decodeBytes(bytes: Buffer, sequence: number): Out {
    this.#read ??= this.#format.reader(this.name);
    return this.#read(bytes, 0, bytes.length, sequence) as Out;
  }

  /** As {@link Broadcast.publish}, of bytes, whatever messages are. @internal */
  publishBytes(bytes: Uint8Array): number {
    return (this.#publisher ?? this.#attach()).publish(bytes, bytes.length);
  }

  /** What can be said of the broadcast at this moment: cheap, and disturbs nobody. */
  stats(options?: NoOptions): BroadcastStatistics {
    noOptions(options);
    const { oldest, newest } = this.#listening.subscriber.extent();
    const { elements, elementSize, unlinked } = this;
    return { elements, elementSize, oldest, next: newest, unlinked };
  }

  /** Closes the publisher, and not the subscriptions, which go on. */
  override close(): void {
    super.close();
    (this.#publisher ?? this.#former)?.release();
  }

  #attach(): PublisherHandle {
    if (this.closed) throw released();
    this.#listening.waiter.refuseWhenFailed();
    const location = located(this.name, this.#place.directory);
    const label = labelOf(location, this.name);
    const publisher = doNow(namingSteps(label, 'open', PublisherHandle.open(location)));
    try {
      this.#checkSame(publisher.made);
    } catch (error) {
      publisher.release();
      throw error;
    }
    return this.#publishThrough(publisher);
  }

  #publishThrough(publisher: PublisherHandle): PublisherHandle {
    this.#memory = Buffer.from(publisher.made.elements);
    this.#publisher = publisher;
    // So that publishing asks nothing for each message.
    this.#listening.waiter.whenFailed = () => {
      this.#former = this.#publisher;
      this.#publisher = undefined;
    };
    return publisher;
  }

  #checkSame({ object }: { object: string }): void {
    if (object === this.#listening.subscriber.object) return;
    throw new DisruptorError(
      'ERR_SEGMENT_REPLACED',
      'The segment was replaced by a new one of this name',
    );
  }
}
