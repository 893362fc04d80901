import { Attachment } from '../segment/attachment.js';
import type { SyncWaitOptions } from '../ring/ring-producer.js';
import { Consumer } from '../ring/consumer.js';
import type { Consumed } from '../ring/consumer.js';
import type { Gap } from '../segment/events.js';
import { unlinkSegment } from '../segment/segments.js';
import type { SegmentDirectory } from '../segment/location.js';
import { doNow } from '../steps.js';
import { resolveArguments } from './options.js';
import type { DisruptorArguments, DisruptorOptions } from './options.js';
import { Producer } from '../ring/producer.js';
import type { Claimed, ClaimedMany } from '../ring/producer.js';
import type { GapCount } from '../segment/segments.js';
import { flag, integer } from '../validate.js';
import { mayAnswerNow, syncTimeout, untilEnd, waitOptions, Word } from '../waiting/waiter.js';
import type { WaitOptions } from '../waiting/waiter.js';

/** The first argument is null unless the claim failed; then there is no other. */
export type ClaimCallback = (
  error: Error | null,
  buf: Buffer,
  claimStart: number,
  claimEnd: number,
  allConsumersIgnoring: boolean,
) => void;

/** As {@link ClaimCallback}. */
export type ClaimManyCallback = (
  error: Error | null,
  bufs: Buffer[],
  claimStart: number,
  claimEnd: number,
  allConsumersIgnoring: boolean,
) => void;

/** As {@link ClaimCallback}. */
export type CommitCallback = (error: Error | null, committed: boolean) => void;

/** As {@link ClaimCallback}. */
export type ConsumeCallback = (
  error: Error | null,
  bufs: Buffer[],
  start: number,
  gaps?: Gap[],
) => void;

function spreadMany(done: ClaimManyCallback, result: ClaimedMany): void {
  const { bufs, claimStart, claimEnd, allConsumersIgnoring } = result;
  done(null, bufs, claimStart, claimEnd, allConsumersIgnoring);
}

// For the streams: waiting until a public method may have something to give, or until `abandoned`
// says so; and what they owe the others when they are destroyed.
/** @internal */
export const whenReadable = Symbol('whenReadable');
/** @internal */
export const whenWritable = Symbol('whenWritable');
/** @internal */
export const whenCommittable = Symbol('whenCommittable');
/** @internal */
export const consumeSome = Symbol('consumeSome');
/** @internal */
export const claimSome = Symbol('claimSome');
/** @internal */
export const abandon = Symbol('abandon');
/** @internal */
export const forget = Symbol('forget');
/** @internal */
export const commitAnyway = Symbol('commitAnyway');

/**
 * A ring in shared memory: any number of producers claim, fill in and commit elements; each of a
 * fixed number of consumers reads all of them, in order, at its own pace. Producers wait for the
 * slowest consumer. It works between processes and between worker threads alike.
 *
 * An object of this class is one participant. It can produce, and it can consume if it was given a
 * consumer index. Use it in the thread that made it; each thread and process makes its own.
 *
 * Buffers are views of shared memory, never copies. Those of a claim are yours until you commit
 * it, those of `consumeNew` until you commit them. They keep the memory mapped for as long as you
 * hold them, and are empty, or read as zeros, after {@link Disruptor.release}.
 *
 * Errors: bad arguments are `TypeError` or `RangeError` with Node's codes, failures of the system
 * are `Error` with `code`, `errno`, `syscall` and `path`, all else is a {@link DisruptorError} with
 * a `code`. Sync methods throw and promises reject. With a callback, bad arguments throw and the
 * rest goes to the callback, which is never called before the method has returned. After `release`
 * every method fails with `ERR_RELEASED`; once the ring was replaced, those that produce and
 * consume fail with `ERR_SEGMENT_REPLACED`.
 *
 * @example
 * ```js
 * const ring = new Disruptor({
 *   name: '/ticks', elements: 1024, elementSize: 8, init: true, spin: true
 * });
 * const { buf } = await ring.produceClaim();
 * buf.writeDoubleLE(42.5);
 * await ring.produceCommit();
 * ```
 */
export class Disruptor {
  /** Removes the name of a segment of any kind, as {@link unlinkSegment} does. */
  static unlink(name: string, options?: SegmentDirectory): void {
    unlinkSegment(name, options);
  }

  readonly #attachment: Attachment;
  readonly #producer: Producer;
  readonly #consumer: Consumer;

