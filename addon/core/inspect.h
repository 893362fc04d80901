// Looking at segments without attaching to them: nothing is mapped, locked or changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layout.h"
#include "result.h"

namespace shm_disruptor {

/// How many live, and how many are known to have been there and have died or left.
struct Headcount {
  uint64_t alive = 0;
  uint64_t gone = 0;
};

/// What can be seen of one segment from outside, at one moment.
struct SegmentFacts {
  std::string name;
  Errc damage = Errc::kNone;  ///< what opening it would fail with; then only `size` to `mode` hold
  uint64_t size = 0;
  uint32_t owner = 0;
  uint32_t mode = 0;
  Kind kind = Kind::kRing;
  RingGeometry geometry;
  RingPolicy policy;
  uint64_t next = 0;
  uint64_t cursor = 0;
  uint64_t gaps = 0;
  uint64_t lost = 0;
  bool attached = false;  ///< somebody who lives
  Headcount producers;    ///< those with claims of their own; gone: with claims that they left
  Headcount consumers;
};

/// Errors: kSystem (ENOENT, EACCES, ...), kSegmentNotRegular, kSegmentOwner, kSegmentTooShort,
/// kSegmentForeign. Other damage is among the facts.
Result<SegmentFacts> inspect_segment(const std::string& name);

/// All segments of ours that this user may read, in a directory or in the system's place for shared
/// memory, by name. Errors: kSystem.
Result<std::vector<SegmentFacts>> list_segments(const std::string& directory = {});

}  // namespace shm_disruptor
