import { constants } from 'node:buffer';

import type { AnyEncoding } from '../values/encoding.js';
import type { MessageFormat } from '../values/message-format.js';
import { Kind } from '../native/creation.js';
import type { Creation, ProducerMode } from '../native/creation.js';
import type { RecordSchema, RecordType } from '../values/record.js';
import { WAITING } from '../ring/ring-options.js';
import type { AttachOptions } from '../ring/ring-options.js';
import { PLACE } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { policy } from '../segment/policy.js';
import { integer, oneOf, outOfRange } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** What does not depend on whether the broadcast is there already. */
export interface BroadcastOpenOptions extends AttachOptions, SegmentDirectory {
  /** What its messages are: see {@link EncodingName}. Default: bytes, and strings as bytes. */
  encoding?: AnyEncoding;
  /** Its messages are records of this type; not with `encoding`. */
  record?: RecordType<RecordSchema>;
}

/** How a broadcast is made. */
export interface BroadcastOptions extends BroadcastOpenOptions {
  /**
   * How many messages it keeps: an integer from 1; a power of two is a little faster. Who lags by more
   * has lost the oldest.
   */
  elements: number;
  /** The most bytes in a message: an integer from 1. Not with `record`. */
  elementSize?: number;
  /**
   * `'single'`: one publisher at a time, which costs it less; another one gets `ERR_PRODUCER_BUSY` for
   * as long as the first lives. `'multi'`: several. Default: `'single'`.
   */
  producers?: ProducerMode;
  /** How many there can be at a time, if several: an integer from 1 to 2046. Default: 1024. */
  maxProducers?: number;
  /**
   * Permission bits, exactly, whatever the umask. Who may only read can subscribe, and looks every
   * millisecond while it waits, because it may not say that it sleeps. Default: `0o600`.
   */
  mode?: number;
  /** As for {@link RingOptions}. */
  existing?: 'refuse' | 'replace-dead' | 'replace';
}

/** The names of a broadcast's options. */
export const OPENING: OptionNames<BroadcastOpenOptions> = {
  ...WAITING,
  ...PLACE,
  encoding: true,
  record: true,
};

/** Those of a new one. */
export const CREATING: OptionNames<BroadcastOptions> = {
  ...OPENING,
  elements: true,
  elementSize: true,
  producers: true,
  maxProducers: true,
  mode: true,
  existing: true,
};

const MAX_PUBLISHERS = 2046;
const DEFAULT_PUBLISHERS = 1024;
/** In place of a table of consumers, whom nobody knows: `kBellEntries` in `addon/core/layout.h`. */
const BELL = 32;
/** In front of each message, and what they are rounded up to: `SlotHeader` there. */
export const SLOT_HEADER = 16;

/** What a new broadcast is to be. */
export function broadcastCreation(options: BroadcastOptions, format: MessageFormat): Creation {
  const elements = integer(options.elements, 'elements', 1);
  const stride = Math.ceil((format.longest + SLOT_HEADER) / SLOT_HEADER) * SLOT_HEADER;
  if (elements * stride > constants.MAX_LENGTH) {
    throw outOfRange(`at most ${constants.MAX_LENGTH} bytes in all`, 'elements', elements);
  }
  const producers = options.producers ?? 'single';
  const most = options.maxProducers ?? DEFAULT_PUBLISHERS;
  const maxProducers =
    producers === 'single' ? 1 : integer(most, 'maxProducers', 1, MAX_PUBLISHERS);
  return {
    kind: Kind.Broadcast,
    elements,
    elementSize: format.longest,
    consumers: BELL,
    ...policy({ maxProducers, producers, mode: options.mode }),
    shape: format.shape,
    schema: format.schema,
    joinable: false,
    declared: [],
    existing: oneOf(
      ['refuse', 'replace-dead', 'replace'] as const,
      options.existing ?? 'refuse',
      'existing',
    ),
  };
}
