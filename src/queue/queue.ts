import { Attachment } from '../segment/attachment.js';
import type { Callback, SyncWaitOptions } from '../ring/disruptor-producer.js';
import { NO_ROOM, resolveEncoding } from '../values/encoding.js';
import type {
  DecodedValue,
  EncodableValue,
  AnyEncoding,
  ResolvedEncoding,
} from '../values/encoding.js';
import { DisruptorError } from '../errors.js';
import { bytesOf } from '../values/format.js';
import { underName } from '../segment/free-name.js';
import { Line, once } from '../waiting/line.js';
import type { Standing } from '../waiting/line.js';
import { Message } from './message.js';
import type { Acknowledgement } from './message.js';
import { Kind } from '../native/creation.js';
import { Start } from '../native/joining.js';
import type { Creation } from '../native/creation.js';
import type { Share } from '../native/ring.js';
import { located } from '../segment/location.js';
import type { SegmentPath } from '../segment/location.js';
import { Participant } from '../segment/participant.js';
import { Producer } from '../ring/producer.js';
import { CELL, cellsOf, CONSUMERS, HEADER, queueCreation } from './queue-options.js';
import type { QueueFormat, QueueOptions } from './queue-options.js';
import { checkPacked, checkTarget, PackedShipment } from './packed.js';
import { Shipment } from './shipment.js';
import { queueStatistics } from './queue-statistics.js';
import type { QueueStatistics } from './queue-statistics.js';
import { optionsObject, ringWaiting } from '../ring/ring-options.js';
import { integer, outOfRange, wrongResult, wrongType } from '../validate.js';
import { insist, SLICE_MILLISECONDS, waitOptions, Word } from '../waiting/waiter.js';
import { Patience, patient } from '../waiting/patience.js';
import type { Operation, WaitOptions } from '../waiting/waiter.js';
import { unlinkSegment } from '../segment/segments.js';
import { doLater, doNow } from '../steps.js';
import type { Steps } from '../steps.js';

/** What can be enqueued without an encoding. */
export type Bytes = ArrayBufferView | string;

/** The queue that such options make. */
export type QueueOf<E> = [E] extends [AnyEncoding]
  ? Queue<EncodableValue<E>, DecodedValue<E>>
  : Queue;

/** Space for a message that is not yet sent. */
export interface Space {
  /** Where it goes: a view of shared memory of as many bytes as were asked for. */
  readonly view: Buffer;
  /** Sends it. @returns false when it was sent or dropped before */
  commit(): boolean;
  /** Drops it: nobody gets it. @returns false when it was sent or dropped before */
  abort(): boolean;
}

/** A value that may go back into the queue. @internal */
export interface Loan<Out> extends Acknowledgement {
  readonly value: Out;
}

const WORDS_IN_CELL = CELL / Uint32Array.BYTES_PER_ELEMENT;
const FIRST_SCRATCH = 65_536;
/** The entry of the group of all consumers. */
const GROUP = 0;
/** How often dropping looks whether somebody lets go of what lies before. */
const MOST_LOOKS = 1000;
/** In the place of a sequence. */
const NOT_SENT = -1;
/** How many messages of one call are sent before the event loop has a turn. */
const MOST_PER_TURN = 256;

/**
 * A queue: each message goes to one consumer, in the order in which they were sent. Any number of
 * objects in any number of processes and threads send and receive; one object belongs to one thread.
 *
 * Received without acknowledgement, a message was returned or is still there. With acknowledgement it
 * stays in the queue until it is acknowledged; when its consumer dies, closes or gives it back, the
 * next one gets it, marked as redelivered. A message that somebody holds does not hold up the others,
 * until the queue has gone once round to it: then senders wait.
 *
 * Methods that may wait reject, or call back, with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED` or
 * `ERR_SEGMENT_REPLACED`.
 */
