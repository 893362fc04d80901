// Segments: creating whole, opening only what is sound, replacing without a silent split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "directory.h"
#include "durability.h"
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
  std::string name{};

  /// What is to be written back when somebody asks for that.
  Backing backing() const { return {mapping, layout.size, name, device, inode}; }

  /// Whether the segment was removed by hand: no name leads to its file, and none will, so nobody
  /// else can open it. False for one that was replaced, whose users are told so by every operation,
  /// and where the system cannot tell. One system call, which reads no disk.
  bool unlinked() const;

  bool poll_only = false;  ///< mapped without the right to write anything, not even that one sleeps

  Header& header() const { return *reinterpret_cast<Header*>(mapping->base()); }
  ConsumerEntry* consumers() const {
    return reinterpret_cast<ConsumerEntry*>(mapping->base() + kConsumersOffset);
  }
  ProducerEntry* producers() const {
    return reinterpret_cast<ProducerEntry*>(mapping->base() + layout.producers_offset);
  }
  /// Of a broadcast.
  NotifyPage& notify_page() const {
    return *reinterpret_cast<NotifyPage*>(mapping->base() + kConsumersOffset);
  }
  SlotHeader& slot(uint64_t index) const {
    return *reinterpret_cast<SlotHeader*>(mapping->base() + layout.elements_offset +
                                          index * layout.stride());
  }
};

/// No limit to what a caller can see of a segment.
inline constexpr uint64_t kAnySize = ~uint64_t{0};

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
  uint64_t most_bytes = kAnySize;  ///< as open_ring's
};

/// Creates a ring under `name` (os/shm.h). Its elements and sequences are zero.
///
/// Atomic: the segment is built whole before it gets its name, so that nobody ever opens half a
/// segment and a creator that dies leaves nothing. On a disk it is written back before, so that
/// this holds if the power fails as well.
///
/// Everybody attached to a ring whose name is taken over gets kSegmentReplaced from then on.
/// Objects that are not ours are never touched.
///
/// Errors: kSystem (ENOSPC, EACCES, ...), kSizeOverflow, kSegmentTooLarge, kSegmentExists,
/// kSegmentInUse, kSegmentForeign, kSegmentKind, kSegmentNotRegular, kSegmentOwner, kSegmentBusy.
Result<RingSegment> create_ring(const std::string& name, const RingCreation& creation);

/// Attaches to the ring `name`, which is of that kind. Everything that the header says is checked
/// against the object itself before any of it is used. With kRead the mapping is for reading alone.
/// A segment whose elements, all that is mapped of them, take more than `most_bytes` is refused.
///
/// Errors: kSystem (ENOENT, EACCES, ...) and every kSegment... but kSegmentExists and
/// kSegmentBusy.
Result<RingSegment> open_ring(const std::string& name, Kind kind = Kind::kRing,
                              os::Access access = os::Access::kReadWrite,
                              uint64_t most_bytes = kAnySize);

/// Attaches to a broadcast in order to read it: nothing of it can be written but its notify page,
/// and not even that by a user who may not write. Errors: as open_ring's.
Result<RingSegment> open_for_reading(const std::string& name);

/// What the header of an object says, checked against the object itself. The file has been opened
/// by name. `found` gets the header where there is one, whatever it says. Errors: as open_ring's.
Result<RingLayout> validated_file(const os::File& file, Identity* found = nullptr);

/// Takes the name away from a segment of ours, of whatever version. Those attached go on.
///
/// Errors: kSystem (ENOENT, EACCES, ...), kSegmentForeign, kSegmentNotRegular, kSegmentOwner,
/// kSegmentBusy.
Status unlink_segment(const std::string& name);

/// Takes the name away from a segment that was just created and cannot be used after all, if the
/// name is still this segment's. `file` is an opening of it. A failure is not reported: the caller
/// has an error of its own.
void withdraw_segment(const os::File& file, const Backing& created);

}  // namespace shm_disruptor
