// Sends a million random numbers to consumer.js, and prints their sum.
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Disruptor } from 'shm-disruptor';

import { exitWhenStuck } from './watchdog.js';

const NUMBERS = 1_000_000;
const name = process.argv[2] ?? '/shm-disruptor-numbers';

const ring = new Disruptor({ name, elements: 1000, elementSize: 4, init: true, spin: true });

// The ring's file stays in /dev/shm when all processes have ended, and the package has no call to
// remove it. Last of all, therefore, however we end.
process.once('exit', () => unlinkSync(join('/dev/shm', name)));
process.once('SIGINT', () => process.exit(130));

exitWhenStuck(ring, `Is the consumer running? node examples/numbers/consumer.js ${name}`);

let sum = 0;
for (let i = 0; i < NUMBERS; i += 1) {
  const number = Math.floor(Math.random() * 100);
  const { buf } = await ring.produceClaim();
  buf.writeUInt32LE(number);
  await ring.produceCommit();
  sum += number;
}

// A consumer that starts late needs the name to attach: it goes when everything has been read.
while (ring.consumers.readBigUInt64LE() < ring.cursor) await delay(10);

console.log(`sent ${NUMBERS} numbers, sum ${sum}`);
