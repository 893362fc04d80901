// What is in a broadcast at this moment and who publishes, for people to look at: nothing is
// changed, and nothing that is said here holds a moment later. Who listens is known to nobody.
#pragma once

#include <cstdint>
#include <vector>

#include "layout.h"
#include "ring.h"
#include "slot_state.h"
#include "snapshot.h"

namespace shm_disruptor {

/// A slot that contradicts the header.
struct SlotFault {
  enum What : uint8_t {
    kNone,
    kAhead,      ///< it has a sequence that nobody has taken: `value`
    kElsewhere,  ///< it has a sequence that belongs to another slot: `value`
    kNobody,     ///< it is being written by a publisher who was never there: `value`
    kTooLong,    ///< its message has more bytes than fit: `value`
  };
  What what = kNone;
  uint64_t slot = 0;
  uint64_t value = 0;
};

struct BroadcastSnapshot {
  uint64_t next = 0;    ///< first sequence that nobody has taken, at the beginning
  uint64_t cursor = 0;  ///< 0 unless it is damaged
  bool replaced = false;
  uint64_t looked = 0;   ///< so many of the newest sequences were looked at
  uint64_t kept = 0;     ///< of these: messages that are there
  uint64_t dropped = 0;  ///< their publishers, or those who came after dead ones, made them nothing
  uint64_t missing = 0;  ///< taken, and not there: since a moment, or by somebody who has died
  Sleepers sleepers;
  SlotFault fault;
  /// Those who live, and the dead who left messages unfinished: what is claimed are those.
  std::vector<ProducerFacts> publishers;
};

/// How many slots are looked at, so that looking costs little whatever the size.
inline constexpr uint64_t kMaxSlotsLookedAt = 4096;

namespace broadcast_snapshot {

/// A slot as it was seen.
struct Seen {
  uint64_t slot = 0;
  SlotState state{0};
  uint64_t sequence() const { return state.after() - 1; }
};

template <class Tables>
class Look {
 public:
  explicit Look(Tables& tables)
      : tables_(tables), geometry_(tables.layout().geometry), ring_(geometry_.elements) {}

  BroadcastSnapshot take() {
    snapshot_.next = tables_.header().next.load_ordered() & ~kReplacedBit;
    look_at_slots();
    // After the slots: it is raised before any of them is touched.
    const Header& header = tables_.header();
    const uint64_t next = header.next.load_ordered();
    const uint64_t cursor = header.cursor.load_ordered();
    snapshot_.replaced = ((next | cursor) & kReplacedBit) != 0;
    snapshot_.cursor = cursor & ~kReplacedBit;
    if (newest_.state.after() > (next & ~kReplacedBit)) {
      complain(SlotFault::kAhead, newest_, newest_.sequence());
    }
    look_at_publishers();
    const uint32_t sleepers = tables_.notify_page().sleepers.load_acquire();
    snapshot_.sleepers = {(sleepers & kSleepersBit) != 0, sleepers >> 1};
    return std::move(snapshot_);
  }

 private:
  // Only of what is still so: a file is read while others write, and nobody says that a word of it
  // is read at once.
  void complain(SlotFault::What what, const Seen& seen, uint64_t value) {
    if (snapshot_.fault.what == SlotFault::kNone && still(seen)) {
      snapshot_.fault = {what, seen.slot, value};
    }
  }

  // From the newest back, and over all slots even if less was ever published: damage may lie there.
  void look_at_slots() {
    const uint64_t elements = ring_.elements();
    const uint64_t most = elements < kMaxSlotsLookedAt ? elements : kMaxSlotsLookedAt;
    const uint64_t first = ring_.slot(snapshot_.next);
    for (uint64_t back = 1; back <= most; ++back) {
      const bool taken = back <= snapshot_.next;
      look_at(first >= back ? first - back : first + elements - back,
              taken ? snapshot_.next - back + 1 : 0);
      if (taken) ++snapshot_.looked;
    }
  }

  // `expected` comes after the sequence that the slot is to have.
  void look_at(uint64_t slot, uint64_t expected) {
    const SlotHeader& header = tables_.slot_header(slot);
    const Seen seen{slot, SlotState(header.state.load_acquire())};
    const uint64_t length = header.length.load_acquire();
    const SlotState state = seen.state;
    const uint64_t after = state.after();
    if (after == 0) {
      if (state.word() != 0) complain(SlotFault::kNobody, seen, state.publisher());
      if (expected != 0) ++snapshot_.missing;
      return;
    }
    if (ring_.slot(after - 1) != slot) complain(SlotFault::kElsewhere, seen, after - 1);
    if (after > newest_.state.after()) newest_ = seen;
    if (state.is_being_written()) {
      // A lap ago as well, when somebody stands still.
      open_.push_back(seen);
    } else if (state.is_written() && length > geometry_.element_size) {
      complain(SlotFault::kTooLong, seen, length);
    } else if (after < expected) {
      ++snapshot_.missing;
    } else {
      ++(state.is_dropped() ? snapshot_.dropped : snapshot_.kept);
    }
  }

  void look_at_publishers() {
    std::vector<ProducerFacts> table(static_cast<size_t>(geometry_.producers));
    for (uint64_t i = 0; i < geometry_.producers; ++i) {
      const ProducerEntry& entry = tables_.producers()[i];
      table[i].index = i;
      table[i].pid = entry.pid.load_acquire();
      table[i].thread = entry.thread.load_acquire();
      table[i].alive = table[i].pid != 0 && liveness::producer_lives(tables_.file(), i);
    }
    for (const Seen& open : open_) {
      const uint64_t index = open.state.publisher();
      if (index >= geometry_.producers || table[index].pid == 0) {
        complain(SlotFault::kNobody, open, index);
        continue;
      }
      ProducerFacts& facts = table[index];
      // Whoever has ended meanwhile had finished it.
      if (!facts.alive && !still(open)) continue;
      if (facts.claimed == 0 || open.sequence() < facts.first) facts.first = open.sequence();
      ++facts.claimed;
    }
    for (const ProducerFacts& facts : table) {
      if (facts.alive || facts.claimed > 0) snapshot_.publishers.push_back(facts);
    }
  }

  bool still(const Seen& seen) {
    return tables_.slot_header(seen.slot).state.load_acquire() == seen.state.word();
  }

  Tables& tables_;
  const RingGeometry geometry_;
  const Ring ring_;
  BroadcastSnapshot snapshot_;
  Seen newest_;
  std::vector<Seen> open_;
};

}  // namespace broadcast_snapshot

/// What is there, by looking at the slots first and then at who lives: a publisher who is taken for
/// dead with a message unfinished is dead.
template <class Tables>
BroadcastSnapshot take_broadcast_snapshot(Tables& tables) {
  return broadcast_snapshot::Look<Tables>(tables).take();
}

}  // namespace shm_disruptor
