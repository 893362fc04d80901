import { Attachment } from '../segment/attachment.js';
import type { ResultCallback, SyncWaitOptions } from '../ring/ring-producer.js';
import { NO_ROOM, resolveEncoding } from '../values/encoding.js';
import type {
  DecodedValue,
  EncodableValue,
  AnyEncoding,
  ResolvedEncoding,
} from '../values/encoding.js';
import { DisruptorError, released } from '../errors.js';
import { bytesOf } from '../values/format.js';
import { underName } from '../segment/free-name.js';
import { SerialQueue, once } from '../waiting/serial-queue.js';
import type { QueuedOperation } from '../waiting/serial-queue.js';
import type { Message } from './message.js';
import { Kind } from '../native/creation.js';
import type { Creation } from '../native/creation.js';
import type { Assignment } from '../native/ring.js';
import { located } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { RingParticipant } from '../segment/ring-participant.js';
import { Producer } from '../ring/producer.js';
import { Cells } from './cells.js';
import { cellsOf, CREATING, OPENING, queueCreation } from './queue-options.js';
import type { QueueOpenOptions, QueueOptions } from './queue-options.js';
import { checkPacked, PackedBatchSend } from './packed.js';
import { Receiver } from './receiver.js';
import type { PendingDelivery } from './receiver.js';
import { BatchSend } from './batch-send.js';
import { queueStatistics } from './queue-statistics.js';
import type { QueueStatistics } from './queue-statistics.js';
import { ringWaiting } from '../ring/ring-options.js';
import {
  integer,
  noOptions,
  type NoOptions,
  optionsObject,
  outOfRange,
  wrongType,
} from '../validate.js';
import { blockUntil, SLICE_MILLISECONDS, syncTimeout, untilEnd, Word } from '../waiting/waiter.js';
import { Patience, patient } from '../waiting/patience.js';
import type { Operation, Waiter, WaitOptions } from '../waiting/waiter.js';
import { unlinkSegment } from '../segment/segments.js';
import { doLater, doNow } from '../steps.js';
import type { Steps } from '../steps.js';
import { setImmediate } from '../timers.js';

/** What can be enqueued without an encoding. */
export type BytesInput = ArrayBufferView | string;

/** The queue that such options make. */
export type QueueOf<E> = [E] extends [AnyEncoding]
  ? Queue<EncodableValue<E>, DecodedValue<E>>
  : Queue;

/** Space for a message that is not yet sent. */
export interface Space {
  /** Where it goes: a view of shared memory of as many bytes as were asked for. */
  readonly view: Buffer;
  /** Sends it. @returns false when it was sent or dropped before */
  commit(options?: NoOptions): boolean;
  /** Drops it: nobody gets it. @returns false when it was sent or dropped before */
  abort(options?: NoOptions): boolean;
}

const FIRST_SCRATCH = 65_536;
/** The entry of the group of all consumers. */
const GROUP = 0;
/** How often dropping looks whether somebody lets go of what lies before. */
const MAX_LOOKS = 1000;
/** In the place of a sequence. */
const NOT_SENT = -1;
/** How many messages of one call are sent before the event loop has a turn. */
const MAX_PER_TURN = 256;

/**
 * A queue: each message goes to one consumer, in the order in which they were sent. Any number of
 * objects in any number of processes and threads send and receive; one object belongs to one thread.
 *
 * Received without acknowledgement, a message was returned or is still there. With acknowledgement it
 * stays in the queue until it is acknowledged; when its consumer dies, closes or gives it back, the
 * next one gets it, marked as redelivered. A message that somebody holds does not hold up the others,
 * until the queue has gone once round to it: then senders wait.
 *
 * A message that cannot be decoded fails the call that takes it with an {@link UnreadableMessageError},
 * `ERR_MESSAGE_UNREADABLE`, and is the next message of this object again. Each try counts as a delivery,
 * so after `maxDeliveries` of them it goes to the `deadLetters`; {@link Queue.reject} gets rid of it
 * before.
 *
 * Methods that may wait reject, or call back, with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED` or
 * `ERR_SEGMENT_REPLACED`, and with `onUnlinked: 'error'` with `ERR_SEGMENT_UNLINKED`.
 */
