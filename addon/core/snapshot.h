// Who takes part in a ring at this moment, for people to look at: nothing is changed, and nothing
// that is said here holds a moment later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "claims.h"
#include "consumers.h"
#include "group.h"
#include "layout.h"
#include "liveness.h"
#include "marker.h"
#include "ring.h"
#include "segment.h"
#include "wait.h"

namespace shm_disruptor {

/// A consumer, a group or a member of one.
struct ConsumerFacts {
  uint64_t index = 0;
  Role role = Role::kIndexed;
  std::string name;
  std::vector<uint64_t> after;  ///< a member: its group
  uint64_t sequence = 0;        ///< the first that it has not committed; kIgnored, kDetached, ...
  uint64_t handed = 0;          ///< a group: all below it was handed out
  uint64_t begin = 0;           ///< a member: the first element that it holds
  uint64_t held = 0;            ///< a member: how many elements it has taken and not done with
  bool alive = false;           ///< a group: any of its members
  uint32_t pid = 0;             ///< of the latest who was it; 0 for nobody
  uint32_t thread = 0;          ///< the same of its thread, as the kernel numbers them
};

/// Somebody who has claimed.
struct ProducerFacts {
  uint64_t index = 0;
  uint64_t claimed = 0;  ///< about how many elements it has claimed and not committed
  uint64_t first = 0;    ///< the first of them
  bool alive = false;
  uint32_t pid = 0;
  uint32_t thread = 0;
};

/// Who sleeps, or has slept, on one of a ring's words.
struct Sleepers {
  bool now = false;    ///< somebody sleeps
  uint32_t wakes = 0;  ///< how often sleepers were woken since creation; modulo 2^31
};

/// Sequences [begin, end) at the cursor that are claimed and not committed, and hold up whatever is
/// committed behind them. Empty when there are none.
struct Hole {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool orphaned = false;  ///< whoever claimed it is dead
};

struct Snapshot {
  uint64_t next = 0;    ///< at the beginning
  uint64_t cursor = 0;  ///< at the end
  bool replaced = false;
  uint64_t gaps = 0;
  uint64_t lost = 0;
  Hole hole;
  Sleepers for_data;
  Sleepers for_space;
  std::vector<ConsumerFacts> consumers;
  std::vector<ProducerFacts> producers;
};

/// A ring's tables where one of its participants has them mapped.
struct LiveTables {
  const RingSegment& segment;
  const Consumers& table;
  const Claims& claims;

