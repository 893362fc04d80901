// Writes a file into a ring.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorWriteStream } from 'shm-disruptor';

import { play } from './part.js';

const [name, path] = process.argv.slice(2);
const ring = new Disruptor({ name });

play(async () => {
  await pipeline(createReadStream(path), new DisruptorWriteStream(ring));
  return 'done';
});