export class Queue<In = BytesInput, Out = Buffer> extends RingParticipant {
  /** The name under which others open it. */
  readonly name: string;
  /** The most bytes that a message can have. */
  readonly maxMessage: number;
  readonly #encoding: ResolvedEncoding<In, Out> | undefined;
  readonly #producer: Producer;
  readonly #line = new SerialQueue(() => {
    this.attachment.waiter.look();
  });
  readonly #cells: Cells;
  readonly #receiver: Receiver<Out>;
  /** Of what does not wait. */
  readonly #patience = new Patience();
  #deadLetters: Queue | undefined;
  #scratch = Buffer.alloc(0);
  /** Dropped, and not yet told. */
  #dropped = 0;
  /** What the group's sequence was when somebody held a message that was in the way. */
  #stuckAt = -1;

  private constructor(
    path: string,
    attachment: Attachment,
    encoding: ResolvedEncoding<In, Out> | undefined,
    maxDeliveries: number,
  ) {
    super(attachment);
    const { ring } = attachment;
    this.name = path;
    this.maxMessage = ring.shape;
    this.#encoding = encoding;
    this.#producer = new Producer(attachment);
    this.#cells = new Cells(attachment.slots.all);
    this.#receiver = new Receiver(attachment, this.#cells, { encoding, maxDeliveries });
  }

  /**
   * Makes a queue. Blocks the thread while memory is allocated and, on a disk, written.
   *
   * @param name - as for {@link DisruptorOptions}; default: one that is free, chosen atomically
   * @throws TypeError, RangeError for wrong options
   * @throws DisruptorError `ERR_SEGMENT_EXISTS` and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOSPC, EACCES, ...
   */
  static create<const E extends AnyEncoding | undefined = undefined>(
    name: string,
    options: Omit<QueueOptions<never>, 'encoding'> & { encoding?: E },
  ): QueueOf<E>;
  static create<const E extends AnyEncoding | undefined = undefined>(
    options: Omit<QueueOptions<never>, 'encoding'> & { encoding?: E },
  ): QueueOf<E>;
  static create(first: unknown, second?: unknown): unknown {
    return doNow(Queue.#create(first, second));
  }

  /**
   * As {@link Queue.create}, without blocking the event loop: memory is allocated, and written to its
   * disk, on another thread.
   */
  static createAsync<const E extends AnyEncoding | undefined = undefined>(
    name: string,
    options: Omit<QueueOptions<never>, 'encoding'> & { encoding?: E },
  ): Promise<QueueOf<E>>;
  static createAsync<const E extends AnyEncoding | undefined = undefined>(
    options: Omit<QueueOptions<never>, 'encoding'> & { encoding?: E },
  ): Promise<QueueOf<E>>;
  static createAsync(first: unknown, second?: unknown): Promise<unknown> {
    return doLater(Queue.#create(first, second));
  }

  static *#create(first: unknown, second: unknown): Steps<unknown> {
    const path = typeof first === 'string' ? first : undefined;
    const options = optionsObject<QueueOptions<never>>(
      path === undefined ? first : second,
      CREATING,
    );
    const encoding = encodingOf(options);
    const creation = queueCreation(options, encoding?.fingerprint ?? 0n);
    const deliveries = deliveriesOf(options);
    return yield* underName(path, creation.existing, function* (chosen, existing) {
      const attachment = yield* attach(chosen, options, { ...creation, existing });
      return new Queue(chosen, attachment, encoding, deliveries);
    });
  }

  /**
   * Opens a queue; its sizes are read from it.
   *
   * @throws DisruptorError `ERR_SCHEMA_MISMATCH` when its messages have another encoding,
   * `ERR_SEGMENT_KIND` when it is no queue, and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOENT, EACCES, ...
   */
  static open<const E extends AnyEncoding | undefined = undefined>(
    name: string,
    options?: Omit<QueueOpenOptions<never>, 'encoding'> & { encoding?: E },
  ): QueueOf<E>;
  static open(name: string, given: unknown = {}): unknown {
    return doNow(Queue.#open(name, given));
  }

  /** As {@link Queue.open}, without blocking the event loop. */
  static openAsync<const E extends AnyEncoding | undefined = undefined>(
    name: string,
    options?: Omit<QueueOpenOptions<never>, 'encoding'> & { encoding?: E },
  ): Promise<QueueOf<E>>;
  static openAsync(name: string, given: unknown = {}): Promise<unknown> {
    return doLater(Queue.#open(name, given));
  }

  static *#open(name: string, given: unknown): Steps<unknown> {
    const options = optionsObject<QueueOpenOptions<never>>(given, OPENING);
    const encoding = encodingOf(options);
    const deliveries = deliveriesOf(options);
    const attachment = yield* attach(name, options);
    const { schema } = attachment.ring;
    const own = encoding?.fingerprint ?? 0n;
    if (schema !== 0n && own !== 0n && schema !== own) {
      attachment.release();
      throw new DisruptorError('ERR_SCHEMA_MISMATCH', 'The queue has another encoding');
    }
    return new Queue(name, attachment, encoding, deliveries);
  }

  /** Takes the name away. Those who have it open go on until they close. */
  static unlink(name: string, options?: SegmentDirectory): void {
    unlinkSegment(name, options);
  }

  /**
   * Sends a message as soon as there is room.
   *
   * @param value - as it is when this is called
   * @returns its sequence
   * @throws TypeError for a value that cannot be sent, RangeError for one that is longer than
   * `maxMessage`
   */
  enqueue(value: In, options?: WaitOptions): Promise<number>;
  enqueue(value: In, callback: ResultCallback<number>): void;
  enqueue(value: In, options: WaitOptions, callback: ResultCallback<number>): void;
  enqueue(value: In, ...args: unknown[]): Promise<number> | undefined {
    const begin = (): QueuedOperation<number> => {
      let bytes = this.#encode(value);
      const attempt = () => {
        const sequence = this.#send(bytes);
        return sequence < 0 ? undefined : sequence;
      };
      // What was encoded is good only until the next value is.
      const keep = once(() => {
        bytes = Uint8Array.from(bytes);
      });
      return { attempt, keep };
    };
    return this.#dispatch(Word.Space, args, begin);
  }

  /** As {@link Queue.enqueue}; blocks the thread. */
  enqueueSync(value: In, options?: SyncWaitOptions): number {
    const bytes = this.#encode(value);
    const timeout = syncTimeout(options);
    const sequence = this.#send(bytes);
    if (sequence >= 0) return sequence;
    const tries = (milliseconds: number) => this.#send(bytes, milliseconds);
    return blockUntil(this.attachment.waiter, tries, NOT_SENT, timeout);
  }

  /** As {@link Queue.enqueue}; false when there is no room now. */
  tryEnqueue(value: In, options?: NoOptions): boolean {
    noOptions(options);
    return this.#send(this.#encode(value)) >= 0;
  }

  /**
   * Sends several messages in their order, as many at a time as there is room for. Of this object's,
   * none comes between them but by a call that does not wait its turn (`enqueueSync`, `try`...).
   *
   * When it fails in the middle, the first ones are sent and the others are not: the error says in
   * `sent` how many ({@link PartialSendError}), whether it is an `AbortError`, `ERR_TIMEOUT`, a value that
   * cannot be sent, or what `values` themselves threw.
   *
   * @param values - each is asked for when its turn comes, and taken as it is then
   * @param options - for all of them together; as long as there is room no timeout ends it
   * @returns the sequence of the last; -1 without values
   */
  enqueueMany(values: Iterable<In>, options?: WaitOptions): Promise<number>;
  enqueueMany(values: Iterable<In>, callback: ResultCallback<number>): void;
  enqueueMany(values: Iterable<In>, options: WaitOptions, callback: ResultCallback<number>): void;
  enqueueMany(values: Iterable<In>, ...args: unknown[]): Promise<number> | undefined {
    return this.#dispatch(Word.Space, args, () => this.#sending(this.#batch(values)));
  }

  /** As {@link Queue.enqueueMany}; blocks the thread. */
  enqueueManySync(values: Iterable<In>, options?: SyncWaitOptions): number {
    const timeout = syncTimeout(options);
    return sentSync(this.attachment.waiter, this.#batch(values), timeout);
  }

  /**
   * Sends several messages that lie one behind the other in memory, as many at a time as there is room
   * for: they cost a fraction of what they cost one by one. A queue's `encoding` has no part in it. As
   * for the rest, as {@link Queue.enqueueMany}.
   *
   * @param bytes - the messages; what lies behind the last is left out. They and their lengths are the
   * queue's until then
   * @param lengths - how many bytes each message has
   * @returns the sequence of the last; -1 without messages
   * @throws TypeError for other arrays, RangeError for a message that is longer than `maxMessage` or
   * goes on behind `bytes`
   */
  enqueuePacked(bytes: Uint8Array, lengths: Uint32Array, options?: WaitOptions): Promise<number>;
  enqueuePacked(bytes: Uint8Array, lengths: Uint32Array, callback: ResultCallback<number>): void;
  enqueuePacked(
    bytes: Uint8Array,
    lengths: Uint32Array,
    options: WaitOptions,
    callback: ResultCallback<number>,
  ): void;
  enqueuePacked(
    bytes: Uint8Array,
    lengths: Uint32Array,
    ...args: unknown[]
  ): Promise<number> | undefined {
    return this.#dispatch(Word.Space, args, () => this.#sending(this.#packed(bytes, lengths)));
  }

  /** As {@link Queue.enqueuePacked}; blocks the thread. */
  enqueuePackedSync(bytes: Uint8Array, lengths: Uint32Array, options?: SyncWaitOptions): number {
    const timeout = syncTimeout(options);
    return sentSync(this.attachment.waiter, this.#packed(bytes, lengths), timeout);
  }

  /** As {@link Queue.enqueuePacked}: those for which there is room now. @returns how many */
  tryEnqueuePacked(bytes: Uint8Array, lengths: Uint32Array, options?: NoOptions): number {
    noOptions(options);
    const batch = this.#packed(bytes, lengths);
    try {
      batch.advance(Infinity);
    } catch (error) {
      batch.end(error);
      throw error;
    }
    return batch.sent;
  }

  /**
   * Sends without waiting: drops the oldest messages that nobody has, until there is room.
   *
   * @returns how many were dropped, since the last that was sent so
   * @throws DisruptorError `ERR_QUEUE_FULL` when what is in the way is in others' hands. One message
   * may have been dropped in vain then, and is counted the next time
   */
  enqueueShift(value: In, options?: NoOptions): number {
    noOptions(options);
    const bytes = this.#encode(value);
    const { ring } = this.attachment;
    while (this.#send(bytes) < 0) {
      const gate = ring.consumerSequence(GROUP);
      const assignment =
        gate === this.#stuckAt ? undefined : this.#patience.look(() => this.#receiver.oldest());
      if (assignment) {
        this.#drop(assignment);
        continue;
      }
      // Others may have made room meanwhile, by dropping as well.
      if (this.#send(bytes) >= 0) break;
      throw full();
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /**
   * Takes space for a message to be written in place.
   *
   * @param length - its bytes: an integer from 0 to `maxMessage`
   */
  claim(length: number, options?: WaitOptions): Promise<Space>;
  claim(length: number, callback: ResultCallback<Space>): void;
  claim(length: number, options: WaitOptions, callback: ResultCallback<Space>): void;
  claim(length: number, ...args: unknown[]): Promise<Space> | undefined {
    const begin = () => {
      const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
      return this.#producer.claim(cells, cells, (slot) => this.#space(slot, length));
    };
    return this.#dispatch(Word.Space, args, begin);
  }

  /** As {@link Queue.claim}; blocks the thread. */
  claimSync(length: number, options?: SyncWaitOptions): Space {
    const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
    const timeout = syncTimeout(options);
    return this.#space(this.#producer.claimSync(cells, cells, timeout), length);
  }

  /** As {@link Queue.claim}; undefined when there is no room now. */
  tryClaim(length: number, options?: NoOptions): Space | undefined {
    noOptions(options);
    const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
    const slot = this.#producer.claimAtOnce(cells, cells);
    return slot < 0 ? undefined : this.#space(slot, length);
  }

  /**
   * Takes the oldest message that no consumer has, when there is one.
   *
   * @returns a copy of it
   * @throws UnreadableMessageError `ERR_MESSAGE_UNREADABLE` when it cannot be decoded
   * @throws DisruptorError `ERR_QUEUE_FULL` when it is one for the `deadLetters` and there is no room.
   * After either it is the next again
   */
  dequeue(options?: WaitOptions): Promise<Out>;
  dequeue(callback: ResultCallback<Out>): void;
  dequeue(options: WaitOptions, callback: ResultCallback<Out>): void;
  /**
   * The same, copying the message's bytes, as they were sent, without making a Buffer.
   *
   * @param target - where to; it is the queue's until then
   * @returns how many they are
   * @throws RangeError `ERR_OUT_OF_RANGE` when the target is too small: the message is the next again
   */
  dequeue(target: Uint8Array, options?: WaitOptions): Promise<number>;
  dequeue(target: Uint8Array, callback: ResultCallback<number>): void;
  dequeue(target: Uint8Array, options: WaitOptions, callback: ResultCallback<number>): void;
  dequeue(...args: unknown[]): Promise<Out | number> | undefined {
    const [target, ...rest] = args;
    if (!ArrayBuffer.isView(target)) {
      return this.#dispatch(Word.Data, args, () => ({ attempt: () => this.#receiver.dequeue(0) }));
    }
    const begin = () => {
      const bytes = targetOf(target);
      return { attempt: () => this.#receiver.move(bytes, 0) };
    };
    return this.#dispatch(Word.Data, rest, begin);
  }

  /** As {@link Queue.dequeue}; blocks the thread. */
  dequeueSync(options?: SyncWaitOptions): Out;
  dequeueSync(target: Uint8Array, options?: SyncWaitOptions): number;
  dequeueSync(first?: Uint8Array | SyncWaitOptions, options?: SyncWaitOptions): Out | number {
    if (ArrayBuffer.isView(first)) {
      const target = targetOf(first);
      return this.#awaited((milliseconds) => this.#receiver.move(target, milliseconds), options);
    }
    return this.#awaited((milliseconds) => this.#receiver.dequeue(milliseconds), first);
  }

  /** As {@link Queue.dequeue}; undefined when there is nothing now. */
  tryDequeue(): Out | undefined;
  tryDequeue(target: Uint8Array, options?: NoOptions): number | undefined;
  tryDequeue(target?: Uint8Array, options?: NoOptions): Out | number | undefined {
    noOptions(options);
    // Without a closure, which costs a tenth of a short message.
    try {
      const result =
        target === undefined ? this.#receiver.dequeue(0) : this.#receiver.move(targetOf(target), 0);
      if (this.#patience.busy) this.#patience.over();
      return result;
    } catch (error) {
      this.#patience.forgive(error);
      return undefined;
    }
  }

  /**
   * As {@link Queue.dequeue} for several: at least one, and at most `max` of those that are there. It
   * ends before a message that cannot be had, which the next call then meets.
   *
   * @param max - an integer from 1
   */
  dequeueMany(max: number, options?: WaitOptions): Promise<Out[]>;
  dequeueMany(max: number, callback: ResultCallback<Out[]>): void;
  dequeueMany(max: number, options: WaitOptions, callback: ResultCallback<Out[]>): void;
  dequeueMany(max: number, ...args: unknown[]): Promise<Out[]> | undefined {
    const begin = () => {
      const most = integer(max, 'max', 1);
      return { attempt: () => this.#receiver.dequeueSeveral(most, 0) };
    };
    return this.#dispatch(Word.Data, args, begin);
  }

  /** As {@link Queue.dequeueMany}; blocks the thread. */
  dequeueManySync(max: number, options?: SyncWaitOptions): Out[] {
    const most = integer(max, 'max', 1);
    return this.#awaited(
      (milliseconds) => this.#receiver.dequeueSeveral(most, milliseconds),
      options,
    );
  }

  /**
   * As {@link Queue.dequeueMany}, copying the messages' bytes, as they were sent, one behind the other,
   * without making a Buffer: at least one message, and as many as are there and fit.
   *
   * @param target - where to; it and `lengths` are the queue's until then
   * @param lengths - how many messages at most; the first entries become the messages' lengths
   * @returns how many they are
   * @throws RangeError `ERR_OUT_OF_RANGE` when the target is too small for the first, which is then the
   * next again, and when `lengths` is empty; TypeError for other arrays
   */
  dequeuePacked(target: Uint8Array, lengths: Uint32Array, options?: WaitOptions): Promise<number>;
  dequeuePacked(target: Uint8Array, lengths: Uint32Array, callback: ResultCallback<number>): void;
  dequeuePacked(
    target: Uint8Array,
    lengths: Uint32Array,
    options: WaitOptions,
    callback: ResultCallback<number>,
  ): void;
  dequeuePacked(
    target: Uint8Array,
    lengths: Uint32Array,
    ...args: unknown[]
  ): Promise<number> | undefined {
    const attempt = () => this.#receiver.moveSeveral(target, lengths, 0);
    return this.#dispatch(Word.Data, args, () => ({ attempt }));
  }

  /** As {@link Queue.dequeuePacked}; blocks the thread. */
  dequeuePackedSync(target: Uint8Array, lengths: Uint32Array, options?: SyncWaitOptions): number {
    return this.#awaited(
      (milliseconds) => this.#receiver.moveSeveral(target, lengths, milliseconds),
      options,
    );
  }

  /** As {@link Queue.dequeuePacked}; 0 when there is nothing now. */
  tryDequeuePacked(target: Uint8Array, lengths: Uint32Array, options?: NoOptions): number {
    noOptions(options);
    return this.#patience.look(() => this.#receiver.moveSeveral(target, lengths, 0)) ?? 0;
  }

  /**
   * Takes a message that stays in the queue until it is acknowledged. Several may be held at a time.
   *
   * @throws UnreadableMessageError, DisruptorError as {@link Queue.dequeue}; also
   * `ERR_TOO_MANY_CONSUMERS` when as many are held as the queue was made for
   */
  receive(options?: WaitOptions): Promise<Message<Out>>;
  receive(callback: ResultCallback<Message<Out>>): void;
  receive(options: WaitOptions, callback: ResultCallback<Message<Out>>): void;
  receive(...args: unknown[]): Promise<Message<Out>> | undefined {
    return this.#dispatch(Word.Data, args, () => ({ attempt: () => this.#receiver.message(0) }));
  }

  /** As {@link Queue.receive}; blocks the thread. */
  receiveSync(options?: SyncWaitOptions): Message<Out> {
    return this.#awaited((milliseconds) => this.#receiver.message(milliseconds), options);
  }

  /** As {@link Queue.receive}; undefined when there is nothing now. */
  tryReceive(options?: NoOptions): Message<Out> | undefined {
    noOptions(options);
    return this.#patience.look(() => this.#receiver.message(0));
  }

  /**
   * Gets rid of a message that cannot be read: the one with which the latest call of this object that
   * took messages failed with `ERR_MESSAGE_UNREADABLE`. It goes to the `deadLetters`, however often it was
   * delivered; without them it is dropped.
   *
   * @param sequence - the error's `sequence`
   * @returns false for any other message: another call has taken messages since. If the message is still
   * there, it comes again
   * @throws DisruptorError `ERR_QUEUE_FULL` when there is no room among the `deadLetters`: the message
   * stays the next one
   */
  reject(sequence: number, options?: NoOptions): boolean {
    noOptions(options);
    return this.#receiver.reject(integer(sequence, 'sequence'));
  }

  /**
   * As {@link Queue.dequeue}, but the message is out of the queue only when it is finished; given back,
   * it goes to the next consumer.
   *
   * @internal
   */
  deliver(options: WaitOptions): Promise<PendingDelivery<Out>> {
    const attempt = () => this.#receiver.deliver();
    return this.attachment.waiter.promised(Word.Data, this.#patiently({ attempt }), options);
  }

  /** `for await (const value of queue)`: as {@link Queue.dequeue}, again and again. */
  [Symbol.asyncIterator](): AsyncGenerator<Out, void, undefined> {
    return untilEnd(
      () => this.dequeue(),
      () => this.closed,
    );
  }

  /**
   * Where messages go, as bytes, that were delivered `maxDeliveries` times and are still in the queue:
   * never acknowledged, or never decoded. When the consumer that moves a message dies, the message may be
   * there twice.
   */
  set deadLetters(queue: Queue | undefined) {
    if (queue !== undefined && !(queue instanceof Queue)) {
      throw wrongType('a Queue', 'deadLetters', queue);
    }
    this.#deadLetters = queue;
    this.#receiver.bury =
      queue &&
      ((bytes) => {
        queue.#bury(bytes);
      });
  }

  /** Undefined, the default: such messages are delivered again and again. */
  get deadLetters(): Queue | undefined {
    return this.#deadLetters;
  }

  /** What can be said of the queue at this moment: cheap, and disturbs nobody. */
  stats(options?: NoOptions): QueueStatistics {
    noOptions(options);
    return queueStatistics(this.attachment.ring);
  }

  #dispatch<T>(
    word: Word,
    args: unknown[],
    begin: () => QueuedOperation<T>,
  ): Promise<T> | undefined {
    // Messages are sent in the order of the calls.
    const inLine = () =>
      word === Word.Space ? this.#line.behind(begin()) : this.#patiently(begin());
    return this.attachment.waiter.dispatch<T, ResultCallback<T>>(
      word,
      args,
      inLine,
      (done, result) => {
        done(null, result);
      },
    );
  }

  // Blocks the thread until `attempt` gives something.
  #awaited<T>(
    attempt: (milliseconds: number) => T | undefined,
    options: SyncWaitOptions | undefined,
  ): T {
    const timeout = syncTimeout(options);
    let result = attempt(timeout === undefined ? SLICE_MILLISECONDS : 0);
    if (result !== undefined) return result;
    const tries = (milliseconds: number) => {
      result = attempt(milliseconds);
      return result === undefined ? 0 : 1;
    };
    blockUntil(this.attachment.waiter, tries, 0, timeout);
    return result as T;
  }

  #patiently<T>({ attempt, ...rest }: Operation<T>): Operation<T> {
    const again = () => {
      this.attachment.waiter.look();
    };
    return { ...rest, attempt: patient(attempt, again) };
  }

  #encode(value: In): Uint8Array {
    const encoding = this.#encoding;
    if (!encoding) {
      const bytes = bytesOf(value);
      if (bytes.length > this.maxMessage) throw this.#tooLong(bytes.length);
      return bytes;
    }
    for (;;) {
      const length = encoding.encode(value, this.#scratch, 0);
      if (length !== NO_ROOM) return this.#scratch.subarray(0, length);
      if (this.#scratch.length === this.maxMessage) throw this.#tooLong('more');
      const size = Math.max(FIRST_SCRATCH, 2 * this.#scratch.length);
      this.#scratch = Buffer.alloc(Math.min(size, this.maxMessage));
    }
  }

  #tooLong(actual: unknown): Error {
    return outOfRange(`at most ${this.maxMessage} bytes`, 'value', actual);
  }

  #batch(values: Iterable<In>): BatchSend {
    return new BatchSend(
      values,
      (value) => this.#encode(value as In),
      (bytes, milliseconds) => this.#send(bytes, milliseconds),
    );
  }

  #packed(bytes: Uint8Array, lengths: Uint32Array): PackedBatchSend {
    checkPacked(bytes, lengths, this.maxMessage);
    return new PackedBatchSend(this.attachment.ring, this.maxMessage, bytes, lengths);
  }

  #sending(batch: BatchSend | PackedBatchSend): QueuedOperation<number> {
    const { waiter } = this.attachment;
    let turn: NodeJS.Immediate | undefined;
    return {
      attempt: () => {
        const needed = batch.advance(MAX_PER_TURN);
        if (needed === undefined) return batch.last;
        // With room for more: nobody else would have it go on.
        if (needed === 'turn') {
          turn ??= setImmediate(() => {
            turn = undefined;
            waiter.look();
          });
        }
        return undefined;
      },
      keep: () => {
        batch.keep();
      },
      underWay: () => turn !== undefined,
      answered: (error) => {
        batch.end(error);
      },
    };
  }

  // Its sequence; NOT_SENT when there is no room within so many milliseconds.
  #send(bytes: Uint8Array, milliseconds = 0): number {
    return this.attachment.ring.sendMessage(bytes, milliseconds);
  }

  #space(slot: number, length: number): Space {
    const { ring } = this.attachment;
    const { claimStart, claimEnd } = ring;
    const view = this.#cells.view(slot, length);
    this.#cells.head(slot, length);
    const end = (options?: NoOptions) => {
      noOptions(options);
      return this.#producer.commitAnyway(claimStart, claimEnd);
    };
    const abort = (options?: NoOptions) => {
      noOptions(options);
      // Whoever takes it sees that there is nothing to be had.
      if (!ring.uncommitted(claimStart, claimEnd)) return false;
      this.#cells.drop(slot);
      return end();
    };
    return { view, commit: end, abort };
  }

  // Drops a message. That makes no room as long as somebody holds one before it.
  #drop({ memberSlot, start }: Assignment): void {
    const { ring } = this.attachment;
    ring.finishAssignment(memberSlot);
    this.#dropped += 1;
    // Whoever copies a message, or drops it, holds it for a moment.
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      if (ring.consumerSequence(GROUP) > start) return;
    }
    this.#stuckAt = ring.consumerSequence(GROUP);
  }

  // Takes in what another queue could not get rid of, as it is.
  #bury(bytes: Uint8Array): void {
    if (this.closed) throw released();
    const { name, maxMessage } = this;
    const reason =
      bytes.length > maxMessage
        ? `takes at most ${maxMessage} bytes, and the message has ${bytes.length}`
        : 'has no room';
    if (bytes.length <= maxMessage && this.#send(bytes) >= 0) return;
    throw new DisruptorError(
      'ERR_QUEUE_FULL',
      `The queue of dead letters '${name}' ${reason}: set deadLetters to another one, or undefined`,
    );
  }
}

