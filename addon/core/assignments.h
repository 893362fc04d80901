// What one participant holds of a group's elements: one share, or several at a time, each in a
// member slot of its own that is a member of the group.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "commit_tracker.h"
#include "consumers.h"
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

class Assignments {
 public:
  /// What the methods work on; it belongs to the caller, and may move between calls.
  struct Context {
    const RingSegment& segment;
    Consumers& consumers;
    const CommitTracker& commit_tracker;
    std::vector<Gap>& gaps;  ///< those that were passed; of a ring's elements only
    uint64_t patience;       ///< with others who hold a lock for a moment: see Consumers::attach
  };

  /// A share and the member slot that holds it.
  struct Taken {
    Assignment assignment;
    uint64_t member_slot = 0;
  };

  /// Whether we are in no group.
  bool empty() const { return member_slots_.empty(); }

  /// Takes a member slot in the group `group`, as its member `member` (Consumers::join).
  void occupy(const Context& context, uint64_t group, uint64_t member) {
    group_ = group;
    for (std::optional<Group>& member_slot : member_slots_) {
      if (member_slot) continue;
      member_slot.emplace(context.consumers, context.segment.file, group, member);
      return;
    }
    member_slots_.emplace_back(std::in_place, context.consumers, context.segment.file, group,
                               member);
  }

  /// How many elements a share has at most. Messages come one by one.
  void limit(uint64_t most) { most_ = most; }

  /// The share in the first member slot, taking one if there is none: it is the same until it is
  /// finished.
  Result<Assignment> only(const Context& context) {
    // The first one may have gone with what was given back.
    if (!member_slots_.front()) {
      const Status joined = join_again(context);
      if (!joined.ok()) return joined.error();
    }
    Group& member_slot = *member_slots_.front();
    const bool holds = member_slot.held().count != 0 && !pass_gap(context, member_slot);
    return holds ? member_slot.held() : take(context, member_slot, {});
  }

  /// One more share, in a member slot that is free: of messages a portion, of which what was a dead
  /// member's is a single one. Errors: kTooManyConsumers, kSegmentBusy, kSystem, kSegmentCorrupt,
  /// kSegmentReplaced.
  Result<Taken> another(const Context& context, const TakeLimits& limits) {
    // What a member slot got with a dead member's place.
    for (uint64_t i = 0; i < member_slots_.size(); ++i) {
      if (!member_slots_[i] || member_slots_[i]->held().count == 0 ||
          pass_gap(context, *member_slots_[i]))
        continue;
      if (!member_slots_[i]->waits_to_be_given()) continue;
      if (limits.held) divide(context, *member_slots_[i]);
      member_slots_[i]->give(end_of_first(context, member_slots_[i]->held()));
      return Taken{member_slots_[i]->given(), i};
    }
    if (!has_free_member_slot()) {
      const Status joined = join_again(context);
      if (!joined.ok()) return joined.error();
      return another(context, limits);
    }
    // Now and then, so that what the dead left does not wait until there is nothing else.
    if (++taken_ % kTakesBetweenAdoptions == 0 && adopt(context)) return another(context, limits);
    const uint64_t free = free_member_slot();
    const auto taken = take(context, *member_slots_[free], limits);
    if (!taken.ok()) return taken.error();
    const Assignment& assignment = taken.value();
    if (assignment.count != 0) member_slots_[free]->give(assignment.start + assignment.count);
    return Taken{assignment, free};
  }

  /// What the member slot holds.
  Assignment held(uint64_t member_slot) const {
    return taken(member_slot) ? member_slots_[member_slot]->held() : Assignment{};
  }
  /// What of that was given and is not finished.
  Assignment given(uint64_t member_slot) const {
    return taken(member_slot) ? member_slots_[member_slot]->given() : Assignment{};
  }

  /// What the member slot holds is done with, as far as `next`. Says whether others may go on.
  bool finish(const Context& context, uint64_t member_slot, uint64_t next) {
    const bool progress =
        member_slots_[member_slot]->finish(context.consumers, context.segment.file, next);
    // What a dead member had taken together with that is anybody's.
    const bool rest = member_slots_[member_slot]->waits_to_be_given() &&
                      member_slots_[member_slot]->held().redelivered;
    if (rest && is_queue(context)) give_back(context, member_slot);
    return progress;
  }

