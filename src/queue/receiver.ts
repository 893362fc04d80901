import { DisruptorError } from '../errors.js';
import { Start } from '../native/joining.js';
import type { RingHandle, Assignment } from '../native/ring.js';
import type { Attachment } from '../segment/attachment.js';
import { outOfRange, wrongResult, wrongType } from '../validate.js';
import type { ResolvedEncoding } from '../values/encoding.js';
import { reading } from '../values/reading.js';
import type { Read } from '../values/reading.js';
import { Word } from '../waiting/waiter.js';
import type { Cells } from './cells.js';
import { Message } from './message.js';
import type { Acknowledgement } from './message.js';
import { checkTarget } from './packed.js';
import { CELL, CONSUMERS, HEADER } from './queue-options.js';

/** A value that may go back into the queue. */
export interface PendingDelivery<Out> extends Acknowledgement {
  readonly value: Out;
}

/** How a queue's values are received. */
export interface Receiving<Out> {
  readonly encoding: ResolvedEncoding<never, Out> | undefined;
  /** After so many deliveries a message goes to the dead letters. */
  readonly maxDeliveries: number;
}

/**
 * Takes a queue's messages: the one place where a message is counted, moved to the dead letters, and
 * read.
 *
 * A delivery is counted when a message is given to a holder (`message`, `lend`), and when it is decoded.
 * It is counted before the decoder runs, so that a message that ends the process counts as well. A
 * message that cannot be read stays held by this receiver, which is given it again by the next call.
 */
export class Receiver<Out> {
  /** Takes in a message that was delivered too often. Undefined: it is delivered again. */
  bury: ((bytes: Uint8Array) => void) | undefined;
  readonly #attachment: Attachment;
  readonly #ring: RingHandle;
  readonly #cells: Cells;
  readonly #maxDeliveries: number;
  readonly #decodes: boolean;
  /** For values that outlive their message, also through a stream, and for those that do not. */
  readonly #copy: Read<Out>;
  readonly #copyForStream: Read<Out>;
  readonly #view: Read<Out>;
  #joined = false;
  /** The share that could not be read, as long as nothing was taken since: it is the next. */
  #unread: Assignment | undefined;

  constructor(attachment: Attachment, cells: Cells, receiving: Receiving<Out>) {
    this.#attachment = attachment;
    this.#ring = attachment.ring;
    this.#cells = cells;
    const { encoding, maxDeliveries } = receiving;
    this.#maxDeliveries = maxDeliveries;
    this.#decodes = encoding !== undefined;
    if (encoding) {
      this.#copy = this.#view = decoding(encoding, attachment.name, withoutUndefined);
      this.#copyForStream = decoding(encoding, attachment.name, withoutNull);
    } else {
      this.#copy = this.#copyForStream = copied as Read<unknown> as Read<Out>;
      this.#view = viewed as Read<unknown> as Read<Out>;
    }
  }

