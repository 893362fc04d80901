// Reads messages and checks them: each intact, and each producer's all there and in order.
import { Disruptor } from 'shm-disruptor';

import { LAST, MESSAGE_WORDS, readMessage, wordsOf } from './message.js';
import { play } from './part.js';

const [name, ...numbers] = process.argv.slice(2);
const [consumer, producers] = numbers.map(Number);
const ring = new Disruptor({ name, consumer, spin: true });

play(async () => {
  const next = Array.from({ length: producers }, () => 0);
  let total = 0;
  let faults = 0;
  let ended = 0;
  while (ended < producers) {
    const { bufs } = await ring.consumeNew();
    for (const buf of bufs) {
      const words = wordsOf(buf);
      for (let at = 0; at < words.length; at += MESSAGE_WORDS) {
        const { producer, number, sum, intact } = readMessage(words, at);
        const last = number === LAST;
        if (!intact || (!last && number !== next[producer])) faults += 1;
        if (last) ended += 1;
        else next[producer] = number + 1;
        total = (total + sum) >>> 0;
      }
    }
  }
  // Each consumeNew gives back what the one before gave; nobody would do it for the last one.
  ring.consumeCommit();
  return { total, faults };
});