  /// What the member slot holds is given again, before anything else.
  void keep(uint64_t member_slot) { member_slots_[member_slot]->keep(); }

  /// What the member slot holds is somebody else's to do, as if we had died.
  void give_back(const Context& context, uint64_t member_slot) {
    if (member_slots_[member_slot]->give_back(context.consumers, context.segment.file)) return;
    member_slots_[member_slot].reset();
  }

  /// Takes over what a dead member has left, if we have a member slot free. Says whether there was
  /// any.
  bool adopt(const Context& context) {
    if (member_slots_.empty()) return false;
    if (!has_free_member_slot()) {
      // Who takes one share at a time has enough to do with that.
      if (!is_queue(context) || !join_again(context).ok()) return false;
    }
    if (!has_free_member_slot()) return true;
    return member_slots_[free_member_slot()]->adopt(context.consumers, context.segment.file);
  }

  /// Whether there is something to take below `barrier`, or to be given again.
  bool ready(const Consumers& consumers, uint64_t barrier) const {
    for (const std::optional<Group>& member_slot : member_slots_) {
      if (member_slot && member_slot->waits_to_be_given()) return true;
    }
    // Not below it: somebody whom we come after may have come back behind us.
    return Group::handed_out(consumers, group_) < barrier;
  }

  /// Leaves all that we hold to the others, and our member slots.
  void leave(const Context& context) {
    for (uint64_t i = 0; i < member_slots_.size(); ++i) {
      if (member_slots_[i]) member_slots_[i]->leave(context.consumers, context.segment.file);
    }
    member_slots_.clear();
    seen_ = 0;
    // If others are joining all the time there is somebody in it.
    static_cast<void>(context.consumers.leave_group(context.segment.file, group_));
  }

 private:
  static constexpr uint64_t kTakesBetweenAdoptions = 64;

  // One more member slot.
  Status join_again(const Context& context) {
    const auto member = context.consumers.join_again(context.segment.file, group_,
                                                     Group::kMaxMembers, context.patience);
    if (!member.ok()) return member.error();
    occupy(context, group_, member.value());
    return Done{};
  }

  static bool is_queue(const Context& context) {
    return context.segment.layout.kind == Kind::kQueue;
  }

  bool taken(uint64_t member_slot) const {
    return member_slot < member_slots_.size() && member_slots_[member_slot];
  }
  bool has_free_member_slot() const { return free_member_slot() != member_slots_.size(); }
  uint64_t free_member_slot() const {
    uint64_t i = 0;
    while (i < member_slots_.size() && !(member_slots_[i] && member_slots_[i]->held().count == 0))
      ++i;
    return i;
  }

  static uint64_t end_of_first(const Context& context, const Assignment& assignment) {
    const uint64_t end = assignment.start + assignment.count;
    return is_queue(context) ? end_within_limits(context, assignment.start, end, {}) : end;
  }

  // Of several messages that a dead member had taken together a member slot keeps the first, and
  // the others are anybody's at once. Where there is no entry left for that, they are when the
  // first is finished.
  void divide(const Context& context, Group& member_slot) {
    const Assignment held = member_slot.held();
    const uint64_t end = end_of_first(context, held);
    if (!is_queue(context) || !held.redelivered || end == held.start + held.count) return;
    if (!member_slot.has_own_entry_free()) {
      const auto own = context.consumers.join_again(
          context.segment.file, group_, Group::kMaxMembers, context.patience, /*empty=*/true);
      if (!own.ok()) return;
      member_slot.move_to(own.value());
    }
    member_slot.divide(context.consumers, context.segment.file, end);
  }

  static bool is_gap(const Context& context, const Assignment& assignment) {
    return context.commit_tracker.first_gap(
               assignment.start, assignment.start + assignment.count) == assignment.start;
  }

