import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorMap, inspect } from 'node:util';

/** What the core reports, in the order of `Errc` in `addon/core/result.h`. */
const CORE_ERRORS: readonly (readonly [DisruptorErrorCode | '', string])[] = [
  ['', ''],
  ['', 'a system call failed'],
  ['ERR_SIZE_OVERFLOW', 'The sizes asked for do not fit into 64 bits'],
  ['ERR_SEGMENT_EXISTS', 'A segment of this name exists'],
  ['ERR_SEGMENT_BUSY', 'Others are in the middle of something with this segment and do not finish'],
  [
    'ERR_SEGMENT_NOT_REGULAR',
    'Not a shared memory object: a directory, link, FIFO, socket or device',
  ],
  ['ERR_SEGMENT_OWNER', 'The object belongs to another user and is not shared with this one'],
  ['ERR_SEGMENT_MODE', 'The permission bits are not those that the creator set'],
  ['ERR_SEGMENT_TOO_SHORT', 'The object is too short to be a segment'],
  ['ERR_SEGMENT_FOREIGN', 'The object was not made by shm-disruptor; it is left untouched'],
  ['ERR_SEGMENT_VERSION', 'The segment has the layout of another version or machine'],
  ['ERR_SEGMENT_KIND', 'The segment is of another kind'],
  ['ERR_SEGMENT_CORRUPT', 'The segment is damaged: its numbers contradict each other'],
  ['ERR_SEGMENT_TRUNCATED', 'The segment is not as long as its header says, or has holes'],
  ['ERR_SEGMENT_TOO_LARGE', 'The segment has more bytes of elements than one Buffer can have here'],
  ['ERR_SEGMENT_REPLACED', 'The segment was replaced by a new one of this name'],
  ['ERR_SEQUENCE_EXHAUSTED', 'The sequence would pass 2^53 - 1'],
  ['ERR_NOT_CLAIMED', 'The range to commit contains sequences that nobody has claimed'],
  ['ERR_CONSUMER_IGNORED', 'This consumer was released for good and gets no more data'],
  ['ERR_TOO_MANY_PRODUCERS', 'The ring has no room for another producer or outstanding claim'],
  ['ERR_CONSUMER_BUSY', 'Somebody else who lives is this consumer'],
  ['ERR_SEGMENT_IN_USE', 'Somebody who lives is attached to the segment of this name'],
  ['ERR_PRODUCER_BUSY', 'Somebody else who lives is the one producer of this ring'],
  ['ERR_TOO_MANY_CONSUMERS', 'The ring has no room for another consumer'],
  ['ERR_UNKNOWN_CONSUMER', 'The ring has no consumer of a name that another is to come after'],
  ['ERR_CONSUMER_KIND', 'The name is that of a group and not of a consumer, or the reverse'],
  ['ERR_DEPENDENCIES', 'The consumer of this name comes after others than those asked for'],
  ['ERR_SEQUENCE_GONE', 'The ring does not have that sequence any more, or not yet'],
  ['ERR_RELEASED', 'The Disruptor has been released'],
];

/** `Errc::kSystem`. */
const SYSTEM = 1;

