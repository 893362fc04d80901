// One producer or consumer of a queue that many use: see queue.test.ts.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { Queue } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';

/** What a process is to do. */
export type Party =
  | { role: 'producer'; name: string; id: number; count: number }
  | { role: 'consumer'; name: string; id: number; log: string; acknowledges: boolean };

/** Producer, number, and whether it was marked as redelivered: as 32-bit numbers in a log. */
export const ENTRY_WORDS = 3;

const HEADER = 8;
const MOST_FILLING = 4000;
const HELD = 3;
const PAUSES_EVERY = 50;
const PAUSE_MILLISECONDS = 2;
const WAIT = { timeout: WATCHDOG_MILLISECONDS };

// All of a message's bytes follow from its number.
const fillings = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(MOST_FILLING, byte));

function produce({ name, id, count }: Party & { role: 'producer' }): void {
  const queue = Queue.open(name);
  const message = Buffer.alloc(HEADER + MOST_FILLING);
  message.writeUInt32LE(id, 0);
  for (let number = 0; number < count; number += 1) {
    const length = Math.floor(Math.random() * (MOST_FILLING + 1));
    message.writeUInt32LE(number, 4);
    fillings[number % 256]!.copy(message, HEADER, 0, length);
    queue.enqueueSync(message.subarray(0, HEADER + length), WAIT);
  }
  queue.close();
}

/** Reads and checks a message, and writes down that it was here. False for the last. */
function take(log: number, data: Buffer, redelivered: boolean): boolean {
  if (data.length === 0) return false;
  const number = data.readUInt32LE(4);
  if (fillings[number % 256]!.compare(data, HEADER, data.length, 0, data.length - HEADER) !== 0) {
    throw new Error(`message ${number} is damaged`);
  }
  // One call for each: whoever is killed has written down all of it or nothing.
  writeSync(log, Uint32Array.of(data.readUInt32LE(0), number, Number(redelivered)));
  return true;
}

async function consume({ name, id, log, acknowledges }: Party & { role: 'consumer' }) {
  const queue = Queue.open(name);
  const file = openSync(log, 'a');
  const blocks = id % 2 === 0;
  if (acknowledges) {
    for (let going = true; going;) {
      const held = [];
      // Who holds one and waits for the next may wait for ever: the queue may be full behind it.
      let message = blocks ? queue.receiveSync(WAIT) : await queue.receive(WAIT);
      for (;;) {
        going = take(file, message.data, message.redelivered);
        held.push(message);
        const next = going && held.length < HELD ? queue.tryReceive() : undefined;
        if (!next) break;
        message = next;
      }
      // Some hold theirs for a while, so that they may be killed meanwhile.
      if (Math.random() * PAUSES_EVERY < 1) await sleep(PAUSE_MILLISECONDS);
      for (const each of held.reverse()) each.ack();
    }
  } else {
    const next = () => (blocks ? queue.dequeueSync(WAIT) : queue.dequeue(WAIT));
    while (take(file, await next(), false));
  }
  queue.close();
}

const party = process.argv[2] === undefined ? undefined : (JSON.parse(process.argv[2]) as Party);
if (party?.role === 'producer') produce(party);
else if (party) await consume(party);
