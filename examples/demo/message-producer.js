// Fills a ring with messages, in batches, until its time is over, and says which number was the last.
// The result has the sum of their checksums.
import { Disruptor } from 'shm-disruptor';

import { LAST, MESSAGE_WORDS, wordsOf, writeMessage } from './message.js';
import { Pace } from './pace.js';
import { play } from './part.js';

const BATCH = 256;

const [name, id] = process.argv.slice(2);
const producer = Number(id);
const ring = new Disruptor({ name, spin: true });

play(async () => {
  const pace = new Pace();
  let total = 0;
  let number = 0;
  for (let ends = false; !ends;) {
    ends = !pace.goesOn(number);
    // As many as are free: one Buffer, or two where the ring begins again.
    const claim = await ring.produceClaimAvail(ends ? 1 : BATCH);
    for (const buf of claim.bufs) {
      const words = wordsOf(buf);
      for (let at = 0; at < words.length; at += MESSAGE_WORDS) {
        const which = ends ? LAST : number;
        total = (total + writeMessage(words, at, producer, which)) >>> 0;
        number += 1;
      }
    }
    await ring.produceCommit(claim.claimStart, claim.claimEnd);
  }
  return { total, counted: pace.counted, seconds: pace.seconds };
});