/**
 * The `code` of every {@link DisruptorError}.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_SIZE_OVERFLOW` | the sizes asked for do not fit into 64 bits |
 * | `ERR_SEGMENT_EXISTS` | the name is taken |
 * | `ERR_SEGMENT_BUSY` | others are replacing the segment, or are in the middle of a message in each slot of a broadcast, and do not finish |
 * | `ERR_SEGMENT_NOT_REGULAR` | a directory, link, FIFO, socket or device bears the name |
 * | `ERR_SEGMENT_OWNER` | the object belongs to another user and is not shared |
 * | `ERR_SEGMENT_MODE` | its permission bits are not those that its creator set |
 * | `ERR_SEGMENT_TOO_SHORT` | the object is empty, or too short for a header |
 * | `ERR_SEGMENT_FOREIGN` | the object is not one of ours; it is never touched, and the message says how to remove it |
 * | `ERR_SEGMENT_VERSION` | made by another layout version, or on another kind of machine |
 * | `ERR_SEGMENT_KIND` | a segment of ours, but of another kind |
 * | `ERR_SEGMENT_CORRUPT` | its header or counters contradict themselves |
 * | `ERR_SEGMENT_TRUNCATED` | it is not as long as its header says, or has holes |
 * | `ERR_SEGMENT_GEOMETRY` | attached with other sizes than its creator's |
 * | `ERR_SEGMENT_TOO_LARGE` | it has more bytes of elements than one Buffer can have here |
 * | `ERR_SEGMENT_REPLACED` | it was replaced by a new one of the same name |
 * | `ERR_SEGMENT_UNLINKED` | its file was removed, and `onUnlinked` is `'error'` |
 * | `ERR_SEQUENCE_EXHAUSTED` | the sequence would pass 2^53 - 1 |
 * | `ERR_NOT_CLAIMED` | a commit names sequences that nobody has claimed |
 * | `ERR_CONSUME_PENDING` | a `consumeNew` of this object is still waiting |
 * | `ERR_CONSUMER_IGNORED` | this consumer was released for good |
 * | `ERR_CONSUMER_BUSY` | somebody else who lives is this consumer, and not both share it |
 * | `ERR_TOO_MANY_PRODUCERS` | more producers, or claims outstanding, than the ring was made for |
 * | `ERR_PRODUCER_BUSY` | somebody else who lives is the one producer |
 * | `ERR_TOO_MANY_CONSUMERS` | every place for a consumer is taken |
 * | `ERR_UNKNOWN_CONSUMER` | a consumer to come after does not exist |
 * | `ERR_CONSUMER_KIND` | the name is a group's and was not asked for as one, or the reverse |
 * | `ERR_DEPENDENCIES` | the consumer of that name comes after others than those asked for |
 * | `ERR_DEPENDENCY_CYCLE` | consumers that come after each other in a circle |
 * | `ERR_SEQUENCE_GONE` | a sequence to begin with that may be overwritten, or is not there yet |
 * | `ERR_SCHEMA_MISMATCH` | the elements are of another record or encoding than the creator's |
 * | `ERR_MESSAGE_UNREADABLE` | a message cannot be decoded: see {@link UnreadableMessageError} |
 * | `ERR_QUEUE_FULL` | there is no room, and what is in the way is in consumers' hands |
 * | `ERR_SEGMENT_IN_USE` | somebody who lives is attached to what was to be replaced |
 * | `ERR_READ_ONLY` | memory that was opened for reading alone has no buffer |
 * | `ERR_TIMEOUT` | a wait took longer than its `timeout` |
 * | `ERR_RELEASED` | the object was released |
 * | `ERR_CLIENT_MISSING` | a bridge needs the package of an engine's client, which is not installed |
 * | `ERR_BRIDGE_BUSY` | another bridge that lives has the checkpoint |
 * | `ERR_BRIDGE_REFUSED` | an engine refuses a bridge for a reason that trying again does not cure |
 * | `ERR_CONSUMER_MISMATCH` | a durable consumer of NATS was not made by a bridge, or is not as asked for |
 * | `ERR_UNDELIVERABLE` | a bridge cannot read or deliver a message, and was not told to leave it out |
 * | `ERR_NO_BINARY` | no build of the addon fits this system |
 */
export type DisruptorErrorCode =
  | 'ERR_SIZE_OVERFLOW'
  | 'ERR_SEGMENT_EXISTS'
  | 'ERR_SEGMENT_BUSY'
  | 'ERR_SEGMENT_NOT_REGULAR'
  | 'ERR_SEGMENT_OWNER'
  | 'ERR_SEGMENT_MODE'
  | 'ERR_SEGMENT_TOO_SHORT'
  | 'ERR_SEGMENT_FOREIGN'
  | 'ERR_SEGMENT_VERSION'
  | 'ERR_SEGMENT_KIND'
  | 'ERR_SEGMENT_CORRUPT'
  | 'ERR_SEGMENT_TRUNCATED'
  | 'ERR_SEGMENT_TOO_LARGE'
  | 'ERR_SEGMENT_REPLACED'
  | 'ERR_SEGMENT_UNLINKED'
  | 'ERR_SEQUENCE_EXHAUSTED'
  | 'ERR_NOT_CLAIMED'
  | 'ERR_CONSUMER_IGNORED'
  | 'ERR_TOO_MANY_PRODUCERS'
  | 'ERR_CONSUMER_BUSY'
  | 'ERR_PRODUCER_BUSY'
  | 'ERR_TOO_MANY_CONSUMERS'
  | 'ERR_UNKNOWN_CONSUMER'
  | 'ERR_CONSUMER_KIND'
  | 'ERR_DEPENDENCIES'
  | 'ERR_DEPENDENCY_CYCLE'
  | 'ERR_SEQUENCE_GONE'
  | 'ERR_SCHEMA_MISMATCH'
  | 'ERR_MESSAGE_UNREADABLE'
  | 'ERR_QUEUE_FULL'
  | 'ERR_SEGMENT_IN_USE'
  | 'ERR_RELEASED'
  | 'ERR_SEGMENT_GEOMETRY'
  | 'ERR_CONSUME_PENDING'
  | 'ERR_READ_ONLY'
  | 'ERR_TIMEOUT'
  | 'ERR_CLIENT_MISSING'
  | 'ERR_BRIDGE_BUSY'
  | 'ERR_BRIDGE_REFUSED'
  | 'ERR_CONSUMER_MISMATCH'
  | 'ERR_UNDELIVERABLE'
  | 'ERR_NO_BINARY';

