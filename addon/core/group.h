// A group: consumers that share their elements, each of which goes to one of them.
//
// The group is an entry of the consumer table, and so is every member. The group's `work` says up
// to where elements were handed out, and to whom last; its `sequence` that all below is done with.
// What a member holds, or is about to take, is in its `begin` and `limit`.
//
// Invariants. (1) Before `work` passes an element, the range of the member that takes it covers it,
// and goes on covering it until that element is done with, or another range does that has its
// place (divide); so the group's sequence, which only rises to the lowest beginning of any range,
// passes nothing that somebody has. (2) Before `work`
// moves on from where member m left it, m's entry says so (`work` of a member: its latest limit
// confirmed). So a dead member's range was truly taken if, and only if, `work` stands where its
// last take left it or its entry confirms it; otherwise it died before it could take. (3) A range
// of the dead belongs to whoever has its entry's lock.
#pragma once

#include <cstdint>

#include "consumers.h"
#include "layout.h"
#include "liveness.h"
#include "result.h"

namespace shm_disruptor {

/// What a member has taken: `count` elements from `start` on, or none.
struct Assignment {
  uint64_t start = 0;
  uint64_t count = 0;
  bool redelivered = false;  ///< a member had it and died
};

class Group {
 public:
  /// The most entries of a consumer table that can be members.
  static constexpr uint64_t kMaxMembers = (uint64_t{1} << Consumers::kTakerBits) - 1;

  /// `member` is an entry of ours (Consumers::join_group), with the work that its last owner left.
  Group(Consumers& consumers, const os::File& file, uint64_t group, uint64_t member)
      : group_(group), member_(member), slot_(member) {
    inherit(consumers, member, file);
  }

  uint64_t group() const { return group_; }

  /// What we hold and have not done with: it is given again until then.
  Assignment held() const { return {begin_, limit_ - begin_, redelivered_}; }

  /// Up to where a group's elements are handed out, by its entry of the table.
  static uint64_t handed_out(const ConsumerEntry& group) {
    return group.work.load_ordered() >> Consumers::kTakerBits;
  }
  /// Up to where elements of `group` are handed out.
  static uint64_t handed_out(const Consumers& consumers, uint64_t group) {
    return handed_out(consumers.entry(group));
  }

  /// Whether the first of what we hold has not been given to anybody here: it was a dead member's.
  bool waits_to_be_given() const { return begin_ < limit_ && given_ <= begin_; }
  /// What we hold is given, as far as `limit`.
  void give(uint64_t limit) { given_ = limit; }
  /// What of that is not done with.
  Assignment given() const {
    return given_ > begin_ ? Assignment{begin_, given_ - begin_, redelivered_} : Assignment{};
  }
  /// It is to be given again.
  void keep() { given_ = 0; }

  /// Takes the next elements below `barrier`, `most` at most and none beyond what `reach` says,
  /// when called with the range; nothing if that is where it begins. We hold nothing.
  ///
  /// Errors: kSegmentCorrupt.
  template <class Reach>
  Result<Assignment> take(const Consumers& consumers, uint64_t barrier, uint64_t lap, uint64_t most,
                          Reach reach) {
    Sequence& work = consumers.entry(group_).work;
    ConsumerEntry& own = consumers.entry(member_);
    settled_ = false;
    for (;;) {
      const uint64_t word = work.load_ordered();
      const uint64_t from = word >> Consumers::kTakerBits;
      if (barrier <= from) {
        // Nothing is handed out that is not committed.
        if (from > (consumers.header().cursor.load_ordered() & ~kReplacedBit)) {
          return Errc::kSegmentCorrupt;
        }
        settled_ = settle(consumers, group_);
        return Assignment{};
      }
      if (barrier - from > lap) {
        if (work.load_ordered() == word) return Errc::kSegmentCorrupt;
        continue;
      }
      const uint64_t to = reach(from, barrier - from > most ? from + most : barrier);
      if (to == from) return Assignment{};
      confirm(consumers, word);
      // The limit last: in between the range is empty.
      own.begin.store_release(from);
      // Release: pairs with the loads in settle() and adopt(), through `work`.
      own.limit.store_release(to);
      if (work.compare_exchange(word, to << Consumers::kTakerBits | (member_ + 1))) {
        begin_ = from;
        limit_ = to;
        return held();
      }
      // It may cover what somebody else has taken. Ordered: as in finish().
      own.limit.store_ordered(0);
      back_off();
    }
  }

