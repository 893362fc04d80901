// One producer's outstanding claims, written down where others find them when it has died.
//
// Invariant: before `next` passes a sequence, a range of the producer table covers it, and goes on
// covering it until that element is committed. Therefore a sequence below `next` that is neither
// committed nor covered by the range of somebody alive belongs to the dead.
//
// A range may cover more than that: elements committed meanwhile, or a claim that another producer
// was faster to make. That is harmless: it holds up recovery at most, never a living claim.
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
  /// did not become a claim. `cursor`: all below it is committed. Before the compare_exchange of
  /// `next`, with which it is published.
  ///
  /// Errors: kTooManyProducers, kSystem.
  Status announce(const os::File& file, uint64_t begin, uint64_t limit, uint64_t cursor) {
    if (free_ == nullptr || free_->left != 0) {
      const Status found = find_free(file, cursor);
      if (!found.ok()) return found;
    }
    // The limit last: with the old limit and the new begin the range is empty or too large.
    // Release: pairs with the loads in recovery.h, through `next`.
    free_->range->begin.store_release(begin);
    free_->range->limit.store_release(limit);
    return Done{};
  }

  /// What was announced last has not become a claim, and might cover somebody else's.
  void withdraw() {
    if (free_ != nullptr && free_->left == 0) free_->range->limit.store_release(0);
  }

  /// What was announced last has become a claim.
  void claimed(uint64_t begin, uint64_t limit) {
    free_->begin = begin;
    free_->limit = limit;
    free_->left = limit - begin;
  }

  /// Whether all of [begin, limit) is in our claims.
  bool hold(uint64_t begin, uint64_t limit) const {
    if (free_ != nullptr && free_->left != 0 && free_->begin == begin && free_->limit == limit) {
      return true;
    }
    uint64_t held = 0;
    for (const Held& each : held_) held += overlap(each, begin, limit);
    return held == limit - begin;
  }

  /// [begin, limit) is committed.
  void settle(uint64_t begin, uint64_t limit) {
    if (free_ != nullptr && free_->begin == begin && free_->limit == limit) {
      free_->left = 0;
      return;
    }
    for (Held& each : held_) {
      const uint64_t gone = overlap(each, begin, limit);
      each.left -= gone < each.left ? gone : each.left;
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
    uint64_t left = 0;  ///< how many elements are not committed
  };

  static uint64_t overlap(const Held& held, uint64_t begin, uint64_t limit) {
    if (held.left == 0) return 0;
    const uint64_t from = held.begin > begin ? held.begin : begin;
    const uint64_t to = held.limit < limit ? held.limit : limit;
    return to > from ? to - from : 0;
  }

  Status find_free(const os::File& file, uint64_t cursor) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      for (Held& each : held_) {
        // Below the cursor somebody else has committed it for us.
        if (each.left != 0 && each.limit > cursor) continue;
        each.left = 0;
        free_ = &each;
        return Done{};
      }
      if (attempt > 0) break;
      const Status taken = take_entry(file);
      if (!taken.ok()) return taken;
    }
    return Errc::kTooManyProducers;
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
      const uint64_t used = held_.size();
      for (Range& range : entry.ranges) {
        // What a dead owner left.
        range.limit.store_release(0);
        held_.push_back({&range});
      }
      free_ = &held_[used];
      return Done{};
    }
    return Errc::kTooManyProducers;
  }

  ProducerEntry* table_;
  uint64_t entries_;
  std::vector<Held> held_;
  std::vector<uint64_t> owned_;
  Held* free_ = nullptr;
};

}  // namespace shm_disruptor
