// Which slots a range of sequences occupies. Pure arithmetic: no state, no shared memory.
#pragma once

#include <cstdint>

namespace shm_disruptor {

/// Slots of a contiguous range: `first` of them from slot `slot` on and, where the range runs over
/// the ring's end, `second` more from slot 0 on.
struct Spans {
  uint64_t slot = 0;
  uint64_t first = 0;
  uint64_t second = 0;
};

/// Maps sequences to the slots of a ring with any number of elements.
class Ring {
 public:
  /// `elements` >= 1
  explicit Ring(uint64_t elements)
      : elements_(elements), mask_((elements & (elements - 1)) == 0 ? elements - 1 : 0) {}

  uint64_t elements() const { return elements_; }

  uint64_t slot(uint64_t sequence) const {
    // A ring of one element has mask 0 and takes the division, which gives 0 as well.
    return mask_ != 0 ? sequence & mask_ : sequence % elements_;
  }

  /// `count` <= elements()
  Spans spans(uint64_t start, uint64_t count) const {
    const uint64_t first_slot = slot(start);
    const uint64_t until_end = elements_ - first_slot;
    if (count <= until_end) return {first_slot, count, 0};
    return {first_slot, until_end, count - until_end};
  }

 private:
  uint64_t elements_;
  uint64_t mask_;
};

}  // namespace shm_disruptor
