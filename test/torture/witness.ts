// The consumer that is never killed, in a thread of its own: it sees everything.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';
import type { Gap } from 'shm-disruptor';

import { Phase } from './phase.js';
import { Track } from './track.js';

/** What the witness is told. */
export interface Watch {
  ring: string;
  /** Counts what it consumes, for the watchdog. */
  heartbeat: SharedArrayBuffer;
}

/** What it has seen. */
export interface Testimony {
  messages: number;
  sequence: number;
  gaps: Gap[];
  /** The last number of each sender. */
  last: Map<number, number>;
  /** Numbers that were left out by a sender who went on. */
  missing: { sender: number; from: number; to: number }[];
}

const { ring: name, heartbeat } = workerData as Watch;
const beats = new Int32Array(heartbeat);
const ring = new Disruptor({ name, consumer: 0, spin: true });
const track = new Track(ring.consumer);
const seen: Testimony = {
  messages: 0,
  sequence: 0,
  gaps: track.gaps,
  last: new Map(),
  missing: [],
};

function note(sender: number, number: number): void {
  const before = seen.last.get(sender) ?? 0;
  if (number <= before) throw new Error(`${sender} sent ${number} after ${before}`);
  if (number > before + 1) seen.missing.push({ sender, from: before + 1, to: number - 1 });
  seen.last.set(sender, number);
  seen.messages += 1;
}

parentPort!.postMessage('ready');
while (ring.status !== (Phase.Drain as number) || track.sequence < ring.next) {
  try {
    const consumed = await ring.consumeNew({ timeout: 100 });
    for (const { sender, number } of track.messages(consumed)) note(sender, number);
    Atomics.add(beats, 0, 1);
    ring.consumeCommit();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_TIMEOUT') throw error;
  }
}
seen.sequence = track.sequence;
ring.release();
parentPort!.postMessage(seen);
