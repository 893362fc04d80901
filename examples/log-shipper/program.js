// Logs as fast as it can, and tells how many older lines had to go for it.
import { setTimeout as delay } from 'node:timers/promises';

import { Queue } from 'shm-disruptor';

import { answer } from '../processes.js';

const [name, id, count] = process.argv.slice(2);
const lines = Queue.open(name, { encoding: 'utf8' });

let dropped = 0;
for (let number = 0; number < Number(count); number += 1) {
  log(`program ${id}, line ${number}: ${'something happened '.repeat(number % 5)}`);
}
// The last line is worth waiting for.
while (!log(`program ${id}, line ${count}: the end`)) {
  dropped -= 1;
  await delay(1);
}
lines.close();
answer(dropped);

function log(line) {
  try {
    dropped += lines.enqueueShift(line);
    return true;
  } catch (error) {
    // Somebody has the oldest in his hands just now. The program goes on without this line.
    if (error.code !== 'ERR_QUEUE_FULL') throw error;
    dropped += 1;
    return false;
  }
}
