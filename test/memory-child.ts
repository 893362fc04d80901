// Another participant in plain memory, as a process or a worker. Word 0 is whose turn it is: ours when
// it is odd. Its argument: what it does, as JSON.
import { parentPort, workerData } from 'node:worker_threads';

import { SharedMemory } from 'shm-disruptor';

/** What it does. */
export interface Part {
  name: string;
  path?: string;
  readOnly?: boolean;
  /**
   * `turns`: takes its turns until word 0 is `until`. `wait`: waits until word 0 is not 0, and says so
   * when it has begun; `wait sync` cannot say it: see asleepOn.
   */
  does: 'turns' | 'turns sync' | 'wait' | 'wait sync' | 'add';
  until?: number;
}

/** Takes every other turn. */
export async function takeTurns(memory: SharedMemory, first: 0 | 1, until: number, sync: boolean) {
  const words = new Int32Array(memory.buffer, 0, 1);
  for (let turn = first; turn < until; turn += 2) {
    while (Atomics.load(words, 0) !== turn) {
      if (sync) memory.waitSync(0, turn - 1);
      else await memory.wait(0, turn - 1);
    }
    Atomics.store(words, 0, turn + 1);
    memory.notify(0, 1);
  }
}

const argument: unknown =
  workerData ?? (process.send ? JSON.parse(process.argv[2] ?? 'null') : undefined);
if (typeof argument === 'object' && argument !== null && 'does' in argument) {
  const { name, does, until = 0, ...options } = argument as Part;
  const say = (message: unknown) => {
    if (parentPort) parentPort.postMessage(message);
    else process.send!(message);
  };
  const memory = SharedMemory.open(name, options);
  say('ready');
  switch (does) {
    case 'turns':
    case 'turns sync':
      await takeTurns(memory, 1, until, does === 'turns sync');
      break;
    case 'wait': {
      const waiting = memory.wait(0, 0);
      say('waiting');
      say(await waiting);
      break;
    }
    case 'wait sync':
      say(memory.waitSync(0, 0));
      break;
    case 'add': {
      const words = new Int32Array(memory.buffer, 0, 1);
      for (let i = 0; i < until; i += 1) Atomics.add(words, 0, 1);
    }
  }
  say('done');
  memory.close();
  if (!parentPort) process.disconnect();
}
