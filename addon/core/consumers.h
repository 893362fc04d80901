// The consumers of a ring as one participant sees them: whom producers wait for, who comes after
// whom, and coming and going.
//
// Invariants. (1) A gating sequence only rises for as long as its consumer gates. (2) Whoever
// begins to gate begins at or above every gating sequence that a producer may have seen before
// (rejoin() says why that is enough). (3) What a consumer may read ends where those it comes after
// have committed; therefore its sequence is not above theirs, and the smallest of all is that of
// the last in each chain: producers gate on the leaves without knowing them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "directory.h"
#include "layout.h"
#include "liveness.h"
#include "result.h"
#include "segment.h"
#include "wait.h"

namespace shm_disruptor {

/// Where somebody begins who joins.
struct Start {
  enum Kind : uint8_t {
    kLatest,    ///< with what is committed from now on
    kOldest,    ///< as far back as nothing can be overwritten: where the slowest consumer is
    kSequence,  ///< with that sequence, which lies between the two
  };
  Kind kind = kLatest;
  uint64_t sequence = 0;
};

/// Joining: whom to be.
struct Joining {
  std::string name;    ///< empty: nobody whom anybody could come back as
  bool group = false;  ///< share the work of the consumer of that name
  bool after_given = false;
  std::vector<std::string> after;  ///< names of those to come after
  Start start;
};

class Consumers {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  explicit Consumers(const RingSegment& segment)
      : table_(segment.consumers()),
        header_(&segment.header()),
        directory_(segment.consumers(), segment.layout.geometry.consumers),
        count_(segment.layout.geometry.consumers),
        detaches_(segment.layout.policy.dead_consumers == DeadConsumers::kDetach) {}

  uint64_t count() const { return count_; }
  const Directory& directory() const { return directory_; }
  Sequence& sequence(uint64_t consumer) const { return table_[consumer].sequence; }
  ConsumerEntry& entry(uint64_t consumer) const { return table_[consumer]; }
  /// Which consumer we are; kNone for none.
  uint64_t own() const { return own_; }

  /// The smallest; the cursor when nobody gates who might; kJoining while one of them is about to;
  /// kIgnored when nobody ever gates again. Acquire: pairs with commit_consumed; the readers have
  /// done with the elements below. Ordered, because a claim goes to sleep on its answer.
  uint64_t gating_sequence(uint64_t without = kNone) const {
    uint64_t smallest = kIgnored;
    bool detached = false;
    for (uint64_t i = 0; i < count_; ++i) {
      if (i == without) continue;
      const uint64_t sequence = table_[i].sequence.load_ordered();
      if (sequence == kJoining) return kJoining;
      if (sequence == kDetached) {
        detached = true;
      } else if (sequence < smallest) {
        smallest = sequence;
      }
    }
    const bool nobody = smallest == kIgnored && (detached || without != kNone);
    return nobody ? header_->cursor.load_ordered() : smallest;
  }

  /// Where that ends which `consumer` may read, when `cursor` is where the producers have come to.
  /// Acquire: pairs with the commit_consumed of those it comes after.
  uint64_t barrier(uint64_t consumer, uint64_t cursor) const {
    // Ours are known, and most have none.
    if (consumer == own_) return after_.empty() ? cursor : least(after_, cursor, 0);
    return least(directory_.after(consumer), cursor, 0);
  }

  /// Whether we come after others.
  bool comes_after() const { return !after_.empty(); }

  /// Whether anybody waits for consumers, and not for producers alone.
  bool dependents() const { return header_->dependents.load_ordered() != 0; }

  /// Makes us that consumer, alone or as one of several. One that was detached begins at the
  /// barrier.
  ///
  /// Errors: kConsumerBusy, kSystem.
  Status attach(const os::File& file, uint64_t consumer, os::Hold hold) {
    if (own_ == consumer) return Done{};
    const Status locked = lock(file, consumer, hold);
    if (!locked.ok()) return locked;
    become(consumer);
    // A ring that was replaced says so when it is used.
    static_cast<void>(rejoin(consumer));
    return Done{};
  }

