import { constants } from 'node:buffer';

import type { AnyEncoding } from '../values/encoding.js';
import { Kind } from '../native/creation.js';
import type { Creation } from '../native/creation.js';
import { PLACE } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { policy } from '../segment/policy.js';
import { WAITING } from '../ring/ring-options.js';
import type { AttachOptions } from '../ring/ring-options.js';
import { integer, oneOf, outOfRange, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** Bytes in a cell, and in front of each message: see `addon/core/message.h`. */
export const CELL = 32;
export const HEADER = 8;

/** How many cells a message of so many bytes takes. */
export const cellsOf = (length: number) => Math.ceil((HEADER + length) / CELL);

/** What does not depend on whether the queue is there already. */
export interface QueueOpenOptions<E extends AnyEncoding> extends AttachOptions, SegmentDirectory {
  /** What its messages are: see {@link EncodingName}. Default: bytes, and strings as bytes. */
  encoding?: E;
  /**
   * How often a message is delivered before it goes to the `deadLetters`: an integer from 1. Received to
   * be acknowledged, taken by a stream, or tried to decode, it was delivered. Default: no limit.
   */
  maxDeliveries?: number;
}

/** How a queue is made. */
export interface QueueOptions<E extends AnyEncoding = 'buffer'> extends QueueOpenOptions<E> {
  /**
   * Bytes that there is room for, each message taking 8 more and being rounded up to a multiple of 32:
   * an integer from 1, rounded up to whole pages of 4096. Not with `messageSize`.
   */
  capacity?: number;
  /** The most bytes in a message: an integer from 0. Default: what the capacity holds. */
  maxMessage?: number;
  /** For messages of one size: how many bytes they have, at most. With `length`. */
  messageSize?: number;
  /** And how many of them there is room for: an integer from 1, rounded up to whole pages. */
  length?: number;
  /**
   * How many messages can be held unacknowledged at a time, by all consumers together, counting one
   * for each consumer that holds none: an integer from 1 to 2046. Default: 256.
   */
  maxHeld?: number;
  /** As for {@link RingOptions}. */
  maxProducers?: number;
  /** Permission bits, exactly, whatever the umask. Default: `0o600`. */
  mode?: number;
  /** As for {@link RingOptions}. */
  existing?: 'refuse' | 'replace-dead' | 'replace';
}

/** The names of a queue's options. */
export const OPENING: OptionNames<QueueOpenOptions<never>> = {
  ...WAITING,
  ...PLACE,
  encoding: true,
  maxDeliveries: true,
};

/** Those of a new one. */
export const CREATING: OptionNames<QueueOptions<never>> = {
  ...OPENING,
  capacity: true,
  maxMessage: true,
  messageSize: true,
  length: true,
  maxHeld: true,
  maxProducers: true,
  mode: true,
  existing: true,
};

const PAGE = 4096;
const CELLS_IN_PAGE = PAGE / CELL;
const MAX_HELD = 2046;
const DEFAULT_HELD = 256;
/** Lengths are kept in 32 bits. */
const LONGEST = 2 ** 32 - PAGE;

function cellsWanted(options: QueueOptions<never>): number {
  const { capacity, messageSize, length } = options;
  if (messageSize === undefined) {
    if (length !== undefined) throw wrongType('messageSize with length', 'options', options);
    return integer(capacity, 'capacity', 1) / CELL;
  }
  if (capacity !== undefined) throw wrongType('capacity or messageSize', 'options', options);
  return integer(length, 'length', 1) * cellsOf(integer(messageSize, 'messageSize', 0, LONGEST));
}

/** What a new queue is to be. */
export function queueCreation(options: QueueOptions<never>, schema: bigint): Creation {
  const cells = Math.ceil(cellsWanted(options) / CELLS_IN_PAGE) * CELLS_IN_PAGE;
  // All of it is seen twice.
  if (2 * cells * CELL > constants.MAX_LENGTH) {
    throw outOfRange(`at most ${constants.MAX_LENGTH / 2} bytes`, 'capacity', cells * CELL);
  }
  const room = Math.min(cells * CELL - HEADER, LONGEST);
  const most = options.maxMessage ?? options.messageSize ?? room;
  return {
    kind: Kind.Queue,
    elements: cells,
    elementSize: CELL,
    // The group that all consumers are in, and its members.
    consumers: 1 + integer(options.maxHeld ?? DEFAULT_HELD, 'maxHeld', 1, MAX_HELD),
    ...policy({ maxProducers: options.maxProducers, mode: options.mode }),
    shape: integer(most, 'maxMessage', 0, room),
    schema,
    joinable: true,
    declared: [{ name: CONSUMERS, group: true, after: [] }],
    existing: oneOf(
      ['refuse', 'replace-dead', 'replace'] as const,
      options.existing ?? 'refuse',
      'existing',
    ),
  };
}

/** The group that all consumers of a queue are in. */
export const CONSUMERS = 'consumers';
