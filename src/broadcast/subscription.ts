import type { ResultCallback, SyncWaitOptions } from '../ring/ring-producer.js';
import { DisruptorError } from '../errors.js';
import { ReceiveBuffer } from './receive-buffer.js';
import type { Listening } from './listening.js';
import type { SubscriberHandle } from '../native/broadcast.js';
import type { MessageFormat } from '../values/message-format.js';
import type { Read } from '../values/reading.js';
import { SegmentHandle } from '../segment/segment-handle.js';
import { integer, noOptions, type NoOptions, outOfRange, wrongType } from '../validate.js';
import { blockUntil, mayAnswerNow, syncTimeout, untilEnd, Word } from '../waiting/waiter.js';
import type { WaitOptions } from '../waiting/waiter.js';

/** Where a subscription begins. */
export type StartPosition = 'latest' | 'oldest' | number;

/** A message of a broadcast. */
export interface ReceivedMessage<Out> {
  /** What was published: a copy that is nobody else's. */
  data: Out;
  /** Its place among all that was published: later ones have higher ones. */
  sequence: number;
  /**
   * How many were lost between the one received before, or the beginning, and this one: sequences that
   * were passed. Among them are those that a publisher never ended, or had to leave out.
   */
  lost: number;
}

/** A message that was copied to the caller's memory. */
export interface CopiedMessage extends Omit<ReceivedMessage<never>, 'data'> {
  /** How many bytes. */
  length: number;
}

/**
 * One reader of a broadcast, at its own pace: it gets every message that is published after it began,
 * in order, and is told how many it has lost when it lags by more than the broadcast keeps. Publishers
 * do not know of it. It belongs to one thread.
 *
 * Methods that may wait reject, or call back, with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED`,
 * `ERR_SEGMENT_REPLACED`, `ERR_SEGMENT_CORRUPT`, or with `onUnlinked: 'error'` `ERR_SEGMENT_UNLINKED`.
 *
 * @typeParam Out - the values
 */
export class Subscription<Out = Buffer> extends SegmentHandle {
  readonly #listening: Listening;
  readonly #subscriber: SubscriberHandle;
  readonly #read: Read<unknown>;
  readonly #receiveBuffer: ReceiveBuffer;