  /// What somebody has become: an entry of the table, and of a member its group's as well.
  struct Joined {
    uint64_t index = 0;
    uint64_t group = kNone;
  };

  /// Makes us a consumer by name, a nameless one, or a member of a group, whose entry is one of the
  /// first `most_members`. A known one goes on where it was, unless it was detached.
  ///
  /// Errors: kConsumerBusy, kTooManyConsumers, kUnknownConsumer, kConsumerKind, kDependencies,
  /// kSequenceGone, kSegmentBusy, kSystem, kSegmentReplaced, kSegmentCorrupt.
  Result<Joined> join(const os::File& file, const Joining& joining, uint64_t most_members) {
    const Status locked = lock_directory(file);
    if (!locked.ok()) return locked.error();
    const auto joined = join_locked(file, joining, most_members);
    os::unlock(file, liveness::kDirectory);
    return joined;
  }

  /// Ends `consumer`'s gating for good.
  void ignore(uint64_t consumer) { stop(consumer, kIgnored); }

  /// Ends our own gating until we come back; a nameless consumer's place is free.
  void leave(const os::File& file) {
    if (own_ == kNone) return;
    const Role role = directory_.role(own_);
    if (role == Role::kMember) {
      table_[own_].limit.store_ordered(0);
    } else {
      stop(own_, kDetached);
    }
    if (role == Role::kAnonymous) directory_.vacate(own_);
    liveness::leave_consumer(file, own_);
    own_ = kNone;
  }

  /// Ends the gating of a group if it has no living member. Errors: kSegmentBusy, kSystem.
  Status leave_group(const os::File& file, uint64_t group) {
    // Nobody joins meanwhile.
    const Status locked = lock_directory(file);
    if (!locked.ok()) return locked;
    if (!populated(file, group)) stop(group, kDetached);
    os::unlock(file, liveness::kDirectory);
    return Done{};
  }