  // What a dead member had taken may be a gap, which it died before passing.
  static bool pass_gap(const Context& context, Group& member_slot) {
    const Assignment assignment = member_slot.held();
    const auto [start, count, redelivered] = assignment;
    if (!redelivered || !is_gap(context, assignment)) return false;
    note_gap(context, start, start + count);
    if (member_slot.finish(context.consumers, context.segment.file, start + count))
      tell_of_progress(context);
    return true;
  }

  // Of a queue's nobody asks.
  static void note_gap(const Context& context, uint64_t begin, uint64_t end) {
    if (!is_queue(context)) context.gaps.push_back({begin, end});
  }

  Result<Assignment> take(const Context& context, Group& member_slot, const TakeLimits& limits) {
    for (;;) {
      // Who takes several wants as many as there are.
      const bool known = seen_ != 0 && limits.messages == 1;
      const Result<uint64_t> looked = known ? Result<uint64_t>(seen_) : look(context);
      if (!looked.ok()) return looked.error();
      const uint64_t barrier = looked.value();
      bool gap = false;
      const auto reach = [&](uint64_t from, uint64_t to) {
        const uint64_t end = context.commit_tracker.first_gap(from, to);
        gap = end == from;
        // A gap ends where the cursor has been, or is damaged.
        const uint64_t passed = gap ? context.commit_tracker.marker(from).end() : end;
        if (gap) return passed < barrier ? passed : barrier;
        return is_queue(context) ? end_within_limits(context, from, end, limits) : end;
      };
      const uint64_t most = is_queue(context) ? ~uint64_t{0} : most_;
      const auto assignment = member_slot.take(
          context.consumers, barrier, context.commit_tracker.ring().elements(), most, reach);
      if (!assignment.ok()) return assignment;
      const auto [start, count, redelivered] = assignment.value();
      if (member_slot.settled()) tell_of_progress(context);
      if (count == 0) {
        seen_ = 0;
        if (known) continue;
      }
      if (count == 0 || !gap) return assignment;
      note_gap(context, start, start + count);
      if (member_slot.finish(context.consumers, context.segment.file, start + count))
        tell_of_progress(context);
    }
  }

  // Up to where there is something to take.
  Result<uint64_t> look(const Context& context) {
    CommitTracker(context.commit_tracker).help(context.commit_tracker.cursor());
    // Once: what is checked is what is used.
    const uint64_t cursor = context.commit_tracker.cursor();
    if (cursor > kLastSequence) {
      return (cursor & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
    }
    // Those whom we come after may go away, and come back behind us.
    if (context.consumers.comes_after()) return context.consumers.barrier(cursor);
    return seen_ = cursor;
  }

  // A message that says that it goes on beyond `end` is damaged; who reads it checks its length.
  static uint64_t end_within_limits(const Context& context, uint64_t from, uint64_t end,
                                    const TakeLimits& limits) {
    const std::byte* elements =
        context.segment.mapping->base() + context.segment.layout.elements_offset;
    uint64_t bytes = 0;
    for (uint64_t messages = 0; messages < limits.messages && from < end; ++messages) {
      const std::byte* message = elements + context.commit_tracker.ring().slot(from) * kCell;
      const uint64_t length = header_at(message).length;
      const bool fits = bytes <= limits.bytes && length <= limits.bytes - bytes;
      if (messages == 0 ? length > limits.first : !fits) break;
      bytes += length;
      const uint64_t cells = cells_of(length);
      from = cells < end - from ? from + cells : end;
    }
    return from;
  }

  static void tell_of_progress(const Context& context) {
    wake_sleepers(context.commit_tracker.header().space_waiters);
    context.consumers.wake_dependents();
  }

  uint64_t group_ = Consumers::kNone;
  uint64_t most_ = 1;
  uint64_t taken_ = 0;  // how often another() was asked
  // The cursor when we last looked, 0 for unknown. It only moves on, and looking at it for each
  // element would take its cache line from the producers each time.
  uint64_t seen_ = 0;
  std::vector<std::optional<Group>> member_slots_;
};

}  // namespace shm_disruptor
