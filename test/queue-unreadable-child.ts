// Takes a message from a queue with a decoder that ends the process.
import { Queue } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from './fixture.js';

const deadly = {
  encode: (bytes: Uint8Array) => bytes,
  decode(): Buffer {
    process.kill(process.pid, 'SIGKILL');
    throw new Error('It is dead');
  },
};
Queue.open(process.argv[2]!, { encoding: deadly }).dequeueSync({ timeout: WATCHDOG_MILLISECONDS });