export class Queue<In = Bytes, Out = Buffer> extends Participant {
  /** The name under which others open it. */
  readonly name: string;
  /** The most bytes that a message can have. */
  readonly maxMessage: number;
  readonly #encoding: ResolvedEncoding<In, Out> | undefined;
  readonly #producer: Producer;
  readonly #line = new Line(() => {
    this.attachment.waiter.look();
  });
  readonly #memory: Buffer;
  readonly #words: Uint32Array;
  readonly #maxDeliveries: number;
  /** Of what does not wait. */
  readonly #patience = new Patience();
  #deadLetters: Queue | undefined;
  #scratch = Buffer.alloc(0);
  #joined = false;
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
    this.#maxDeliveries = maxDeliveries;
    this.#producer = new Producer(attachment);
    this.#memory = attachment.slots.all;
    this.#words = new Uint32Array(ring.elements);
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
    const options = optionsObject<QueueOptions<never>>(path === undefined ? first : second);
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
    options?: Omit<QueueFormat<never>, 'encoding'> & { encoding?: E },
  ): QueueOf<E>;
  static open(name: string, given: unknown = {}): unknown {
    return doNow(Queue.#open(name, given));
  }

  /** As {@link Queue.open}, without blocking the event loop. */
  static openAsync<const E extends AnyEncoding | undefined = undefined>(
    name: string,
    options?: Omit<QueueFormat<never>, 'encoding'> & { encoding?: E },
  ): Promise<QueueOf<E>>;
  static openAsync(name: string, given: unknown = {}): Promise<unknown> {
    return doLater(Queue.#open(name, given));
  }

  static *#open(name: string, given: unknown): Steps<unknown> {
    const options = optionsObject<QueueFormat<never>>(given);
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
  static unlink(name: string, options?: SegmentPath): void {
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
  enqueue(value: In, callback: Callback<number>): void;
  enqueue(value: In, options: WaitOptions, callback: Callback<number>): void;
  enqueue(value: In, ...args: unknown[]): Promise<number> | undefined {
    const begin = (): Standing<number> => {
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
    return this.#face(Word.Space, args, begin);
  }

  /** As {@link Queue.enqueue}; blocks the thread. */
  enqueueSync(value: In, options?: SyncWaitOptions): number {
    const bytes = this.#encode(value);
    const timeout = waitOptions(options)?.timeout;
    const sequence = this.#send(bytes);
    if (sequence >= 0) return sequence;
    return insist((milliseconds) => this.#send(bytes, milliseconds), NOT_SENT, timeout);
  }

  /** As {@link Queue.enqueue}; false when there is no room now. */
  tryEnqueue(value: In): boolean {
    return this.#send(this.#encode(value)) >= 0;
  }

  /**
   * Sends several messages in their order, as many at a time as there is room for. Of this object's,
   * none comes between them but by a call that does not wait its turn (`enqueueSync`, `try`...).
   *
   * When it fails in the middle, the first ones are sent and the others are not: the error says in
   * `sent` how many ({@link PartlySent}), whether it is an `AbortError`, `ERR_TIMEOUT`, a value that
   * cannot be sent, or what `values` themselves threw.
   *
   * @param values - each is asked for when its turn comes, and taken as it is then
   * @param options - for all of them together; as long as there is room no timeout ends it
   * @returns the sequence of the last; -1 without values
   */
  enqueueMany(values: Iterable<In>, options?: WaitOptions): Promise<number>;
  enqueueMany(values: Iterable<In>, callback: Callback<number>): void;
  enqueueMany(values: Iterable<In>, options: WaitOptions, callback: Callback<number>): void;
  enqueueMany(values: Iterable<In>, ...args: unknown[]): Promise<number> | undefined {
    return this.#face(Word.Space, args, () => this.#sending(this.#shipment(values)));
  }

  /** As {@link Queue.enqueueMany}; blocks the thread. */
  enqueueManySync(values: Iterable<In>, options?: SyncWaitOptions): number {
    const timeout = waitOptions(options)?.timeout;
    return sentSync(this.#shipment(values), timeout);
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
  enqueuePacked(bytes: Uint8Array, lengths: Uint32Array, callback: Callback<number>): void;
  enqueuePacked(
    bytes: Uint8Array,
    lengths: Uint32Array,
    options: WaitOptions,
    callback: Callback<number>,
  ): void;
  enqueuePacked(
    bytes: Uint8Array,
    lengths: Uint32Array,
    ...args: unknown[]
  ): Promise<number> | undefined {
    return this.#face(Word.Space, args, () => this.#sending(this.#packed(bytes, lengths)));
  }

  /** As {@link Queue.enqueuePacked}; blocks the thread. */
  enqueuePackedSync(bytes: Uint8Array, lengths: Uint32Array, options?: SyncWaitOptions): number {
    const timeout = waitOptions(options)?.timeout;
    return sentSync(this.#packed(bytes, lengths), timeout);
  }

  /** As {@link Queue.enqueuePacked}: those for which there is room now. @returns how many */
  tryEnqueuePacked(bytes: Uint8Array, lengths: Uint32Array): number {
    const shipment = this.#packed(bytes, lengths);
    try {
      shipment.advance(Infinity);
    } catch (error) {
      shipment.end(error);
      throw error;
    }
    return shipment.sent;
  }

  /**
   * Sends without waiting: drops the oldest messages that nobody has, until there is room.
   *
   * @returns how many were dropped, since the last that was sent so
   * @throws DisruptorError `ERR_QUEUE_FULL` when what is in the way is in others' hands. One message
   * may have been dropped in vain then, and is counted the next time
   */
  enqueueShift(value: In): number {
    const bytes = this.#encode(value);
    const { ring } = this.attachment;
    while (this.#send(bytes) < 0) {
      const gate = ring.consumerSequence(GROUP);
      const share = gate === this.#stuckAt ? undefined : this.#oldest();
      if (share) {
        this.#drop(share);
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
  claim(length: number, callback: Callback<Space>): void;
  claim(length: number, options: WaitOptions, callback: Callback<Space>): void;
  claim(length: number, ...args: unknown[]): Promise<Space> | undefined {
    const begin = () => {
      const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
      return this.#producer.claim(cells, cells, (slot) => this.#space(slot, length));
    };
    return this.#face(Word.Space, args, begin);
  }

  /** As {@link Queue.claim}; blocks the thread. */
  claimSync(length: number, options?: SyncWaitOptions): Space {
    const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
    const timeout = waitOptions(options)?.timeout;
    return this.#space(this.#producer.claimSync(cells, cells, timeout), length);
  }

  /** As {@link Queue.claim}; undefined when there is no room now. */
  tryClaim(length: number): Space | undefined {
    const cells = cellsOf(integer(length, 'length', 0, this.maxMessage));
    const slot = this.#producer.claimAtOnce(cells, cells);
    return slot < 0 ? undefined : this.#space(slot, length);
  }

  /**
   * Takes the oldest message that nobody has, when there is one.
   *
   * @returns a copy of it
   */
  dequeue(options?: WaitOptions): Promise<Out>;
  dequeue(callback: Callback<Out>): void;
  dequeue(options: WaitOptions, callback: Callback<Out>): void;
  /**
   * The same, copying the message's bytes, as they were sent, without making a Buffer.
   *
   * @param target - where to; it is the queue's until then
   * @returns how many they are
   * @throws RangeError `ERR_OUT_OF_RANGE` when the target is too small: the message is the next again
   */
  dequeue(target: Uint8Array, options?: WaitOptions): Promise<number>;
  dequeue(target: Uint8Array, callback: Callback<number>): void;
  dequeue(target: Uint8Array, options: WaitOptions, callback: Callback<number>): void;
  dequeue(...args: unknown[]): Promise<Out | number> | undefined {
    const [target, ...rest] = args;
    if (!ArrayBuffer.isView(target)) {
      return this.#face(Word.Data, args, () => ({ attempt: () => this.#receive()?.value }));
    }
    const begin = () => {
      const bytes = targetOf(target);
      return { attempt: () => this.#move(bytes, 0) };
    };
    return this.#face(Word.Data, rest, begin);
  }

  /** As {@link Queue.dequeue}; blocks the thread. */
  dequeueSync(options?: SyncWaitOptions): Out;
  dequeueSync(target: Uint8Array, options?: SyncWaitOptions): number;
  dequeueSync(first?: Uint8Array | SyncWaitOptions, options?: SyncWaitOptions): Out | number {
    if (ArrayBuffer.isView(first)) {
      const target = targetOf(first);
      return awaited((milliseconds) => this.#move(target, milliseconds), options);
    }
    return this.#copied(awaited((milliseconds) => this.#take(milliseconds), first)).value;
  }

  /** As {@link Queue.dequeue}; undefined when there is nothing now. */
  tryDequeue(): Out | undefined;
  tryDequeue(target: Uint8Array): number | undefined;
  tryDequeue(target?: Uint8Array): Out | number | undefined {
    // Without a closure, which costs a tenth of a short message.
    try {
      const result =
        target === undefined ? this.#receive()?.value : this.#move(targetOf(target), 0);
      if (this.#patience.busy) this.#patience.over();
      return result;
    } catch (error) {
      this.#patience.forgive(error);
      return undefined;
    }
  }

  /**
   * As {@link Queue.dequeue} for several: at least one, and at most `max` of those that are there.
   *
   * @param max - an integer from 1
   */
  dequeueMany(max: number, options?: WaitOptions): Promise<Out[]>;
  dequeueMany(max: number, callback: Callback<Out[]>): void;
  dequeueMany(max: number, options: WaitOptions, callback: Callback<Out[]>): void;
  dequeueMany(max: number, ...args: unknown[]): Promise<Out[]> | undefined {
    const begin = () => {
      const most = integer(max, 'max', 1);
      return { attempt: () => this.#several(this.#take(0), most) };
    };
    return this.#face(Word.Data, args, begin);
  }

  /** As {@link Queue.dequeueMany}; blocks the thread. */
  dequeueManySync(max: number, options?: SyncWaitOptions): Out[] {
    const most = integer(max, 'max', 1);
    return awaited((milliseconds) => this.#several(this.#take(milliseconds), most), options);
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
  dequeuePacked(target: Uint8Array, lengths: Uint32Array, callback: Callback<number>): void;
  dequeuePacked(
    target: Uint8Array,
    lengths: Uint32Array,
    options: WaitOptions,
    callback: Callback<number>,
  ): void;
  dequeuePacked(
    target: Uint8Array,
    lengths: Uint32Array,
    ...args: unknown[]
  ): Promise<number> | undefined {
    const attempt = () => this.#moveSeveral(target, lengths, 0);
    return this.#face(Word.Data, args, () => ({ attempt }));
  }

  /** As {@link Queue.dequeuePacked}; blocks the thread. */
  dequeuePackedSync(target: Uint8Array, lengths: Uint32Array, options?: SyncWaitOptions): number {
    return awaited((milliseconds) => this.#moveSeveral(target, lengths, milliseconds), options);
  }

  /** As {@link Queue.dequeuePacked}; 0 when there is nothing now. */
  tryDequeuePacked(target: Uint8Array, lengths: Uint32Array): number {
    return this.#patience.look(() => this.#moveSeveral(target, lengths, 0)) ?? 0;
  }

  /**
   * Takes a message that stays in the queue until it is acknowledged. Several may be held at a time.
   *
   * @throws DisruptorError `ERR_TOO_MANY_CONSUMERS` when as many are held as the queue was made for,
   * `ERR_QUEUE_FULL` when the message is one for the `deadLetters` and there is no room: it is the next
   * again, as one is that cannot be decoded
   */
  receive(options?: WaitOptions): Promise<Message<Out>>;
  receive(callback: Callback<Message<Out>>): void;
  receive(options: WaitOptions, callback: Callback<Message<Out>>): void;
  receive(...args: unknown[]): Promise<Message<Out>> | undefined {
    return this.#face(Word.Data, args, () => ({ attempt: () => this.#message(0) }));
  }

  /** As {@link Queue.receive}; blocks the thread. */
  receiveSync(options?: SyncWaitOptions): Message<Out> {
    return awaited((milliseconds) => this.#message(milliseconds), options);
  }

  /** As {@link Queue.receive}; undefined when there is nothing now. */
  tryReceive(): Message<Out> | undefined {
    return this.#patience.look(() => this.#message(0));
  }

  /**
   * As {@link Queue.dequeue}, but the message is out of the queue only when it is finished; given back,
   * it goes to the next consumer.
   *
   * @internal
   */
  lend(options: WaitOptions): Promise<Loan<Out>> {
    const attempt = () => {
      const share = this.#take(0);
      return share && { value: this.#read(share), ...this.#acknowledgement(share.seat) };
    };
    return this.attachment.waiter.promised(Word.Data, this.#patiently({ attempt }), options);
  }

  /** `for await (const value of queue)`: as {@link Queue.dequeue}, again and again. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Out, never, undefined> {
    for (;;) yield await this.dequeue();
  }

  /**
   * Where messages go that were given `maxDeliveries` times and never acknowledged, as bytes. A
   * message that is moved when its mover dies may be there twice.
   */
  set deadLetters(queue: Queue | undefined) {
    if (queue !== undefined && !(queue instanceof Queue)) {
      throw wrongType('a Queue', 'deadLetters', queue);
    }
    this.#deadLetters = queue;
  }

  /** Undefined, the default: such messages are given again and again. */
  get deadLetters(): Queue | undefined {
    return this.#deadLetters;
  }

  /** What can be said of the queue at this moment: cheap, and disturbs nobody. */
  stats(): QueueStatistics {
    return queueStatistics(this.attachment.ring);
  }

  #face<T>(word: Word, args: unknown[], begin: () => Standing<T>): Promise<T> | undefined {
    // Messages are sent in the order of the calls.
    const inLine = () =>
      word === Word.Space ? this.#line.behind(begin()) : this.#patiently(begin());
    return this.attachment.waiter.face<T, Callback<T>>(word, args, inLine, (done, result) => {
      done(null, result);
    });
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

  #shipment(values: Iterable<In>): Shipment {
    return new Shipment(
      values,
      (value) => this.#encode(value as In),
      (bytes, milliseconds) => this.#send(bytes, milliseconds),
    );
  }

  #packed(bytes: Uint8Array, lengths: Uint32Array): PackedShipment {
    checkPacked(bytes, lengths, this.maxMessage);
    return new PackedShipment(this.attachment.ring, this.maxMessage, bytes, lengths);
  }

  #sending(shipment: Shipment | PackedShipment): Standing<number> {
    const { waiter } = this.attachment;
    let turn: NodeJS.Immediate | undefined;
    return {
      attempt: () => {
        const needed = shipment.advance(MOST_PER_TURN);
        if (needed === undefined) return shipment.last;
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
        shipment.keep();
      },
      underWay: () => turn !== undefined,
      answered: (error) => {
        shipment.end(error);
      },
    };
  }

  // Its sequence; NOT_SENT when there is no room within so many milliseconds.
  #send(bytes: Uint8Array, milliseconds = 0): number {
    return this.attachment.ring.sendMessage(bytes, milliseconds);
  }

  #head(slot: number, length: number): void {
    this.#words[slot * WORDS_IN_CELL] = length;
    this.#words[slot * WORDS_IN_CELL + 1] = 0;
  }

  #space(slot: number, length: number): Space {
    const { ring } = this.attachment;
    const { claimStart, claimEnd } = ring;
    const begin = slot * CELL + HEADER;
    const view = this.#memory.subarray(begin, begin + length);
    this.#head(slot, length);
    const end = () => this.#producer.commitAnyway(claimStart, claimEnd);
    const abort = () => {
      // Whoever takes it sees that there is nothing to be had.
      if (!ring.uncommitted(claimStart, claimEnd)) return false;
      this.#words[slot * WORDS_IN_CELL + 1] = DROPPED;
      return end();
    };
    return { view, commit: end, abort };
  }

  // A queue that only sends is no consumer.
  #join(milliseconds: number): void {
    if (this.#joined) return;
    const start = { start: Start.Latest, sequence: 0 };
    const joining = { name: CONSUMERS, group: true, after: undefined, ...start };
    this.attachment.ring.join(joining, milliseconds);
    this.#joined = true;
  }

  // The length of the next message, which is out of the queue.
  #move(target: Uint8Array, milliseconds: number): number | undefined {
    this.#join(milliseconds);
    return moved(this.attachment.ring.moveMessage(target, milliseconds), target);
  }

  // How many of the next messages are out of the queue.
  #moveSeveral(target: Uint8Array, lengths: Uint32Array, milliseconds: number): number | undefined {
    checkTarget(target, lengths);
    this.#join(milliseconds);
    return moved(this.attachment.ring.moveMessages(target, lengths, milliseconds), target);
  }

  // The next share with a message in it.
  #take(milliseconds: number): Share | undefined {
    const { ring } = this.attachment;
    this.#join(milliseconds);
    for (;;) {
      const share = ring.takeShare(milliseconds);
      if (!share || this.#words[share.slot * WORDS_IN_CELL + 1] !== DROPPED) return share;
      ring.finishShare(share.seat);
    }
  }

  // The oldest that nobody alive has: what the dead had comes before what nobody had. None but that
  // one, since what is taken and not dropped would be nobody else's to receive.
  #oldest(): Share | undefined {
    return this.#patience.look(() => {
      this.#join(0);
      this.attachment.ring.tend(Word.Data);
      return this.#take(0);
    });
  }

  // Drops a message. That makes no room as long as somebody holds one before it.
  #drop({ seat, start }: Share): void {
    const { ring } = this.attachment;
    ring.finishShare(seat);
    this.#dropped += 1;
    // Whoever copies a message, or drops it, holds it for a moment.
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      if (ring.consumerSequence(GROUP) > start) return;
    }
    this.#stuckAt = ring.consumerSequence(GROUP);
  }

  #lengthOf(share: Share): number {
    const length = this.#words[share.slot * WORDS_IN_CELL]!;
    if (length <= (share.next - share.start) * CELL - HEADER) return length;
    // Nobody else is to trip over it.
    this.attachment.ring.finishShare(share.seat);
    throw new DisruptorError('ERR_SEGMENT_CORRUPT', 'A message is longer than its place');
  }

  #receive(): { value: Out } | undefined {
    const share = this.#take(0);
    return share && this.#copied(share);
  }

  // What a share holds, and those behind it.
  #several(share: Share | undefined, most: number): Out[] | undefined {
    if (!share) return undefined;
    const values = [this.#copied(share).value];
    try {
      while (values.length < most) {
        const received = this.#receive();
        if (!received) break;
        values.push(received.value);
      }
    } catch {
      // These are out of the queue. What cannot be had is the next again, and tells the next call.
    }
    return values;
  }

  // A message that is out of the queue.
  #copied(share: Share): { value: Out } {
    const value = this.#read(share);
    this.attachment.ring.finishShare(share.seat);
    return { value };
  }

  // What a share holds, without a trace of shared memory. It is the next again when that fails.
  #read(share: Share): Out {
    const begin = share.slot * CELL + HEADER;
    const end = begin + this.#lengthOf(share);
    try {
      return this.#encoding
        ? this.#decode(this.#encoding, begin, end)
        : (copied(this.#memory, begin, end) as Out);
    } catch (error) {
      this.attachment.ring.keepShare(share.seat);
      throw error;
    }
  }

  #decode(encoding: ResolvedEncoding<In, Out>, begin: number, end: number): Out {
    const value = encoding.decode(this.#memory, begin, end);
    // Receiving says so when there is no message.
    if (value === undefined) throw wrongResult('a value', 'encoding.decode', value);
    return value;
  }

  // The next message to be acknowledged. Those that were given too often are moved.
  #message(milliseconds: number): Message<Out> | undefined {
    for (;;) {
      const share = this.#take(milliseconds);
      if (!share) return undefined;
      const { ring } = this.attachment;
      const { slot, seat, start: sequence, redelivered } = share;
      const begin = slot * CELL + HEADER;
      const end = begin + this.#lengthOf(share);
      const deliveries = this.#words[slot * WORDS_IN_CELL + 1]! + 1;
      let data: Out;
      try {
        if (deliveries > this.#maxDeliveries && this.#deadLetters) {
          this.#deadLetters.#bury(this.#memory.subarray(begin, end));
          ring.finishShare(seat);
          continue;
        }
        this.#words[slot * WORDS_IN_CELL + 1] = deliveries;
        data = this.#encoding
          ? this.#decode(this.#encoding, begin, end)
          : (this.#memory.subarray(begin, end) as Out);
      } catch (error) {
        ring.keepShare(seat);
        throw error;
      }
      return new Message({ data, sequence, redelivered, deliveries }, this.#acknowledgement(seat));
    }
  }

  #acknowledgement(seat: number): Acknowledgement {
    const { ring } = this.attachment;
    let ended = false;
    const once = (end: () => boolean) => () => {
      if (ended || this.closed) return false;
      ended = true;
      return end();
    };
    return {
      finish: once(() => ring.finishShare(seat)),
      giveBack: once(() => ring.giveBackShare(seat)),
    };
  }

  // Takes in what another queue could not get rid of, as it is.
  #bury(bytes: Uint8Array): void {
    if (bytes.length > this.maxMessage) throw this.#tooLong(bytes.length);
    if (this.#send(bytes) >= 0) return;
    throw new DisruptorError('ERR_QUEUE_FULL', 'There is no room among the dead letters');
  }
}

// Sends all of them, blocking the thread.
function sentSync(shipment: Shipment | PackedShipment, timeout: number | undefined): number {
  const tries = (milliseconds: number) => {
    const full = shipment.advance(Infinity) !== undefined;
    if (full && milliseconds > 0) shipment.advance(1, milliseconds);
    return Number(!full);
  };
  try {
    insist(tries, 0, timeout);
  } catch (error) {
    shipment.end(error);
    throw error;
  }
  return shipment.last;
}

// What moving gave; undefined when there is nothing. Throws when it did not fit into the target.
function moved(outcome: number, target: Uint8Array): number | undefined {
  if (outcome >= 0) return outcome;
  if (outcome === -1) return undefined;
  throw outOfRange(`at least ${-1 - outcome} bytes`, 'target', target.length);
}

function targetOf(target: unknown): Uint8Array {
  if (target instanceof Uint8Array) return target;
  throw wrongType('a Uint8Array', 'target', target);
}

/** Blocks the thread until `attempt` gives something. */
function awaited<T>(
  attempt: (milliseconds: number) => T | undefined,
  options: SyncWaitOptions | undefined,
): T {
  const timeout = waitOptions(options)?.timeout;
  let result = attempt(timeout === undefined ? SLICE_MILLISECONDS : 0);
  if (result !== undefined) return result;
  const tries = (milliseconds: number) => {
    result = attempt(milliseconds);
    return result === undefined ? 0 : 1;
  };
  insist(tries, 0, timeout);
  return result as T;
}

function copied(memory: Buffer, begin: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - begin);
  memory.copy(bytes, 0, begin, end);
  return bytes;
}

/** In the place of the number of deliveries: the message was dropped before it was sent. */
const DROPPED = 0xffff_ffff;

function attach(path: string, options: QueueFormat<never>, create?: Creation): Steps<Attachment> {
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
}: QueueFormat<never>): ResolvedEncoding<never, unknown> | undefined {
  const given: unknown = encoding;
  return given === undefined ? undefined : resolveEncoding(given as never);
}

function deliveriesOf({ maxDeliveries }: QueueFormat<never>): number {
  return maxDeliveries === undefined ? Infinity : integer(maxDeliveries, 'maxDeliveries', 1);
}

function full(): Error {
  return new DisruptorError('ERR_QUEUE_FULL', 'What is in the way is in others’ hands');
}
