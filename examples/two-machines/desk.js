// The other machine's desk: fills every order that comes in. It knows nothing of a bridge.
import { Ring } from 'shm-disruptor';

import { answer, whenTold } from '../processes.js';

const [prefix] = process.argv.slice(2);
const orders = Ring.open(`${prefix}-in`, { encoding: 'json' }).consumer('desk');
const fills = Ring.open(`${prefix}-out`, { encoding: 'json' }).producer();
answer('ready');

await orders.process(
  async (batch) => {
    const filled = [...batch].map(({ number, quantity }) => ({ number, filled: quantity }));
    await fills.publishMany(filled);
  },
  { signal: whenTold() },
);
