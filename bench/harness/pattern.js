// Bytes whose position in a stream can be told from their value.
import { once } from 'node:events';

// Prime, so that the pattern does not repeat with the chunks or with the ring.
const PERIOD = 251;

const byteAt = (position) => position % PERIOD;

/** Writes so many chunks and ends the stream. */
export async function writePattern(stream, chunks, chunkSize) {
  const bytes = Buffer.from(Array.from({ length: chunkSize + PERIOD }, (_, i) => byteAt(i)));
  for (let i = 0; i < chunks; i += 1) {
    const offset = byteAt(i * chunkSize);
    if (!stream.write(bytes.subarray(offset, offset + chunkSize))) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
}

/** Reads to the end, and rejects unless that was so many bytes of the pattern. */
export async function readPattern(stream, length) {
  let position = 0;
  stream.on('data', (chunk) => {
    // Not every byte, which would cost about as much as the stream.
    for (const i of [0, chunk.length >> 1, chunk.length - 1]) {
      if (chunk[i] === byteAt(position + i)) continue;
      stream.destroy(new Error(`wrong byte ${chunk[i]} at ${position + i}`));
      return;
    }
    position += chunk.length;
  });
  await once(stream, 'end');
  if (position !== length) throw new Error(`read ${position} bytes`);
}
