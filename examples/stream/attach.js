import { setTimeout as delay } from 'node:timers/promises';

import { Disruptor } from 'shm-disruptor';

const PATIENCE_MILLISECONDS = 10_000;

/** Attaches to a ring that another process is about to create. */
export async function attachSoon(options) {
  const end = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      return new Disruptor(options);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      if (performance.now() >= end) {
        console.error(`There is no ring ${options.name}. Start the consumer with ID 0.`);
        process.exit(1);
      }
    }
    await delay(50);
  }
}
