// Publishes ticks, filled in where they lie.
import { Ring } from 'shm-disruptor';

import { answer } from '../processes.js';
import { Tick } from './tick.js';

const SYMBOLS = ['ESZ6', 'NQZ6', 'YMZ6'];
const [name, ticks] = process.argv.slice(2);

const producer = Ring.open(name, { record: Tick }).producer();
const tick = Tick.cursor(); // one object, moved from slot to slot

let volume = 0;
for (let i = 0; i < Number(ticks); i += 1) {
  // Full: this waits for the slowest of all readers, and nobody loses a tick. A feed that must not
  // wait takes `tryClaim`, which says so instead.
  const claim = producer.tryClaim() ?? (await producer.claim());
  tick.moveTo(claim.bufs[0]);
  tick.price = 4000 + (i % 100) / 4;
  tick.quantity = 1 + (i % 7);
  tick.symbol = SYMBOLS[i % SYMBOLS.length];
  claim.commit();
  volume += 1 + (i % 7);
}
answer({ volume });
