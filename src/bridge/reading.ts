import { DisruptorError, UnreadableMessageError } from '../errors.js';
import { segmentParcel } from './bridge-message.js';
import type { BridgeMessage } from './bridge-message.js';
import { toJson } from './payload.js';

/** The first message that a source is asked for cannot be read, however often it is taken. */
export class Unreadable extends Error {
  /** Always `Unreadable`. */
  override readonly name = 'Unreadable';
  /** What the bridge ends with, unless it leaves the message out. */
  readonly reason: DisruptorError;
  /** The message, with its bytes as they lie in the segment; that of a queue without bytes. */
  readonly parcel: BridgeMessage;

  /** For the message of that parcel. */
  constructor(reason: DisruptorError, parcel: BridgeMessage) {
    super(reason.message, { cause: reason });
    this.reason = reason;
    this.parcel = parcel;
  }
}

/** Why a message of that segment cannot be forwarded, from what reading it threw. */
export function reasonOf(segment: string, sequence: number, error: unknown): DisruptorError {
  if (error instanceof UnreadableMessageError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Message ${sequence} of ${segment} cannot be forwarded as JSON: ${reason}`;
  return new DisruptorError('ERR_UNDELIVERABLE', message, { cause: error });
}

/**
 * The messages in the form in which they are forwarded, up to the first that cannot be read.
 *
 * @param segment - its name, for errors
 * @param parcels - with their bytes as they lie in the segment
 * @param read - gives a parcel its form
 * @throws Unreadable when that is the very first
 */
export function readable(
  segment: string,
  parcels: readonly BridgeMessage[],
  read: (parcel: BridgeMessage) => BridgeMessage,
): readonly BridgeMessage[] {
  const forms: BridgeMessage[] = [];
  for (const parcel of parcels) {
    try {
      forms.push(read(parcel));
    } catch (error) {
      if (forms.length > 0) break;
      throw new Unreadable(reasonOf(segment, parcel.sequence, error), parcel);
    }
  }
  return forms;
}

/** The same message as JSON. @throws TypeError for a value that JSON does not have */
export function jsonParcel(parcel: BridgeMessage, value: unknown): BridgeMessage {
  const { origin, schema, sequence, from, next, time } = parcel;
  const facts = { origin, schema, encoding: 'json' };
  return segmentParcel(facts, { data: toJson(value), sequence, from, next, time });
}
