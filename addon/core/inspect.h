// Looking at segments without attaching to them: nothing is mapped, locked or changed. What is seen
// may be damaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broadcast_snapshot.h"
#include "layout.h"
#include "result.h"
#include "snapshot.h"

namespace shm_disruptor {

/// How many live, and how many are known to have been there and have died or left.
struct Headcount {
  uint64_t alive = 0;
  uint64_t gone = 0;
};

/// What can be seen of one segment from outside, at one moment.
struct SegmentFacts {
  std::string name;
  /// What opening it would fail with; then only what comes before `layout` holds.
  Errc damage = Errc::kNone;
  uint64_t size = 0;
  uint32_t owner = 0;
  uint32_t mode = 0;
  uint64_t created = 0;  ///< milliseconds since 1970
  uint64_t device = 0;   ///< with `inode`, the same for as long as it is the same object
  uint64_t inode = 0;
  Identity identity{};    ///< what its header says, true or not
  bool attached = false;  ///< somebody who lives
  RingLayout layout;
  bool replaced = false;        ///< somebody has made another one under its name, or was about to
  Snapshot snapshot;            ///< of rings and queues
  BroadcastSnapshot broadcast;  ///< of broadcasts. Plain memory has neither

  /// Those with claims, or messages, of their own; gone: with some that they left.
  Headcount producers() const;
  /// Those who consume; groups, whose members these are, are not counted.
  Headcount consumers() const;
};

/// Errors: kSystem (ENOENT, EACCES, ...), kSegmentNotRegular, kSegmentOwner, kSegmentTooShort,
/// kSegmentForeign. Other damage is among the facts.
Result<SegmentFacts> inspect_segment(const std::string& name);

/// All segments of ours that this user may read, in a directory or in the system's place for shared
/// memory, by name. Errors: kSystem.
Result<std::vector<SegmentFacts>> list_segments(const std::string& directory = {});

}  // namespace shm_disruptor
