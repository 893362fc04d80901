// Reads a ring to the end; the result is the SHA-256 of all bytes.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorReadStream } from 'shm-disruptor';

import { play } from './part.js';

const [name, consumer] = process.argv.slice(2);
const ring = new Disruptor({ name, consumer: Number(consumer) });

play(async () => {
  const hash = createHash('sha256');
  await pipeline(new DisruptorReadStream(ring), hash);
  return hash.digest('hex');
});
