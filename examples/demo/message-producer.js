// Fills a ring with messages, in batches; the result is the sum of their checksums.
import { Disruptor } from 'shm-disruptor';

import { MESSAGE_WORDS, wordsOf, writeMessage } from './message.js';
import { play } from './part.js';

const BATCH = 256;

const [name, ...numbers] = process.argv.slice(2);
const [producer, messages] = numbers.map(Number);
const ring = new Disruptor({ name, spin: true });

play(async () => {
  let total = 0;
  let number = 0;
  while (number < messages) {
    // As many as are free: one Buffer, or two where the ring begins again.
    const claim = await ring.produceClaimAvail(Math.min(BATCH, messages - number));
    for (const buf of claim.bufs) {
      const words = wordsOf(buf);
      for (let at = 0; at < words.length; at += MESSAGE_WORDS) {
        total = (total + writeMessage(words, at, producer, number)) >>> 0;
        number += 1;
      }
    }
    await ring.produceCommit(claim.claimStart, claim.claimEnd);
  }
  return total;
});
