// One of two processes of waiting-passing.test.ts. Its argument: what it does, as JSON.
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Queue, SharedMemory } from 'shm-disruptor';
import type { WaitOptions } from 'shm-disruptor';

/** What it does. */
export interface Pass {
  /** `holder`: waits first, so that its watch would be woken first. `other`: waits behind it. */
  part: 'holder' | 'other';
  kind: 'memory' | 'queue';
  /** What ends the holder's wait: it is given up in two ways, or looks by itself. */
  end: 'abort' | 'close' | 'look';
  /** Of the memory by which both go along. */
  name: string;
  /** Of the queue, where it is about one. */
  queue: string;
  rounds: number;
}

/** Words at these bytes: how far each part has come. Behind them, one for each round. */
const [BEGUN, BEHIND, DONE, TESTED] = [0, 4, 8, 12] as const;
const wordOf = (round: number) => TESTED + 4 * round;

/** How large the memory is. */
export const sizeFor = (rounds: number) => wordOf(rounds + 1);

interface Waiting {
  readonly ended: Promise<unknown>;
  readonly close: () => void;
}

async function play({ part, kind, end, name, queue, rounds }: Pass): Promise<void> {
  const memory = SharedMemory.open(name, { wait: 'block' });
  const words = new Int32Array(memory.buffer);
  const sender = kind === 'queue' ? Queue.open(queue) : undefined;

  const store = (offset: number, value: number) => {
    Atomics.store(words, offset / 4, value);
  };
  const tell = (offset: number, round: number) => {
    store(offset, round);
    memory.notify(offset);
  };
  const until = async (offset: number, round: number) => {
    while (Atomics.load(words, offset / 4) !== round) await memory.wait(offset, round - 1);
  };
  const settle = async () => {
    for (let turns = 0; turns < 3; turns += 1) await turn();
  };

  /** Waits for a message or for what becomes of `value`, and sleeps when this resolves. */
  const wait = async (
    round: number,
    value: number,
    options: WaitOptions = {},
  ): Promise<Waiting> => {
    const opened =
      kind === 'memory'
        ? SharedMemory.open(name, { wait: 'block' })
        : Queue.open(queue, { wait: 'block' });
    const answer =
      opened instanceof Queue
        ? opened.dequeue(options)
        : opened.wait(wordOf(round), value, options);
    const ended = answer.catch((error: unknown) => error);
    await settle();
    return {
      ended,
      close: () => {
        opened.close();
      },
    };
  };

  const wakeOne = (round: number, value: number) => {
    store(wordOf(round), value);
    if (sender) sender.tryEnqueue('');
    else memory.notify(wordOf(round), 1);
  };

  /** The watch is woken, and its wait given up before the loop learns of that. */
  const giveUp = async (round: number) => {
    const controller = new AbortController();
    const { ended, close } = await wait(round, 0, { signal: controller.signal });
    tell(BEGUN, round);
    await until(BEHIND, round);
    wakeOne(round, 1);
    if (end === 'abort') controller.abort();
    close();
    await ended;
  };

  /** The waits of all rounds see by themselves what no wake tells of. */
  const lookByThemselves = async () => {
    const waits = Array.from({ length: rounds }, (_, i) => memory.wait(wordOf(i + 1), 0));
    await settle();
    for (let round = 1; round <= rounds; round += 1) store(wordOf(round), 1);
    await Promise.all(waits);
  };

  const hold = async (round: number) => {
    if (end === 'look') {
      tell(BEGUN, round);
      await until(BEHIND, round);
      wakeOne(round, 2);
    } else {
      await giveUp(round);
    }
    await until(DONE, round);
  };

  const beBehind = async (round: number) => {
    await until(BEGUN, round);
    const { ended, close } = await wait(round, end === 'look' ? 1 : 0);
    tell(BEHIND, round);
    const outcome = await ended;
    if (outcome instanceof Error) throw outcome;
    close();
    tell(DONE, round);
  };

  if (part === 'holder' && end === 'look') await lookByThemselves();
  for (let round = 1; round <= rounds; round += 1) {
    await (part === 'holder' ? hold(round) : beBehind(round));
  }
  sender?.close();
  memory.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await play(JSON.parse(process.argv[2]!) as Pass);
  process.disconnect();
}
