// The consumers of a ring as one participant sees them: whom producers wait for, who comes after
// whom, and coming and going.
//
// Invariants. (1) A gating sequence only rises for as long as its consumer gates. (2) Whoever
// begins to gate begins at or above every gating sequence that a producer may have seen before
// (rejoin() says why that is enough). (3) What a consumer may read ends where those it comes after
// have committed; therefore its sequence is not above theirs, and the smallest of all is that of
// the last in each chain: producers gate on the leaves without knowing them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "commit_tracker.h"
#include "directory.h"
#include "layout.h"
#include "liveness.h"
#include "patience.h"
#include "result.h"
#include "segment.h"
#include "wait.h"

namespace shm_disruptor {

/// Where somebody begins who joins.
struct Start {
  enum Kind : uint8_t {
    kLatest,    ///< with what is committed from now on
    kOldest,    ///< as far back as nothing can be overwritten: where the slowest consumer is
    kSequence,  ///< with that sequence, which lies between the two; with the gap that it lies in
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
        lap_(segment.layout.geometry.elements),
        commit_tracker_(
            header_,
            reinterpret_cast<Sequence*>(segment.mapping->base() + segment.layout.markers_offset),
            segment.layout.geometry.elements),
        detaches_(segment.layout.policy.dead_consumers == DeadConsumers::kDetach) {}

  uint64_t count() const { return count_; }
  /// How many elements the ring has.
  uint64_t lap() const { return lap_; }
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

  /// Where that ends which we may read, when `cursor` is where the producers have come to.
  /// Acquire: pairs with the commit_consumed of those it comes after.
  uint64_t barrier(uint64_t cursor) const {
    // Most come after nobody.
    if (after_.empty()) return cursor;
    const uint64_t limit = least(after_, cursor);
    // Nothing, until it is known where that one begins.
    return limit == kJoining ? 0 : limit;
  }

  /// Whether we come after others.
  bool comes_after() const { return !after_.empty(); }

  /// Whether anybody waits for consumers, and not for producers alone.
  bool dependents() const { return header_->dependents.load_ordered() != 0; }

