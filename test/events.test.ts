// What diagnostics channels are told.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Disruptor } from 'shm-disruptor';
import type { AttachmentMessage, DeathMessage, StallMessage } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS, uniqueName } from './fixture.js';
import type { Scope } from './fixture.js';

/** What a channel is told about the ring `name`, from now to the end of the test. */
function listen<Message extends { name: string }>(
  t: Scope,
  event: string,
  name: string,
): Message[] {
  const told: Message[] = [];
  const listener = (message: unknown) => {
    if ((message as Message).name === name) told.push(message as Message);
  };
  subscribe(`shm-disruptor:${event}`, listener);
  t.teardown(() => {
    unsubscribe(`shm-disruptor:${event}`, listener);
  });
  return told;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

test('attaching and detaching are told with the role', (t) => {
  const name = uniqueName(t);
  const attached = listen<AttachmentMessage>(t, 'attach', name);
  const detached = listen<AttachmentMessage>(t, 'detach', name);
  const ring = Disruptor.create(name, { elements: 4, elementSize: 1 });
  const producer = ring.producer();
  ring.consumer('a').leave();
  producer.close();
  producer.close();
  ring.close();
  t.deepEqual(
    attached.map(({ role }) => role),
    ['ring', 'producer', 'consumer'],
  );
  t.deepEqual(
    detached.map(({ role }) => role),
    ['consumer', 'producer', 'ring'],
  );
});

test('a producer that waits for room tells who holds it up, and of the dead', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const stalls = listen<StallMessage>(t, 'stall', name);
  const deaths = listen<DeathMessage>(t, 'death', name);
  const ring = Disruptor.create(name, { elements: 2, elementSize: 1, consumers: { slow: {} } });
  // Closed, it still gates: as if it had died.
  ring.consumer('slow').close();
  const producer = ring.producer();
  producer.publishManySync(['a', 'b']);
  const controller = new AbortController();
  const waits = t.throwsAsync(producer.publish('c', { signal: controller.signal }));
  await until(() => stalls.length > 0 && deaths.length > 0);
  controller.abort();
  await waits;
  const [{ waitsFor, consumers }] = stalls as [StallMessage];
  t.is(waitsFor, 'room');
  t.like(consumers, [{ name: 'slow', alive: false, sequence: 0, pid: process.pid }]);
  t.like(deaths, [{ role: 'consumer', consumer: 'slow', pid: process.pid }]);
  t.is(deaths.length, 1);
  ring.close();
  producer.close();
});

test('a consumer that waits for a claim to be committed tells whose it is', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const name = uniqueName(t);
  const stalls = listen<StallMessage>(t, 'stall', name);
  const ring = Disruptor.create(name, { elements: 4, elementSize: 1 });
  const consumer = ring.consumer();
  const producer = ring.producer();
  const claim = producer.claimSync();
  const next = consumer.next();
  await until(() => stalls.length > 0);
  claim.commit();
  t.is((await next).length, 1);
  const [{ waitsFor, producers }] = stalls as [StallMessage];
  t.is(waitsFor, 'commit');
  t.like(producers, [{ alive: true, claimed: 1, pid: process.pid }]);
  for (const each of [consumer, producer, ring]) each.close();
});
