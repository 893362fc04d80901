// Listens to the ticker until the last price, and tells what it has received and what it has lost.
import { setTimeout as delay } from 'node:timers/promises';

import { Broadcast } from 'shm-disruptor';

import { answer } from '../processes.js';
import { Price } from './price.js';

const [name, pace] = process.argv.slice(2);
const ticker = Broadcast.open(name, { record: Price });
const prices = ticker.subscribe();
answer('listening');

let received = 0;
let lost = 0;
let cents = 0;
for await (const message of prices) {
  received += 1;
  lost += message.lost;
  ({ cents } = message.data);
  if (message.data.last) break;
  // Draws a chart, say.
  if (pace === 'slow') await delay(1);
}
prices.close();
ticker.close();
answer({ received, lost, cents });