  /** The value of the next message, which is out of the queue. */
  dequeue(milliseconds: number): Out | undefined {
    const assignment = this.#next(milliseconds);
    if (!assignment) return undefined;
    if (this.#decodes) this.#cells.deliver(assignment.slot);
    const value = this.#read(assignment, this.#copy);
    this.#ring.finishAssignment(assignment.memberSlot);
    return value;
  }

  /** The values of the next messages, `most` at most. */
  dequeueSeveral(most: number, milliseconds: number): Out[] | undefined {
    const first = this.dequeue(milliseconds);
    if (first === undefined) return undefined;
    const values = [first];
    try {
      while (values.length < most) {
        const value = this.dequeue(0);
        if (value === undefined) break;
        values.push(value);
      }
    } catch {
      // These are out of the queue. The next call meets the same message, and tells of it.
      if (this.#unread) this.#cells.takeBack(this.#unread.slot);
    }
    return values;
  }

  /** The next message, to be acknowledged. */
  message(milliseconds: number): Message<Out> | undefined {
    const assignment = this.#next(milliseconds);
    if (!assignment) return undefined;
    const { memberSlot, slot, start: sequence, redelivered } = assignment;
    const deliveries = this.#cells.deliver(slot);
    const data = this.#read(assignment, this.#view);
    const acknowledgement = this.#acknowledgement(
      () => this.#ring.returnAssignment(memberSlot),
      memberSlot,
    );
    return new Message({ data, sequence, redelivered, deliveries }, acknowledgement);
  }

  /** The value of the next message, which is out of the queue when it is finished. */
  deliver(): PendingDelivery<Out> | undefined {
    const assignment = this.#next(0);
    if (!assignment) return undefined;
    const { memberSlot, slot } = assignment;
    this.#cells.deliver(slot);
    const value = this.#read(assignment, this.#copyForStream);
    const giveBack = () => {
      // What is given back was not read.
      this.#cells.takeBack(slot);
      return this.#ring.returnAssignment(memberSlot);
    };
    return { value, ...this.#acknowledgement(giveBack, memberSlot) };
  }

  /** The length of the next message, whose bytes are in `target` and out of the queue. */
  move(target: Uint8Array, milliseconds: number): number | undefined {
    this.#begin(milliseconds);
    return moved(this.#ring.moveMessage(target, milliseconds), target);
  }

  /** How many of the next messages are in `target` and out of the queue. */
  moveSeveral(target: Uint8Array, lengths: Uint32Array, milliseconds: number): number | undefined {
    checkTarget(target, lengths);
    this.#begin(milliseconds);
    return moved(this.#ring.moveMessages(target, lengths, milliseconds), target);
  }

  /**
   * The oldest message that no live consumer has: one that a dead consumer had comes first. No other,
   * since a message that is taken and not dropped would be kept from the other consumers.
   */
  oldest(): Assignment | undefined {
    this.#begin(0);
    this.#ring.unblock(Word.Data);
    return this.#take(0);
  }

  /** Gets rid of the message `sequence` if it could not be read and nothing was taken since. */
  reject(sequence: number): boolean {
    if (this.#unread?.start !== sequence) return false;
    const assignment = this.#ring.takeAssignment(0);
    if (assignment?.start !== sequence) {
      if (assignment) this.#ring.keepAssignment(assignment.memberSlot);
      return false;
    }
    this.#end(assignment);
    this.#unread = undefined;
    return true;
  }

  // A queue that only sends is no consumer.
  #begin(milliseconds: number): void {
    this.#unread = undefined;
    if (this.#joined) return;
    const start = { start: Start.Latest, sequence: 0 };
    this.#ring.join({ name: CONSUMERS, group: true, after: undefined, ...start }, milliseconds);
    this.#joined = true;
  }

  // The next share with a message in it.
  #take(milliseconds: number): Assignment | undefined {
    this.#begin(milliseconds);
    for (;;) {
      const assignment = this.#ring.takeAssignment(milliseconds);
      if (!assignment || !this.#cells.dropped(assignment.slot)) return assignment;
      this.#ring.finishAssignment(assignment.memberSlot);
    }
  }

  // The next message to be delivered.
  #next(milliseconds: number): Assignment | undefined {
    for (;;) {
      const assignment = this.#take(milliseconds);
      if (!assignment || !this.bury) return assignment;
      if (this.#cells.deliveries(assignment.slot) < this.#maxDeliveries) return assignment;
      this.#end(assignment);
    }
  }

  // Takes a message out of the queue: to the dead letters, if there are any.
  #end(assignment: Assignment): void {
    const length = this.#lengthOf(assignment);
    try {
      this.bury?.(this.#cells.view(assignment.slot, length));
    } catch (error) {
      this.#ring.keepAssignment(assignment.memberSlot);
      throw error;
    }
    this.#ring.finishAssignment(assignment.memberSlot);
  }

  // What a share holds. It is the next again when that fails.
  #read(assignment: Assignment, read: Read<Out>): Out {
    const begin = this.#cells.begin(assignment.slot);
    const end = begin + this.#lengthOf(assignment);
    try {
      return read(this.#cells.memory, begin, end, assignment.start);
    } catch (error) {
      this.#ring.keepAssignment(assignment.memberSlot);
      this.#unread = assignment;
      throw error;
    }
  }

  #lengthOf({ slot, memberSlot, start, next }: Assignment): number {
    const length = this.#cells.length(slot);
    if (length <= (next - start) * CELL - HEADER) return length;
    try {
      this.#cells.check();
    } catch (error) {
      // It is as good as before for every other consumer.
      this.#ring.keepAssignment(memberSlot);
      throw error;
    }
    // No other consumer is to meet it.
    this.#ring.finishAssignment(memberSlot);
    throw new DisruptorError(
      'ERR_SEGMENT_CORRUPT',
      `Message ${start} of '${this.#attachment.name}' says that it has ${length} bytes, for which its place is too small. It is dropped`,
    );
  }

  #acknowledgement(giveBack: () => boolean, memberSlot: number): Acknowledgement {
    let ended = false;
    const once = (end: () => boolean) => () => {
      if (ended || this.#attachment.released) return false;
      ended = true;
      return end();
    };
    return {
      finish: once(() => this.#ring.finishAssignment(memberSlot)),
      giveBack: once(giveBack),
    };
  }
}

// What moving gave; undefined when there is nothing. Throws when it did not fit into the target.
function moved(outcome: number, target: Uint8Array): number | undefined {
  if (outcome >= 0) return outcome;
  if (outcome === -1) return undefined;
  throw outOfRange(`at least ${-1 - outcome} bytes`, 'target', target.length);
}

function decoding<Out>(
  { decode, name }: ResolvedEncoding<never, Out>,
  segment: string,
  check: (value: unknown) => void,
): Read<Out> {
  const checked = (source: Buffer, begin: number, end: number) => {
    const value = decode(source, begin, end);
    check(value);
    return value;
  };
  return reading(checked, { kind: 'queue', segment, encoding: name });
}

// Receiving says so when there is no message.
function withoutUndefined(value: unknown): void {
  if (value === undefined) throw wrongResult('a value', 'encoding.decode', value);
}

function withoutNull(value: unknown): void {
  withoutUndefined(value);
  if (value === null) throw wrongType('a value other than null', 'a message of a stream', value);
}

function copied(memory: Buffer, begin: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - begin);
  memory.copy(bytes, 0, begin, end);
  return bytes;
}

const viewed = (memory: Buffer, begin: number, end: number) => memory.subarray(begin, end);
