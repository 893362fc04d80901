// One publisher or subscriber of a broadcast that many use: see broadcast.test.ts.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { Broadcast } from 'shm-disruptor';
import type { ReceivedMessage } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';

/** What a process is to do. */
export type Party =
  | { role: 'publisher'; name: string; id: number; bytes: number; count: number; log?: string }
  | { role: 'subscriber'; name: string; bytes: number; pace: Pace };

/** How a subscriber takes its messages: as fast as it can, with promises, or slower than any publisher. */
export type Pace = 'fast' | 'awaiting' | 'slow';

/** What a subscriber has seen. */
export interface Seen {
  received: number;
  lost: number;
  /** Sequences that were neither received nor lost: what was dropped. */
  dropped: number;
  /** The sequence of the message that said that it is the last. */
  end: number;
  /** Between which sequences something was passed, and how much of that was lost. */
  gaps: [number, number, number][];
}

const WORD = 8;
const LENGTHS = 4;
const IDS = 2 ** 12;
/** Kept of the gaps: more there are only in a litmus test, which looks at sums. */
const MAX_GAPS = 100_000;
const WAIT = { timeout: WATCHDOG_MILLISECONDS };

/** Messages have several lengths, and each of their words says which one it is. */
const wordsOf = (bytes: number, number: number) => bytes / WORD - (number % LENGTHS);

/**
 * Whether to pause before that message: now and then for a while, so that subscribers are the faster
 * ones.
 */
const isPaced = (number: number) => number % 65_536 < 4096 && number % 512 === 0;

async function publish({ name, id, bytes, count, log }: Party & { role: 'publisher' }) {
  const broadcast = Broadcast.open(name);
  const words = new Float64Array(bytes / WORD);
  const message = Buffer.from(words.buffer);
  const parts = Array.from({ length: LENGTHS }, (_, i) =>
    message.subarray(0, wordsOf(bytes, i) * WORD),
  );
  const file = log === undefined ? undefined : openSync(log, 'a');
  for (let number = 0; number < count; number += 1) {
    if (file === undefined && isPaced(number)) await sleep(1);
    words.fill(number * IDS + id);
    const part = parts[number % LENGTHS]!;
    let sequence;
    if (number % 16 === 7) {
      const slot = broadcast.claim();
      part.copy(slot.view);
      slot.commit(part.length);
      ({ sequence } = slot);
    } else {
      sequence = broadcast.publish(part);
    }
    if (file === undefined) continue;
    // Whoever is killed before this has published something that nobody asks for.
    writeSync(file, Uint32Array.of(sequence));
    if (Math.random() < 0.01) await sleep(1);
  }
  broadcast.close();
}

/** What is said in the message; undefined for the last. @throws Error when it is torn */
function read(data: Buffer, bytes: number): { id: number; number: number } | undefined {
  if (data.length === 0) return undefined;
  const words = new Float64Array(data.buffer, data.byteOffset, data.length / WORD);
  const said = words[0]!;
  const number = Math.floor(said / IDS);
  if (words.length !== wordsOf(bytes, number)) {
    throw new Error(`Message ${number} has ${words.length} words`);
  }
  for (const word of words) {
    if (word !== said) throw new Error(`Torn: ${word} in message ${said}`);
  }
  return { number, id: said % IDS };
}

async function subscribe({ name, bytes, pace }: Party & { role: 'subscriber' }): Promise<Seen> {
  const subscription = Broadcast.open(name).subscribe({ from: 0 });
  const seen: Seen = { received: 0, lost: 0, dropped: 0, end: 0, gaps: [] };
  const last = new Map<number, number>();
  let next = 0;
  process.send!('ready');
  for (;;) {
    const received: ReceivedMessage<Buffer> =
      pace === 'awaiting' ? await subscription.receive(WAIT) : subscription.receiveSync(WAIT);
    const { data, sequence, lost } = received;
    const passed = sequence - next;
    if (passed < lost) throw new Error(`${sequence} after ${next}, and ${lost} lost`);
    if (passed > 0 && seen.gaps.length < MAX_GAPS) seen.gaps.push([next, sequence, lost]);
    seen.lost += lost;
    seen.dropped += passed - lost;
    next = sequence + 1;
    const message = read(data, bytes);
    if (!message) return { ...seen, end: sequence };
    const { id, number } = message;
    if (number <= (last.get(id) ?? -1)) {
      throw new Error(`${number} of ${id} after ${last.get(id)!}`);
    }
    last.set(id, number);
    seen.received += 1;
    if (pace === 'slow' && seen.received % 64 === 0) await sleep(1);
  }
}

/** Resolves when it is on its way: the end of the connection must not overtake it. */
const told = (seen: Seen) =>
  new Promise<void>((resolve) => {
    process.send!(seen, () => {
      resolve();
    });
  });

const party = process.argv[2] === undefined ? undefined : (JSON.parse(process.argv[2]) as Party);
if (party) {
  process.once('disconnect', () => process.exit(1));
  if (party.role === 'publisher') await publish(party);
  else await told(await subscribe(party));
  process.removeAllListeners('disconnect');
  process.disconnect();
}
