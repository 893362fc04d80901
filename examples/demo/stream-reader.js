// Reads a ring to the end, and compares each byte with the file that it comes from.
import { readFileSync } from 'node:fs';

import { Disruptor, DisruptorReadStream } from 'shm-disruptor';

import { play } from './part.js';

const [name, consumer, path] = process.argv.slice(2);
const ring = new Disruptor({ name, consumer: Number(consumer) });
const sample = readFileSync(path);

play(async () => {
  let bytes = 0;
  let faults = 0;
  for await (const chunk of new DisruptorReadStream(ring)) {
    for (let from = 0; from < chunk.length;) {
      const at = bytes % sample.length;
      const length = Math.min(chunk.length - from, sample.length - at);
      if (chunk.compare(sample, at, at + length, from, from + length) !== 0) faults += 1;
      from += length;
      bytes += length;
    }
  }
  return { bytes, faults };
});
