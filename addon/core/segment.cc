#include "segment.h"

#include <cerrno>
#include <new>

#include "liveness.h"
#include "os/futex.h"
#include "patience.h"

namespace shm_disruptor {

namespace {

// The object itself, before a byte of its contents is read.
Result<os::FileFacts> sound_file(const os::File& file) {
  auto facts = os::file_facts(file);
  if (!facts.ok()) return facts;
  if (!facts.value().regular) return Errc::kSegmentNotRegular;
  // Others may own it only when its mode shares it on purpose.
  const bool shared = (facts.value().mode & 066) != 0;
  if (facts.value().owner != os::current_user() && !shared) return Errc::kSegmentOwner;
  return facts;
}

Result<Identity> read_identity(const os::File& file) {
  Identity identity{};
  const auto whole = os::read_at(file, &identity, sizeof identity, 0);
  if (!whole.ok()) return whole.error();
  if (!whole.value()) return Errc::kSegmentTooShort;
  if (identity.magic != kMagic) return Errc::kSegmentForeign;
  return identity;
}

// Checks a private copy, so that nobody can change it between the check and the use.
Result<RingLayout> validated_layout(const Identity& identity, const os::FileFacts& facts) {
  if (identity.version != kLayoutVersion || identity.byte_order != kByteOrder) {
    return Errc::kSegmentVersion;
  }
  if (identity.checksum != identity_checksum(identity)) return Errc::kSegmentCorrupt;
  if (identity.kind < Kind::kRing || identity.kind > Kind::kMemory) return Errc::kSegmentKind;
  if (identity.mode != facts.mode) return Errc::kSegmentMode;
  if (identity.elements == 0 || identity.element_size == 0 || identity.consumers == 0 ||
      identity.producers == 0 || identity.consumers > kMaxParticipants ||
      identity.producers > kMaxParticipants || identity.policy.orphans > Orphans::kHold ||
      identity.policy.dead_consumers > DeadConsumers::kDetach ||
      identity.policy.producers > Producers::kSingle) {
    return Errc::kSegmentCorrupt;
  }
  if (identity.kind == Kind::kBroadcast &&
      (identity.consumers != kNotifyEntries || identity.producers > kMaxPublishers)) {
    return Errc::kSegmentCorrupt;
  }
  const RingGeometry geometry{identity.elements, identity.element_size, identity.consumers,
                              identity.producers};
  const RingGeometry memory = memory_geometry(identity.element_size);
  if (identity.kind == Kind::kMemory &&
      (geometry.elements != memory.elements || geometry.consumers != memory.consumers ||
       geometry.producers != memory.producers)) {
    return Errc::kSegmentCorrupt;
  }
  auto layout =
      ring_layout(geometry, identity.policy, {identity.shape, identity.schema}, identity.kind);
  if (!layout.ok() || layout.value().size != identity.size ||
      layout.value().producers_offset != identity.producers_offset ||
      layout.value().markers_offset != identity.markers_offset ||
      layout.value().elements_offset != identity.elements_offset) {
    return Errc::kSegmentCorrupt;
  }
  if (facts.size != identity.size || !facts.backed) return Errc::kSegmentTruncated;
  layout.value().generation = identity.generation;
  return layout;
}

Result<RingSegment> map_ring(const std::string& name, const os::File& file,
                             const RingLayout& layout, os::Access access = os::Access::kReadWrite) {
  const auto facts = os::file_facts(file);
  if (!facts.ok()) return facts.error();
  const auto base = os::map_file(file, layout.size, layout.mirrored(), access);
  if (!base.ok()) return base.error();
  const uint64_t mapped = layout.size + layout.mirrored();
  auto* mapping = new (std::nothrow) Mapping(base.value(), mapped);
  if (!mapping) {
    os::unmap(base.value(), mapped);
    return Error{Errc::kSystem, ENOMEM, "mmap"};
  }
  return RingSegment{MappingRef(mapping), layout, os::File(), facts.value().device,
                     facts.value().inode, name};
}

// Tells everybody attached that the name is going to another segment. Who dies after the first
// store leaves the rest to those attached (Sequencer::recover) and to the next replacement.
void mark_replaced(const RingSegment& segment) {
  Header& header = segment.header();
  // Pairs with every load of `next` and `cursor`: their range checks fail from here on.
  header.next.set_bits(kReplacedBit);
  header.cursor.set_bits(kReplacedBit);
  // Sleepers look again after any change of their word; see wait.h.
  const bool notify_page = segment.layout.kind == Kind::kBroadcast;
  for (Word* word : {notify_page ? &segment.notify_page().sleepers : &header.data_waiters,
                     &header.space_waiters}) {
    word->add(2);
    os::wake_all(*word);
  }
}

// An object of ours that has a name, and whose replacement lock we hold: nobody else unlinks it.
struct Named {
  os::File file;
  os::FileFacts facts;
  Identity identity;
};

// Errors: kSystem (ENOENT: nobody has the name), those of sound_file, kSegmentForeign,
// kSegmentBusy.
//
// Whoever holds a segment's replacement lock, and nobody else, may unlink its name; so two
// replacements cannot remove each other's new segment.
Result<Named> lock_named(const std::string& name) {
  Patience patience(patience::kFull);
  do {
    auto file = os::open_file(name);
    if (!file.ok()) return file.error();
    const auto facts = sound_file(file.value());
    if (!facts.ok()) return facts.error();
    const auto identity = read_identity(file.value());
    if (!identity.ok()) {
      // Too short for our header: not ours either.
      return identity.error().code == Errc::kSegmentTooShort ? Errc::kSegmentForeign
                                                             : identity.error().code;
    }
    const auto locked = os::try_lock(file.value(), liveness::kReplacement, os::Hold::kExclusive);
    if (!locked.ok()) return locked.error();
    const auto named = os::name_facts(name);
    const bool still_named = named.ok() && named.value().same_object(facts.value());
    if (locked.value() && still_named) {
      return Named{std::move(file.value()), facts.value(), identity.value()};
    }
  } while (patience.pause());
  return Errc::kSegmentBusy;
}

// Takes the name away from the ring that has it now.
Status retire(const std::string& name, Kind kind, Existing existing) {
  auto named = lock_named(name);
  if (!named.ok()) {
    if (named.error().sys_errno == ENOENT) return Done{};
    return named.error();
  }
  const Identity& identity = named.value().identity;
  // Whoever replaces something means something of the same kind.
  if (identity.version == kLayoutVersion && identity.kind != kind) return Errc::kSegmentKind;
  if (existing == Existing::kReplaceDead && liveness::others_attached(named.value().file)) {
    return Errc::kSegmentInUse;
  }
  // A damaged ring, or one of another version, has nobody who could be told; one whose permission
  // bits were changed has.
  os::FileFacts facts = named.value().facts;
  facts.mode = identity.mode;
  const auto layout = validated_layout(identity, facts);
  RingSegment segment;
  if (layout.ok()) {
    auto mapped = map_ring(name, named.value().file, layout.value());
    if (!mapped.ok()) return mapped.error();
    segment = std::move(mapped.value());
  }
  // Who may not take the name must not harm those who use it. And they are told before it is taken:
  // whoever dies in between leaves a segment that says that it was replaced, and not one that goes
  // on beside its successor.
  const auto permitted = os::may_remove_name(name, facts);
  if (!permitted.ok()) return permitted.error();
  if (segment.mapping) mark_replaced(segment);
  const auto removed = os::remove_name(name);
  if (!removed.ok() && segment.mapping) {
    segment.header().cursor.clear_bits(kReplacedBit);
    segment.header().next.clear_bits(kReplacedBit);
  }
  return removed;
}

void declare_consumers(RingSegment& segment, const RingCreation& creation) {
  if (!creation.joinable) return;
  const Directory directory(segment.consumers(), segment.layout.geometry.consumers);
  for (uint64_t i = 0; i < segment.layout.geometry.consumers; ++i) {
    if (i < creation.declared.size()) {
      directory.enter(i, creation.declared[i]);
      if (!creation.declared[i].after.empty()) segment.header().dependents.store_ordered(1);
    } else {
      directory.vacate(i);
    }
  }
}

}  // namespace

bool RingSegment::unlinked() const {
  const auto facts = os::file_facts(file);
  if (!facts.ok() || facts.value().links > 0) return false;
  // After that: whoever replaces a segment stores the bit (poison) before it takes the name away.
  return (header().next.load_acquire() & kReplacedBit) == 0;
}

Result<RingSegment> create_ring(const std::string& name, const RingCreation& creation) {
  auto layout = ring_layout(creation.geometry, creation.policy, creation.format, creation.kind);
  if (!layout.ok()) return layout.error();
  // Before anything is created, or replaced.
  if (layout.value().visible_bytes() > creation.most_bytes) return Errc::kSegmentTooLarge;
  layout.value().generation = os::fresh_generation();

  auto created = os::create_file(name, layout.value().size, creation.mode, creation.birth);
  if (!created.ok()) return created.error();
  auto segment = map_ring(name, created.value().file, layout.value());
  if (!segment.ok()) {
    os::discard_file(created.value());
    return segment;
  }
  // Before it has its name: so that nobody takes it for one whose creator is dead.
  const auto attached = liveness::attach(created.value().file);
  if (!attached.ok()) {
    os::discard_file(created.value());
    return attached.error();
  }
  // The file is zero: so are all sequences, markers and elements.
  declare_consumers(segment.value(), creation);
  segment.value().header().identity = identity_of(layout.value(), creation.mode);

  // A name must never stand for half a segment, even if the power fails.
  const auto written = os::write_back(created.value().file);
  if (!written.ok()) {
    os::discard_file(created.value());
    return written.error();
  }

  Patience patience(patience::kFull);
  do {
    const auto published = os::publish_file(created.value(), name);
    if (published.ok()) {
      segment.value().file = std::move(created.value().file);
      return segment;
    }
    Error error = published.error();
    if (error.sys_errno == EEXIST) {
      const auto retired = creation.existing == Existing::kRefuse
                               ? Status(Errc::kSegmentExists)
                               : retire(name, creation.kind, creation.existing);
      if (retired.ok()) continue;
      error = retired.error();
    }
    os::discard_file(created.value());
    return error;
  } while (patience.pause());
  os::discard_file(created.value());
  return Errc::kSegmentBusy;
}

Result<RingLayout> validated_file(const os::File& file, Identity* found) {
  const auto facts = sound_file(file);
  if (!facts.ok()) return facts.error();
  const auto identity = read_identity(file);
  if (!identity.ok()) return identity.error();
  if (found) *found = identity.value();
  return validated_layout(identity.value(), facts.value());
}

Result<RingSegment> open_ring(const std::string& name, Kind kind, os::Access access,
                              uint64_t most_bytes) {
  auto file = os::open_file(name, access);
  if (!file.ok()) return file.error();
  const auto layout = validated_file(file.value());
  if (!layout.ok()) return layout.error();
  if (layout.value().kind != kind) return Errc::kSegmentKind;
  if (layout.value().visible_bytes() > most_bytes) return Errc::kSegmentTooLarge;
  const auto attached = liveness::attach(file.value());
  if (!attached.ok()) return attached.error();
  auto segment = map_ring(name, file.value(), layout.value(), access);
  if (segment.ok()) segment.value().file = std::move(file.value());
  return segment;
}

Result<RingSegment> open_for_reading(const std::string& name) {
  auto segment = open_ring(name, Kind::kBroadcast, os::Access::kRead);
  if (!segment.ok()) return segment;
  const auto file = os::open_file(name);
  if (!file.ok()) {
    // Without permission to write, this subscriber reads all the same, and does not tell that it
    // sleeps. Any other failure, as of a process that has too many files open, is one.
    const int reason = file.error().sys_errno;
    if (reason != EACCES && reason != EPERM && reason != EROFS) return file.error();
    segment.value().poll_only = true;
    return segment;
  }
  const auto facts = os::file_facts(file.value());
  // Meanwhile the name may have gone to another segment.
  if (!facts.ok() || !segment.value().backing().is(facts.value())) return Errc::kSegmentReplaced;
  const auto notify_page =
      os::make_writable(file.value(), segment.value().mapping->base(), kConsumersOffset, kPage);
  if (!notify_page.ok()) return notify_page.error();
  return segment;
}

Status unlink_segment(const std::string& name) {
  const auto named = lock_named(name);
  if (!named.ok()) return named.error();
  return os::remove_name(name);
}

void withdraw_segment(const os::File& file, const Backing& created) {
  // Not through lock_named, which opens the file: there may be no descriptor left for that.
  Patience patience(patience::kFull);
  do {
    const auto locked = os::try_lock(file, liveness::kReplacement, os::Hold::kExclusive);
    if (!locked.ok()) return;
    const auto named = os::name_facts(created.name);
    if (!named.ok() || !created.is(named.value())) return;
    if (!locked.value()) continue;
    static_cast<void>(os::remove_name(created.name));
    return;
  } while (patience.pause());
}

}  // namespace shm_disruptor
