// What one participant holds of a group's elements: one share, or several at a time, each in a seat
// of its own that is a member of the group.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "consumers.h"
#include "frontier.h"
#include "group.h"
#include "message.h"
#include "result.h"
#include "segment.h"

namespace shm_disruptor {

/// Sequences [begin, end) that their producer claimed and died without committing.
struct Gap {
  uint64_t begin = 0;
  uint64_t end = 0;
};

class Shares {
 public:
  /// What the methods work on; it belongs to the caller, and may move between calls.
  struct Floor {
    const RingSegment& segment;
    Consumers& consumers;
    const Frontier& frontier;
    std::vector<Gap>& gaps;  ///< those that were passed; of a ring's elements only
    uint64_t patience;       ///< with others who hold a lock for a moment: see Consumers::attach
  };

  /// A share and the seat that holds it.
  struct Taken {
    Share share;
    uint64_t seat = 0;
  };

  /// Whether we are in no group.
  bool empty() const { return seats_.empty(); }

  /// Takes a seat in the group `group`, as its member `member` (Consumers::join).
  void sit(const Floor& floor, uint64_t group, uint64_t member) {
    group_ = group;
    for (std::optional<Group>& seat : seats_) {
      if (seat) continue;
      seat.emplace(floor.consumers, floor.segment.file, group, member);
      return;
    }
    seats_.emplace_back(std::in_place, floor.consumers, floor.segment.file, group, member);
  }

  /// How many elements a share has at most. Messages come one by one.
  void limit(uint64_t most) { most_ = most; }

  /// The share in the first seat, taking one if there is none: it is the same until it is finished.
  Result<Share> only(const Floor& floor) {
    // The first one may have gone with what was given back.
    if (!seats_.front()) {
      const Status joined = join_again(floor);
      if (!joined.ok()) return joined.error();
    }
    Group& seat = *seats_.front();
    const bool holds = seat.held().count != 0 && !pass_gap(floor, seat);
    return holds ? seat.held() : take(floor, seat, {});
  }

  /// One more share, in a seat that is free: of messages a portion, of which what was a dead
  /// member's is a single one. Errors: kTooManyConsumers, kSegmentBusy, kSystem, kSegmentCorrupt,
  /// kSegmentReplaced.
  Result<Taken> another(const Floor& floor, const Portion& portion) {
    // What a seat got with a dead member's place.
    for (uint64_t i = 0; i < seats_.size(); ++i) {
      if (!seats_[i] || seats_[i]->held().count == 0 || pass_gap(floor, *seats_[i])) continue;
      if (!seats_[i]->waits_to_be_given()) continue;
      if (portion.held) divide(floor, *seats_[i]);
      seats_[i]->give(end_of_first(floor, seats_[i]->held()));
      return Taken{seats_[i]->given(), i};
    }
    if (!has_free_seat()) {
      const Status joined = join_again(floor);
      if (!joined.ok()) return joined.error();
      return another(floor, portion);
    }
    // Now and then, so that what the dead left does not wait until there is nothing else.
    if (++taken_ % kTakesBetweenAdoptions == 0 && adopt(floor)) return another(floor, portion);
    const uint64_t free = free_seat();
    const auto taken = take(floor, *seats_[free], portion);
    if (!taken.ok()) return taken.error();
    const Share& share = taken.value();
    if (share.count != 0) seats_[free]->give(share.start + share.count);
    return Taken{share, free};
  }

  /// What the seat holds.
  Share held(uint64_t seat) const { return taken(seat) ? seats_[seat]->held() : Share{}; }
  /// What of that was given and is not finished.
  Share given(uint64_t seat) const { return taken(seat) ? seats_[seat]->given() : Share{}; }

