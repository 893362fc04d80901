// Somebody who takes part in the rings of the screens, at a pace that can be looked at.
import { setTimeout as sleep } from 'node:timers/promises';

import { Disruptor, Queue, Ring } from 'shm-disruptor';

const [, , role] = process.argv;

/** Waits until the feed has made them. */
async function opened(open) {
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      await sleep(20);
    }
  }
}

async function feed() {
  const ring = Ring.create('/orders', {
    elements: 65_536,
    elementSize: 64,
    consumers: { check: {}, journal: {}, execute: { after: ['check'] } },
  });
  const jobs = Queue.create('/jobs', { capacity: 1 << 16 });
  const stream = { name: '/log', elements: 1 << 20, elementSize: 1, consumers: 1, init: true };
  new Disruptor(stream).release();
  const producer = ring.producer();
  const order = Buffer.alloc(64);
  process.send('ready');
  for (let turn = 0; ; turn += 1) {
    const count = 150 + Math.round(100 * Math.sin(turn / 15));
    for (let i = 0; i < count; i += 1) producer.tryPublish(order);
    if (turn % 3 === 0) jobs.tryEnqueue(`job ${turn}`);
    await sleep(50);
  }
}

async function consume() {
  const ring = await opened(() => Ring.open('/orders'));
  const consumer = ring.consumer(role);
  process.send('ready');
  for (;;) {
    consumer.tryNext();
    if (role === 'execute') await sleep(900);
    consumer.commit();
    await sleep(100);
  }
}

async function work() {
  const queue = await opened(() => Queue.open('/jobs'));
  process.send('ready');
  for (;;) {
    const message = await queue.receive();
    await sleep(180);
    message.ack();
  }
}

process.once('disconnect', () => process.exit());
if (role === 'feed') await feed();
else if (role === 'worker') await work();
else await consume();
