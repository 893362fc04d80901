// Writes what the producer sends to standard output. Consumer 0 creates the ring and removes it.
import { pipeline } from 'node:stream/promises';

import { Disruptor, DisruptorReadStream } from 'shm-disruptor';

import { attachSoon } from './attach.js';
import { removeAtExit, untilAllHaveCome } from './removal.js';

const { NAME: name = '/shm-disruptor-stream', ID = '0', TOTAL = '1' } = process.env;
const consumer = Number(ID);
const options = { name, elements: 1000, elementSize: 1, consumers: Number(TOTAL), consumer };

const creator = consumer === 0;
const ring = creator ? new Disruptor({ ...options, init: true }) : await attachSoon(options);
if (creator) removeAtExit(name);

try {
  await pipeline(new DisruptorReadStream(ring), process.stdout);
} catch (error) {
  if (error.code === 'EPIPE') {
    // Whoever reads our output has seen enough, as `head` does. The producer would wait for ever
    // for a consumer that reads no more.
    ring.release(true);
  } else {
    console.error(error.message);
    process.exitCode = 1;
  }
}

if (creator) await untilAllHaveCome(name);
