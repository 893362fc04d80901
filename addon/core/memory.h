// Plain memory: words to wait for, and copies for those who may only read.
//
// The words are the application's. Nothing in the segment says whether anybody sleeps: there is no
// bit to spare in them, and those who may not write could not set one elsewhere. So whoever
// notifies makes a system call each time, and nothing is left behind by those who die asleep.
//
//   sleeper                                    notifier
//   1  look: word != value, then it is over    a  store another value to the word
//   2  sleep while word == value               b  wake
//
// No wake is lost: in step 2 the kernel compares the word and puts the sleeper in the queue under
// the lock that b takes before it looks into that queue. Either the comparison comes after b took
// it, and then it sees what a stored; or the sleeper stands in the queue when b looks. That b may
// wake only some of them is the business of wait.h, "Waking by number".
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "os/futex.h"
#include "segment.h"
#include "wait.h"

namespace shm_disruptor {

/// An attachment to a memory segment. The callers of its methods have checked offsets and lengths
/// against size().
class Memory {
 public:
  Memory(RingSegment segment, os::Access access, Waiting waiting)
      : segment_(std::move(segment)), access_(access), wait_(waiting) {}

  const MappingRef& mapping() const { return segment_.mapping; }
  Backing backing() const { return segment_.backing(); }
  const RingSegment& segment() const { return segment_; }
  /// The application's own bytes. Those of a mapping that is for reading alone must not be written.
  std::byte* bytes() const { return segment_.mapping->base() + segment_.layout.elements_offset; }
  uint64_t size() const { return segment_.layout.elements_bytes(); }
  bool writable() const { return access_ == os::Access::kReadWrite; }

  /// Whether somebody created a new segment under this name meanwhile.
  bool replaced() const { return (segment_.header().next.load_acquire() & kReplacedBit) != 0; }

  /// The 32-bit word at byte `offset`, a multiple of 4.
  const Word& word(uint64_t offset) const {
    return *reinterpret_cast<const Word*>(bytes() + offset);
  }

  /// Waits until the word is not `value`, for at most `nanoseconds`; says whether it is not.
  /// Errors: kSegmentReplaced.
  Result<bool> wait(uint64_t offset, uint32_t value, uint64_t nanoseconds) {
    if (replaced()) return Errc::kSegmentReplaced;
    const Word& word = this->word(offset);
    return wait_(
        word, nanoseconds, [value] { return value; }, [&] { return word.load_ordered() != value; },
        [] {});
  }

  /// Wakes `count` of those who sleep on the word, or all if they are fewer; how many it has woken
  /// itself. More may wake: see "Waking by number" in wait.h.
  uint32_t notify(uint64_t offset, uint32_t count) const { return os::wake(word(offset), count); }

  /// Copies [offset, offset + length). Of what others write meanwhile no aligned word of 8 bytes is
  /// torn, nor any smaller one.
  void read(uint64_t offset, uint64_t length, void* into) const {
    const std::byte* from = bytes() + offset;
    auto* to = static_cast<std::byte*>(into);
    const std::byte* const end = from + length;
    while (from < end) {
      // The word that it lies in is all there: bytes() is aligned, and the segment ends with a
      // page.
      const uint64_t within = reinterpret_cast<uintptr_t>(from) % sizeof(uint64_t);
      const uint64_t word = reinterpret_cast<const Sequence*>(from - within)->load_relaxed();
      const uint64_t rest = static_cast<uint64_t>(end - from);
      const uint64_t part = rest < sizeof word - within ? rest : sizeof word - within;
      std::memcpy(to, reinterpret_cast<const std::byte*>(&word) + within, part);
      from += part;
      to += part;
    }
  }

 private:
  RingSegment segment_;
  os::Access access_;
  SlicedWait wait_;
};

}  // namespace shm_disruptor