  /// We have done with what we hold, as far as `next`. Says whether others may go on.
  bool finish(Consumers& consumers, const os::File& file, uint64_t next) {
    ConsumerEntry& entry = consumers.entry(slot_);
    begin_ = next;
    if (next < limit_) {
      // Release: our reads of the elements come before. Pairs with settle(), and through the
      // group's sequence with gating_sequence.
      entry.begin.store_release(next);
    } else {
      drop(consumers, file);
    }
    return settle(consumers, group_);
  }

  /// Whether what we hold is in an entry beside our own, which is free.
  bool has_own_entry_free() const { return slot_ != member_; }
  /// Another entry has become our own, beside the one that has what we hold.
  void move_to(uint64_t member) { member_ = member; }

  /// Keeps what we hold as far as `end`, in our own entry, and leaves the rest where it is, as if
  /// its member had just died. If we die half way, the first of it may be given twice, marked.
  void divide(Consumers& consumers, const os::File& file, uint64_t end) {
    ConsumerEntry& own = consumers.entry(member_);
    ConsumerEntry& rest = consumers.entry(slot_);
    raise(own.work, end);
    // The limit last, as in take(). From then on both cover it, until the other begins behind it.
    // The other way round it would be lost with us.
    own.begin.store_release(begin_);
    own.limit.store_ordered(end);
    // Before the other lets go of it: whoever settles, and has looked at ours too early, looks
    // again.
    consumers.header().reassign_epoch.add(1);
    rest.begin.store_ordered(end);
    limit_ = end;
    consumers.lose(slot_);
    liveness::leave_consumer(file, slot_);
    slot_ = member_;
    wake_sleepers(consumers.header().data_waiters);
  }

  /// Leaves what we hold to another member, as if we had died. False: with it our entry is gone,
  /// and we are a member no more.
  bool give_back(Consumers& consumers, const os::File& file) {
    const bool adopted = slot_ != member_;
    const uint64_t slot = slot_;
    slot_ = member_;
    begin_ = limit_ = given_ = 0;
    redelivered_ = false;
    consumers.lose(slot);
    liveness::leave_consumer(file, slot);
    wake_sleepers(consumers.header().data_waiters);
    return adopted;
  }

  /// Lets go of our entries, and of what we hold in them.
  void leave(Consumers& consumers, const os::File& file) const {
    for (const uint64_t each : {slot_, member_}) {
      consumers.lose(each);
      liveness::leave_consumer(file, each);
    }
  }

  /// Whether the latest take has settled something, of which producers and those who come after us
  /// are to be told.
  bool settled() const { return settled_; }

  /// Raises the group's sequence to what nobody holds. Says whether it has risen.
  ///
  /// Whoever does with something settles; but it may have died before, or have seen an announcement
  /// that was then withdrawn. So all who wait do it again: for elements, and for room.
  static bool settle(const Consumers& consumers, uint64_t group) {
    Sequence& sequence = consumers.sequence(group);
    for (;;) {
      // Ranges may move on to entries that we have passed: see divide().
      const uint32_t moves = consumers.header().reassign_epoch.load_ordered();
      // First, and nothing but this is replaced: an old view never raises a newer sequence.
      const uint64_t seen = sequence.load_ordered();
      if (seen > kLastSequence) return false;
      // Before the ranges: that of whoever has taken below it was there before.
      uint64_t done = handed_out(consumers, group);
      if (done <= seen) return false;
      const uint64_t members = consumers.members_limit();
      for (uint64_t i = 0; i < members; ++i) {
        const ConsumerEntry& entry = consumers.entry(i);
        const uint64_t limit = entry.limit.load_ordered();
        const uint64_t begin = entry.begin.load_ordered();
        if (begin < limit && begin < done && consumers.directory().member(i, group)) done = begin;
      }
      if (done <= seen) return false;
      if (consumers.header().reassign_epoch.load_ordered() != moves) continue;
      // Release: pairs with gating_sequence and barrier.
      if (sequence.compare_exchange(seen, done)) return true;
    }
  }