  const RingLayout& layout() const { return segment.layout; }
  const os::File& file() const { return segment.file; }
  const Header& header() const { return segment.header(); }
  ConsumerEntry* consumers() const { return segment.consumers(); }
  const ProducerEntry* producers() const {
    return reinterpret_cast<const ProducerEntry*>(segment.mapping->base() +
                                                  segment.layout.producers_offset);
  }
  uint64_t marker(uint64_t slot) const {
    return reinterpret_cast<const Sequence*>(segment.mapping->base() +
                                             segment.layout.markers_offset)[slot]
        .load_ordered();
  }
  // Our own locks say nothing to ourselves.
  bool owns_consumer(uint64_t index) const { return table.owns(index); }
  bool owns_producer(uint64_t index) const { return claims.owns(index); }
};

namespace snapshot {

template <class Tables>
std::vector<ConsumerFacts> consumers(Tables& tables) {
  std::vector<ConsumerFacts> all;
  const uint64_t count = tables.layout().geometry.consumers;
  const Directory directory(tables.consumers(), count);
  for (uint64_t i = 0; i < count; ++i) {
    const ConsumerEntry& entry = tables.consumers()[i];
    ConsumerFacts facts;
    facts.index = i;
    facts.role = directory.role(i);
    if (facts.role == Role::kVacant) continue;
    facts.name = directory.name(i);
    facts.after = directory.after(i);
    facts.sequence = entry.sequence.load_acquire();
    const uint64_t limit = entry.limit.load_acquire();
    const uint64_t begin = entry.begin.load_acquire();
    facts.held = facts.role == Role::kMember && begin < limit ? limit - begin : 0;
    facts.begin = facts.held > 0 ? begin : 0;
    if (facts.role == Role::kGroup) facts.handed = Group::handed_out(entry);
    facts.pid = entry.pid.load_acquire();
    facts.thread = entry.attached.load_acquire();
    facts.alive = tables.owns_consumer(i) || liveness::consumer_lives(tables.file(), i);
    all.push_back(std::move(facts));
  }
  std::vector<ConsumerFacts*> groups(static_cast<size_t>(count));
  for (ConsumerFacts& facts : all) {
    if (facts.role == Role::kGroup) groups[facts.index] = &facts;
  }
  for (const ConsumerFacts& member : all) {
    if (member.role != Role::kMember || !member.alive || member.after.empty()) continue;
    if (ConsumerFacts* const group = groups[member.after.front()]) group->alive = true;
  }
  return all;
}

/// A producer and what it has written down of its claims.
struct Claimant {
  ProducerFacts facts;
  uint64_t ranges[kRanges][2] = {};
};

template <class Tables>
std::vector<Claimant> claimants(Tables& tables) {
  std::vector<Claimant> all;
  const ProducerEntry* table = tables.producers();
  for (uint64_t i = 0; i < tables.layout().geometry.producers; ++i) {
    const ProducerEntry& entry = table[i];
    Claimant one;
    one.facts.index = i;
    one.facts.pid = entry.pid.load_acquire();
    one.facts.thread = entry.thread.load_acquire();
    if (one.facts.pid == 0) continue;
    for (size_t each = 0; each < kRanges; ++each) {
      one.ranges[each][1] = entry.ranges[each].limit.load_ordered();
      one.ranges[each][0] = entry.ranges[each].begin.load_acquire();
    }
    one.facts.alive = tables.owns_producer(i) || liveness::producer_lives(tables.file(), i);
    all.push_back(one);
  }
  return all;
}

/// Counts what each has claimed from `snapshot.cursor` on, and finds the hole there.
template <class Tables>
void look_for_claims(Tables& tables, const std::vector<Claimant>& claimants, Snapshot& snapshot) {
  // To the first claim of somebody alive behind the cursor; nobody alive has what comes before it.
  uint64_t orphaned = snapshot.next;
  uint64_t claimed = snapshot.cursor;
  for (const Claimant& one : claimants) {
    ProducerFacts facts = one.facts;
    facts.first = snapshot.next;
    for (const auto& [begin, limit] : one.ranges) {
      const uint64_t from = begin < snapshot.cursor ? snapshot.cursor : begin;
      const uint64_t to = limit < snapshot.next ? limit : snapshot.next;
      if (from >= to) continue;
      facts.claimed += to - from;
      if (from < facts.first) facts.first = from;
      if (!facts.alive) continue;
      if (from < orphaned) orphaned = from;
      if (from == snapshot.cursor && to > claimed) claimed = to;
    }
    if (facts.alive || facts.claimed > 0) snapshot.producers.push_back(facts);
  }
  if (snapshot.next <= snapshot.cursor) return;
  const uint64_t elements = tables.layout().geometry.elements;
  const Marker mark(tables.marker(Ring(elements).slot(snapshot.cursor)));
  // Committed: whoever is held up moves the cursor on.
  if (mark.covers(snapshot.cursor, elements)) return;
  snapshot.hole.orphaned = orphaned > snapshot.cursor;
  snapshot.hole.begin = snapshot.cursor;
  snapshot.hole.end = snapshot.hole.orphaned ? orphaned : claimed;
}

}  // namespace snapshot

/// Those who are or were there: vacant and unused entries are left out.
///
/// In this order, so that nobody who lives is taken for dead: what is claimed below `next` was
/// announced before, and whoever has ended meanwhile had committed, which the cursor or the mark
/// there says.
template <class Tables>
Snapshot take_snapshot(Tables& tables) {
  Snapshot snapshot;
  const uint64_t next = tables.header().next.load_ordered();
  snapshot.consumers = snapshot::consumers(tables);
  const std::vector<snapshot::Claimant> claimants = snapshot::claimants(tables);
  const Header& header = tables.header();
  const uint64_t cursor = header.cursor.load_ordered();
  snapshot.replaced = ((next | cursor) & kReplacedBit) != 0;
  snapshot.cursor = cursor & ~kReplacedBit;
  snapshot.next = next & ~kReplacedBit;
  // The one producer keeps its claims to itself.
  if (snapshot.next < snapshot.cursor) snapshot.next = snapshot.cursor;
  snapshot.gaps = header.gaps.load_acquire();
  snapshot.lost = header.lost.load_acquire();
  const auto sleepers = [](const Word& word) {
    const uint32_t value = word.load_acquire();
    return Sleepers{(value & kSleepersBit) != 0, value >> 1};
  };
  snapshot.for_data = sleepers(header.data_waiters);
  snapshot.for_space = sleepers(header.space_waiters);
  snapshot::look_for_claims(tables, claimants, snapshot);
  return snapshot;
}

}  // namespace shm_disruptor
