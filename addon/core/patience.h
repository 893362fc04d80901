// Waiting for a lock that another participant holds for a moment.
#pragma once

#include <cstdint>

#include "os/futex.h"

namespace shm_disruptor {

/// How long such a lock is waited for, in nanoseconds. Its holder may be stopped or off its
/// processor, so every wait has a bound.
namespace patience {
/// On an event loop, which tries again later.
inline constexpr uint64_t kBrief = 1'000'000;
/// For a consumer that another participant is just detaching, or that is about to be left.
inline constexpr uint64_t kConsumer = 20'000'000;
/// For whoever joins or replaces a segment to finish.
inline constexpr uint64_t kFull = 1'000'000'000;

/// Of a caller that may block the thread for so long; 0 stands for an event loop.
inline constexpr uint64_t of(uint64_t nanoseconds) { return nanoseconds == 0 ? kBrief : kFull; }
}  // namespace patience

/// One wait: it looks, and pauses, until it is over.
class Patience {
 public:
  explicit Patience(uint64_t nanoseconds) : end_(os::now_nanoseconds() + nanoseconds) {}

  /// Pauses for a moment, each time longer, up to a millisecond. False: it is over.
  bool pause() {
    const uint64_t now = os::now_nanoseconds();
    if (now >= end_) return false;
    const uint64_t rest = end_ - now;
    os::nap(pause_ < rest ? pause_ : rest);
    if (pause_ < kLongestPause) pause_ *= 2;
    return true;
  }

 private:
  static constexpr uint64_t kLongestPause = 1'000'000;

  uint64_t end_;
  uint64_t pause_ = 20'000;
};

}  // namespace shm_disruptor
