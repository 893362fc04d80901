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
#include <utility>
#include <vector>

#include "layout.h"
#include "liveness.h"
#include "result.h"

namespace shm_disruptor {

class Claims {
 public:
  Claims(ProducerEntry* table, uint64_t entries) : table_(table), entries_(entries) {}

  /// Finds a place for [begin, limit), which `announce` needs first. All below `cursor` is
  /// committed.
  ///
  /// Errors: kTooManyProducers, kSystem.
  Status prepare(const os::File& file, uint64_t begin, const Sequence& cursor) {
    return prepared() ? Status(Done{}) : find_place(file, begin, cursor);
  }
  /// Whether `announce` can do without `prepare`, as when the latest claim is committed.
  bool prepared() const { return !current_.used && current_.range != nullptr; }

  /// Writes down that [begin, limit) is about to be claimed, over what was announced before and
  /// did not become a claim. Before the compare_exchange of `next`, with which it is published.
  void announce(uint64_t begin, uint64_t limit) {
    if (!current_.used) {
      current_.begin = begin;
      // The limit last: with the old limit and the new begin the range is empty or too large.
      // Release: pairs with the loads in recovery.h, through `next`.
      current_.range->begin.store_release(begin);
    }
    current_.range->limit.store_release(limit);
  }

  /// What was announced last, up to `limit`, has become a claim.
  void claimed(uint64_t limit) {
    current_.limit = limit;
    current_.used = true;
  }

  /// What was announced last has not become a claim, and might cover somebody else's.
  void withdraw() {
    if (current_.range != nullptr) {
      current_.range->limit.store_release(current_.used ? current_.limit : 0);
    }
  }

  /// As `announce` and `claimed` for what somebody else has claimed, and which a recoverer may be
  /// about to close: sequentially consistent, before the caller looks at the cursor.
  Status adopt(const os::File& file, uint64_t begin, uint64_t limit, const Sequence& cursor) {
    const Status place = prepare(file, begin, cursor);
    if (!place.ok()) return place;
    announce(begin, limit);
    claimed(limit);
    current_.range->limit.store_ordered(limit);
    return Done{};
  }

  /// What was adopted last is not ours after all.
  void abandon(uint64_t begin, uint64_t limit) {
    if (!current_.used || current_.limit != limit || current_.begin > begin) return;
    if (current_.begin == begin) current_.used = false;
    current_.limit = begin;
    withdraw();
  }

  /// Whether [begin, limit) is the latest claim, the whole of it.
  bool is_latest(uint64_t begin, uint64_t limit) const {
    return current_.used && current_.begin == begin && current_.limit == limit;
  }
  /// The latest claim is committed.
  void settle_latest() { current_.used = false; }

  /// Whether all of [begin, limit) is in our claims.
  bool hold(uint64_t begin, uint64_t limit) const {
    return (covers(current_, begin) && current_.limit >= limit) || hold_together(begin, limit);
  }

  /// [begin, limit) is committed. Only ranges that lie within it can be used again at once; others
  /// once the cursor has passed them.
  void settle(uint64_t begin, uint64_t limit) {
    if (current_.begin >= begin && current_.limit <= limit) current_.used = false;
    if (current_.begin != begin || current_.limit != limit) settle_others(begin, limit);
  }

  /// An entry has become ours whose ranges somebody else looks after.
  void own(uint64_t index) { owned_.push_back(index); }

  /// Our entries.
  const std::vector<uint64_t>& entries() const { return owned_; }
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
    Range* range = nullptr;
    uint64_t begin = 0;
    uint64_t limit = 0;
    bool used = false;
  };

  static bool covers(const Held& held, uint64_t sequence) {
    return held.used && held.begin <= sequence && sequence < held.limit;
  }

  // Below, out of the way of the claim and commit that are alone: they are called for each message.

  __attribute__((noinline)) bool hold_together(uint64_t begin, uint64_t limit) const {
    for (size_t i = 0; i <= others_.size() + 1 && begin < limit; ++i) {
      uint64_t end = covers(current_, begin) ? current_.limit : begin;
      for (const Held& each : others_) {
        if (covers(each, begin) && each.limit > end) end = each.limit;
      }
      if (end == begin) return false;
      begin = end;
    }
    return begin >= limit;
  }

  __attribute__((noinline)) void settle_others(uint64_t begin, uint64_t limit) {
    for (Held& each : others_) {
      if (each.begin >= begin && each.limit <= limit) each.used = false;
    }
  }

  // Makes `current_` a free range, or leaves it as one in use that ends at `begin`.
  __attribute__((noinline)) Status find_place(const os::File& file, uint64_t begin,
                                              const Sequence& cursor) {
    // It may have been extended for a claim that was not made.
    withdraw();
    if (current_.used && current_.limit == begin) return Done{};
    const uint64_t committed = cursor.load_ordered();
    if (current_.limit <= committed) current_.used = false;
    if (!current_.used && current_.range != nullptr) return Done{};
    for (Held& each : others_) {
      if (each.used && each.limit > committed) continue;
      std::swap(current_, each);
      current_.used = false;
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
      entry.thread.store_ordered(os::current_thread());
      owned_.push_back(index);
      if (current_.range != nullptr) others_.push_back(current_);
      for (Range& range : entry.ranges) {
        // What a dead owner left.
        range.limit.store_release(0);
        Held held;
        held.range = &range;
        others_.push_back(held);
      }
      current_ = others_.back();
      others_.pop_back();
      return Done{};
    }
    return Errc::kTooManyProducers;
  }

  ProducerEntry* table_;
  uint64_t entries_;
  Held current_;  // what was announced last
  std::vector<Held> others_;
  std::vector<uint64_t> owned_;
};

}  // namespace shm_disruptor
