// Waits until others wait: what the segment says of its sleepers.
import { setTimeout as sleep } from 'node:timers/promises';

import type { SharedMemory } from 'shm-disruptor';

import type * as Observing from '../dist/observe/observation.js';

const { observe } = (await import(
  new URL('../../dist/observe/observation.js', import.meta.url).href
)) as typeof Observing;

/** Waits until somebody sleeps until data come, or until there is space. */
export async function asleep(name: string, until: 'data' | 'space' = 'data'): Promise<void> {
  const now = () => {
    const { ring, broadcast } = observe(name);
    if (broadcast) return broadcast.forData.now;
    return until === 'data' ? ring!.forData.now : ring!.forSpace.now;
  };
  while (!now()) await sleep(1);
}

/**
 * Waits until a thread sleeps until a word changes. It is woken for a moment, and sleeps again, because
 * the word has not changed. An event loop may look instead, and not sleep on the word.
 */
export async function asleepOn(memory: SharedMemory, offset: number): Promise<void> {
  while (memory.notify(offset) === 0) await sleep(1);
}
