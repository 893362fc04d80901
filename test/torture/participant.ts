// A producer or consumer that is to be killed: a process or a worker thread.
import { setTimeout as sleep } from 'node:timers/promises';

import { Disruptor } from 'shm-disruptor';
import type { Consumed } from 'shm-disruptor';

import { random } from '../compat/random.js';
import { Entry, Ledger } from './ledger.js';
import { elements, write } from './message.js';
import { Phase } from './phase.js';
import { begin, told } from './slot.js';
import { Track } from './track.js';

/** What a participant is told. */
export interface Part {
  ring: string;
  ledger: string;
  incarnation: number;
  seed: number;
  /** Undefined: produces. */
  consumer?: number;
}

const MAX = 6;
/** Nobody waits for longer, in milliseconds, so that none is left when the one who kills dies. */
const PATIENCE = 20_000;

const part = told() as Part;
const below = random(part.seed);
const ledger = new Ledger(part.ledger);
const { incarnation: sender, consumer } = part;
const ring = new Disruptor({
  name: part.ring,
  ...(consumer !== undefined && { consumer }),
  spin: true,
  wait: (['adaptive', 'block', 'sleep', 'yield'] as const)[below(4)]!,
  pollingBudget: below(200),
});

function insist(committed: boolean): void {
  if (!committed) throw new Error(`A commit of ${sender}, who lives, was refused`);
}

/** A message at a time, blocking the thread. */
function sendOne(number: number): number {
  const buf = ring.produceClaimSync({ timeout: PATIENCE });
  write(buf, ring.prevClaimStart, { sender, number });
  insist(ring.produceCommitSync({ timeout: PATIENCE }));
  return 1;
}

/** Several, which become visible at once or in parts that are committed in any order. */
async function sendMany(first: number): Promise<number> {
  const { bufs, claimStart, claimEnd } = await ring.produceClaimMany(1 + below(MAX), {
    timeout: PATIENCE,
  });
  let number = first;
  let sequence = claimStart;
  for (const element of elements(bufs)) {
    write(element, sequence++, { sender, number: number++ });
    if (below(64) === 0) await sleep(1);
  }
  const cut = claimStart + below(claimEnd - claimStart + 1);
  const parts: [number, number][] =
    cut === claimStart
      ? [[claimStart, claimEnd]]
      : [
          [cut, claimEnd],
          [claimStart, cut - 1],
        ];
  const commits: Promise<boolean>[] = [];
  for (const range of parts) {
    commits.push(ring.produceCommit(...range, { timeout: PATIENCE }));
    // Whoever dies now leaves what it has committed behind what it has not.
    if (below(16) === 0) await sleep(below(10));
  }
  (await Promise.all(commits)).forEach(insist);
  return number - first;
}

async function produce(): Promise<void> {
  let sent = 0;
  while (ring.status === (Phase.Run as number)) {
    const one = below(2) === 0;
    for (let burst = 1 + below(100); burst > 0; burst -= 1) {
      sent += one ? sendOne(sent + 1) : await sendMany(sent + 1);
      ledger.write(sender, Entry.Committed, sent);
    }
    if (below(3) > 0) await sleep(below(4));
  }
}

/** What there is, waiting for it in any of three ways; nothing now and then. */
async function next(): Promise<Consumed> {
  const way = below(3);
  if (way === 0) {
    try {
      const bufs = ring.consumeNewSync({ timeout: below(20) });
      return { bufs, start: ring.prevConsumeStart, gaps: [...ring.prevConsumeGaps] };
    } catch (error) {
      return timedOut(error);
    }
  }
  return ring.consumeNew(way === 1 ? { timeout: below(20) } : { timeout: 100 }).catch(timedOut);
}

function timedOut(error: unknown): Consumed {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_TIMEOUT') throw error;
  return { bufs: [], start: 0 };
}

async function consume(): Promise<void> {
  const track = new Track(ring.consumer);
  ledger.write(sender, Entry.Began, track.sequence + 1);
  while (ring.status !== (Phase.Drain as number) || track.sequence < ring.next) {
    const consumed = await next();
    for (const { number } of track.messages(consumed)) {
      if (number < 1) throw new Error(`There is no message ${number}`);
    }
    if (consumed.bufs.length > 0) {
      ledger.write(sender, Entry.Giving, track.sequence);
      if (!ring.consumeCommit()) throw new Error('Somebody else is this consumer as well');
      ledger.write(sender, Entry.Given, track.sequence);
    }
    if (below(20) === 0) await sleep(below(3));
  }
}

const end = begin();
await (consumer === undefined ? produce() : consume());
ring.release();
ledger.close();
end();
