import { constants } from 'node:buffer';

import type { Attempt } from '../errors.js';
import { DisruptorError, released, systemError } from '../errors.js';
import { MemoryAttachment } from './memory-attachment.js';
import { Kind } from '../native/creation.js';
import { MemoryHandle } from '../native/memory.js';
import type { Creation } from '../native/creation.js';
import { ringWaiting, WAITING } from '../ring/ring-options.js';
import type { AttachOptions } from '../ring/ring-options.js';
import type { ResultCallback, SyncWaitOptions } from '../ring/ring-producer.js';
import { SegmentHandle } from '../segment/segment-handle.js';
import { labelOf, located, PLACE } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { policy } from '../segment/policy.js';
import { unlinkLocated, unlinkSegment } from '../segment/segments.js';
import { underName } from '../segment/free-name.js';
import { doLater, doNow, namingSteps } from '../steps.js';
import type { Steps } from '../steps.js';
import type { Strategy } from '../waiting/strategy.js';
import {
  flag,
  integer,
  noOptions,
  type NoOptions,
  oneOf,
  optionsObject,
  outOfRange,
  wrongType,
} from '../validate.js';
import type { OptionNames } from '../validate.js';
import { blockUntil, syncTimeout } from '../waiting/waiter.js';
import type { WaitOptions } from '../waiting/waiter.js';

/** How memory is made. */
export interface SharedMemoryOptions extends AttachOptions, SegmentDirectory {
  /** Permission bits, exactly, whatever the umask. Default: `0o600`. */
  mode?: number;
  /** As for {@link RingOptions}. */
  existing?: 'refuse' | 'replace-dead' | 'replace';
}

/** How memory is opened. */
export interface SharedMemoryOpenOptions extends AttachOptions, SegmentDirectory {
  /**
   * Map it for reading alone: nothing here can change it, and permission to read is enough. Then there
   * is no {@link SharedMemory.buffer}. Default: false.
   */
  readOnly?: boolean;
}

const CREATING: OptionNames<SharedMemoryOptions> = {
  ...WAITING,
  ...PLACE,
  mode: true,
  existing: true,
};
const OPENING: OptionNames<SharedMemoryOpenOptions> = { ...WAITING, ...PLACE, readOnly: true };

/**
 * How a wait for a word ended. `'not-equal'`: the word was another one when it began. `'ok'`: it
 * became another one.
 */
export type WaitResult = 'ok' | 'not-equal';

const WORD = Int32Array.BYTES_PER_ELEMENT;
const EVERYBODY = 2 ** 31 - 1;

/**
 * Plain memory that processes share: an ArrayBuffer over the same bytes in each of them. Views of it
 * are the application's to lay out, and `Atomics` work on them between processes; waiting for a word,
 * which `Atomics.wait` cannot do there, is {@link SharedMemory.wait} and {@link SharedMemory.notify}.
 *
 * One object belongs to one thread. Its memory stays for as long as anybody has it open or it has its
 * name.
 *
 * @example
 * ```js
 * const memory = SharedMemory.create('/counters', 4096);
 * const words = new Int32Array(memory.buffer);
 * Atomics.add(words, 0, 1);
 * memory.notify(0);
 * // elsewhere
 * await memory.wait(0, 0); // until the word at byte 0 is not 0
 * ```
 */