// Sends all of them, blocking the thread.
function sentSync(
  waiter: Waiter,
  batch: BatchSend | PackedBatchSend,
  timeout: number | undefined,
): number {
  const tries = (milliseconds: number) => {
    const full = batch.advance(Infinity) !== undefined;
    if (full && milliseconds > 0) batch.advance(1, milliseconds);
    return Number(!full);
  };
  try {
    // No clock where there is room for all.
    if (batch.advance(Infinity) !== undefined) blockUntil(waiter, tries, 0, timeout);
  } catch (error) {
    batch.end(error);
    throw error;
  }
  return batch.last;
}

function targetOf(target: unknown): Uint8Array {
  if (target instanceof Uint8Array) return target;
  throw wrongType('a Uint8Array', 'target', target);
}

function attach(
  path: string,
  options: QueueOpenOptions<never>,
  create?: Creation,
): Steps<Attachment> {
  return Attachment.to({
    name: located(path, options.path),
    path,
    kind: Kind.Queue,
    role: 'queue',
    create,
    expected: {},
    spin: true,
    strategy: ringWaiting(options),
  });
}

function encodingOf({
  encoding,
}: QueueOpenOptions<never>): ResolvedEncoding<never, unknown> | undefined {
  const given: unknown = encoding;
  return given === undefined ? undefined : resolveEncoding(given as never);
}

function deliveriesOf({ maxDeliveries }: QueueOpenOptions<never>): number {
  return maxDeliveries === undefined ? Infinity : integer(maxDeliveries, 'maxDeliveries', 1);
}

function full(): Error {
  return new DisruptorError('ERR_QUEUE_FULL', 'What is in the way is in others’ hands');
}
