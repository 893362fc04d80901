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
const MAX_FILLING = 4000;
const HELD = 3;
const PAUSES_EVERY = 50;
const PAUSE_MILLISECONDS = 2;
/** How many one who packs sends or takes at a time. */
const PACKED = 20;
const WAIT = { timeout: WATCHDOG_MILLISECONDS };

// All of a message's bytes follow from its number.
const fillings = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(MAX_FILLING, byte));

// Every other one sends several at a time.
function produce({ name, id, count }: Party & { role: 'producer' }): void {
  const queue = Queue.open(name);
  const bytes = Buffer.alloc((HEADER + MAX_FILLING) * PACKED);
  const lengths = new Uint32Array(PACKED);
  const most = id % 2 === 0 ? PACKED : 1;
  for (let number = 0; number < count;) {
    let packed = 0;
    for (let end = 0; packed < most && number < count; number += 1) {
      const length = Math.floor(Math.random() * (MAX_FILLING + 1));
      bytes.writeUInt32LE(id, end);
      bytes.writeUInt32LE(number, end + 4);
      fillings[number % 256]!.copy(bytes, end + HEADER, 0, length);
      end += HEADER + length;
      lengths[packed] = HEADER + length;
      packed += 1;
    }
    if (most === 1) queue.enqueueSync(bytes.subarray(0, lengths[0]), WAIT);
    else queue.enqueuePackedSync(bytes, lengths.subarray(0, packed), WAIT);
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
  } else if (id >= 2) {
    const target = Buffer.alloc((HEADER + MAX_FILLING) * PACKED);
    const lengths = new Uint32Array(PACKED);
    for (let ends = 0; ends === 0;) {
      const count = blocks
        ? queue.dequeuePackedSync(target, lengths, WAIT)
        : await queue.dequeuePacked(target, lengths, WAIT);
      let end = 0;
      for (const length of lengths.subarray(0, count)) {
        if (!take(file, target.subarray(end, end + length), false)) ends += 1;
        end += length;
      }
      // Those of others.
      for (; ends > 1; ends -= 1) queue.enqueueSync('', WAIT);
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
