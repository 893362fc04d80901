import { UnreadableMessageError } from '../errors.js';
import type { UnreadableMessage } from '../errors.js';

/** Decodes the bytes from `begin` to `end`. */
export type Decode<Out> = (source: Buffer, begin: number, end: number) => Out;

/** Reads the message `sequence`, which lies from `begin` to `end`. */
export type Read<Out> = (source: Buffer, begin: number, end: number, sequence: number) => Out;

/**
 * Reads the messages of one segment. Whatever `decode` throws becomes the cause of an
 * {@link UnreadableMessageError}, which names the message.
 *
 * @param decode - the encoding's
 * @param names - what the error names beside the sequence
 */
export function reading<Out>(
  decode: Decode<Out>,
  { kind, segment, encoding }: Omit<UnreadableMessage, 'sequence'>,
): Read<Out> {
  return (source, begin, end, sequence) => {
    try {
      return decode(source, begin, end);
    } catch (cause) {
      throw new UnreadableMessageError({ kind, segment, sequence, encoding }, cause);
    }
  };
}