export class SharedMemory extends SegmentHandle {
  /**
   * Makes memory, all of it zero. Blocks the thread while it is allocated and, on a disk, written.
   *
   * @param name - as for {@link DisruptorOptions}; default: one that is free, chosen atomically
   * @param size - its bytes: an integer from 1
   * @throws TypeError, RangeError for wrong arguments
   * @throws DisruptorError `ERR_SEGMENT_EXISTS` and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOSPC before anything is mapped, EACCES, ...
   */
  static create(name: string, size: number, options?: SharedMemoryOptions): SharedMemory;
  static create(size: number, options?: SharedMemoryOptions): SharedMemory;
  static create(...args: unknown[]): SharedMemory {
    return doNow(SharedMemory.#create(args));
  }

  /**
   * As {@link SharedMemory.create}, without blocking the event loop: memory is allocated, and written
   * to its disk, on another thread.
   */
  static createAsync(
    name: string,
    size: number,
    options?: SharedMemoryOptions,
  ): Promise<SharedMemory>;
  static createAsync(size: number, options?: SharedMemoryOptions): Promise<SharedMemory>;
  static createAsync(...args: unknown[]): Promise<SharedMemory> {
    return doLater(SharedMemory.#create(args));
  }

  static *#create(args: unknown[]): Steps<SharedMemory> {
    const [path, size, given = {}] =
      typeof args[0] === 'string' ? (args as [string, unknown]) : [undefined, ...args];
    const options = optionsObject<SharedMemoryOptions>(given, CREATING);
    const creation = memoryCreation(size, options);
    const strategy = ringWaiting(options);
    return yield* underName(path, creation.existing, (name, existing) => {
      const location = located(name, options.path);
      const made = MemoryHandle.create(location, { ...creation, existing }, strategy);
      return SharedMemory.#over('create', made, name, location, strategy);
    });
  }

  static *#over(
    attempt: Attempt,
    made: Steps<MemoryHandle>,
    name: string,
    location: string,
    strategy: Strategy,
  ): Steps<SharedMemory> {
    const label = labelOf(location, name);
    const memory = yield* namingSteps(label, attempt, made);
    const attachment = new MemoryAttachment({ memory, name, label, strategy });
    return new SharedMemory(location, attachment, name);
  }

