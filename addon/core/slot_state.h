// What stands in front of a message of a broadcast: which sequence the slot has, and whether it is
// there, being written, or dropped. One word, which only ever rises for a slot but at the end of a
// write.
#pragma once

#include <cstdint>

#include "sequence.h"

namespace shm_disruptor {

class SlotState {
 public:
  static constexpr uint64_t kWriterBits = 11;

  explicit SlotState(uint64_t word) : word_(word) {}

  static SlotState written(uint64_t sequence) { return of(sequence, 0); }
  static SlotState being_written(uint64_t sequence, uint64_t publisher) {
    return of(sequence, publisher + 1);
  }
  static SlotState dropped(uint64_t sequence) { return of(sequence, kDropped); }

  uint64_t word() const { return word_; }
  /// The sequence that comes after the slot's; 0 for a slot that never had one.
  uint64_t after() const { return word_ >> kWriterBits; }

  bool is_written() const { return writer() == 0; }
  bool is_dropped() const { return writer() == kDropped; }
  bool is_being_written() const { return !is_written() && !is_dropped(); }
  /// The entry of who writes it. Only for what is being written.
  uint64_t publisher() const { return writer() - 1; }

 private:
  static constexpr uint64_t kDropped = (uint64_t{1} << kWriterBits) - 1;

  static SlotState of(uint64_t sequence, uint64_t writer) {
    return SlotState((sequence + 1) << kWriterBits | writer);
  }
  uint64_t writer() const { return word_ & kDropped; }

  uint64_t word_;
};

}  // namespace shm_disruptor
