// What stands in a slot's marker: where the range that begins at its sequence ends.
//
// A marker speaks of the present lap when its end lies above the slot's sequence; those of older
// laps never do, so nobody has to clear them.
#pragma once

#include <cstdint>

#include "sequence.h"

namespace shm_disruptor {

/// One marker as it was read.
class Marker {
 public:
  explicit Marker(uint64_t word) : word_(word) {}

  static Marker committed(uint64_t end, bool several = false) {
    return Marker(several ? kSeveral | end : end);
  }
  static Marker gap(uint64_t end) { return Marker(kGap | end); }
  /// Means the same as this one, and differs from it: whoever wants to replace this one fails.
  Marker touched() const { return Marker((word_ & ~kTouches) | ((word_ + kTouch) & kTouches)); }

  uint64_t word() const { return word_; }
  /// The first sequence behind the range.
  uint64_t end() const { return word_ & kEnd; }
  bool is_gap() const { return (word_ & kGap) != 0; }
  /// Whether there is more than one message in the range.
  bool has_several() const { return (word_ & kSeveral) != 0; }
  /// Whether it speaks of the range that begins at `sequence`, in a ring of `elements`.
  bool covers(uint64_t sequence, uint64_t elements) const {
    return end() > sequence && end() - sequence <= elements;
  }

 private:
  static constexpr uint64_t kEnd = (uint64_t{1} << 54) - 1;
  static constexpr uint64_t kTouch = uint64_t{1} << 54;
  static constexpr uint64_t kTouches = uint64_t{0xff} << 54;
  static constexpr uint64_t kGap = uint64_t{1} << 62;
  static constexpr uint64_t kSeveral = uint64_t{1} << 63;

  uint64_t word_;
};

}  // namespace shm_disruptor