  /**
   * Creates a ring or attaches to one.
   *
   * @throws TypeError, RangeError for bad arguments; Error of the system (`ENOENT`, `ENOSPC`,
   * `EACCES`, ...); DisruptorError with one of the `ERR_SEGMENT_` codes
   */
  constructor(options: DisruptorOptions);
  /**
   * The positional form of shared-memory-disruptor; {@link DisruptorOptions} describes each
   * argument. `consumer` may be anything for an object that only produces.
   */
  constructor(...args: DisruptorArguments);
  constructor(...args: [DisruptorOptions] | DisruptorArguments) {
    const options = resolveArguments(args);
    this.#attachment = doNow(Attachment.to({ ...options, role: 'disruptor' }));
    this.#producer = new Producer(this.#attachment);
    this.#consumer = new Consumer(this.#attachment, options.consumer);
    if (!options.consumes) return;
    try {
      this.#consumer.attach(options.shared);
    } catch (error) {
      this.#attachment.abandon();
      throw error;
    }
  }

  /**
   * Claims the next element. Without room: an empty `buf`, or a wait with `spin`.
   *
   * @throws DisruptorError `ERR_SEQUENCE_EXHAUSTED`, `ERR_SEGMENT_CORRUPT`, `ERR_TIMEOUT`
   */
  produceClaim(options?: WaitOptions): Promise<Claimed>;
  produceClaim(callback: ClaimCallback): void;
  produceClaim(options: WaitOptions, callback: ClaimCallback): void;
  produceClaim(...args: unknown[]): Promise<Claimed> | undefined {
    return this.#attachment.waiter.dispatch<Claimed, ClaimCallback>(
      Word.Space,
      args,
      () => this.#producer.claim(1, 1, (claim) => this.#producer.one(claim)),
      (done, { buf, claimStart, claimEnd, allConsumersIgnoring }) => {
        done(null, buf, claimStart, claimEnd, allConsumersIgnoring);
      },
    );
  }

  /** As {@link Disruptor.produceClaim}; blocks the thread with `spin`. */
  produceClaimSync(options?: SyncWaitOptions): Buffer {
    if (options === undefined) return this.#producer.claimOneSync();
    return this.#producer.element(this.#producer.claimSync(1, 1, syncTimeout(options)));
  }

  /**
   * Claims `count` elements, all or none.
   *
   * @param count - an integer from 0; more than the ring has means all of it, 0 gives nothing
   * @throws as {@link Disruptor.produceClaim}
   */
  produceClaimMany(count: number, options?: WaitOptions): Promise<ClaimedMany>;
  produceClaimMany(count: number, callback: ClaimManyCallback): void;
  produceClaimMany(count: number, options: WaitOptions, callback: ClaimManyCallback): void;
  produceClaimMany(count: number, ...args: unknown[]): Promise<ClaimedMany> | undefined {
    const begin = () => {
      const most = this.#producer.atMostAll(integer(count, 'count'));
      return this.#producer.claim(most, most, (claim) => this.#producer.many(claim));
    };
    return this.#attachment.waiter.dispatch(Word.Space, args, begin, spreadMany);
  }

  /**
   * As {@link Disruptor.produceClaimMany}; blocks the thread with `spin`. The range is then in
   * {@link Disruptor.prevClaimStart} and {@link Disruptor.prevClaimEnd}.
   */
  produceClaimManySync(count: number, options?: SyncWaitOptions): Buffer[] {
    const most = this.#producer.atMostAll(integer(count, 'count'));
    return this.#producer.elements(this.#producer.claimSync(most, most, syncTimeout(options)));
  }

  /**
   * Claims as many elements as are free now, at least one.
   *
   * @param max - at most so many: an integer from 0; 0 gives nothing
   * @throws as {@link Disruptor.produceClaim}
   */
  produceClaimAvail(max: number, options?: WaitOptions): Promise<ClaimedMany>;
  produceClaimAvail(max: number, callback: ClaimManyCallback): void;
  produceClaimAvail(max: number, options: WaitOptions, callback: ClaimManyCallback): void;
  produceClaimAvail(max: number, ...args: unknown[]): Promise<ClaimedMany> | undefined {
    const begin = () => {
      const most = this.#producer.atMostAll(integer(max, 'max'));
      return this.#producer.claim(1, most, (claim) => this.#producer.many(claim));
    };
    return this.#attachment.waiter.dispatch(Word.Space, args, begin, spreadMany);
  }

  /** As {@link Disruptor.produceClaimAvail}; see {@link Disruptor.produceClaimManySync}. */
  produceClaimAvailSync(max: number, options?: SyncWaitOptions): Buffer[] {
    const most = this.#producer.atMostAll(integer(max, 'max'));
    return this.#producer.elements(this.#producer.claimSync(1, most, syncTimeout(options)));
  }

  /**
   * Makes claimed elements visible to the consumers: the latest claim of this object, or
   * everything from `claimStart` to `claimEnd`, which may be several adjacent claims or a part of
   * one.
   *
   * Elements become visible in the order of their sequences. While an earlier claim is not
   * committed, the answer is `false` and nothing has changed; with `spin`, the range is committed
   * at once and the answer comes when it is visible. A timeout or an abort ends only that wait: the
   * range stays committed.
   *
   * @returns whether it is visible now; `false` as well when it was committed before, or when the
   * range is empty
   * @throws DisruptorError `ERR_NOT_CLAIMED`, `ERR_TIMEOUT`
   */
  produceCommit(options?: WaitOptions): Promise<boolean>;
  produceCommit(callback: CommitCallback): void;
  produceCommit(options: WaitOptions, callback: CommitCallback): void;
  produceCommit(claimStart: number, claimEnd: number, options?: WaitOptions): Promise<boolean>;
  produceCommit(claimStart: number, claimEnd: number, callback: CommitCallback): void;
  produceCommit(
    claimStart: number,
    claimEnd: number,
    options: WaitOptions,
    callback: CommitCallback,
  ): void;
  produceCommit(...args: unknown[]): Promise<boolean> | undefined {
    const ranged = typeof args[0] === 'number' || typeof args[1] === 'number';
    const begin = () => {
      if (ranged) return this.#producer.commit(...commitRange(args[0], args[1]));
      const { claimStart, claimEnd } = this.#producer.latest;
      return this.#producer.commit(claimStart, claimEnd);
    };
    const rest = ranged ? args.slice(2) : args;
    return this.#attachment.waiter.dispatch<boolean, CommitCallback>(
      Word.Data,
      rest,
      begin,
      (done, committed) => {
        done(null, committed);
      },
    );
  }

  /** As {@link Disruptor.produceCommit}; blocks the thread with `spin`. */
  produceCommitSync(options?: SyncWaitOptions): boolean;
  produceCommitSync(claimStart: number, claimEnd: number, options?: SyncWaitOptions): boolean;
  produceCommitSync(
    first?: number | SyncWaitOptions,
    claimEnd?: number,
    options?: SyncWaitOptions,
  ): boolean {
    if (first === undefined) return this.#producer.commitLatestSync();
    if (claimEnd === undefined && typeof first !== 'number') {
      return this.#producer.commitLatestSync(syncTimeout(first));
    }
    return this.#producer.commitSync(...commitRange(first, claimEnd), syncTimeout(options));
  }

  /**
   * The elements of a range that is claimed and not yet committed, by whomever: for a program that
   * was restarted and remembers what it had claimed.
   *
   * @returns as `bufs` of a claim; `[]` when the range is empty or any part of it is not claimed or
   * is committed
   */
  produceRecover(claimStart: number, claimEnd: number): Buffer[] {
    return this.#producer.recover(...commitRange(claimStart, claimEnd));
  }

  /**
   * Commits what the previous call gave, then gives all that is committed and unread. Without
   * anything: `[]`, or a wait with `spin`. Who stops consuming calls
   * {@link Disruptor.consumeCommit} after the last batch.
   *
   * @throws RangeError `ERR_OUT_OF_RANGE` if this object has no valid consumer index; DisruptorError
   * `ERR_CONSUME_PENDING` while an earlier call waits, `ERR_CONSUMER_IGNORED`,
   * `ERR_SEGMENT_CORRUPT`, `ERR_TIMEOUT`
   */
  consumeNew(options?: WaitOptions): Promise<Consumed>;
  consumeNew(callback: ConsumeCallback): void;
  consumeNew(options: WaitOptions, callback: ConsumeCallback): void;
  consumeNew(...args: unknown[]): Promise<Consumed> | undefined {
    return this.#attachment.waiter.dispatch<Consumed, ConsumeCallback>(
      Word.Data,
      args,
      () => this.#consumer.consume(),
      (done, { bufs, start, gaps }) => {
        done(null, bufs, start, gaps);
      },
    );
  }

  /** As {@link Disruptor.consumeNew}; blocks the thread with `spin`. */
  consumeNewSync(options?: SyncWaitOptions): Buffer[] {
    return this.#consumer.consumeSync(syncTimeout(options));
  }

  /**
   * Gives what was consumed back to the producers.
   *
   * @returns `true`, also when there was nothing to commit; `false` when another object with the
   * same consumer index has moved it on meanwhile
   */
  consumeCommit(): boolean {
    return this.#consumer.commit();
  }

  /**
   * Everything that comes, batch by batch, waiting for it with or without `spin`. A batch is
   * committed when the next one is asked for; one that the loop was left in is not: call
   * {@link Disruptor.consumeCommit} if it was done with, or the same consumer gets it again.
   *
   * @throws as {@link Disruptor.consumeNew}; each wait has the options' timeout
   */
  batches(options?: WaitOptions): AsyncGenerator<Consumed, void, undefined> {
    const checked = waitOptions(options);
    const next = () =>
      this.#attachment.waiter.promised(Word.Data, this.#consumer.consume(true), checked);
    return untilEnd(next, () => this.#attachment.released, checked?.signal);
  }

  /** `for await (const { bufs, start } of disruptor)`: as {@link Disruptor.batches}. */
  [Symbol.asyncIterator](): AsyncGenerator<Consumed, void, undefined> {
    return this.batches();
  }

  /** First sequence of the latest claim; 1 when it gave nothing. */
  get prevClaimStart(): number {
    return this.#producer.latest.claimStart;
  }

  /** Last sequence of the latest claim; 0 when it gave nothing. */
  get prevClaimEnd(): number {
    return this.#producer.latest.claimEnd;
  }

  /** First sequence of what was consumed last, committed or not; 0 when that was nothing. */
  get prevConsumeStart(): number {
    return this.#consumer.start;
  }

  /** The sequence after the last one consumed and not yet committed; 0 when there is none. */
  get prevConsumeNext(): number {
    return this.#consumer.next;
  }

  /** What was lost before what was consumed last, because its producer died. */
  get prevConsumeGaps(): readonly Gap[] {
    return this.#consumer.gaps;
  }

  /** How many gaps there were since the ring was created, and how many elements in them. */
  get gaps(): GapCount {
    return this.#attachment.ring.gaps();
  }

  /**
   * Closes what producers claimed that have died, as far as it holds up others, and says whether that
   * made anything visible. Whoever waits does so by itself: this is for those who do not. With
   * `orphans: 'hold'` it does nothing.
   */
  recover(): boolean {
    return this.#attachment.ring.recover();
  }

  /** Whether every consumer was released for good, so that nobody would read what is produced. */
  get allConsumersIgnoring(): boolean {
    return this.#attachment.ring.allIgnored();
  }

  /** Bytes in an element. */
  get elementSize(): number {
    return this.#attachment.ring.elementSize;
  }

  /** Whether operations wait until they can succeed. */
  get spin(): boolean {
    return this.#attachment.spin;
  }

  /**
   * A 32-bit signed integer in shared memory, the application's own; 0 in a new ring. The streams
   * tell each other the end of the data through it. What was committed before it was set is visible
   * to whoever reads the new value.
   */
  get status(): number {
    return this.#attachment.ring.status();
  }

  /** @throws TypeError, RangeError when it is no such integer */
  set status(status: number) {
    this.#attachment.ring.setStatus(integer(status, 'status', -(2 ** 31), 2 ** 31 - 1));
  }

  /** Every sequence below it is committed and visible. */
  get cursor(): number {
    return this.#attachment.ring.cursor();
  }

  /** The first sequence that nobody has claimed. */
  get next(): number {
    return this.#attachment.ring.next();
  }

  /** This consumer's sequence: it has done with all below. 2^64 once it was released for good. */
  get consumer(): number {
    return this.#attachment.ring.consumerSequence(this.#consumer.index);
  }

  /**
   * All consumers' sequences, 8 bytes each, little endian, with all bits set for one that was
   * released for good. A copy: in shared memory they lie apart, so that consumers do not slow each
   * other down.
   */
  get consumers(): Buffer {
    const { ring } = this.#attachment;
    const sequences = Buffer.alloc(ring.consumerCount * 8);
    for (let i = 0; i < ring.consumerCount; i += 1) {
      const sequence = ring.consumerSequence(i);
      const bits = sequence > Number.MAX_SAFE_INTEGER ? 2n ** 64n - 1n : BigInt(sequence);
      sequences.writeBigUInt64LE(bits, i * 8);
    }
    return sequences;
  }

  /**
   * Whether the segment's file was removed, by `rm` or by `unlink`: nobody else can attach to the ring
   * any more. False for one that was replaced. One system call.
   */
  get unlinked(): boolean {
    return this.#attachment.waiter.unlinked();
  }

  /** All elements. */
  get elements(): Buffer {
    return this.#attachment.elements;
  }

  /**
   * Has the ring written to its disk, on another thread: all that anybody stored there before this
   * call, and its name. Where it lies in memory alone, as in `/dev/shm`, there is nothing to do.
   *
   * @throws Error of the system: EIO, ENOSPC, EACCES, ...
   */
  async sync(): Promise<void> {
    await this.#attachment.sync();
  }

  /** As {@link Disruptor.sync}; blocks the thread, which may take long. */
  syncSync(): void {
    this.#attachment.syncSync();
  }

  /**
   * Detaches from the ring and gives its memory back. Every Buffer that came from this object is empty
   * from then on, or reads as zeros if the event loop has requests under way that may be using it.
   * Pending waits fail with `ERR_RELEASED`. Releasing again does nothing. An object that nothing refers
   * to any more detaches by itself; Buffers that came from it stay readable.
   *
   * @param markIgnore - also tell the producers never to wait for this consumer again.
   * Default: false
   * @throws RangeError `ERR_OUT_OF_RANGE` when `markIgnore` is given without a consumer index
   */
  release(markIgnore?: boolean): void {
    const ignore = flag(markIgnore, 'markIgnore');
    if (this.#attachment.released) return;
    if (ignore) this.#attachment.ring.ignore(this.#consumer.index);
    this.#attachment.release();
  }

  /** `using`: as {@link Disruptor.release} without an argument. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** `await using`: as {@link Disruptor.release} without an argument. */
  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  /** Lets this object's pending waits keep the process alive, as they do at first. */
  ref(): this {
    this.#attachment.waiter.keepAlive.wanted = true;
    return this;
  }

  /** Lets the process exit though this object waits, if nothing else keeps it. */
  unref(): this {
    this.#attachment.waiter.keepAlive.wanted = false;
    return this;
  }

  /**
   * As consumeNew for at most `most` elements, at once; undefined when that is to be called, because
   * somebody has replaced it.
   * @internal
   */
  [consumeSome](most: number): Consumed | undefined {
    return this.#replaced('consumeNew', 'consumeCommit')
      ? undefined
      : this.#consumer.consumeSome(most);
  }

  /** The same for produceClaimAvail; undefined also so that the event loop gets its turn. @internal */
  [claimSome](most: number): ClaimedMany | undefined {
    if (this.#replaced('produceClaimAvail', 'produceCommit') || !mayAnswerNow()) return undefined;
    return this.#producer.many(this.#producer.claimSync(1, this.#producer.atMostAll(most)));
  }

  /** True when it is now; otherwise undefined, and `done` is called when it is. @internal */
  [whenReadable](abandoned: () => boolean, done: (error?: Error) => void): true | undefined {
    const attempt = () => (abandoned() || this.#consumer.ready ? true : undefined);
    return this.#attachment.waiter.orLater(Word.Data, { attempt }, done);
  }

  /** @internal */
  [whenWritable](abandoned: () => boolean): Promise<true> {
    return this.#when(Word.Space, abandoned, () => this.#attachment.ring.claimable(1));
  }

  /** @internal */
  [whenCommittable](claimStart: number, abandoned: () => boolean): Promise<true> {
    return this.#when(Word.Data, abandoned, () => this.#attachment.ring.committable(claimStart));
  }

  /** Asks whoever waits in one of the three above whether he still wants to. @internal */
  [abandon](): void {
    this.#attachment.waiter.look();
  }

  /** What was consumed and not committed is given again. @internal */
  [forget](): void {
    this.#consumer.forget();
  }

  /** Closes the hole that a claim without a commit would be. @internal */
  [commitAnyway](claimStart: number, claimEnd: number): void {
    if (!this.#attachment.released) this.#producer.commitAnyway(claimStart, claimEnd);
  }

  #replaced(first: keyof Disruptor, second: keyof Disruptor): boolean {
    const ours = Disruptor.prototype;
    return this[first] !== ours[first] || this[second] !== ours[second];
  }

  #when(word: Word, abandoned: () => boolean, condition: () => boolean): Promise<true> {
    const attempt = () => (abandoned() || condition() ? true : undefined);
    return this.#attachment.waiter.promised(word, { attempt });
  }
}

function commitRange(claimStart: unknown, claimEnd: unknown): [number, number] {
  return [integer(claimStart, 'claimStart'), integer(claimEnd, 'claimEnd')];
}