/**
 * Everything that can go wrong with a ring and is neither a bad argument (`TypeError`, `RangeError`
 * with Node's codes) nor the system's (`Error` with `code`, `errno`, `syscall` and `path`).
 */
export class DisruptorError extends Error {
  /** Always `DisruptorError`. */
  override readonly name = 'DisruptorError';
  /** What happened, for programs. */
  readonly code: DisruptorErrorCode;
  /** The segment's file, of an error about a segment that was to be created, opened or removed. */
  declare readonly path?: string;

  /** @internal */
  constructor(
    code: DisruptorErrorCode,
    message: string,
    { path, ...options }: ErrorOptions & { path?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    if (path !== undefined) this.path = path;
  }
}

/** The kinds of segments whose messages are decoded. */
type Kind = UnreadableMessageError['kind'];

/** How to go on behind the message `sequence`. */
const REMEDIES: Readonly<Record<Kind, (sequence: number) => string>> = {
  queue: (sequence) =>
    `queue.reject(${sequence}) gets rid of it, and so do maxDeliveries and deadLetters`,
  ring: (sequence) => `consumer.commit(${sequence}) passes it`,
  broadcast: (sequence) => `subscription.seek(${sequence + 1}) passes it`,
};

/** What an {@link UnreadableMessageError} names. */
export type UnreadableMessage = Pick<
  UnreadableMessageError,
  'kind' | 'segment' | 'sequence' | 'encoding'
>;

/**
 * A message that cannot be decoded: `ERR_MESSAGE_UNREADABLE`. The `cause` is what the decoder threw, or
 * what is wrong with the message's length or with the decoded value.
 */
export class UnreadableMessageError extends DisruptorError {
  /** What the message is in. */
  readonly kind: 'queue' | 'ring' | 'broadcast';
  /** The name of the queue, ring or broadcast, as the caller gave it. */
  readonly segment: string;
  /** The message's sequence. */
  readonly sequence: number;
  /** The name of the encoding, `'record'` for records; undefined for an encoding without a name. */
  readonly encoding: string | undefined;

  /** @internal */
  constructor({ kind, segment, sequence, encoding }: UnreadableMessage, cause: unknown) {
    const codec = encoding === undefined ? 'its encoding' : `the encoding '${encoding}'`;
    const reason = cause instanceof Error ? cause.message : inspect(cause);
    super(
      'ERR_MESSAGE_UNREADABLE',
      `Message ${sequence} of ${kind} '${segment}' cannot be read with ${codec}: ${reason}. ` +
        REMEDIES[kind](sequence),
      { cause },
    );
    this.kind = kind;
    this.segment = segment;
    this.sequence = sequence;
    this.encoding = encoding;
  }
}

/** What sending several values fails with once it has begun. */
export interface PartialSendError extends Error {
  /** How many of the values were sent: the first so many, and none of the others. */
  readonly sent: number;
}

/**
 * Says in an error how many of several values were sent. An error that takes no properties goes
 * without.
 * @internal
 */
export function recordSent(error: unknown, sent: number): void {
  if (error instanceof Error) Reflect.set(error, 'sent', sent);
}

/** What the caller asked for: the verb for a system call that serves several ends, such as `open`. */
export type Attempt = 'create' | 'open' | 'remove' | 'list' | 'sync';

/** What a system call that serves one end was to do. */
const VERBS: Readonly<Record<string, string>> = {
  fchmod: 'create',
  link: 'create',
  linkat: 'create',
  posix_fallocate: 'size',
  fallocate: 'size',
  mmap: 'map',
  msync: 'sync',
  fsync: 'sync',
  fcntl: 'lock',
  statx: 'examine',
  pread: 'read',
  unlink: 'remove',
  opendir: 'list',
  readdir: 'list',
};

/** What errors call a segment. */
export interface SegmentLabel {
  /** The `path` of a system error: the name as it was given, or the file in a directory. */
  readonly given: string;
  /** Its file, or the directory whose segments are listed. */
  readonly file: string;
}

/** What is missing when the system says `ENOENT`, where it is not the file. */
function missingDirectory(attempt: Attempt, file: string): string {
  const directory = attempt === 'list' ? file : dirname(file);
  return existsSync(directory) ? '' : `: the directory ${directory} is missing`;
}

/**
 * An error of the operating system, as Node's own modules throw it.
 * @internal
 */
export function systemError(
  errno: number,
  syscall: string,
  label?: SegmentLabel,
  attempt: Attempt = 'open',
): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  const objects = attempt === 'list' ? 'objects' : 'object';
  const missing = label && code === 'ENOENT' ? missingDirectory(attempt, label.file) : '';
  const failure = `Failed to ${VERBS[syscall] ?? attempt} shared memory ${objects}: ${sentence}`;
  return Object.assign(new Error(failure + missing), {
    code,
    errno: -errno,
    syscall,
    ...(label && { path: label.given }),
  });
}

