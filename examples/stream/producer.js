// Sends standard input to all consumers.
import { pipeline } from 'node:stream/promises';

import { DisruptorWriteStream } from 'shm-disruptor';

import { attachSoon } from './attach.js';

const { NAME: name = '/shm-disruptor-stream' } = process.env;
const ring = await attachSoon({ name });

try {
  // As process.stdin.pipe(...), but a failing stdin fails the consumers too.
  await pipeline(process.stdin, new DisruptorWriteStream(ring));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
