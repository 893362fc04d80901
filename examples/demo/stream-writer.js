// Writes a file into a ring, again and again until its time is over.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorWriteStream } from 'shm-disruptor';

import { Pace } from './pace.js';
import { play } from './part.js';

const CHUNK = 256 * 2 ** 10;

const [name, path] = process.argv.slice(2);
const ring = new Disruptor({ name });
const sample = readFileSync(path);

play(async () => {
  const pace = new Pace();
  let bytes = 0;
  function* chunks() {
    while (pace.goesOn(bytes)) {
      const at = bytes % sample.length;
      const chunk = sample.subarray(at, at + CHUNK);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await pipeline(Readable.from(chunks()), new DisruptorWriteStream(ring));
  return { bytes, counted: pace.counted, seconds: pace.seconds };
});
