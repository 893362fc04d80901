// The figures for Prometheus are those of the segments.
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import { Broadcast, Queue, SharedMemory } from 'shm-disruptor';

import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { peers } from '../ring-peers.js';
import { word } from '../words.js';
import { ask, monitor } from './monitoring.js';
import type { Running } from './monitoring.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const SAMPLE = /^shm_disruptor_(\w+)\{segment="([^"]*)"((?:,\w+="[^"]*")*)\} (-?[\d.e+]+)$/;
const COMMENT = /^# (HELP|TYPE) shm_disruptor_\w+ \S/;

/** The figures of one segment, by name and further labels. */
async function figures(running: Running, name: string): Promise<Record<string, number>> {
  const { body } = await ask(running, { path: '/metrics' });
  const found: Record<string, number> = {};
  for (const line of body.split('\n')) {
    if (line === '' || COMMENT.test(line)) continue;
    const sample = SAMPLE.exec(line);
    if (!sample) throw new Error(`This is no sample: ${line}`);
    const [, metric, segment, labels, value] = sample;
    if (segment === name) found[metric! + labels!.replaceAll('"', '')] = Number(value);
  }
  return found;
}

test('a ring', async (t) => {
  const made = ringOfRoles(t, { consumers: { journal: {}, audit: {} } });
  const running = await monitor(t);
  const { headers } = await ask(running, { path: '/metrics' });
  t.is(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const producer = made.producer();
  const journal = made.consumer('journal');
  t.teardown(() => {
    producer.close();
    journal.close();
  });
  producer.tryPublishMany([1, 2, 3, 4, 5].map(word));
  const claim = producer.tryClaim(2)!;
  journal.tryNext();
  journal.commit(2);
  const seen = await figures(running, made.name);
  t.like(seen, {
    'segment_info,kind=disruptor': 1,
    segment_attached: 1,
    segment_damaged: 0,
    segment_stuck: 0,
    ring_elements: 8,
    ring_used_elements: 7,
    claimed_elements_total: 7,
    committed_elements_total: 5,
    gaps_total: 0,
    lost_elements_total: 0,
    'open_claim_elements,orphaned=false': 2,
    'open_claim_elements,orphaned=true': 0,
    'producers,alive=true': 1,
    'producers,alive=false': 0,
    'consumer_alive,consumer=journal,role=consumer': 1,
    'consumer_alive,consumer=audit,role=consumer': 0,
    'consumer_committed_elements_total,consumer=journal,role=consumer': 3,
    'consumer_lag_elements,consumer=journal,role=consumer': 2,
    'consumer_lag_elements,consumer=audit,role=consumer': 5,
  });
  t.true(seen.segment_bytes! > 4096);
  t.true(Math.abs(seen.segment_created_timestamp_seconds! - Date.now() / 1000) < 600);
  claim.commit();
  t.like(await figures(running, made.name), {
    committed_elements_total: 7,
    'open_claim_elements,orphaned=false': 0,
  });
});

test('a queue', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 8192 });
  t.teardown(() => {
    queue.close();
  });
  for (let i = 0; i < 3; i += 1) queue.enqueueSync('x');
  const message = queue.receiveSync();
  const running = await monitor(t);
  const labels = 'consumer=consumers';
  t.like(await figures(running, queue.name), {
    'segment_info,kind=queue': 1,
    committed_elements_total: 3,
    [`group_unread_elements,${labels}`]: 2,
    [`group_held_elements,${labels}`]: 1,
    [`group_members,${labels},alive=true`]: 1,
    [`consumer_lag_elements,${labels},role=group`]: 3,
  });
  message.ack();
  t.is((await figures(running, queue.name))[`group_held_elements,${labels}`], 0);
});

test('what the dead left, and what was lost with them', async (t) => {
  const made = ringOfRoles(t, { consumers: { journal: {} } });
  const journal = made.consumer('journal');
  t.teardown(() => {
    journal.close();
  });
  const running = await monitor(t);
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'producer' });
  await peer.ask({ do: 'claim', values: [1, 2, 3] });
  await peer.end();
  t.like(await figures(running, made.name), {
    'open_claim_elements,orphaned=true': 3,
    'producers,alive=false': 1,
    segment_stuck: 1,
    gaps_total: 0,
  });
  // Whoever waits closes it.
  const until = Date.now() + WATCHDOG_MILLISECONDS;
  while (Date.now() < until) {
    journal.tryNext();
    if ((await figures(running, made.name)).gaps_total === 1) break;
    await sleep(20);
  }
  t.like(await figures(running, made.name), {
    gaps_total: 1,
    lost_elements_total: 3,
    'open_claim_elements,orphaned=true': 0,
    segment_stuck: 0,
  });
});

test('a broadcast, and plain memory', async (t) => {
  const broadcast = Broadcast.create(uniqueName(t), { elements: 4, elementSize: 8 });
  const memory = SharedMemory.create(uniqueName(t), 100);
  const running = await monitor(t);
  t.teardown(() => {
    broadcast.close();
    memory.close();
  });
  broadcast.publishMany(['1', '2', '3', '4', '5', '6']);
  t.like(await figures(running, broadcast.name), {
    'segment_info,kind=broadcast': 1,
    broadcast_elements: 4,
    published_messages_total: 6,
    broadcast_kept_messages: 4,
    broadcast_sleeping: 0,
    'publishers,alive=true': 1,
    'publishers,alive=false': 0,
  });
  t.like(await figures(running, memory.name), {
    'segment_info,kind=memory': 1,
    segment_damaged: 0,
  });
});
