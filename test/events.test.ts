// What diagnostics channels are told.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Ring } from 'shm-disruptor';
import type { AttachmentMessage, DeathMessage, StallMessage } from 'shm-disruptor';

import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { RawRing, Scope } from './fixture.js';
import { peers } from './ring-peers.js';
import { word, words } from './words.js';

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
  const ring = Ring.create(name, { elements: 4, elementSize: 1 });
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
  const ring = Ring.create(name, { elements: 2, elementSize: 1, consumers: { slow: {} } });
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
  const ring = Ring.create(name, { elements: 4, elementSize: 1 });
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

/** Runs `body` while a producer waits for room in a full ring, and gives the first stall. */
async function stallOf(
  t: ExecutionContext,
  body: (ring: RawRing) => unknown,
): Promise<StallMessage> {
  t.timeout(WATCHDOG_MILLISECONDS);
  const ring = ringOfRoles(t, { consumers: { work: { group: true } } });
  const stalls = listen<StallMessage>(t, 'stall', ring.name);
  using producer = ring.producer();
  producer.publishManySync(words(0, 8));
  await body(ring);
  const controller = new AbortController();
  const waits = t.throwsAsync(producer.publish(word(8), { signal: controller.signal }));
  await until(() => stalls.length > 0);
  controller.abort();
  await waits;
  return stalls[0]!;
}

/** A member of the group, closed when the test ends. */
function memberOf(t: Scope, ring: RawRing) {
  const member = ring.consumer('work', { group: true });
  t.teardown(() => {
    member.close();
  });
  return member;
}

test('of a group the member is named that holds the oldest element', async (t) => {
  const { consumers } = await stallOf(t, (ring) => {
    const [slow, fast] = [memberOf(t, ring), memberOf(t, ring)];
    slow.tryNext();
    fast.tryNext();
    fast.tryNext();
  });
  t.deepEqual(consumers, [
    { name: 'work', role: 'member', pid: process.pid, alive: true, sequence: 0 },
  ]);
});

test('so is one that died with it, in another process', async (t) => {
  let pid = 0;
  const { consumers } = await stallOf(t, async (ring) => {
    const peer = await peers.process(t, ring.name);
    await peer.ask({ do: 'consumer', name: 'work', options: { group: true } });
    await peer.ask({ do: 'take' });
    pid = ring.stats().consumers.find(({ role }) => role === 'member')!.pid;
    await peer.end();
  });
  t.not(pid, process.pid);
  t.deepEqual(consumers, [{ name: 'work', role: 'member', pid, alive: false, sequence: 0 }]);
});

test('of a group in which nobody holds anything, every member is named that lives', async (t) => {
  const { consumers } = await stallOf(t, (ring) => {
    memberOf(t, ring);
    memberOf(t, ring);
  });
  const idle = {
    name: 'work',
    role: 'member',
    pid: process.pid,
    alive: true,
    sequence: 0,
  } as const;
  t.deepEqual(consumers, [idle, idle]);
});

test('a group without members is named itself', async (t) => {
  const { consumers } = await stallOf(t, () => undefined);
  t.deepEqual(consumers, [{ name: 'work', role: 'group', pid: 0, alive: false, sequence: 0 }]);
});
