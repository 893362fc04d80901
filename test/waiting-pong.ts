// The other side of a ping-pong: answers every number of ring `ping` on ring `pong`, in a worker
// thread or a child process.
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';
import type { DisruptorOptions } from 'shm-disruptor';

import { promiseFace, syncFace } from './faces.js';
import { fillIn, valuesOf } from './compat/values.js';

/** What one side of the ping-pong is told. */
export interface Player {
  ping: string;
  pong: string;
  face: 'promise' | 'sync';
  rounds: number;
  options: Partial<DisruptorOptions>;
  /** The first side sends the first number, and pauses now and then. */
  first: boolean;
}

/** Longer than any polling budget that is used here, in milliseconds. */
const PAUSE = 5;

/** Plays one side; returns what it received. */
export async function play(player: Player): Promise<number[]> {
  const { ping, pong, rounds, options, first } = player;
  const face = { promise: promiseFace, sync: syncFace }[player.face];
  const attach = (name: string) =>
    new Disruptor({ consumer: 0, shared: true, spin: true, ...options, name });
  const [sends, receives] = [attach(first ? ping : pong), attach(first ? pong : ping)];
  const got: number[] = [];
  const receive = async () => {
    got.push(...valuesOf((await face.consume(receives)).bufs));
    receives.consumeCommit();
  };
  for (let round = 1; round <= rounds; round += 1) {
    if (!first) await receive();
    if (first && round % 40 === 0) await sleep(PAUSE);
    // The claim waits as well: the ring has one element.
    const { buf } = await face.claim(sends);
    fillIn([buf], [round]);
    await face.commit(sends);
    if (first) await receive();
  }
  sends.release();
  receives.release();
  return got;
}

const player = (workerData ?? (process.argv[2] && JSON.parse(process.argv[2]))) as Player | null;
// The test itself imports this too.
if (player?.ping) await play(player);
