// Where those begin who come when a ring has long been in use.
import { Ring } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const name = process.argv[2] ?? `/shm-disruptor-late-joiner-${process.pid}`;

// 'archive' is waited for although nobody is it yet: what it has not read stays in the ring.
const ring = Ring.create(name, { elements: 1024, elementSize: 8, consumers: { archive: {} } });
removeAtEnd(ring);
const producer = ring.producer();
const script = new URL('./reader.js', import.meta.url);
let wrong = 0;

publish(500);

// It reads 300, commits them, takes the next batch, and dies.
const archive = new Child(script, name, 'archive', 'none', 300);
check('archive', await archive.answer(), [0, 300]);
console.log(`archive ended by ${await archive.kill()}`);

// One begins with what comes from now on, the other as far back as nothing can be overwritten:
// where the slowest consumer is.
const latest = new Child(script, name, 'live', 'latest', 1000);
const oldest = new Child(script, name, 'replay', 'oldest', 1000);
await Promise.all([latest.answer(), oldest.answer()]); // they have joined

publish(500);
check('latest', await latest.answer(), [500, 500]);
check('oldest', await oldest.answer(), [300, 700]);

// Whoever comes back under a name goes on where that had committed, whatever `from` says.
const again = new Child(script, name, 'archive', 'latest', 1000);
await again.answer();
check('archive again', await again.answer(), [300, 700]);

if (wrong > 0) process.exitCode = 1;

/** Numbers, which are the same as their sequences. */
function publish(count) {
  for (let i = 0; i < count; i += 1) {
    const claim = producer.claimSync();
    claim.bufs[0].writeDoubleLE(claim.start);
    claim.commit();
  }
}

function check(who, { first, count, inOrder }, expected) {
  const good = inOrder && first === expected[0] && count === expected[1];
  if (!good) wrong += 1;
  console.log(`${who}: ${count} from ${first} on: ${good ? 'good' : 'WRONG'}`);
}
