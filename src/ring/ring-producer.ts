import type { Attachment } from '../segment/attachment.js';
import { recordSent } from '../errors.js';
import type { Format } from '../values/format.js';
import { SerialQueue, once } from '../waiting/serial-queue.js';
import type { QueuedOperation } from '../waiting/serial-queue.js';
import { RingParticipant } from '../segment/ring-participant.js';
import { Producer } from './producer.js';
import type { ClaimedMany } from './producer.js';
import { integer, noOptions, type NoOptions, wrongType } from '../validate.js';
import { blockUntil, syncTimeout, Word } from '../waiting/waiter.js';
import type { Operation, WaitOptions } from '../waiting/waiter.js';

/** How long a wait that blocks the thread may take. */
export type SyncWaitOptions = Pick<WaitOptions, 'timeout'>;

/** Called with an error, or with what the promise would have given. */
export type ResultCallback<T> = (error: Error | null, result: T) => void;

/** Elements that are this producer's alone, to be filled in, until they are committed. */
export class Claim {
  /** First sequence. */
  readonly start: number;
  /** Last sequence. */
  readonly end: number;
  /** The slots: one Buffer over shared memory, or two where they run over the ring's end. */
  readonly bufs: Buffer[];
  readonly #producer: Producer;

  /** @internal */
  constructor(producer: Producer, { claimStart, claimEnd, bufs }: ClaimedMany) {
    this.#producer = producer;
    this.start = claimStart;
    this.end = claimEnd;
    this.bufs = bufs;
  }

  /**
   * Commits: for certain, and visible as soon as everything claimed before it is committed. It waits
   * for nobody. Everybody behind waits for a claim that is never committed and whose producer lives.
   *
   * @returns false when it was committed before
   * @throws DisruptorError `ERR_RELEASED`, `ERR_SEGMENT_REPLACED`
   */
  commit(options?: NoOptions): boolean {
    noOptions(options);
    return this.#producer.commitAnyway(this.start, this.end);
  }
}

/**
 * One producer of a ring. Made by `ring.producer()`; it belongs to one thread. Waiting for room waits
 * for the slowest consumer; if there is none nobody is waited for. What it claimed and has not
 * committed when it closes or dies becomes a gap.
 *
 * Methods that may wait reject, or call back, with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED`,
 * `ERR_SEGMENT_REPLACED`, with `onUnlinked: 'error'` `ERR_SEGMENT_UNLINKED`, and `ERR_PRODUCER_BUSY` or `ERR_TOO_MANY_PRODUCERS` when the ring takes no
 * further producer.
 *
 * @typeParam In - the values to publish
 */
