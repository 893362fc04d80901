// One producer or one consumer. A worker has a thread of its own, so it may block it: the sync
// methods with `spin` wait without going through an event loop.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

const { role, index, name, producers, messages } = workerData;

if (role === 'produce') produce();
else parentPort.postMessage(consume());

function produce() {
  const ring = new Disruptor({ name, spin: true });
  for (let number = 0; number < messages; number += 1) {
    const buf = ring.produceClaimSync();
    buf.writeUInt32LE(index, 0);
    buf.writeUInt32LE(number, 4);
    ring.produceCommitSync();
  }
}

function consume() {
  const ring = new Disruptor({ name, consumer: index, spin: true });
  const next = Array.from({ length: producers }, () => 0);
  let received = 0;
  let wrong = 0;
  while (received < producers * messages) {
    for (const buf of ring.consumeNewSync()) {
      for (let at = 0; at < buf.length; at += ring.elementSize) {
        const producer = buf.readUInt32LE(at);
        const number = buf.readUInt32LE(at + 4);
        if (number !== next[producer]) wrong += 1;
        next[producer] = number + 1;
        received += 1;
      }
    }
  }
  // The last batch must go back too: the producers may still wait for room.
  ring.consumeCommit();
  return { received, wrong };
}
