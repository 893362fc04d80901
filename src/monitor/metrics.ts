import { Counter, Gauge, Registry } from 'prom-client';

import { life } from '../command/output.js';
import type { BroadcastObservation } from '../observe/broadcast.js';
import type { Observation } from '../observe/observation.js';
import type { RingObservation } from '../observe/ring.js';

/** What Prometheus is told: the figures of the page, as counters where Prometheus makes the rates. */

const PREFIX = 'shm_disruptor_';

/** Makes metrics in a registry of their own, which holds the figures of one moment. */
class Moment {
  readonly #registry = new Registry();

  gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function segmentMetrics(moment: Moment): (seen: Observation) => void {
  const each = ['segment'] as const;
  const info = moment.gauge('segment_info', 'Always 1: what a segment is', ['segment', 'kind']);
  const bytes = moment.gauge('segment_bytes', 'Size of a segment', each);
  const created = moment.gauge(
    'segment_created_timestamp_seconds',
    'When a segment was created, since 1970',
    each,
  );
  const attached = moment.gauge('segment_attached', 'Whether anybody who lives is attached', each);
  const damaged = moment.gauge('segment_damaged', 'How many things are wrong with it', each);
  const stuck = moment.gauge('segment_stuck', 'How many things keep it from going on', each);
  return (seen) => {
    const { name: segment, kind } = seen;
    info.set({ segment, kind }, 1);
    bytes.set({ segment }, seen.bytes);
    created.set({ segment }, seen.created / 1000);
    attached.set({ segment }, Number(seen.attached));
    damaged.set({ segment }, seen.damaged.length);
    stuck.set({ segment }, seen.stuck.length);
  };
}

function ringMetrics(moment: Moment): (segment: string, ring: RingObservation) => void {
  const each = ['segment'] as const;
  const capacity = moment.gauge('ring_elements', 'Elements that there is room for', each);
  const used = moment.gauge('ring_used_elements', 'Elements that cannot be claimed now', each);
  const claimed = moment.counter('claimed_elements_total', 'Elements claimed', each);
  const committed = moment.counter('committed_elements_total', 'Elements committed', each);
  const gaps = moment.counter('gaps_total', 'Gaps closed after dead producers', each);
  const lost = moment.counter('lost_elements_total', 'Elements lost with their producers', each);
  const open = moment.gauge(
    'open_claim_elements',
    'Elements claimed at the cursor that hold up what is committed behind them',
    ['segment', 'orphaned'],
  );
  const sleeping = moment.gauge('sleeping', 'Whether anybody sleeps until there is something', [
    'segment',
    'for',
  ]);
  const wakes = moment.counter('wakes_total', 'How often sleepers were woken', ['segment', 'for']);
  return (segment, ring) => {
    capacity.set({ segment }, ring.used + ring.free);
    used.set({ segment }, ring.used);
    claimed.inc({ segment }, ring.next);
    committed.inc({ segment }, ring.cursor);
    gaps.inc({ segment }, ring.gaps.count);
    lost.inc({ segment }, ring.gaps.elements);
    for (const orphaned of [false, true]) {
      const size = ring.open?.orphaned === orphaned ? ring.open.end - ring.open.start + 1 : 0;
      open.set({ segment, orphaned: String(orphaned) }, size);
    }
    for (const [what, sleepers] of [
      ['data', ring.forData],
      ['space', ring.forSpace],
    ] as const) {
      sleeping.set({ segment, for: what }, Number(sleepers.now));
      wakes.inc({ segment, for: what }, sleepers.wakes);
    }
  };
}

function participantMetrics(moment: Moment): (segment: string, ring: RingObservation) => void {
  const each = ['segment', 'consumer', 'role'] as const;
  const group = ['segment', 'consumer'] as const;
  const alive = moment.gauge('consumer_alive', 'Whether a consumer or group lives', each);
  const gates = moment.gauge('consumer_gates', 'Whether producers wait for it', each);
  const sequence = moment.counter(
    'consumer_committed_elements_total',
    'Elements that it has done with: its sequence, where it gates',
    each,
  );
  const lag = moment.gauge(
    'consumer_lag_elements',
    'Elements that are committed and it has not done with, where it gates',
    each,
  );
  const unread = moment.gauge('group_unread_elements', 'Elements that nobody was given', group);
  const held = moment.gauge(
    'group_held_elements',
    'Elements that members were given and have not done with',
    group,
  );
  const members = moment.gauge('group_members', 'Members of a group', [...group, 'alive']);
  const producers = moment.gauge(
    'producers',
    'Those who have claimed and live, or are dead and left claims behind',
    ['segment', 'alive'],
  );
  return (segment, ring) => {
    for (const one of ring.consumers) {
      const { name: consumer, role } = one;
      if (role === 'member') {
        // Whoever left nothing behind is a member no more.
        if (life(one) === 'gone') continue;
        members.inc({ segment, consumer, alive: String(one.alive) });
        held.inc({ segment, consumer }, one.held);
        continue;
      }
      const labels = { segment, consumer, role };
      alive.set(labels, Number(one.alive));
      gates.set(labels, Number(one.sequence !== undefined));
      if (one.sequence !== undefined) {
        sequence.inc(labels, one.sequence);
        lag.set(labels, one.lag);
      }
      if (role === 'group') {
        unread.set({ segment, consumer }, one.unread);
        held.inc({ segment, consumer }, 0);
      }
    }
    for (const living of [true, false]) {
      const count = ring.producers.filter((one) => one.alive === living).length;
      producers.set({ segment, alive: String(living) }, count);
    }
  };
}

function broadcastMetrics(
  moment: Moment,
): (segment: string, broadcast: BroadcastObservation, elements: number) => void {
  const each = ['segment'] as const;
  const capacity = moment.gauge('broadcast_elements', 'Messages that are kept', each);
  const published = moment.counter('published_messages_total', 'Messages published', each);
  const kept = moment.gauge(
    'broadcast_kept_messages',
    'Messages that are there, as far as looked',
    each,
  );
  const publishers = moment.gauge('publishers', 'Those who publish', ['segment', 'alive']);
  const sleeping = moment.gauge(
    'broadcast_sleeping',
    'Whether any subscriber sleeps until there is a message',
    each,
  );
  return (segment, broadcast, elements) => {
    capacity.set({ segment }, elements);
    published.inc({ segment }, broadcast.next);
    kept.set({ segment }, broadcast.kept);
    sleeping.set({ segment }, Number(broadcast.forData.now));
    for (const living of [true, false]) {
      const count = broadcast.producers.filter(({ alive }) => alive === living).length;
      publishers.set({ segment, alive: String(living) }, count);
    }
  };
}

/** The figures of all segments in Prometheus' text form. */
export async function metrics(all: readonly Observation[]): Promise<string> {
  const moment = new Moment();
  const segment = segmentMetrics(moment);
  const ring = ringMetrics(moment);
  const participants = participantMetrics(moment);
  const broadcast = broadcastMetrics(moment);
  for (const seen of all) {
    segment(seen);
    if (seen.broadcast) broadcast(seen.name, seen.broadcast, seen.geometry?.elements ?? 0);
    if (!seen.ring) continue;
    ring(seen.name, seen.ring);
    participants(seen.name, seen.ring);
  }
  return moment.text();
}
