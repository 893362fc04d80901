import { Refusal } from './exit.js';

const NEWLINE = 0x0a;

/**
 * The bytes between newlines, whatever they are: a carriage return stays. What follows the last newline
 * is a line if there is anything, and if it is `complete` when the input has ended.
 *
 * @param most - the longest line that anything is made of; a longer one is not awaited to its end
 * @throws Refusal `ERR_OUT_OF_RANGE` for such a line
 */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  most: number,
  complete: () => boolean,
): AsyncGenerator<Buffer, void> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, at);
      yield pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
      pieces = [];
      length = 0;
      from = at + 1;
    }
    if (from === chunk.length) continue;
    pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > most) {
      throw new Refusal('ERR_OUT_OF_RANGE', `A line is longer than a message of ${most} bytes`);
    }
  }
  if (length > 0 && complete()) yield Buffer.concat(pieces);
}
