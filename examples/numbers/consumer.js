// Reads a million numbers from producer.js, and prints their sum.
import { Disruptor } from 'shm-disruptor';

import { exitWhenStuck } from './watchdog.js';

const NUMBERS = 1_000_000;
const name = process.argv[2] ?? '/shm-disruptor-numbers';

const ring = attach();
exitWhenStuck(ring, 'Is the producer still running?');

let sum = 0;
let count = 0;
while (count < NUMBERS) {
  const { bufs } = await ring.consumeNew();
  for (const buf of bufs) {
    for (let at = 0; at < buf.length; at += ring.elementSize) sum += buf.readUInt32LE(at);
    count += buf.length / ring.elementSize;
  }
}
// Each consumeNew gives back what the one before gave; nobody would do it for the last one.
ring.consumeCommit();

console.log(`read ${count} numbers, sum ${sum}`);

function attach() {
  try {
    return new Disruptor({ name, elementSize: 4, consumer: 0, spin: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    console.error(`There is no ring ${name} yet.`);
    console.error(`Start the producer first: node examples/numbers/producer.js ${name}`);
    process.exit(1);
  }
}
