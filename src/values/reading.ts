import { UnreadableMessageError } from '../errors.js';
import type { UnreadableMessage } from '../errors.js';

/** Decodes the bytes from `begin` to `end`. */
export type Decode<Out> = (source: Buffer, begin: number, end: number) => Out;

/**
 * Reads the message from `begin` to `end`. Its sequence is `start + offset`: they are added only for an
 * error, because JavaScript keeps a number beyond 2^31 as an object.
 */
export type Read<Out> = (
  source: Buffer,
  begin: number,
  end: number,
  start: number,
  offset?: number,
) => Out;

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
  return (source, begin, end, start, offset = 0) => {
    try {
      return decode(source, begin, end);
    } catch (cause) {
      const sequence = start + offset;
      throw new UnreadableMessageError({ kind, segment, sequence, encoding }, cause);
    }
  };
}