  /// Takes over what a member has left that is dead. We hold nothing. Says whether there was any.
  bool adopt(Consumers& consumers, const os::File& file) {
    for (uint64_t i = 0; i < consumers.members_limit(); ++i) {
      const ConsumerEntry& entry = consumers.entry(i);
      if (consumers.owns(i) || entry.begin.load_acquire() >= entry.limit.load_ordered()) continue;
      if (!consumers.directory().member(i, group_)) continue;
      const auto dead = liveness::take_consumer(file, i, os::Hold::kExclusive);
      if (!dead.ok() || !dead.value()) continue;
      // The lock says nothing to ourselves.
      slot_ = i;
      consumers.gain(i);
      if (inherit(consumers, i, file)) return true;
    }
    return false;
  }

 private:
  // Makes what entry `slot_` holds ours if it was truly taken, and otherwise clears it.
  bool inherit(Consumers& consumers, uint64_t index, const os::File& file) {
    const ConsumerEntry& entry = consumers.entry(index);
    const uint64_t limit = entry.limit.load_ordered();
    const uint64_t begin = entry.begin.load_ordered();
    // In this order: see invariant 2.
    const uint64_t word = consumers.entry(group_).work.load_ordered();
    const bool last = word == (limit << Consumers::kTakerBits | (index + 1));
    const bool taken = begin < limit && limit <= word >> Consumers::kTakerBits &&
                       limit - begin <= consumers.lap() &&
                       (last || entry.work.load_ordered() >= limit);
    begin_ = taken ? begin : 0;
    limit_ = taken ? limit : 0;
    redelivered_ = taken;
    given_ = 0;
    if (!taken) {
      drop(consumers, file);
      settle(consumers, group_);
    }
    return taken;
  }

  // Whoever took last is known to have taken before `work` moves on.
  void confirm(const Consumers& consumers, uint64_t word) const {
    const uint64_t taker = word & kMaxMembers;
    const uint64_t limit = word >> Consumers::kTakerBits;
    if (taker == 0 || taker > consumers.count()) return;
    Sequence& taken = consumers.entry(taker - 1).work;
    if (taker - 1 != member_) {
      raise(taken, limit);
    } else if (taken.load_relaxed() < limit) {
      // Others raise our own at most to what we took last, which this is.
      // Release: pairs with inherit(), through `work`.
      taken.store_release(limit);
    }
  }

  // Nothing is held any more.
  void drop(Consumers& consumers, const os::File& file) {
    consumers.entry(slot_).limit.store_ordered(0);
    if (slot_ != member_) {
      consumers.lose(slot_);
      liveness::leave_consumer(file, slot_);
    }
    slot_ = member_;
    begin_ = limit_ = given_ = 0;
    redelivered_ = false;
  }

  static bool raise(Sequence& sequence, uint64_t to) {
    for (;;) {
      const uint64_t seen = sequence.load_ordered();
      if (seen >= to) return false;
      // Release: pairs with gating_sequence and barrier.
      if (sequence.compare_exchange(seen, to)) return true;
    }
  }

  uint64_t group_;
  uint64_t member_;
  uint64_t slot_;  // whose entry has what we hold: our own, or that of a dead member
  uint64_t begin_ = 0;
  uint64_t limit_ = 0;
  uint64_t given_ = 0;  // up to where to the caller of Assignments::another
  bool redelivered_ = false;
  bool settled_ = false;
};

}  // namespace shm_disruptor