export class RingProducer<In> extends RingParticipant {
  readonly #producer: Producer;
  readonly #format: Format<In, unknown>;
  readonly #line = new SerialQueue(() => {
    this.attachment.waiter.look();
  });

  /** @internal */
  constructor(attachment: Attachment, format: Format<In, unknown>) {
    super(attachment);
    this.#producer = new Producer(attachment);
    this.#format = format;
  }

  /**
   * Claims elements to be filled in place.
   *
   * @param count - how many: an integer from 1 to the ring's size
   */
  claim(count?: number, options?: WaitOptions): Promise<Claim>;
  claim(count: number, callback: ResultCallback<Claim>): void;
  claim(count: number, options: WaitOptions, callback: ResultCallback<Claim>): void;
  claim(count = 1, ...args: unknown[]): Promise<Claim> | undefined {
    const begin = () => {
      const most = this.#count(count);
      return this.#producer.claim(most, most, (claim) => this.#claimed(claim));
    };
    return this.#dispatch(args, begin);
  }

  /** As {@link RingProducer.claim}; blocks the thread. */
  claimSync(count = 1, options?: SyncWaitOptions): Claim {
    const most = this.#count(count);
    return this.#claimed(this.#producer.claimSync(most, most, syncTimeout(options)));
  }

  /** As {@link RingProducer.claim}; undefined when there is no room now. */
  tryClaim(count = 1, options?: NoOptions): Claim | undefined {
    noOptions(options);
    const most = this.#count(count);
    const claim = this.#producer.claimAtOnce(most, most);
    return claim < 0 ? undefined : this.#claimed(claim);
  }

  /**
   * Puts a value into the next element and commits it.
   *
   * @param value - as it is when this is called
   * @returns its sequence
   * @throws TypeError, RangeError for a value that does not fit: nothing is claimed
   */
  publish(value: In, options?: WaitOptions): Promise<number>;
  publish(value: In, callback: ResultCallback<number>): void;
  publish(value: In, options: WaitOptions, callback: ResultCallback<number>): void;
  publish(value: In, ...args: unknown[]): Promise<number> | undefined {
    const begin = (): QueuedOperation<number> => {
      let bytes = this.#format.encode(value);
      const attempt = () => {
        const claim = this.#producer.claimAtOnce(1, 1);
        return claim < 0 ? undefined : this.#put(claim, bytes);
      };
      // What was encoded is good only until the next value is.
      const keep = once(() => {
        bytes = Buffer.from(bytes);
      });
      return { attempt, keep };
    };
    return this.#dispatch(args, begin);
  }

  /** As {@link RingProducer.publish}; blocks the thread. */
  publishSync(value: In, options?: SyncWaitOptions): number {
    const bytes = this.#format.encode(value);
    const timeout = syncTimeout(options);
    const claim = this.#producer.claimAtOnce(1, 1);
    return this.#put(claim >= 0 ? claim : this.#producer.claimSync(1, 1, timeout), bytes);
  }

  /** As {@link RingProducer.publish}; false when there is no room now. */
  tryPublish(value: In, options?: NoOptions): boolean {
    noOptions(options);
    const bytes = this.#format.encode(value);
    const claim = this.#producer.claimAtOnce(1, 1);
    if (claim < 0) return false;
    this.#put(claim, bytes);
    return true;
  }

  /**
   * Publishes several values in their order, as many at a time as there is room for.
   *
   * If it fails in the middle, the first ones are published and the others are not: the error says in
   * `sent` how many ({@link PartialSendError}), whether it is an `AbortError`, `ERR_TIMEOUT`, or any other.
   *
   * @param options - for all of them together: one timeout, however often there is no room
   * @returns the sequence of the last; other producers' may lie between them; -1 without values
   * @throws TypeError, RangeError for a value that does not fit: none is published
   */
  publishMany(values: Iterable<In>, options?: WaitOptions): Promise<number>;
  publishMany(values: Iterable<In>, callback: ResultCallback<number>): void;
  publishMany(values: Iterable<In>, options: WaitOptions, callback: ResultCallback<number>): void;
  publishMany(values: Iterable<In>, ...args: unknown[]): Promise<number> | undefined {
    const begin = (): Operation<number> => {
      const some = this.#some(values);
      const attempt = () => {
        while (some.left > 0) {
          const claim = this.#producer.claimAtOnce(1, this.#producer.atMostAll(some.left));
          if (claim < 0) return undefined;
          some.put(claim);
        }
        return some.last;
      };
      const answered = (error: unknown) => {
        recordSent(error, some.done);
      };
      return { attempt, answered };
    };
    return this.#dispatch(args, begin);
  }

  /** As {@link RingProducer.publishMany}; blocks the thread. */
  publishManySync(values: Iterable<In>, options?: SyncWaitOptions): number {
    const some = this.#some(values);
    const timeout = syncTimeout(options);
    const claim = (milliseconds: number) => {
      const most = this.#producer.atMostAll(some.left);
      const claimed = this.#producer.claimWithin(1, most, milliseconds);
      if (claimed >= 0) some.put(claimed);
      return claimed >= 0;
    };
    const tries = (milliseconds: number) => {
      while (some.left > 0 && claim(0));
      if (some.left > 0 && milliseconds > 0) claim(milliseconds);
      return Number(some.left === 0);
    };
    try {
      blockUntil(this.attachment.waiter, tries, 0, timeout);
    } catch (error) {
      recordSent(error, some.done);
      throw error;
    }
    return some.last;
  }

  /** As {@link RingProducer.publishMany}, as far as there is room now: says how many. */
  tryPublishMany(values: Iterable<In>, options?: NoOptions): number {
    noOptions(options);
    const some = this.#some(values);
    const all = some.left;
    if (all > 0) {
      const claim = this.#producer.claimAtOnce(1, this.#producer.atMostAll(all));
      if (claim >= 0) some.put(claim);
    }
    return all - some.left;
  }

  /** The first sequence that nobody has claimed. */
  get next(): number {
    return this.attachment.ring.next();
  }

  #dispatch<T>(args: unknown[], begin: () => QueuedOperation<T>): Promise<T> | undefined {
    // Values arrive in the order in which they were published.
    const inLine = () => this.#line.behind(begin());
    return this.attachment.waiter.dispatch<T, ResultCallback<T>>(
      Word.Space,
      args,
      inLine,
      (done, result) => {
        done(null, result);
      },
    );
  }

  #count(count: unknown): number {
    return integer(count, 'count', 1, this.attachment.ring.elementCount);
  }

  #claimed(claim: number): Claim {
    return new Claim(this.#producer, this.#producer.many(claim));
  }

  #put(claim: number, bytes: Uint8Array): number {
    const { slots, ring } = this.attachment;
    fill(slots.at(claim), bytes);
    const sequence = ring.claimStart;
    ring.commitLatest(1);
    return sequence;
  }

  // Values on their way into the ring.
  #some(values: Iterable<In>) {
    if (typeof (values as Partial<Iterable<In>> | null)?.[Symbol.iterator] !== 'function') {
      throw wrongType('an iterable', 'values', values);
    }
    const { slots, ring } = this.attachment;
    // Before anything is claimed: a value that does not fit must not leave a hole.
    const encoded = Array.from(values, (value) => Buffer.from(this.#format.encode(value)));
    let done = 0;
    let last = -1;
    const put = (claim: number) => {
      const { claimStart, claimEnd } = ring;
      for (let i = 0; i <= claimEnd - claimStart; i += 1, done += 1) {
        fill(slots.at(slots.after(claim, i)), encoded[done]!);
      }
      ring.commitLatest(1);
      last = claimEnd;
    };
    return {
      put,
      get done() {
        return done;
      },
      get left() {
        return encoded.length - done;
      },
      get last() {
        return last;
      },
    };
  }
}

/** What is left of a slot is zero. */
function fill(slot: Buffer, bytes: Uint8Array): void {
  slot.set(bytes);
  if (bytes.length < slot.length) slot.fill(0, bytes.length);
}
