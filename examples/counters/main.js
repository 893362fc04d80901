// Counters that several processes share, and waiting for one of them without asking again and again.
import { SharedMemory } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const name = process.argv[2] ?? `/shm-disruptor-counters-${process.pid}`;
const WORKERS = 3;
const EVENTS = 100_000;

// Word 0 opens the gate, word 1 counts who is done; then a total, and a counter for each worker.
const memory = SharedMemory.create(name, (3 + WORKERS) * 4);
removeAtEnd(memory);
const words = new Int32Array(memory.buffer);

const script = new URL('./worker.js', import.meta.url);
const workers = Array.from({ length: WORKERS }, (_, i) => new Child(script, name, i, EVENTS));
await Promise.all(workers.map((worker) => worker.answer())); // they wait at the gate

Atomics.store(words, 0, 1);
memory.notify(0);

// Until all are done. Nobody counts while we look, and nothing is lost if somebody does.
for (let done = 0; done < WORKERS; done = Atomics.load(words, 1)) {
  await memory.wait(4, done);
}

const [, , total, ...each] = words;
console.log(`${WORKERS} workers counted ${each.join(' + ')} = ${total}`);

// Who may only look needs no permission to write, and can wait as well.
const reader = SharedMemory.open(name, { readOnly: true });
const right = reader.read(8, 4).readInt32LE() === WORKERS * EVENTS;
console.log(`a reader sees ${reader.load(8)}: ${right ? 'good' : 'wrong'}`);
if (!right || total !== each.reduce((sum, count) => sum + count, 0)) process.exitCode = 1;