/** A path as an argument for a POSIX shell. */
function shellArgument(path: string): string {
  return /^[\w/.:@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** What may be under a segment's name and is not a segment. */
const STRANGERS: Partial<Record<DisruptorErrorCode, string>> = {
  ERR_SEGMENT_FOREIGN: 'was not made by shm-disruptor',
  ERR_SEGMENT_TOO_SHORT: 'is too short for a segment of shm-disruptor',
};

/** The same error, naming the segment's file. */
function namedError({ code, message }: DisruptorError, path: string): DisruptorError {
  const stranger = STRANGERS[code];
  const advice = `If shared-memory-disruptor left it, remove it: rm ${shellArgument(path)}`;
  const sentence =
    stranger === undefined ? `${path}: ${message}` : `${path} ${stranger}. ${advice}`;
  return new DisruptorError(code, sentence, { path });
}

/**
 * What the core threw, which does not know what the caller attempts: an error about the segment gets a
 * `path`, the file and the verb.
 * @internal
 */
export function named(label: SegmentLabel, attempt: Attempt, error: unknown): unknown {
  const { errno, syscall } = error as NodeJS.ErrnoException;
  if (errno !== undefined && syscall !== undefined) {
    return systemError(-errno, syscall, label, attempt);
  }
  const ofSegment = error instanceof DisruptorError && error.code.startsWith('ERR_SEGMENT_');
  return ofSegment ? namedError(error, label.file) : error;
}

/**
 * Calls the core, and completes its errors about the segment: see {@link named}.
 * @internal
 */
export function naming<T>(label: SegmentLabel, attempt: Attempt, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw named(label, attempt, error);
  }
}

/**
 * The same for a call that gives a promise.
 * @internal
 */
export async function namingLater<T>(
  label: SegmentLabel,
  attempt: Attempt,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw named(label, attempt, error);
  }
}

/**
 * Makes the exception for an `Error` of the core; registered with the addon when it is loaded.
 * @internal
 */
export function coreError(errc: number, errno: number, syscall: string): Error {
  if (errc === SYSTEM) return systemError(errno, syscall);
  const [code, message] = CORE_ERRORS[errc] ?? ['', ''];
  return code === '' ? new Error(`unknown error ${errc}`) : new DisruptorError(code, message);
}

/** @internal */
export function coreErrorCode(errc: number): DisruptorErrorCode {
  const code = CORE_ERRORS[errc]?.[0] ?? '';
  return code === '' ? 'ERR_SEGMENT_CORRUPT' : code;
}

/**
 * The sentence of an error of the core that is not the system's.
 * @internal
 */
export function coreErrorMessage(errc: number): string {
  return CORE_ERRORS[errc]?.[1] ?? `unknown error ${errc}`;
}

/**
 * The error for memory that an object has lost: `ArrayBuffer.prototype.transfer`, and a byte stream that
 * a view is given to, move all of it to another ArrayBuffer. The segment is as good as before for others.
 *
 * @internal
 */
export function transferred(): Error {
  return new DisruptorError(
    'ERR_RELEASED',
    'The memory was transferred to another ArrayBuffer: close this object, and open the segment again',
  );
}

/** @internal */
export function released(): Error {
  return coreError(CORE_ERRORS.length - 1, 0, '');
}
