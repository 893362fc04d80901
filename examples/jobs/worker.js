// A member of the group: takes jobs, a few at a time, and publishes results.
import { setTimeout as delay } from 'node:timers/promises';

import { Ring } from 'shm-disruptor';

import { answer, whenTold } from '../processes.js';

const SHARE = 4;
const [name, id, hangAfter] = process.argv.slice(2);

const member = Ring.open(name, { encoding: 'json' }).consumer('workers', {
  group: true,
  maxBatch: SHARE,
});
const results = Ring.open(`${name}-results`, { encoding: 'json' }).producer();

answer('ready');

let count = 0;
await member.process(
  async (batch) => {
    for (const { number } of batch) {
      // Two results of this share are out, and none of it is committed.
      if (count === Number(hangAfter) + SHARE / 2) await hang();
      await delay(1);
      const square = number ** 2;
      const { redelivered } = batch; // somebody had it before, and may have done it
      await results.publish({ number, square, worker: Number(id), redelivered });
      count += 1;
    }
  },
  { signal: whenTold() },
);
member.close(); // the group goes on being waited for; leave() of its last member would end that

async function hang() {
  answer('stuck');
  await delay(3_600_000);
}