  /// Makes us that consumer, alone or as one of several. One that was detached begins at the
  /// barrier. `patience`, here and below, is how many nanoseconds others are waited for who hold a
  /// lock for a moment; never longer than makes sense.
  ///
  /// Errors: kConsumerBusy, kConsumerKind, kSystem.
  Status attach(const os::File& file, uint64_t consumer, os::Hold hold,
                uint64_t patience = patience::kFull) {
    if (own_ == consumer) return Done{};
    // Others are found by name.
    if (directory_.role(consumer) != Role::kIndexed) return Errc::kConsumerKind;
    const Status locked = lock(file, consumer, hold, patience);
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
  Result<Joined> join(const os::File& file, const Joining& joining, uint64_t most_members,
                      uint64_t patience) {
    const Status locked = lock_directory(file, patience);
    if (!locked.ok()) return locked.error();
    const auto joined = join_locked(file, joining, most_members, patience);
    os::unlock(file, liveness::kDirectory);
    return joined;
  }

  /// One more entry of ours as a member of `group`, with what a dead one has left in it unless it
  /// is to be `empty`. Errors: kTooManyConsumers, kSegmentBusy, kSystem.
  Result<uint64_t> join_again(const os::File& file, uint64_t group, uint64_t most_members,
                              uint64_t patience, bool empty = false) {
    const Status locked = lock_directory(file, patience);
    if (!locked.ok()) return locked.error();
    const auto joined = join_group(file, group, most_members, empty);
    os::unlock(file, liveness::kDirectory);
    return joined;
  }

  /// All members' entries lie below it.
  uint64_t members_limit() const {
    const uint64_t limit = header_->members.load_ordered();
    return limit < count_ ? limit : count_;
  }

  /// Somebody else's entry has become ours, or one of ours somebody else's.
  void gain(uint64_t member) { members_.push_back(member); }
  void lose(uint64_t member) {
    if (own_ == member) own_ = kNone;
    for (uint64_t& own : members_) {
      if (own != member) continue;
      own = members_.back();
      members_.pop_back();
      return;
    }
  }

  /// Whether that entry is ours.
  bool owns(uint64_t consumer) const {
    for (const uint64_t own : members_) {
      if (own == consumer) return true;
    }
    return own_ == consumer;
  }

  Header& header() const { return *header_; }

  /// Ends `consumer`'s gating for good.
  void ignore(uint64_t consumer) { stop(consumer, kIgnored); }

  /// Ends our own gating until we come back; a nameless consumer's place is free. Not for members.
  void leave(const os::File& file) {
    if (own_ == kNone) return;
    const Role role = directory_.role(own_);
    stop(own_, kDetached);
    if (role == Role::kAnonymous) directory_.vacate(own_);
    liveness::leave_consumer(file, own_);
    own_ = kNone;
  }

  /// Ends the gating of a consumer or group on behalf of whoever operates the ring, until it comes
  /// back; a nameless consumer's place is free. An ignored one stays ignored.
  ///
  /// Errors: kConsumerBusy (it lives, or a member of the group does), kConsumerKind (a member, or a
  /// vacant place), kUnknownConsumer (no such place), kSegmentBusy, kSystem.
  Status detach(const os::File& file, uint64_t consumer) {
    if (consumer >= count_) return Errc::kUnknownConsumer;
    // No member joins the group meanwhile.
    const Status exclusive = lock_directory(file, patience::kFull);
    if (!exclusive.ok()) return exclusive;
    const Status detached = detach_locked(file, consumer);
    os::unlock(file, liveness::kDirectory);
    return detached;
  }

  /// Ends the gating of a group if it has no living member. Errors: kSegmentBusy, kSystem.
  Status leave_group(const os::File& file, uint64_t group) {
    // Nobody joins meanwhile.
    const Status locked = lock_directory(file, patience::kFull);
    if (!locked.ok()) return locked;
    if (!populated(file, group)) stop(group, kDetached);
    os::unlock(file, liveness::kDirectory);
    return Done{};
  }

  /// Brings a consumer back that was detached. Whoever dies half way leaves it to the next.
  ///
  /// While it is joining no producer claims anything, and one that is stopped there stops them all.
  /// So what takes long comes before: finding the gap that a sequence lies in. In between there is
  /// only work that the size of the consumer table bounds.
  ///
  /// Why nothing that it reads is overwritten: from kJoining on nobody claims who sees it. A
  /// producer who has looked at the consumers before, and claims after, has seen a gating sequence
  /// that was at most the smallest of the others now, or the cursor if there were none; so what it
  /// claims lies within a lap of wherever we may begin.
  ///
  /// Why a place that was found before is still right: let `oldest` be the smallest gating sequence
  /// once we are joining. Whoever stands there is in no gap, so a gap over a sequence behind it
  /// begins behind it as well. Its marker was there when the cursor was read, which is above it;
  /// and it still is, since only a claim from `oldest` + a lap on overwrites it. So the search has
  /// seen it. A sequence before `oldest`, or above that cursor, is refused.
  ///
  /// Errors: kSequenceGone, kSegmentReplaced, kSegmentCorrupt.
  Status rejoin(uint64_t consumer, Start start = {}) {
    Sequence& sequence = table_[consumer].sequence;
    uint64_t state = sequence.load_ordered();
    if (state != kDetached && state != kJoining) return Done{};
    // Acquire: pairs with CommitTracker::help, which passes a gap after its marker was written.
    const uint64_t known = header_->cursor.load_ordered();
    const bool by_sequence = start.kind == Start::kSequence;
    const uint64_t place = by_sequence ? outside_gaps(consumer, start.sequence, known) : 0;
    if (state == kDetached && sequence.compare_exchange(kDetached, kJoining)) state = kJoining;
    if (state != kJoining) return Done{};
    header_->gating_epoch.add(1);
    const uint64_t cursor = header_->cursor.load_ordered();
    const uint64_t oldest = start.kind == Start::kLatest ? 0 : gating_sequence(consumer);
    if (cursor > kLastSequence) {
      return (cursor & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
    }
    // Never below every gating sequence: not even after somebody who joins as well, or is dead.
    const uint64_t before = least(directory_.after(consumer), cursor);
    const uint64_t latest = before == kJoining ? cursor : before;
    uint64_t begin = latest;
    // While somebody else joins, too, the latest is the only place that is safe.
    if (start.kind != Start::kLatest && oldest <= latest) begin = oldest;
    // What a group has handed out it does not hand out again: `work` never goes back, so that
    // nobody who is slow in group.h takes an old value for a new one.
    const bool group = directory_.role(consumer) == Role::kGroup;
    const uint64_t handed = group ? table_[consumer].work.load_ordered() >> kTakerBits : 0;
    if (handed > begin && handed <= cursor) begin = handed;
    if (by_sequence) {
      const bool there = start.sequence >= begin && start.sequence <= std::min(latest, known);
      if (!there || start.sequence - begin > lap_ || place < begin) {
        stop(consumer, kDetached);
        return there ? Errc::kSegmentCorrupt : Errc::kSequenceGone;
      }
      begin = place;
    }
    if (group) hand_out_from(consumer, begin);
    sequence.compare_exchange(kJoining, begin);
    wake_sleepers(header_->space_waiters);
    wake_dependents();
    return Done{};
  }

  /// Ends the gating of consumers that are dead and in the way: where the ring's policy says so, of
  /// nameless ones, and of those that died while they joined. Says whether there were any.
  bool detach_dead(const os::File& file) {
    const uint64_t gate = gating_sequence();
    bool detached = false;
    for (uint64_t i = 0; i < count_; ++i) {
      const uint64_t sequence = table_[i].sequence.load_ordered();
      const bool in_the_way = sequence == kJoining || (sequence == gate && gate <= kLastSequence);
      if (in_the_way && detach_if_dead(file, i, sequence)) detached = true;
    }
    return detached;
  }

  /// The same for those whom we come after, where they keep us from what is committed.
  bool detach_dead_before_us(const os::File& file) {
    const uint64_t cursor = header_->cursor.load_ordered();
    const uint64_t barrier = after_.empty() ? cursor : least(after_, cursor);
    if (barrier == cursor) return false;
    bool detached = false;
    for_each_before_us([&](uint64_t other, uint64_t sequence) {
      const bool in_the_way = sequence == kJoining || sequence == barrier;
      if (in_the_way && detach_if_dead(file, other, sequence)) detached = true;
    });
    return detached;
  }

  /// Calls `visit` with those whom we come after and their sequences.
  template <class Visit>
  void for_each_before_us(Visit visit) const {
    for_each_before(after_, visit);
  }

  /// Tells those who come after somebody that there may be something to read.
  void wake_dependents() const {
    if (dependents()) wake_sleepers(header_->data_waiters);
  }

  /// The lowest bits of a group's `work` say who took last (group.h).
  static constexpr int kTakerBits = 11;

 private:
  // The smallest sequence among `after`; kJoining while one of them is about to gate.
  uint64_t least(const std::vector<uint64_t>& after, uint64_t cursor) const {
    uint64_t smallest = cursor;
    bool joining = false;
    for_each_before(after, [&](uint64_t, uint64_t sequence) {
      joining = joining || sequence == kJoining;
      if (sequence < smallest) smallest = sequence;
    });
    return joining ? kJoining : smallest;
  }

  // Calls `visit` with each of `after` and its sequence, and instead of somebody who has left with
  // those whom it came after. Everybody is passed on once, in whatever circles damaged memory has
  // them stand.
  template <class Visit>
  void for_each_before(const std::vector<uint64_t>& after, Visit visit) const {
    std::vector<uint64_t> left;
    std::vector<bool> passed;
    std::vector<uint64_t> others;
    const std::vector<uint64_t>* each = &after;
    for (size_t i = 0;; ++i) {
      for (const uint64_t other : *each) {
        const uint64_t sequence = table_[other].sequence.load_ordered();
        if (sequence <= kLastSequence || sequence == kJoining) {
          visit(other, sequence);
          continue;
        }
        if (passed.empty()) passed.resize(static_cast<size_t>(count_));
        if (passed[other]) continue;
        passed[other] = true;
        left.push_back(other);
      }
      if (i == left.size()) return;
      others = directory_.after(left[i]);
      each = &others;
    }
  }

  Status detach_locked(const os::File& file, uint64_t consumer) {
    const Role role = directory_.role(consumer);
    if (role == Role::kMember || role == Role::kVacant) return Errc::kConsumerKind;
    // While its lock is ours, no other handle becomes this consumer.
    const Status locked = lock(file, consumer, os::Hold::kExclusive, patience::kConsumer);
    if (!locked.ok()) return locked;
    const bool lives = role == Role::kGroup && populated(file, consumer);
    if (!lives) {
      if (sequence(consumer).load_ordered() != kIgnored) stop(consumer, kDetached);
      if (role == Role::kAnonymous) directory_.vacate(consumer);
    }
    liveness::leave_consumer(file, consumer);
    return lives ? Status(Errc::kConsumerBusy) : Status(Done{});
  }

  // Ends the gating of somebody who stands at `sequence` if it is dead, and is not to be waited
  // for.
  bool detach_if_dead(const os::File& file, uint64_t consumer, uint64_t sequence) {
    ConsumerEntry& entry = table_[consumer];
    if (own_ == consumer || entry.attached.load_ordered() == 0) return false;
    const Role role = directory_.role(consumer);
    if (!detaches_ && role != Role::kAnonymous && sequence != kJoining) return false;
    // While we have its lock nobody can become this consumer, or a member of this group.
    const auto dead = liveness::take_consumer(file, consumer, os::Hold::kExclusive);
    if (!dead.ok() || !dead.value()) return false;
    const bool detached = !(role == Role::kGroup && populated(file, consumer)) &&
                          entry.sequence.compare_exchange(sequence, kDetached);
    if (detached) {
      header_->gating_epoch.add(1);
      wake_sleepers(header_->space_waiters);
      wake_dependents();
    }
    liveness::leave_consumer(file, consumer);
    return detached;
  }

  // `sequence`, or where the gap below `cursor` begins that it lies in: what was lost is told of,
  // and never read. From where the slowest of the others stands, which is in no gap; or from a lap
  // below the cursor, further back than which none of them can stand.
  uint64_t outside_gaps(uint64_t consumer, uint64_t sequence, uint64_t cursor) const {
    if (sequence > cursor || cursor > kLastSequence) return sequence;
    const uint64_t gate = gating_sequence(consumer);
    const uint64_t furthest = cursor > lap_ ? cursor - lap_ : 0;
    for (uint64_t each = gate <= cursor ? std::max(gate, furthest) : furthest; each < sequence;) {
      const Marker mark = commit_tracker_.marker(each);
      const bool gap = mark.is_gap() && commit_tracker_.marked(each, mark);
      if (gap && mark.end() > sequence) return each;
      each = gap ? mark.end() : each + 1;
    }
    return sequence;
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

  Status lock(const os::File& file, uint64_t consumer, os::Hold hold, uint64_t most) {
    // Whoever detaches the dead has the lock for a moment.
    Patience patience(std::min(most, patience::kConsumer));
    do {
      const auto taken = liveness::take_consumer(file, consumer, hold);
      if (!taken.ok()) return taken.error();
      if (taken.value()) return Done{};
    } while (patience.pause());
    return Errc::kConsumerBusy;
  }

  // Locks an entry that is free. One whose former owner is just about to let go of it, and may be
  // stopped there, keeps nobody from the others.
  Result<uint64_t> lock_free(const os::File& file, uint64_t most) {
    Patience patience(std::min(most, patience::kConsumer));
    do {
      bool busy = false;
      for (uint64_t i = 0; i < count_; ++i) {
        if (!free(file, i)) continue;
        const auto taken = liveness::take_consumer(file, i, os::Hold::kExclusive);
        if (!taken.ok()) return taken.error();
        if (taken.value()) return i;
        busy = true;
      }
      if (!busy) break;
    } while (patience.pause());
    return Errc::kTooManyConsumers;
  }

  Status lock_directory(const os::File& file, uint64_t most) {
    Patience patience(std::min(most, patience::kFull));
    do {
      const auto locked = os::try_lock(file, liveness::kDirectory, os::Hold::kExclusive);
      if (!locked.ok()) return locked.error();
      if (locked.value()) return Done{};
    } while (patience.pause());
    return Errc::kSegmentBusy;
  }

  void become(uint64_t consumer) {
    ConsumerEntry& entry = table_[consumer];
    entry.pid.store_ordered(os::current_process());
    entry.attached.store_ordered(os::current_thread());
    own_ = consumer;
    after_ = directory_.after(consumer);
    if (directory_.role(consumer) == Role::kMember) gain(consumer);
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
  Result<uint64_t> join_group(const os::File& file, uint64_t group, uint64_t most,
                              bool empty = false) {
    for (const bool vacant : {false, true}) {
      for (uint64_t i = 0; i < count_ && i < most; ++i) {
        const bool fits = vacant ? free(file, i) : directory_.member(i, group);
        // Our own locks do not keep us out.
        if (!fits || owns(i)) continue;
        const auto taken = liveness::take_consumer(file, i, os::Hold::kExclusive);
        if (!taken.ok()) return taken.error();
        if (!taken.value()) continue;
        const ConsumerEntry& entry = table_[i];
        if (empty && !vacant && entry.begin.load_ordered() < entry.limit.load_ordered()) {
          liveness::leave_consumer(file, i);
          continue;
        }
        // Before it can announce anything: settle() reads it after `work`.
        if (header_->members.load_ordered() <= i) {
          header_->members.store_ordered(static_cast<uint32_t>(i + 1));
        }
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

  Result<Joined> join_locked(const os::File& file, const Joining& joining, uint64_t most_members,
                             uint64_t patience) {
    std::vector<uint64_t> after;
    for (const std::string& name : joining.after) {
      const uint64_t index = directory_.find(name);
      if (index == count_) return Errc::kUnknownConsumer;
      after.push_back(index);
    }
    // In whatever order they are named.
    std::sort(after.begin(), after.end());
    const Role role = joining.group          ? Role::kGroup
                      : joining.name.empty() ? Role::kAnonymous
                                             : Role::kNamed;
    uint64_t index = joining.name.empty() ? count_ : directory_.find(joining.name);
    if (index != count_) {
      if (directory_.role(index) != role) return Errc::kConsumerKind;
      std::vector<uint64_t> known_after = directory_.after(index);
      std::sort(known_after.begin(), known_after.end());
      if (joining.after_given && known_after != after) return Errc::kDependencies;
    }
    const bool known = index != count_;
    if (known) {
      const Status locked = lock(file, index, os::Hold::kExclusive, patience);
      if (!locked.ok()) return locked.error();
    } else {
      const auto place = lock_free(file, patience);
      if (!place.ok()) return place.error();
      index = place.value();
      // Before it has its name: whoever comes back as somebody who died here does not do it again.
      if (!after.empty()) header_->dependents.store_ordered(1);
      directory_.vacate(index);
      directory_.enter(index, {joining.name, role, std::move(after)});
    }
    // Producers may find it dead from here on.
    table_[index].attached.store_ordered(os::current_thread());
    Joined joined{index, kNone};
    Status begun = Done{};
    if (joining.group) {
      // Its members hold locks of their own. Before it gates: perhaps nobody else ever comes.
      const auto member = join_group(file, index, most_members);
      if (member.ok()) joined = {member.value(), index};
      begun = member.ok() ? rejoin(index, joining.start) : Status(member.error());
      if (!begun.ok() && member.ok()) give_up(file, member.value());
    } else {
      become(index);
      begun = rejoin(index, joining.start);
    }
    if (!begun.ok() && !known) directory_.vacate(index);
    if (!begun.ok() || joining.group) give_up(file, index);
    if (!begun.ok()) return begun.error();
    return joined;
  }

  void give_up(const os::File& file, uint64_t index) {
    lose(index);
    if (own_ == index) own_ = kNone;
    liveness::leave_consumer(file, index);
  }

  void stop(uint64_t consumer, uint64_t gone) {
    table_[consumer].sequence.store_ordered(gone);
    // Every producer looks at the consumers again before its next claim.
    header_->gating_epoch.add(1);
    wake_sleepers(header_->space_waiters);
    // Another handle of this consumer may sleep, or somebody who comes after it: they are told.
    wake_sleepers(header_->data_waiters);
  }

  ConsumerEntry* table_;
  Header* header_;
  Directory directory_;
  uint64_t count_;
  uint64_t lap_;
  CommitTracker commit_tracker_;
  bool detaches_;
  uint64_t own_ = kNone;
  std::vector<uint64_t> members_;  // our entries in a group
  std::vector<uint64_t> after_;    // whom we come after
};

}  // namespace shm_disruptor
