// One producer's outstanding claims, written down where others find them when it has died.
//
// Invariant: before `next` passes a sequence, a range of the producer table covers it, and goes on
// covering it until that element is committed. Therefore a sequence below `next` that is neither
// committed nor covered by the range of somebody alive belongs to the dead.
//
// A range may cover more than that: elements committed meanwhile and, until its owner knows better,
// a claim that another producer was faster to make. That may hold up recovery for a moment, and
// never lets a living claim be closed. Claims that follow each other share a range.
#pragma once

#include <cstdint>
#include <vector>

#include "layout.h"
#include "liveness.h"
#include "result.h"

namespace shm_disruptor {

class Claims {
 public:
  Claims(ProducerEntry* table, uint64_t entries) : table_(table), entries_(entries) {}

  /// Writes down that [begin, limit) is about to be claimed, over what was announced before and
  /// did not become a claim. Before the compare_exchange of `next`, with which it is published.
  /// All below `cursor` is committed.
  ///
  /// Errors: kTooManyProducers, kSystem.
  Status announce(const os::File& file, uint64_t begin, uint64_t limit, const Sequence& cursor) {
    if (current_ == nullptr || current_->used) {
      const Status found = find_place(file, begin, limit, cursor);
      if (!found.ok() || current_->used) return found;
    }
    // The limit last: with the old limit and the new begin the range is empty or too large.
    // Release: pairs with the loads in recovery.h, through `next`.
    current_->range->begin.store_release(begin);
    current_->range->limit.store_release(limit);
    return Done{};
  }

  /// What was announced last has not become a claim, and might cover somebody else's.
  void withdraw() {
    if (current_ == nullptr) return;
    current_->range->limit.store_release(current_->used ? current_->limit : 0);
  }

  /// What was announced last has become a claim.
  void claimed(uint64_t begin, uint64_t limit) {
    if (!current_->used) {
      current_->begin = begin;
      current_->limit = limit;
      current_->used = true;
    } else if (current_->limit < limit) {
      current_->limit = limit;
    }
  }

  /// As `announce` and `claimed` for what somebody else has claimed, and which a recoverer may be
  /// about to close: sequentially consistent, before the caller looks at the cursor.
  Status adopt(const os::File& file, uint64_t begin, uint64_t limit, const Sequence& cursor) {
    const Status announced = announce(file, begin, limit, cursor);
    if (!announced.ok()) return announced;
    claimed(begin, limit);
    current_->range->limit.store_ordered(current_->limit);
    return Done{};
  }

  /// What was adopted last is not ours after all.
  void abandon(uint64_t begin, uint64_t limit) {
    if (!current_->used || current_->limit != limit || current_->begin > begin) return;
    if (current_->begin == begin) current_->used = false;
    current_->limit = begin;
    withdraw();
  }

  /// Whether all of [begin, limit) is in our claims.
  bool hold(uint64_t begin, uint64_t limit) const {
    if (current_ != nullptr && covers(*current_, begin) && current_->limit >= limit) return true;
    for (size_t i = 0; i <= held_.size() && begin < limit; ++i) {
      uint64_t end = begin;
      for (const Held& each : held_) {
        if (covers(each, begin) && each.limit > end) end = each.limit;
      }
      if (end == begin) return false;
      begin = end;
    }
    return begin >= limit;
  }

  /// [begin, limit) is committed. Only ranges that lie within it can be used again at once; others
  /// once the cursor has passed them.
  void settle(uint64_t begin, uint64_t limit) {
    if (current_ != nullptr && current_->begin == begin && current_->limit == limit) {
      current_->used = false;
      return;
    }
    for (Held& each : held_) {
      if (each.used && each.begin >= begin && each.limit <= limit) each.used = false;
    }
  }

  /// Whether entry `index` is one of ours.
  bool owns(uint64_t index) const {
    for (const uint64_t entry : owned_) {
      if (entry == index) return true;
    }
    return false;
  }

 private:
  // One range of an entry of ours. Its numbers are kept privately: nobody can make us believe that
  // we hold what we do not.
  struct Held {
    Range* range;
    uint64_t begin = 0;
    uint64_t limit = 0;
    bool used = false;
  };

  static bool covers(const Held& held, uint64_t sequence) {
    return held.used && held.begin <= sequence && sequence < held.limit;
  }

  // Makes `current_` a free range; or one in use, which has been extended to `limit`.
  Status find_place(const os::File& file, uint64_t begin, uint64_t limit, const Sequence& cursor) {
    if (current_ != nullptr) {
      // It may have been extended for a claim that was not made.
      withdraw();
      if (current_->limit == begin) {
        current_->range->limit.store_release(limit);
        return Done{};
      }
    }
    const uint64_t committed = cursor.load_ordered();
    for (Held& each : held_) {
      if (each.used && each.limit > committed) continue;
      each.used = false;
      current_ = &each;
      return Done{};
    }
    return take_entry(file);
  }

  Status take_entry(const os::File& file) {
    for (uint64_t index = 0; index < entries_; ++index) {
      if (owns(index)) continue;
      const auto taken = liveness::take_producer(file, index);
      if (!taken.ok()) return taken.error();
      if (!taken.value()) continue;
      ProducerEntry& entry = table_[index];
      entry.pid.store_ordered(os::current_process());
      owned_.push_back(index);
      const size_t first = held_.size();
      for (Range& range : entry.ranges) {
        // What a dead owner left.
        range.limit.store_release(0);
        held_.push_back({&range});
      }
      current_ = &held_[first];
      return Done{};
    }
    return Errc::kTooManyProducers;
  }

  ProducerEntry* table_;
  uint64_t entries_;
  std::vector<Held> held_;
  std::vector<uint64_t> owned_;
  Held* current_ = nullptr;  // what was announced last
};

}  // namespace shm_disruptor
