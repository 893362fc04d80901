// Who takes part in a ring at this moment, for people to look at: nothing is changed, and nothing
// that is said here holds a moment later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "consumers.h"
#include "group.h"
#include "layout.h"
#include "liveness.h"
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
  uint64_t held = 0;            ///< a member: how many elements it has taken and not done with
  bool alive = false;           ///< a group: any of its members
  uint32_t pid = 0;             ///< of the latest who was it; 0 for nobody
};

/// Somebody who has claimed.
struct ProducerFacts {
  uint64_t index = 0;
  uint64_t claimed = 0;  ///< about how many elements it has claimed and not committed
  bool alive = false;
  uint32_t pid = 0;
};

/// Who sleeps, or has slept, on one of a ring's words.
struct Sleepers {
  bool now = false;    ///< somebody sleeps
  uint32_t wakes = 0;  ///< how often sleepers were woken since creation; modulo 2^31
};

struct Census {
  Sleepers for_data;
  Sleepers for_space;
  std::vector<ConsumerFacts> consumers;
  std::vector<ProducerFacts> producers;
};

/// Those who are or were there: vacant and unused entries are left out. `own_producers` are the
/// caller's entries of the producer table, whose locks it cannot see.
inline Census take_census(const RingSegment& segment, const Consumers& table,
                          const std::vector<uint64_t>& own_producers) {
  Census census;
  const auto sleepers = [](const Word& word) {
    const uint32_t value = word.load_acquire();
    return Sleepers{(value & kSleepersBit) != 0, value >> 1};
  };
  census.for_data = sleepers(segment.header().data_waiters);
  census.for_space = sleepers(segment.header().space_waiters);
  const Directory& directory = table.directory();
  for (uint64_t i = 0; i < table.count(); ++i) {
    const ConsumerEntry& entry = table.entry(i);
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
    if (facts.role == Role::kGroup) facts.handed = Group::handed_out(table, i);
    facts.pid = entry.pid.load_acquire();
    facts.alive = table.owns(i) || liveness::consumer_lives(segment.file, i);
    census.consumers.push_back(std::move(facts));
  }
  for (ConsumerFacts& group : census.consumers) {
    if (group.role != Role::kGroup) continue;
    for (const ConsumerFacts& member : census.consumers) {
      if (directory.member(member.index, group.index) && member.alive) group.alive = true;
    }
  }
  const auto* producers = reinterpret_cast<const ProducerEntry*>(segment.mapping->base() +
                                                                 segment.layout.producers_offset);
  const uint64_t next = segment.header().next.load_acquire() & ~kReplacedBit;
  const uint64_t cursor = segment.header().cursor.load_acquire() & ~kReplacedBit;
  for (uint64_t i = 0; i < segment.layout.geometry.producers; ++i) {
    ProducerFacts facts;
    facts.index = i;
    facts.pid = producers[i].pid.load_acquire();
    if (facts.pid == 0) continue;
    for (const Range& range : producers[i].ranges) {
      const uint64_t limit = range.limit.load_acquire();
      const uint64_t begin = range.begin.load_acquire();
      const uint64_t from = begin < cursor ? cursor : begin;
      const uint64_t to = limit < next ? limit : next;
      if (from < to) facts.claimed += to - from;
    }
    facts.alive = liveness::producer_lives(segment.file, i);
    for (const uint64_t own : own_producers) facts.alive |= own == i;
    if (facts.alive || facts.claimed > 0) census.producers.push_back(facts);
  }
  return census;
}

}  // namespace shm_disruptor
