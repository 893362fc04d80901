// Segments: creating whole, opening only what is sound, replacing without a silent split.
#pragma once

#include <cstdint>
#include <string>

#include "layout.h"
#include "mapping.h"
#include "os/shm.h"

namespace shm_disruptor {

/// A mapped and validated ring segment.
struct RingSegment {
  MappingRef mapping;
  RingLayout layout;
  uint64_t device =
      0;  ///< with `inode`, the same for all who have mapped this object, and nobody else
  uint64_t inode = 0;

  Header& header() const { return *reinterpret_cast<Header*>(mapping->base()); }
};

struct RingCreation {
  RingGeometry geometry;
  uint32_t mode = 0600;  ///< exact permission bits, whatever the umask
  bool replace = false;  ///< take the name over from an existing ring
  os::Birth birth = os::Birth::kUnnamed;
};

/// Creates a ring under `name` (without the leading slash). Its elements and sequences are zero.
///
/// Atomic: the segment is built whole before it gets its name, so that nobody ever opens half a
/// segment and a creator that dies leaves nothing.
///
/// With `replace`, an existing ring gives up its name and everybody attached to it gets
/// kSegmentReplaced from then on. Objects that are not ours are never touched.
///
/// Errors: kSystem (ENOSPC, EACCES, ...), kSizeOverflow, kSegmentExists, kSegmentForeign,
/// kSegmentKind, kSegmentNotRegular, kSegmentOwner, kSegmentBusy.
Result<RingSegment> create_ring(const std::string& name, const RingCreation& creation);

/// Attaches to the ring `name`. Everything that the header says is checked against the object
/// itself before any of it is used.
///
/// Errors: kSystem (ENOENT, EACCES, ...) and every kSegment... but kSegmentExists and
/// kSegmentBusy.
Result<RingSegment> open_ring(const std::string& name);

}  // namespace shm_disruptor
