import { Attachment } from '../segment/attachment.js';
import { RingConsumer } from './ring-consumer.js';
import { RingProducer } from './ring-producer.js';
import type { DecodedValue, EncodableValue, AnyEncoding } from '../values/encoding.js';
import { DisruptorError } from '../errors.js';
import type { AttachmentMessage } from '../segment/events.js';
import { checkFormat, formatOf } from '../values/format.js';
import type { Format, FormatOptions } from '../values/format.js';
import { underName } from '../segment/free-name.js';
import { doLater, doNow, step } from '../steps.js';
import type { Steps } from '../steps.js';
import { Role } from '../native/facts.js';
import { Start } from '../native/joining.js';
import type { Creation } from '../native/creation.js';
import type { Joining } from '../native/joining.js';
import type { RingHandle } from '../native/ring.js';
import { located } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { unlinkSegment } from '../segment/segments.js';
import { RingParticipant } from '../segment/ring-participant.js';
import type { RecordCursor, RecordSchema, RecordType, SchemaInput } from '../values/record.js';
import {
  consumerName,
  CREATING,
  JOINING,
  namesAfter,
  OPENING,
  ringCreation,
  ringWaiting,
  WAITING,
} from './ring-options.js';
import type { JoinOptions, Opening, RingOptions, AttachOptions } from './ring-options.js';
import { Statistics } from './statistics.js';
import type { RingStatistics } from './statistics.js';
import { BLOCKING, patiently } from '../waiting/patience.js';
import type { Strategy } from '../waiting/strategy.js';
import {
  flag,
  integer,
  noOptions,
  type NoOptions,
  optionsObject,
  outOfRange,
  wrongType,
} from '../validate.js';

/** Slots of bytes: what is published is copied into one, and zeros after it. */
export interface RawElements {
  /** Bytes in an element: an integer from 1. */
  elementSize: number;
  /** Not with these. */
  encoding?: undefined;
  /** Not with these. */
  record?: undefined;
}

/** Slots with one value each, and its length. */
export interface EncodedElements<E extends AnyEncoding> {
  /** The most bytes that an encoded value may have: an integer from 1. 4 to 7 more keep the length. */
  elementSize: number;
  /** See {@link EncodingName}. */
  encoding: E;
  /** Not with these. */
  record?: undefined;
}

/** Slots with one record each. */
export interface RecordElements<S extends RecordSchema> {
  /** What {@link defineRecord} gave. Every participant needs the same. */
  record: RecordType<S>;
  /** The record's size. */
  elementSize?: undefined;
  /** Not with these. */
  encoding?: undefined;
}

/** The choice of what a ring's elements are: bytes, encoded values or records. */
export type RingElements =
  RawElements | EncodedElements<AnyEncoding> | RecordElements<RecordSchema>;

/** The same for a ring that is there, and whose sizes are known. */
export type OpenedElements =
  | Pick<RawElements, 'encoding' | 'record'>
  | Pick<EncodedElements<AnyEncoding>, 'encoding' | 'record'>
  | Pick<RecordElements<RecordSchema>, 'encoding' | 'record'>;

/** What publishing takes, and reading gives, with such slots. */
export type RingOf<T> =
  T extends Pick<RecordElements<infer S>, 'record'>
    ? Ring<SchemaInput<S>, RecordCursor<S>>
    : T extends Pick<EncodedElements<infer E>, 'encoding'>
      ? Ring<EncodableValue<E>, DecodedValue<E>>
      : Ring<ArrayBufferView | string, Buffer>;

interface Origin {
  readonly name: string;
  readonly path: string;
  readonly strategy: Strategy;
}

function attach(
  origin: Origin,
  role: AttachmentMessage['role'],
  create?: Creation,
): Steps<Attachment> {
  return Attachment.to({ ...origin, role, create, expected: {}, spin: true });
}

/**
 * A ring, from which its participants are made. It is itself none: it neither produces nor consumes,
 * and may be closed while they go on.
 *
 * @typeParam In - the values to publish
 * @typeParam Out - the values that are read
 */