  /// Brings a consumer back that was detached. Whoever dies half way leaves it to the next.
  ///
  /// Why nothing that it reads is overwritten: from kJoining on nobody claims who sees it. A
  /// producer who has looked at the consumers before, and claims after, has seen a gating sequence
  /// that was at most the smallest of the others now, or the cursor if there were none; so what it
  /// claims lies within a lap of wherever we may begin.
  ///
  /// Errors: kSequenceGone, kSegmentReplaced, kSegmentCorrupt.
  Status rejoin(uint64_t consumer, Start start = {}) {
    Sequence& sequence = table_[consumer].sequence;
    uint64_t seen = sequence.load_ordered();
    if (seen == kDetached && sequence.compare_exchange(kDetached, kJoining)) seen = kJoining;
    if (seen != kJoining) return Done{};
    header_->membership.add(1);
    const uint64_t cursor = header_->cursor.load_ordered();
    const uint64_t oldest = start.kind == Start::kLatest ? 0 : gating_sequence(consumer);
    const uint64_t latest = barrier(consumer, cursor);
    if (cursor > kLastSequence || latest > kLastSequence) {
      return (cursor & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
    }
    uint64_t begin = latest;
    // While somebody else joins, too, the latest is the only place that is safe.
    if (start.kind != Start::kLatest && oldest <= latest) begin = oldest;
    if (start.kind == Start::kSequence) {
      if (start.sequence < begin || start.sequence > latest) {
        stop(consumer, kDetached);
        return Errc::kSequenceGone;
      }
      begin = start.sequence;
    }
    if (directory_.role(consumer) == Role::kGroup) hand_out_from(consumer, begin);
    sequence.compare_exchange(kJoining, begin);
    wake_sleepers(header_->space_waiters);
    return Done{};
  }

  /// Ends the gating of consumers that are dead and in the way: where the ring's policy says so, of
  /// nameless ones, and of those that died while they joined. Says whether there were any.
  bool detach_dead(const os::File& file) {
    const uint64_t gate = gating_sequence();
    bool detached = false;
    for (uint64_t i = 0; i < count_; ++i) {
      ConsumerEntry& entry = table_[i];
      const uint64_t sequence = entry.sequence.load_ordered();
      const bool in_the_way = sequence == kJoining || (sequence == gate && gate <= kLastSequence);
      if (!in_the_way || own_ == i || entry.attached.load_ordered() == 0) continue;
      const Role role = directory_.role(i);
      if (!detaches_ && role != Role::kAnonymous && sequence != kJoining) continue;
      // While we have its lock nobody can become this consumer, or a member of this group.
      const auto dead = liveness::take_consumer(file, i, os::Hold::kExclusive);
      if (!dead.ok() || !dead.value()) continue;
      if (!(role == Role::kGroup && populated(file, i)) &&
          entry.sequence.compare_exchange(sequence, kDetached)) {
        header_->membership.add(1);
        wake_sleepers(header_->space_waiters);
        wake_dependents();
        detached = true;
      }
      liveness::leave_consumer(file, i);
    }
    return detached;
  }

  /// Tells those who come after somebody that there may be something to read.
  void wake_dependents() const {
    if (dependents()) wake_sleepers(header_->data_waiters);
  }

  /// The lowest bits of a group's `work` say who took last (group.h).
  static constexpr int kTakerBits = 11;

 private:
  static constexpr int kAttempts = 20;
  static constexpr int kDirectoryPatience = 1000;
  static constexpr int kMostDepth = 16;

  // The smallest sequence among `after`. Somebody who has left is passed on to whom it came after.
  uint64_t least(const std::vector<uint64_t>& after, uint64_t cursor, int depth) const {
    uint64_t smallest = cursor;
    for (const uint64_t other : after) {
      uint64_t sequence = table_[other].sequence.load_ordered();
      if (sequence == kJoining || depth == kMostDepth) return 0;
      if (sequence > kLastSequence) sequence = least(directory_.after(other), cursor, depth + 1);
      if (sequence < smallest) smallest = sequence;
    }
    return smallest;
  }

  // Nobody is in that group: what is left of former members means nothing any more.
  void hand_out_from(uint64_t group, uint64_t begin) {
    for (uint64_t i = 0; i < count_; ++i) {
      if (!directory_.member(i, group)) continue;
      table_[i].limit.store_ordered(0);
      table_[i].work.store_ordered(0);
    }
    table_[group].work.store_ordered(begin << kTakerBits);
  }

  Status lock(const os::File& file, uint64_t consumer, os::Hold hold) {
    // Whoever detaches the dead has the lock for a moment.
    for (int attempt = 0;; ++attempt) {
      const auto taken = liveness::take_consumer(file, consumer, hold);
      if (!taken.ok()) return taken.error();
      if (taken.value()) return Done{};
      if (attempt == kAttempts) return Errc::kConsumerBusy;
      os::pause_a_millisecond();
    }
  }

  Status lock_directory(const os::File& file) {
    for (int patience = 0; patience < kDirectoryPatience; ++patience) {
      const auto locked = os::try_lock(file, liveness::kDirectory, os::Hold::kExclusive);
      if (!locked.ok()) return locked.error();
      if (locked.value()) return Done{};
      os::pause_a_millisecond();
    }
    return Errc::kSegmentBusy;
  }

  void become(uint64_t consumer) {
    ConsumerEntry& entry = table_[consumer];
    entry.pid.store_ordered(os::current_process());
    entry.attached.store_ordered(1);
    own_ = consumer;
    after_ = directory_.after(consumer);
  }

  // Whether an entry can become somebody else's: nobody's, or that of a nameless consumer who is
  // dead. A group keeps its members' entries: whoever is slow may still write to them (group.h).
  bool free(const os::File& file, uint64_t index) const {
    const Role role = directory_.role(index);
    return role == Role::kVacant ||
           (role == Role::kAnonymous && !liveness::consumer_lives(file, index));
  }

  bool populated(const os::File& file, uint64_t group) const {
    for (uint64_t i = 0; i < count_; ++i) {
      if (directory_.member(i, group) && liveness::consumer_lives(file, i)) return true;
    }
    return false;
  }

  // An entry that becomes ours as a member of `group`: one that a dead member has left, work and
  // all, or a vacant one.
  Result<uint64_t> join_group(const os::File& file, uint64_t group, uint64_t most) {
    for (const bool vacant : {false, true}) {
      for (uint64_t i = 0; i < count_ && i < most; ++i) {
        const bool fits = vacant ? free(file, i) : directory_.member(i, group);
        if (!fits) continue;
        const auto taken = liveness::take_consumer(file, i, os::Hold::kExclusive);
        if (!taken.ok()) return taken.error();
        if (!taken.value()) continue;
        if (vacant) {
          directory_.vacate(i);
          for (Sequence* word : {&table_[i].work, &table_[i].limit, &table_[i].begin}) {
            word->store_ordered(0);
          }
          directory_.enter(i, {"", Role::kMember, {group}});
        }
        become(i);
        after_ = directory_.after(group);
        return i;
      }
    }
    return Errc::kTooManyConsumers;
  }

  Result<Joined> join_locked(const os::File& file, const Joining& joining, uint64_t most_members) {
    std::vector<uint64_t> after;
    for (const std::string& name : joining.after) {
      const uint64_t index = directory_.find(name);
      if (index == count_) return Errc::kUnknownConsumer;
      after.push_back(index);
    }
    const Role role = joining.group          ? Role::kGroup
                      : joining.name.empty() ? Role::kAnonymous
                                             : Role::kNamed;
    uint64_t index = joining.name.empty() ? count_ : directory_.find(joining.name);
    if (index != count_) {
      if (directory_.role(index) != role) return Errc::kConsumerKind;
      if (joining.after_given && directory_.after(index) != after) return Errc::kDependencies;
    }
    const bool known = index != count_;
    for (uint64_t i = 0; !known && i < count_; ++i) {
      if (free(file, i)) {
        index = i;
        break;
      }
    }
    if (index == count_) return Errc::kTooManyConsumers;
    const Status locked = lock(file, index, os::Hold::kExclusive);
    if (!locked.ok()) return locked.error();
    if (!known) {
      directory_.vacate(index);
      directory_.enter(index, {joining.name, role, after});
      if (!after.empty()) header_->dependents.store_ordered(1);
    }
    // Producers may find it dead from here on.
    table_[index].attached.store_ordered(1);
    if (!joining.group) become(index);
    const Status begun = rejoin(index, joining.start);
    if (!begun.ok()) {
      if (!known) directory_.vacate(index);
      own_ = kNone;
      liveness::leave_consumer(file, index);
      return begun.error();
    }
    if (!joining.group) return Joined{index, kNone};
    // Its members hold locks of their own.
    const auto member = join_group(file, index, most_members);
    liveness::leave_consumer(file, index);
    if (!member.ok()) return member.error();
    return Joined{member.value(), index};
  }

  void stop(uint64_t consumer, uint64_t gone) {
    table_[consumer].sequence.store_ordered(gone);
    // Every producer looks at the consumers again before its next claim.
    header_->membership.add(1);
    wake_sleepers(header_->space_waiters);
    // Another handle of this consumer may sleep, or somebody who comes after it: they are told.
    wake_sleepers(header_->data_waiters);
  }

  ConsumerEntry* table_;
  Header* header_;
  Directory directory_;
  uint64_t count_;
  bool detaches_;
  uint64_t own_ = kNone;
  std::vector<uint64_t> after_;  // whom we come after
};

}  // namespace shm_disruptor
