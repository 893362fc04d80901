// Segments: creating whole, opening only what is sound, replacing without a silent split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "directory.h"
#include "layout.h"
#include "mapping.h"
#include "os/shm.h"

namespace shm_disruptor {

/// A mapped and validated ring segment.
struct RingSegment {
  MappingRef mapping;
  RingLayout layout;
  os::File file;  ///< this attachment's own opening of it, on which its locks are
  uint64_t device =
      0;  ///< with `inode`, the same for all who have mapped this object, and nobody else
  uint64_t inode = 0;

  Header& header() const { return *reinterpret_cast<Header*>(mapping->base()); }
  ConsumerEntry* consumers() const {
    return reinterpret_cast<ConsumerEntry*>(mapping->base() + kConsumersOffset);
  }
};

/// What creating does with a ring that has the name already.
enum class Existing : uint8_t {
  kRefuse,       ///< fails
  kReplaceDead,  ///< takes its name over if nobody who lives is attached to it
  kReplace,      ///< takes its name over
};

struct RingCreation {
  Kind kind = Kind::kRing;
  RingGeometry geometry;
  RingPolicy policy;
  ElementFormat format;
  /// Whether consumers join and leave: those declared here gate from the first element on, and the
  /// other entries are vacant. Otherwise all entries are consumers, known by their index.
  bool joinable = false;
  std::vector<Entry> declared;
  uint32_t mode = 0600;  ///< exact permission bits, whatever the umask
  Existing existing = Existing::kRefuse;
  os::Birth birth = os::Birth::kUnnamed;
};

/// Creates a ring under `name` (without the leading slash). Its elements and sequences are zero.
///
/// Atomic: the segment is built whole before it gets its name, so that nobody ever opens half a
/// segment and a creator that dies leaves nothing.
///
/// Everybody attached to a ring whose name is taken over gets kSegmentReplaced from then on.
/// Objects that are not ours are never touched.
///
/// Errors: kSystem (ENOSPC, EACCES, ...), kSizeOverflow, kSegmentExists, kSegmentInUse,
/// kSegmentForeign, kSegmentKind, kSegmentNotRegular, kSegmentOwner, kSegmentBusy.
Result<RingSegment> create_ring(const std::string& name, const RingCreation& creation);

/// Attaches to the ring `name`, which is of that kind. Everything that the header says is checked
/// against the object itself before any of it is used.
///
/// Errors: kSystem (ENOENT, EACCES, ...) and every kSegment... but kSegmentExists and
/// kSegmentBusy.
Result<RingSegment> open_ring(const std::string& name, Kind kind = Kind::kRing);

/// What the header of an object says, checked against the object itself. The file has been opened
/// by name. `found` gets the header where there is one, whatever it says. Errors: as open_ring's.
Result<RingLayout> validated_file(const os::File& file, Identity* found = nullptr);

/// Takes the name away from a segment of ours, of whatever version. Those attached go on.
///
/// Errors: kSystem (ENOENT, EACCES, ...), kSegmentForeign, kSegmentNotRegular, kSegmentOwner,
/// kSegmentBusy.
Status unlink_segment(const std::string& name);

}  // namespace shm_disruptor