  /// What the seat holds is done with, as far as `next`. Says whether others may go on.
  bool finish(const Floor& floor, uint64_t seat, uint64_t next) {
    const bool progress = seats_[seat]->finish(floor.consumers, floor.segment.file, next);
    // What a dead member had taken together with that is anybody's.
    const bool rest = seats_[seat]->waits_to_be_given() && seats_[seat]->held().redelivered;
    if (rest && is_queue(floor)) give_back(floor, seat);
    return progress;
  }

  /// What the seat holds is given again, before anything else.
  void keep(uint64_t seat) { seats_[seat]->keep(); }

  /// What the seat holds is somebody else's to do, as if we had died.
  void give_back(const Floor& floor, uint64_t seat) {
    if (seats_[seat]->give_back(floor.consumers, floor.segment.file)) return;
    seats_[seat].reset();
  }

  /// Takes over what a dead member has left, if we have a seat free. Says whether there was any.
  bool adopt(const Floor& floor) {
    if (seats_.empty()) return false;
    if (!has_free_seat()) {
      // Who takes one share at a time has enough to do with that.
      if (!is_queue(floor) || !join_again(floor).ok()) return false;
    }
    if (!has_free_seat()) return true;
    return seats_[free_seat()]->adopt(floor.consumers, floor.segment.file);
  }

  /// Whether there is something to take below `barrier`, or to be given again.
  bool ready(const Consumers& consumers, uint64_t barrier) const {
    for (const std::optional<Group>& seat : seats_) {
      if (seat && seat->waits_to_be_given()) return true;
    }
    // Not below it: somebody whom we come after may have come back behind us.
    return Group::handed_out(consumers, group_) < barrier;
  }

  /// Leaves all that we hold to the others, and our seats.
  void leave(const Floor& floor) {
    for (uint64_t i = 0; i < seats_.size(); ++i) {
      if (seats_[i]) seats_[i]->leave(floor.consumers, floor.segment.file);
    }
    seats_.clear();
    seen_ = 0;
    // If others are joining all the time there is somebody in it.
    static_cast<void>(floor.consumers.leave_group(floor.segment.file, group_));
  }

 private:
  static constexpr uint64_t kTakesBetweenAdoptions = 64;

  // One more seat.
  Status join_again(const Floor& floor) {
    const auto member =
        floor.consumers.join_again(floor.segment.file, group_, Group::kMaxMembers, floor.patience);
    if (!member.ok()) return member.error();
    sit(floor, group_, member.value());
    return Done{};
  }

  static bool is_queue(const Floor& floor) { return floor.segment.layout.kind == Kind::kQueue; }

  bool taken(uint64_t seat) const { return seat < seats_.size() && seats_[seat]; }
  bool has_free_seat() const { return free_seat() != seats_.size(); }
  uint64_t free_seat() const {
    uint64_t i = 0;
    while (i < seats_.size() && !(seats_[i] && seats_[i]->held().count == 0)) ++i;
    return i;
  }

  static uint64_t end_of_first(const Floor& floor, const Share& share) {
    const uint64_t end = share.start + share.count;
    return is_queue(floor) ? end_of_portion(floor, share.start, end, {}) : end;
  }

  // Of several messages that a dead member had taken together a seat keeps the first, and the
  // others are anybody's at once. Where there is no entry left for that, they are when the first is
  // finished.
  void divide(const Floor& floor, Group& seat) {
    const Share held = seat.held();
    const uint64_t end = end_of_first(floor, held);
    if (!is_queue(floor) || !held.redelivered || end == held.start + held.count) return;
    if (!seat.has_own_entry_free()) {
      const auto own = floor.consumers.join_again(floor.segment.file, group_, Group::kMaxMembers,
                                                  floor.patience, /*empty=*/true);
      if (!own.ok()) return;
      seat.move_to(own.value());
    }
    seat.divide(floor.consumers, floor.segment.file, end);
  }

  static bool is_gap(const Floor& floor, const Share& share) {
    return floor.frontier.first_gap(share.start, share.start + share.count) == share.start;
  }