export class Ring<In, Out> extends RingParticipant {
  /**
   * Makes a ring whose participants have roles of their own, come and go, and depend on each other.
   * Blocks the thread while memory is allocated and, on a disk, written.
   *
   * @param name - as for {@link DisruptorOptions}; default: one that is free, chosen atomically, which
   * the ring tells
   * @returns the ring; {@link Ring.producer} and {@link Ring.consumer} take part
   * @throws TypeError, RangeError for wrong options
   * @throws DisruptorError `ERR_SEGMENT_EXISTS`, `ERR_DEPENDENCY_CYCLE`, `ERR_UNKNOWN_CONSUMER` and
   * every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOSPC, EACCES, ...
   */
  static create<const T extends RingElements>(name: string, options: RingOptions & T): RingOf<T>;
  static create<const T extends RingElements>(options: RingOptions & T): RingOf<T>;
  static create(...args: unknown[]): unknown {
    return doNow(Ring.#create(args));
  }

  /**
   * As {@link Ring.create}, without blocking the event loop: memory is allocated, and written to
   * its disk, on another thread.
   */
  static createAsync<const T extends RingElements>(
    name: string,
    options: RingOptions & T,
  ): Promise<RingOf<T>>;
  static createAsync<const T extends RingElements>(options: RingOptions & T): Promise<RingOf<T>>;
  static createAsync(...args: unknown[]): Promise<unknown> {
    return doLater(Ring.#create(args));
  }

  /**
   * Opens a ring that {@link Ring.create} made; its sizes are read from it.
   *
   * @param options - the same `record` or `encoding` as the creator's
   * @throws DisruptorError `ERR_SCHEMA_MISMATCH` when its elements are something else, and every
   * `ERR_SEGMENT_`...
   * @throws Error of the system: ENOENT, EACCES, ...
   */
  static open(name: string, options?: AttachOptions & SegmentDirectory): RingOf<RawElements>;
  static open<const T extends OpenedElements>(
    name: string,
    options: AttachOptions & SegmentDirectory & T,
  ): RingOf<T>;
  static open(name: string, options: unknown = {}): unknown {
    return doNow(Ring.#open(name, options));
  }

  /** As {@link Ring.open}, without blocking the event loop. */
  static openAsync(
    name: string,
    options?: AttachOptions & SegmentDirectory,
  ): Promise<RingOf<RawElements>>;
  static openAsync<const T extends OpenedElements>(
    name: string,
    options: AttachOptions & SegmentDirectory & T,
  ): Promise<RingOf<T>>;
  static openAsync(name: string, options: unknown = {}): Promise<unknown> {
    return doLater(Ring.#open(name, options));
  }

  /**
   * Takes the name away from a segment of any kind, as {@link unlinkSegment} does.
   */
  static unlink(name: string, options?: SegmentDirectory): void {
    unlinkSegment(name, options);
  }

  /** The name under which others open it. */
  readonly name: string;
  readonly #origin: Origin;
  readonly #formats: () => Format<In, Out>;
  readonly #statistics: Statistics;

  private constructor(origin: Origin, attachment: Attachment, formats: () => Format<In, Out>) {
    super(attachment);
    this.name = origin.path;
    this.#origin = origin;
    this.#formats = formats;
    this.#statistics = new Statistics(attachment.ring);
  }

  static *#create<In, Out>(args: unknown[]): Steps<Ring<In, Out>> {
    const [first, second] = args;
    const unnamed = typeof first === 'object' && first !== null;
    const path = unnamed ? undefined : namedString(first);
    const given = unnamed ? first : second;
    const options = optionsObject<RingOptions & FormatOptions>(given, CREATING);
    // As it is now, whatever becomes of the object.
    const { encoding, record, elementSize } = options;
    const chosen = { encoding, record, elementSize };
    const format = formatOf(chosen);
    const creation = ringCreation(options, format);
    const strategy = ringWaiting(options);
    const formats = () => formatOf(chosen, format.elementSize) as unknown as Format<In, Out>;
    return yield* underName(path, creation.existing, function* (chosen, existing) {
      const origin = { name: located(chosen, options.path), path: chosen, strategy };
      const attachment = yield* attach(origin, 'ring', { ...creation, existing });
      return new Ring(origin, attachment, formats);
    });
  }

  static *#open<In, Out>(name: unknown, given: unknown): Steps<Ring<In, Out>> {
    const path = namedString(name);
    const options = optionsObject<Opening>(given, OPENING);
    const origin = { name: located(path, options.path), path, strategy: ringWaiting(options) };
    const { encoding, record } = options;
    const attachment = yield* attach(origin, 'ring');
    const { ring } = attachment;
    const chosen = { encoding, record };
    const formats = () => formatOf(chosen, ring.elementSize) as unknown as Format<In, Out>;
    try {
      checkFormat(formats(), ring);
      return new Ring(origin, attachment, formats);
    } catch (error) {
      attachment.release();
      throw error;
    }
  }

  /** How many elements it has. */
  get elements(): number {
    return this.attachment.ring.elementCount;
  }

  /** Bytes in an element, with the length where that is kept. */
  get elementSize(): number {
    return this.attachment.ring.elementSize;
  }

  /**
   * Makes a producer.
   *
   * @throws DisruptorError `ERR_SEGMENT_REPLACED`, `ERR_RELEASED`, and what opening throws
   */
  producer(options: AttachOptions = {}): RingProducer<In> {
    const waiting = optionsObject<AttachOptions>(options, WAITING);
    const attachment = doNow(this.#participant('producer', waiting));
    return new RingProducer(attachment, this.#formats());
  }

  /**
   * Makes a consumer, or a member of a group: one that was declared or that joined before, which goes
   * on where it had committed; or a new one.
   *
   * @param name - up to 64 bytes; or the index of one that was declared by number; default: none, and
   * nobody can come back as it
   * @throws DisruptorError `ERR_CONSUMER_BUSY` while somebody lives who is it,
   * `ERR_TOO_MANY_CONSUMERS`, `ERR_UNKNOWN_CONSUMER`, `ERR_CONSUMER_KIND`, `ERR_DEPENDENCIES`,
   * `ERR_SEQUENCE_GONE`, `ERR_SEGMENT_REPLACED`, `ERR_RELEASED`, and what opening throws
   */
  consumer(name?: string | number, options?: JoinOptions & AttachOptions): RingConsumer<Out>;
  consumer(options: JoinOptions & AttachOptions): RingConsumer<Out>;
  consumer(first?: unknown, second?: unknown): RingConsumer<Out> {
    return doNow(this.#consumer(first, second));
  }

  /**
   * As {@link Ring.consumer}, without blocking the event loop while others join: that takes
   * microseconds, unless one of them is stopped in the middle of it.
   */
  consumerAsync(
    name?: string | number,
    options?: JoinOptions & AttachOptions,
  ): Promise<RingConsumer<Out>>;
  consumerAsync(options: JoinOptions & AttachOptions): Promise<RingConsumer<Out>>;
  consumerAsync(first?: unknown, second?: unknown): Promise<RingConsumer<Out>> {
    return doLater(this.#consumer(first, second));
  }

  *#consumer(first: unknown, second: unknown): Steps<RingConsumer<Out>> {
    const unnamed = typeof first === 'object' && first !== null && second === undefined;
    const given = (unnamed ? first : second) ?? {};
    const options = optionsObject<JoinOptions & AttachOptions>(given, JOINING);
    const joining = joiningOf(unnamed ? undefined : first, options);
    const standard = joining.group ? 1 : Infinity;
    const { maxBatch } = options;
    const most = maxBatch === undefined ? standard : integer(maxBatch, 'maxBatch', 1);
    const attachment = yield* this.#participant('consumer', options);
    try {
      const { ring } = attachment;
      const name = unnamed ? undefined : first;
      const index = yield* step(
        () => seatOf(ring, name, joining, BLOCKING),
        () => patiently(() => seatOf(ring, name, joining, 0)),
      );

      if (joining.group) ring.assignment(Math.min(most, ring.elementCount));
      const memberSlot = { index, name: joining.name, group: joining.group, maxBatch: most };
      return new RingConsumer(attachment, this.#formats(), memberSlot);
    } catch (error) {
      attachment.release();
      throw error;
    }
  }

  /**
   * What can be said of the ring and of who takes part in it at this moment: cheap, and disturbs
   * nobody. Rates are since the last call on this object.
   */
  stats(options?: NoOptions): RingStatistics {
    noOptions(options);
    return this.#statistics.take();
  }

  // One attachment for each: they may be in other threads, die apart and wait apart.
  *#participant(role: AttachmentMessage['role'], options: AttachOptions): Steps<Attachment> {
    if (this.closed) throw new DisruptorError('ERR_RELEASED', 'The ring has been closed');
    const strategy = ringWaiting(options, this.#origin.strategy);
    const attachment = yield* attach({ ...this.#origin, strategy }, role);
    if (attachment.ring.object === this.attachment.ring.object) return attachment;
    attachment.release();
    throw new DisruptorError(
      'ERR_SEGMENT_REPLACED',
      'The segment was replaced by a new one of this name',
    );
  }
}

// A ring of the compatible constructor knows its consumers by their index alone.
function seatOf(ring: RingHandle, name: unknown, joining: Joining, milliseconds: number): number {
  const indexed = ring.snapshot().consumers.some(({ role }) => role === Role.Indexed);
  if (typeof name !== 'number' || !indexed) return ring.join(joining, milliseconds);
  const index = integer(name, 'name', 0, ring.consumerCount - 1);
  ring.attachConsumer(index, false, milliseconds);
  return index;
}

function joiningOf(name: unknown, options: JoinOptions): Joining {
  const { from = 'latest', after } = options;
  const group = flag(options.group, 'group');
  if (group && name === undefined) throw wrongType('the name of a group', 'name', name);
  const index = typeof name === 'number' ? String(integer(name, 'name')) : name;
  const start = { latest: Start.Latest, oldest: Start.Oldest };
  if (typeof from !== 'number' && !Object.hasOwn(start, from)) {
    const complaint = typeof from === 'string' ? outOfRange : wrongType;
    throw complaint("'latest', 'oldest' or a sequence", 'from', from);
  }
  return {
    name: index === undefined ? '' : consumerName(index),
    group,
    after: after === undefined ? undefined : namesAfter(after),
    start: typeof from === 'number' ? Start.Sequence : start[from],
    sequence: typeof from === 'number' ? integer(from, 'from') : 0,
  };
}

function namedString(name: unknown): string {
  if (typeof name === 'string') return name;
  throw wrongType('a string', 'name', name);
}
