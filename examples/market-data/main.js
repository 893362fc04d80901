// One process publishes prices, and three others read all of them, each at its own pace.
//
//   feed ---> book ---> risk
//        \--> audit (slow)
import { Ring } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';
import { Tick } from './tick.js';

const TICKS = 200_000;
const name = process.argv[2] ?? `/shm-disruptor-market-data-${process.pid}`;

const ring = Ring.create(name, {
  elements: 4096,
  record: Tick,
  producers: 'single', // nobody else publishes, and it costs less when that is known
  // Declared here, they are waited for from the first tick on, however late they start.
  consumers: { book: {}, audit: {}, risk: { after: 'book' } },
});
removeAtEnd(ring);

const reader = new URL('./reader.js', import.meta.url);
const readers = ['book', 'audit', 'risk'].map((role) => new Child(reader, name, role, TICKS));
const feed = new Child(new URL('./feed.js', import.meta.url), name, TICKS);

const [sent, ...reports] = await Promise.all([feed, ...readers].map((child) => child.answer()));

console.log(`feed: ${TICKS} ticks, ${sent.volume} traded`);
for (const { role, count, volume, largest, early } of reports) {
  const good = count === TICKS && volume === sent.volume && early === 0;
  if (!good) process.exitCode = 1;
  const order = role === 'risk' ? `, ${early} before book` : '';
  console.log(
    `${role}: ${count} ticks, ${volume} traded${order}, batches of up to ${largest}: ` +
      (good ? 'good' : 'WRONG'),
  );
}