  // What a dead member had taken may be a gap, which it died before passing.
  static bool pass_gap(const Floor& floor, Group& seat) {
    const Share share = seat.held();
    const auto [start, count, redelivered] = share;
    if (!redelivered || !is_gap(floor, share)) return false;
    note_gap(floor, start, start + count);
    if (seat.finish(floor.consumers, floor.segment.file, start + count)) tell_of_progress(floor);
    return true;
  }

  // Of a queue's nobody asks.
  static void note_gap(const Floor& floor, uint64_t begin, uint64_t end) {
    if (!is_queue(floor)) floor.gaps.push_back({begin, end});
  }

  Result<Share> take(const Floor& floor, Group& seat, const Portion& portion) {
    for (;;) {
      // Who takes several wants as many as there are.
      const bool known = seen_ != 0 && portion.messages == 1;
      const Result<uint64_t> looked = known ? Result<uint64_t>(seen_) : look(floor);
      if (!looked.ok()) return looked.error();
      const uint64_t barrier = looked.value();
      bool gap = false;
      const auto reach = [&](uint64_t from, uint64_t to) {
        const uint64_t end = floor.frontier.first_gap(from, to);
        gap = end == from;
        // A gap ends where the cursor has been, or is damaged.
        const uint64_t passed = gap ? floor.frontier.marker(from).end() : end;
        if (gap) return passed < barrier ? passed : barrier;
        return is_queue(floor) ? end_of_portion(floor, from, end, portion) : end;
      };
      const uint64_t most = is_queue(floor) ? ~uint64_t{0} : most_;
      const auto share =
          seat.take(floor.consumers, barrier, floor.frontier.ring().elements(), most, reach);
      if (!share.ok()) return share;
      const auto [start, count, redelivered] = share.value();
      if (seat.settled()) tell_of_progress(floor);
      if (count == 0) {
        seen_ = 0;
        if (known) continue;
      }
      if (count == 0 || !gap) return share;
      note_gap(floor, start, start + count);
      if (seat.finish(floor.consumers, floor.segment.file, start + count)) tell_of_progress(floor);
    }
  }

  // Up to where there is something to take.
  Result<uint64_t> look(const Floor& floor) {
    Frontier(floor.frontier).help(floor.frontier.cursor());
    // Once: what is checked is what is used.
    const uint64_t cursor = floor.frontier.cursor();
    if (cursor > kLastSequence) {
      return (cursor & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
    }
    // Those whom we come after may go away, and come back behind us.
    if (floor.consumers.comes_after()) return floor.consumers.barrier(cursor);
    return seen_ = cursor;
  }

  // A message that says that it goes on beyond `end` is damaged; who reads it checks its length.
  static uint64_t end_of_portion(const Floor& floor, uint64_t from, uint64_t end,
                                 const Portion& portion) {
    const std::byte* elements =
        floor.segment.mapping->base() + floor.segment.layout.elements_offset;
    uint64_t bytes = 0;
    for (uint64_t messages = 0; messages < portion.messages && from < end; ++messages) {
      const std::byte* message = elements + floor.frontier.ring().slot(from) * kCell;
      const uint64_t length = header_at(message).length;
      const bool fits = bytes <= portion.bytes && length <= portion.bytes - bytes;
      if (messages == 0 ? length > portion.first : !fits) break;
      bytes += length;
      const uint64_t cells = cells_of(length);
      from = cells < end - from ? from + cells : end;
    }
    return from;
  }

  static void tell_of_progress(const Floor& floor) {
    wake_sleepers(floor.frontier.header().space_waiters);
    floor.consumers.wake_dependents();
  }

  uint64_t group_ = Consumers::kNone;
  uint64_t most_ = 1;
  uint64_t taken_ = 0;  // how often another() was asked
  // The cursor when we last looked, 0 for unknown. It only moves on, and looking at it for each
  // element would take its cache line from the producers each time.
  uint64_t seen_ = 0;
  std::vector<std::optional<Group>> seats_;
};

}  // namespace shm_disruptor