  /** @internal */
  constructor(listening: Listening, format: MessageFormat, from: StartPosition) {
    super(listening);
    this.#listening = listening;
    const { subscriber } = listening;
    this.#subscriber = subscriber;
    this.#read = format.reader(listening.name);
    this.#receiveBuffer = new ReceiveBuffer((buffer) => {
      subscriber.land(buffer);
    });
    this.#begin(from);
  }

  /** The sequence of the message that comes next, unless it is lost by then. */
  get position(): number {
    return this.#subscriber.extent().position;
  }

  /** How many messages were published and not yet received or lost: more than are kept are lost. */
  get lag(): number {
    const { newest, position } = this.#subscriber.extent();
    return Math.max(0, newest - position);
  }

  /**
   * The next message, as soon as there is one.
   *
   * @throws UnreadableMessageError `ERR_MESSAGE_UNREADABLE` when the message cannot be decoded. It stays
   * the next one: `tryReceive(target)` gives it as bytes, and `seek(error.sequence + 1)` passes it
   */
  receive(options?: WaitOptions): Promise<ReceivedMessage<Out>>;
  receive(callback: ResultCallback<ReceivedMessage<Out>>): void;
  receive(options: WaitOptions, callback: ResultCallback<ReceivedMessage<Out>>): void;
  receive(...args: unknown[]): Promise<ReceivedMessage<Out>> | undefined {
    const begin = () => ({ attempt: () => this.#receive(0) });
    return this.#listening.waiter.dispatch<
      ReceivedMessage<Out>,
      ResultCallback<ReceivedMessage<Out>>
    >(Word.Data, args, begin, (done, result) => {
      done(null, result);
    });
  }

  /** As {@link Subscription.receive}; blocks the thread. */
  receiveSync(options?: SyncWaitOptions): ReceivedMessage<Out> {
    let result: ReceivedMessage<Out> | undefined;
    const attempt = (milliseconds: number) => {
      result = this.#receive(milliseconds);
      return result === undefined ? 0 : 1;
    };
    const timeout = syncTimeout(options);
    // A look before the slices: they are one wait, which polls once.
    if (attempt(0) === 0) blockUntil(this.#listening.waiter, attempt, 0, timeout);
    return result!;
  }

  /** As {@link Subscription.receive}; undefined when there is nothing now. */
  tryReceive(): ReceivedMessage<Out> | undefined;
  /**
   * The same, copying the message's bytes, as they were published, without making a Buffer.
   *
   * @param target - where to
   * @throws RangeError `ERR_OUT_OF_RANGE` when it is too small: the message is the next again
   */
  tryReceive(target: Uint8Array, options?: NoOptions): CopiedMessage | undefined;
  tryReceive(
    target?: Uint8Array,
    options?: NoOptions,
  ): ReceivedMessage<Out> | CopiedMessage | undefined {
    noOptions(options);
    if (target === undefined) return this.#receive(0);
    if (!(target instanceof Uint8Array)) throw wrongType('a Uint8Array', 'target', target);
    const subscriber = this.#subscriber;
    const length = subscriber.receiveInto(target);
    if (length >= 0) return { length, sequence: subscriber.sequence, lost: subscriber.lost };
    if (length === -1) return undefined;
    throw outOfRange(`at least ${-1 - length} bytes`, 'target', target.length);
  }

  /**
   * As {@link Subscription.receive} for several: at least one, and at most `max` of those there are. It
   * ends before a message that cannot be decoded, which the next call then meets.
   */
  async receiveMany(max: number, options?: WaitOptions): Promise<ReceivedMessage<Out>[]> {
    const most = integer(max, 'max', 1);
    const all = [await this.receive(options)];
    try {
      while (all.length < most) {
        const next = this.#receive(0);
        if (!next) break;
        all.push(next);
      }
    } catch {
      // What these are is told; what went wrong is there for the next call as well.
    }
    return all;
  }

  /**
   * The newest message alone, whatever was received so far: for who wants to know how things are and
   * not how they came about. It is not taken: the next `receive` gives what it would have given.
   *
   * @returns undefined while nothing was published, or when publishers are so much faster that nothing
   * could be copied whole; `lost` is 0
   * @throws UnreadableMessageError `ERR_MESSAGE_UNREADABLE` when the message cannot be decoded
   */
  latest(options?: NoOptions): ReceivedMessage<Out> | undefined {
    noOptions(options);
    const subscriber = this.#subscriber;
    const length = this.#copy((at) => subscriber.latest(at));
    return length < 0 ? undefined : this.#received(length, subscriber.sequence, 0);
  }

  /**
   * Goes on somewhere else. What was lost and not told is forgotten.
   *
   * @param from - `'latest'`: what is published from now on; `'oldest'`: the oldest that is there; or a
   * sequence: what is gone by then counts as lost
   * @throws DisruptorError `ERR_SEQUENCE_GONE` for a sequence in the future
   */
  seek(from: StartPosition, options?: NoOptions): void {
    noOptions(options);
    this.#begin(from);
  }

  /** `for await (const { data, sequence, lost } of subscription)`: receives again and again. */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage<Out>, void, undefined> {
    return untilEnd(
      () => (mayAnswerNow() ? this.#receive(0) : undefined) ?? this.receive(),
      () => this.closed,
    );
  }

  #begin(from: unknown): void {
    const { oldest, newest } = this.#subscriber.extent();
    const named = { oldest, latest: newest };
    if (typeof from === 'string' && !Object.hasOwn(named, from)) {
      throw outOfRange("'latest', 'oldest' or a sequence", 'from', from);
    }
    const sequence =
      typeof from === 'string' ? named[from as keyof typeof named] : integer(from, 'from');
    if (this.#subscriber.seek(sequence)) return;
    throw new DisruptorError('ERR_SEQUENCE_GONE', `Sequence ${sequence} is not there yet`);
  }

  #receive(milliseconds: number): ReceivedMessage<Out> | undefined {
    const subscriber = this.#subscriber;
    const length = this.#copy((at) => subscriber.receive(at, milliseconds));
    if (length < 0) return undefined;
    const { sequence, lost } = subscriber;
    try {
      return this.#received(length, sequence, lost);
    } catch (error) {
      // What cannot be decoded is the next again, unless the decoder went on itself.
      const { closed } = this;
      if (!closed && this.position === sequence + 1) subscriber.seek(sequence, lost);
      throw error;
    }
  }

  /** Has a message copied, to where there is room for it. Its length; negative when there is none. */
  #copy(copy: (at: number) => number): number {
    for (;;) {
      const length = copy(this.#receiveBuffer.next);
      if (length >= -1) return length;
      this.#receiveBuffer.renew(-1 - length);
    }
  }

  #received(length: number, sequence: number, lost: number): ReceivedMessage<Out> {
    const receiveBuffer = this.#receiveBuffer;
    const { memory, next } = receiveBuffer;
    const end = next + length;
    receiveBuffer.keep(end);
    return { data: this.#read(memory, next, end, sequence) as Out, sequence, lost };
  }
}
