// Programs log into shared memory and never wait: what the shipper has not fetched when the queue is
// full makes room for what is newer. Lines are numbered, so what is missing is known.
import { Queue } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const PROGRAMS = 2;
const LINES = 20_000;
const name = process.argv[2] ?? `/shm-disruptor-log-shipper-${process.pid}`;

const lines = Queue.create(name, { capacity: 65_536, encoding: 'utf8' });
removeAtEnd(lines);

const script = new URL('./program.js', import.meta.url);
const programs = Array.from({ length: PROGRAMS }, (_, id) => new Child(script, name, id, LINES));

// The shipper does something else until the queue is full, and takes whatever is left at the end.
const dropped = await Promise.all(programs.map((program) => program.answer()));
for (const program of programs) await program.ended();

const shipped = programs.map(() => 0);
const last = programs.map(() => -1);
let disorder = 0;
for (let line = lines.tryDequeue(); line !== undefined; line = lines.tryDequeue()) {
  const [, id, number] = /^program (\d+), line (\d+): /.exec(line);
  shipped[id] += 1;
  if (Number(number) <= last[id]) disorder += 1;
  last[id] = Number(number);
}

const sum = (counts) => counts.reduce((total, count) => total + count, 0);
const missing = PROGRAMS * (LINES + 1) - sum(shipped) - sum(dropped);
const newest = last.some((number) => number === LINES);
console.log(`${PROGRAMS} programs logged ${LINES} lines each, and a last one`);
console.log(`${sum(dropped)} dropped, ${sum(shipped)} shipped, ${missing} missing`);
console.log(`${disorder} out of order, the newest there: ${newest}`);
if (missing !== 0 || disorder > 0 || !newest) process.exitCode = 1;
