// Reads messages and checks them: each intact, and each producer's all there and in order.
import { Disruptor } from 'shm-disruptor';

import { MESSAGE_WORDS, readMessage, wordsOf } from './message.js';
import { play } from './part.js';

const [name, ...numbers] = process.argv.slice(2);
const [consumer, producers, messages] = numbers.map(Number);
const ring = new Disruptor({ name, consumer, spin: true });

play(async () => {
  const next = Array.from({ length: producers }, () => 0);
  let total = 0;
  let faults = 0;
  let received = 0;
  while (received < messages) {
    const { bufs } = await ring.consumeNew();
    for (const buf of bufs) {
      const words = wordsOf(buf);
      for (let at = 0; at < words.length; at += MESSAGE_WORDS) {
        const { producer, number, sum, intact } = readMessage(words, at);
        if (!intact || number !== next[producer]) faults += 1;
        next[producer] = number + 1;
        total = (total + sum) >>> 0;
        received += 1;
      }
    }
  }
  // Each consumeNew gives back what the one before gave; nobody would do it for the last one.
  ring.consumeCommit();
  return { total, faults };
});
