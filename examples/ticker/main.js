// A price ticker: the feed publishes at its own pace and never waits. Everybody listens at his own:
// the fast one gets the prices as they come, the slow one those that are still there when he comes
// round, and is told how many he has missed. At the end both have the last price.
import { setTimeout as delay } from 'node:timers/promises';

import { Broadcast } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';
import { Price } from './price.js';

const PRICES = 20_000;
const BURST = 100;
const name = process.argv[2] ?? `/shm-disruptor-ticker-${process.pid}`;

const ticker = Broadcast.create(name, { elements: 1024, record: Price });
removeAtEnd(ticker);

const script = new URL('./listener.js', import.meta.url);
const listeners = ['fast', 'slow'].map((pace) => ({ pace, child: new Child(script, name, pace) }));
for (const { child } of listeners) await child.answer();

let cents = 10_000;
for (let i = 1; i <= PRICES; i += 1) {
  cents += (i * 7919) % 5 === 0 ? -1 : 1;
  ticker.publish({ symbol: 'ACME', cents, last: i === PRICES });
  if (i % BURST === 0) await delay(1);
}
ticker.close();
console.log(`${PRICES} prices published, the last is ${cents}`);

for (const { pace, child } of listeners) {
  const { received, lost, cents: last } = await child.answer();
  await child.ended();
  const good = received + lost === PRICES && last === cents;
  console.log(
    `${pace}: ${received} received, ${lost} lost, the last is ${last}: ${good ? 'good' : 'wrong'}`,
  );
  if (!good) process.exitCode = 1;
}