  /**
   * Opens memory; its size is read from it.
   *
   * @throws DisruptorError `ERR_SEGMENT_KIND` when it is something else, and every `ERR_SEGMENT_`...
   * @throws Error of the system: ENOENT, EACCES, ...
   */
  static open(name: string, options: SharedMemoryOpenOptions = {}): SharedMemory {
    return doNow(SharedMemory.#open(name, options));
  }

  /** As {@link SharedMemory.open}, without blocking the event loop. */
  static openAsync(name: string, options: SharedMemoryOpenOptions = {}): Promise<SharedMemory> {
    return doLater(SharedMemory.#open(name, options));
  }

  static *#open(name: string, given: SharedMemoryOpenOptions): Steps<SharedMemory> {
    const options = optionsObject<SharedMemoryOpenOptions>(given, OPENING);
    const location = located(name, options.path);
    const readOnly = flag(options.readOnly, 'readOnly');
    const strategy = ringWaiting(options);
    const made = MemoryHandle.open(location, readOnly, strategy);
    return yield* SharedMemory.#over('open', made, name, location, strategy);
  }

  /** Takes the name away. Those who have it open go on until they close. */
  static unlink(name: string, options?: SegmentDirectory): void {
    unlinkSegment(name, options);
  }

  /** The name under which others open it. */
  readonly name: string;
  /** Its bytes. */
  readonly size: number;
  readonly #attachment: MemoryAttachment;
  readonly #memory: MemoryHandle;
  readonly #location: string;
  #buffer: ArrayBuffer | undefined;

  private constructor(location: string, attachment: MemoryAttachment, name: string) {
    super(attachment);
    this.#location = location;
    this.#attachment = attachment;
    this.#memory = attachment.memory;
    this.name = name;
    this.size = this.#memory.size;
  }

  /**
   * All bytes. Not a SharedArrayBuffer: `Atomics` but for `Atomics.wait` work on views of it all the
   * same, and are atomic between processes. After {@link SharedMemory.close} it is empty, or reads as
   * zeros if requests are under way. Other threads open the memory themselves: Node 22 and newer refuse
   * to transfer it.
   *
   * @throws DisruptorError `ERR_READ_ONLY` where it was opened for reading alone, `ERR_RELEASED`,
   * `ERR_SEGMENT_TOO_LARGE` where an ArrayBuffer cannot have as many bytes (4 GiB in Node 20): then
   * there is {@link SharedMemory.view}
   */
  get buffer(): ArrayBuffer {
    if (this.closed) throw released();
    if (this.size > constants.MAX_LENGTH && !this.readOnly) {
      throw new DisruptorError(
        'ERR_SEGMENT_TOO_LARGE',
        `An ArrayBuffer can have ${constants.MAX_LENGTH} bytes here, and the memory has ${this.size}`,
      );
    }
    return (this.#buffer ??= this.#attachment.view(0, this.size));
  }

  /**
   * Some of the bytes, in the same way as {@link SharedMemory.buffer}.
   *
   * @param offset - where they begin: an integer from 0
   * @param length - how many: from 1 up to the end of the memory, and at most what an ArrayBuffer can
   * have
   * @throws RangeError, DisruptorError `ERR_READ_ONLY`, `ERR_RELEASED`
   */
  view(offset: number, length: number, options?: NoOptions): ArrayBuffer {
    noOptions(options);
    if (this.closed) throw released();
    const most = this.#maxFrom(integer(offset, 'offset', 0, this.size - 1));
    return this.#attachment.view(offset, offset + integer(length, 'length', 1, most));
  }

  /** Whether it was opened for reading alone. */
  get readOnly(): boolean {
    return this.#memory.readOnly;
  }

  /** Whether somebody created a new segment under this name meanwhile. This one goes on. */
  get replaced(): boolean {
    return this.#memory.replaced();
  }

  /**
   * A copy of some of the bytes. What others write meanwhile may be in it or not, but no aligned word
   * of 1, 2, 4 or 8 bytes is half one and half the other.
   *
   * @param offset - where they begin: an integer from 0
   * @param length - how many: up to the end of the memory, and at most what a Buffer can have
   * @throws RangeError, DisruptorError `ERR_RELEASED`
   */
  read(offset: number, length: number, options?: NoOptions): Buffer {
    noOptions(options);
    if (this.closed) throw released();
    const most = this.#maxFrom(integer(offset, 'offset', 0, this.size));
    const copy = Buffer.allocUnsafe(integer(length, 'length', 0, most));
    this.#memory.read(offset, copy);
    return copy;
  }

  /**
   * The word at a byte: what `Atomics.load` gives for an Int32Array, also where it is only to be read.
   *
   * @param offset - a multiple of 4
   * @throws RangeError, DisruptorError `ERR_RELEASED`
   */
  load(offset: number, options?: NoOptions): number {
    noOptions(options);
    return this.#memory.load(this.#wordAt(offset)) | 0;
  }

  /**
   * Waits until a 32-bit word is no longer what it is expected to be. Whoever changes it, in any
   * process or thread, calls {@link SharedMemory.notify} afterwards; a change that nobody tells of is
   * seen within about half a second. A word that becomes another one and then the same again before
   * this looks has not changed. Costs nothing while nothing happens, and may be called where it is
   * only to be read.
   *
   * @param offset - of its first byte: a multiple of 4
   * @param value - what it is expected to be: an integer from -2^31 to 2^32 - 1
   * @throws RangeError, TypeError; and rejects with an `AbortError`, `ERR_TIMEOUT`, `ERR_RELEASED`,
   * `ERR_SEGMENT_REPLACED`, or with `onUnlinked: 'error'` `ERR_SEGMENT_UNLINKED`
   */
  wait(offset: number, value: number, options?: WaitOptions): Promise<WaitResult>;
  wait(offset: number, value: number, callback: ResultCallback<WaitResult>): void;
  wait(
    offset: number,
    value: number,
    options: WaitOptions,
    callback: ResultCallback<WaitResult>,
  ): void;
  wait(offset: number, value: number, ...args: unknown[]): Promise<WaitResult> | undefined {
    const begin = () => {
      const word = this.#wordAt(offset);
      const expected = valueOf(value);
      let outcome: WaitResult = 'not-equal';
      const attempt = () => {
        if (this.#memory.wait(word, expected, 0)) return outcome;
        outcome = 'ok';
        return undefined;
      };
      return { attempt };
    };
    return this.#attachment.waiter.dispatch<WaitResult, ResultCallback<WaitResult>>(
      offset,
      args,
      begin,
      (done, result) => {
        done(null, result);
      },
    );
  }

  /** As {@link SharedMemory.wait}; blocks the thread. */
  waitSync(offset: number, value: number, options?: SyncWaitOptions): WaitResult {
    const word = this.#wordAt(offset);
    const expected = valueOf(value);
    const timeout = syncTimeout(options);
    if (this.#memory.wait(word, expected, 0)) return 'not-equal';
    const tries = (milliseconds: number) => Number(this.#memory.wait(word, expected, milliseconds));
    blockUntil(this.#attachment.waiter, tries, 0, timeout);
    return 'ok';
  }

  /**
   * Wakes those who wait for a word, in every process, to look at it. Call it after changing the word
   * with `Atomics`. It is one system call, whether or not anybody waits.
   *
   * @param offset - of its first byte: a multiple of 4
   * @param count - how many sleepers: an integer from 0. A sleeper is a thread that waits in `waitSync`,
   * or an event loop with all its waits for the word. If fewer sleep, all of them are woken. More may
   * wake: a wake for a wait that has just ended goes on to another sleeper. Others look by themselves
   * within about half a second. Default: all
   * @returns how many sleepers this call has woken. Those that do not sleep yet, or look now and then as
   * on old systems, are not counted
   */
  notify(offset: number, count = Infinity, options?: NoOptions): number {
    noOptions(options);
    const word = this.#wordAt(offset);
    if (count === Infinity) return this.#memory.notify(word, EVERYBODY);
    return this.#memory.notify(word, Math.min(integer(count, 'count'), EVERYBODY));
  }

  /**
   * Takes the name away, if it is still this memory's. Those who have it open go on until they close.
   *
   * @throws Error of the system: ENOENT, EACCES, ...
   * @throws DisruptorError `ERR_RELEASED`, `ERR_SEGMENT_REPLACED`
   */
  unlink(options?: NoOptions): void {
    noOptions(options);
    if (this.replaced) {
      throw new DisruptorError('ERR_SEGMENT_REPLACED', 'The name is another segment’s');
    }
    // Whatever bears the name now is not this memory.
    if (this.unlinked) {
      throw systemError(2 /* ENOENT */, 'unlink', this.#attachment.label, 'remove');
    }
    unlinkLocated(this.#location, this.#attachment.label);
  }

  #maxFrom(offset: number): number {
    return Math.min(this.size - offset, constants.MAX_LENGTH);
  }

  #wordAt(offset: unknown): number {
    if (this.closed) throw released();
    const most = this.size - (this.size % WORD) - WORD;
    if (typeof offset !== 'number') throw wrongType('a number', 'offset', offset);
    if (Number.isInteger(offset) && offset >= 0 && offset <= most && offset % WORD === 0) {
      return offset;
    }
    throw outOfRange(`a multiple of ${WORD} from 0 to ${most}`, 'offset', offset);
  }
}

function valueOf(value: unknown): number {
  return integer(value, 'value', -(2 ** 31), 2 ** 32 - 1) >>> 0;
}

function memoryCreation(size: unknown, options: SharedMemoryOptions): Creation {
  return {
    kind: Kind.Memory,
    // As addon/core/layout.h has it: memory is a ring of one element.
    elements: 1,
    elementSize: integer(size, 'size', 1),
    consumers: 1,
    ...policy({ mode: options.mode }, 1),
    shape: 0,
    schema: 0n,
    joinable: false,
    declared: [],
    existing: oneOf(
      ['refuse', 'replace-dead', 'replace'] as const,
      options.existing ?? 'refuse',
      'existing',
    ),
  };
}
