// Waits until the gate opens, counts, and says that it is done.
import { SharedMemory } from 'shm-disruptor';

import { answer } from '../processes.js';

const [name, number, events] = process.argv.slice(2).map((text, i) => (i ? Number(text) : text));

const memory = SharedMemory.open(name);
const words = new Int32Array(memory.buffer);
answer('ready');
await memory.wait(0, 0);

for (let i = 0; i < events; i += 1) {
  Atomics.add(words, 2, 1); // everybody's: no count is lost
  words[3 + number] += 1; // nobody else's
}

Atomics.add(words, 1, 1);
memory.notify(4);
memory.close();
