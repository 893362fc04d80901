// THE byte map of a segment. No other file computes an offset into shared memory.
//
//        0  +--------------------------------------------------------------------+
//           | identity: magic, version, byte order, kind, mode, size, geometry,   |
//           |           offsets, generation, checksum     (never changes)         |
//      128  +--------------------------------------------------------------------+
//           | status   int32, the application's own                               |
//      256  +--------------------------------------------------------------------+
//           | next     first sequence that nobody has claimed | membership u32    |
//      384  +--------------------------------------------------------------------+
//           | cursor   all below it is readable   | data waiters u32 | gap limit  |
//      512  +--------------------------------------------------------------------+
//           | space waiters u32 | dependents u32 | members, moves u32 | gaps | lost |
//     4096  +--------------------------------------------------------------------+
//           | consumer table: one 128-byte entry each: sequence, role, what it    |
//           |                 comes after, what it holds of a group's work, name  |
//           | producer table: one 128-byte entry each, its outstanding claims     |
//  markers  +--------------------------------------------------------------------+
//           | one u64 per slot: where a range that begins there ends (marker.h)   |
// elements  +--------------------------------------------------------------------+  page boundary
//           | elements * element size bytes, the application's own                |
//     size  +--------------------------------------------------------------------+
//
// A broadcast has other things in the middle: no consumers, whom nobody knows, but one page that
// they may write to, with the word that they sleep on; no markers; and slots with a header each.
//
// Every hot word stands alone on kIsolation bytes. The words that share a line are read by the
// same party at the same time: a claim reads `next` and `membership`, a commit writes `cursor`
// and then asks whether anybody waits for data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "align.h"
#include "message.h"
#include "result.h"
#include "sequence.h"

namespace shm_disruptor {

inline constexpr uint64_t kMagic = 0x52505352444d4853;  // "SHMDRSPR" read as little endian
inline constexpr uint32_t kLayoutVersion = 5;
inline constexpr uint32_t kByteOrder = 0x01020304;

/// What a segment holds.
enum class Kind : uint32_t {
  kRing = 1,       ///< elements of one size, for consumers that each get all of them
  kQueue = 2,      ///< messages of any length (message.h), each for one member of a group
  kBroadcast = 3,  ///< messages for whoever is there in time (publisher.h, subscriber.h)
  kMemory = 4,     ///< plain memory, the application's own: one element, and nobody takes part
};

/// What a user chooses of a ring. All are at least 1.
struct RingGeometry {
  uint64_t elements = 0;
  uint64_t element_size = 0;
  uint64_t consumers = 0;
  uint64_t producers = 1024;  ///< entries of the producer table
};

/// The most consumers, and the most producers, that a ring can have.
inline constexpr uint64_t kMaxParticipants = 65'535;
/// The most producers that a broadcast can have.
inline constexpr uint64_t kMaxPublishers = 2046;

/// What becomes of a claim whose producer has died.
enum class Orphans : uint32_t {
  kSkip,  ///< it is closed as a gap
  kHold,  ///< it waits for somebody who takes it over
};

/// What becomes of a consumer that has died.
enum class DeadConsumers : uint32_t {
  kHold,    ///< producers wait for it, and whoever comes next under its index goes on where it was
  kDetach,  ///< producers that need room no longer wait for it
};

/// How many may produce at a time.
enum class Producers : uint32_t {
  kMulti,   ///< any number, as far as the producer table goes
  kSingle,  ///< one: its claims are its own business, and cost no atomic operation
};

/// How a ring takes a death, and who may produce.
struct RingPolicy {
  Orphans orphans = Orphans::kSkip;
  DeadConsumers dead_consumers = DeadConsumers::kHold;
  Producers producers = Producers::kMulti;
};

/// What the elements are, as far as the application told: nothing here depends on it, and whoever
/// opens the ring can compare it.
struct ElementFormat {
  uint32_t shape = 0;   ///< how an element is laid out: a number of the application's
  uint64_t schema = 0;  ///< fingerprint of what is in it; 0 for unknown
};

/// The part of the header that never changes after creation, and whose checksum says so.
struct Identity {
  uint64_t magic;
  uint32_t version;
  uint32_t byte_order;
  Kind kind;
  uint32_t mode;
  uint64_t size;
  uint64_t elements;
  uint64_t element_size;
  uint64_t consumers;
  uint64_t producers;
  RingPolicy policy;
  uint32_t shape;
  uint64_t schema;
  uint64_t producers_offset;
  uint64_t markers_offset;
  uint64_t elements_offset;
  uint64_t generation;  ///< differs between any two segments that ever bore one name
  uint64_t checksum;    ///< over all bytes before it
};

struct Header {
  Identity identity;
  alignas(kIsolation) Word status;
  alignas(kIsolation) Sequence next;
  Word gating_epoch;      ///< changes whenever a consumer begins or ceases to gate
  Word needs_full_fence;  ///< not 0: somebody sleeps for data who cannot order the sole producer's
                          ///< stores
  alignas(kIsolation) Sequence cursor;
  Word data_waiters;
  Sequence gap_limit;  ///< every gap ends at or below it; raised before the cursor passes one
  alignas(kIsolation) Word space_waiters;
  Word dependents;  ///< not 0 once any consumer waits for others, and not only for producers
  Word members;     ///< all entries of members of groups lie below it; only rises
  Word
      reassign_epoch;  ///< changes when what a member held moves to another's entry (Group::divide)
  Sequence gaps;  ///< how many gaps there were, and how many elements in them: for people to read
  Sequence lost;
};

/// What an entry of the consumer table is.
enum class Role : uint32_t {
  kIndexed,    ///< a consumer known by its index alone: what zeroed memory is
  kVacant,     ///< nobody's, to be taken
  kAnonymous,  ///< somebody's who joined without a name: nobody comes back as it
  kNamed,      ///< a consumer that is found by its name
  kGroup,      ///< one whose elements its members share: each goes to one of them
  kMember,     ///< of a group: `after[0]` is the group, and `begin` to `limit` what it holds
};

/// How many others a consumer may come after, and how long its name may be, in bytes.
inline constexpr size_t kMaxDependencies = 8;
inline constexpr size_t kLongestName = 64;

struct alignas(kIsolation) ConsumerEntry {
  Sequence sequence;  ///< first sequence that this consumer has not committed, or kIgnored, ...
  Word attached;      ///< not 0 once somebody was this consumer: the kernel's number of its thread
  Word pid;           ///< of whoever was it last: both for people to read
  // What follows is written under the directory lock before `role` is (directory.h).
  Word role;
  Word dependencies;                 ///< how many of `after` count
  Word after[kMaxDependencies / 2];  ///< indices of those it comes after, two in a word
  Sequence
      work;  ///< a group: up to where it is handed out, and to whom last; a member: see group.h
  Sequence begin;  ///< a member: what it holds
  Sequence limit;
  Sequence name[kLongestName / 8];  ///< bytes, NUL padded
};

/// Sequences [begin, limit) that an entry's owner has claimed or is about to claim; empty when
/// begin >= limit. Those already committed may be among them.
struct Range {
  Sequence begin;
  Sequence limit;
};

inline constexpr size_t kRanges = 7;

struct alignas(kIsolation) ProducerEntry {
  Word pid;  ///< of its latest owner, and the kernel's number of its thread: for people to read
  Word thread;
  Range ranges[kRanges];
};

/// A broadcast's page for those who only read.
struct NotifyPage {
  Word sleepers;
};

/// How many entries of a consumer table take a page: what a broadcast has in its place.
inline constexpr uint64_t kNotifyEntries = kPage / sizeof(ConsumerEntry);

/// In front of each message of a broadcast (slot_state.h).
struct alignas(16) SlotHeader {
  Sequence state;
  Word length;
  Word unused;

  std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

/// Bytes from one slot of a broadcast to the next, for messages of so many.
inline std::optional<uint64_t> slot_bytes(uint64_t message) {
  const auto whole = checked_add(sizeof(SlotHeader), message);
  return whole ? checked_round_up(*whole, alignof(SlotHeader)) : std::nullopt;
}

static_assert(sizeof(SlotHeader) == 16);
static_assert(offsetof(Identity, checksum) == 120 && sizeof(Identity) == 128);
static_assert(offsetof(Header, status) == 128);
static_assert(offsetof(Header, next) == 256 && offsetof(Header, gating_epoch) == 264);
static_assert(offsetof(Header, cursor) == 384 && offsetof(Header, data_waiters) == 392);
static_assert(offsetof(Header, gap_limit) == 400);
static_assert(offsetof(Header, space_waiters) == 512);
static_assert(sizeof(Header) <= kPage);
static_assert(sizeof(ConsumerEntry) == kIsolation && sizeof(ProducerEntry) == kIsolation);

inline constexpr uint64_t kConsumersOffset = kPage;

/// Plain memory of so many bytes as a ring: one element of that size. Its tables have one entry
/// each, which nobody uses.
inline constexpr RingGeometry memory_geometry(uint64_t size) { return {1, size, 1, 1}; }

/// Where everything of one ring lies, derived from its geometry alone and kept privately by every
/// attachment: numbers in shared memory are never trusted again after the segment was opened.
struct RingLayout {
  Kind kind = Kind::kRing;
  RingGeometry geometry;
  RingPolicy policy;
  ElementFormat format;
  uint64_t generation = 0;  ///< of a segment that is there: see Identity
  uint64_t producers_offset = 0;
  uint64_t markers_offset = 0;
  uint64_t elements_offset = 0;
  uint64_t size = 0;

  uint64_t elements_bytes() const { return size - elements_offset; }
  /// Bytes from one element to the next.
  uint64_t stride() const { return elements_bytes() / geometry.elements; }
  /// Bytes of elements that are mapped once more behind the segment.
  uint64_t mirrored() const { return kind == Kind::kQueue ? elements_bytes() : 0; }
  /// Bytes of a view of all elements: a queue's are mapped twice.
  uint64_t visible_bytes() const { return elements_bytes() + mirrored(); }
};

/// Errors: kSizeOverflow.
inline Result<RingLayout> ring_layout(const RingGeometry& geometry, RingPolicy policy = {},
                                      ElementFormat format = {}, Kind kind = Kind::kRing) {
  const auto consumers = checked_multiply(geometry.consumers, sizeof(ConsumerEntry));
  const auto producers = checked_multiply(geometry.producers, sizeof(ProducerEntry));
  const bool slots = kind == Kind::kBroadcast;
  const auto markers = checked_multiply(slots ? 0 : geometry.elements, sizeof(Sequence));
  const auto stride = slots ? slot_bytes(geometry.element_size) : geometry.element_size;
  const auto elements = stride ? checked_multiply(geometry.elements, *stride) : std::nullopt;
  if (!consumers || !producers || !markers || !elements) return Errc::kSizeOverflow;

  // Only whole pages can be mapped twice.
  if (kind == Kind::kQueue && (geometry.element_size != kCell || *elements % kPage != 0)) {
    return Errc::kSizeOverflow;
  }

  RingLayout layout;
  layout.kind = kind;
  layout.geometry = geometry;
  layout.policy = policy;
  layout.format = format;
  const auto producers_offset = checked_add(kConsumersOffset, *consumers);
  if (!producers_offset) return Errc::kSizeOverflow;
  const auto markers_offset = checked_add(*producers_offset, *producers);
  if (!markers_offset) return Errc::kSizeOverflow;
  const auto markers_end = checked_add(*markers_offset, *markers);
  if (!markers_end) return Errc::kSizeOverflow;
  const auto elements_offset = checked_round_up(*markers_end, kPage);
  if (!elements_offset) return Errc::kSizeOverflow;
  const auto size = checked_add(*elements_offset, *elements);
  // The kernel counts file sizes in signed 64 bits.
  if (!size || *size > uint64_t{INT64_MAX}) return Errc::kSizeOverflow;
  layout.producers_offset = *producers_offset;
  layout.markers_offset = *markers_offset;
  layout.elements_offset = *elements_offset;
  layout.size = *size;
  return layout;
}

/// FNV-1a over the identity without its checksum: finds damage, not malice.
inline uint64_t identity_checksum(const Identity& identity) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&identity);
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < offsetof(Identity, checksum); ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3;
  }
  return hash;
}

/// What stands at the beginning of a segment of that layout.
inline Identity identity_of(const RingLayout& layout, uint32_t mode) {
  Identity identity{};
  identity.magic = kMagic;
  identity.version = kLayoutVersion;
  identity.byte_order = kByteOrder;
  identity.kind = layout.kind;
  identity.mode = mode;
  identity.size = layout.size;
  identity.elements = layout.geometry.elements;
  identity.element_size = layout.geometry.element_size;
  identity.consumers = layout.geometry.consumers;
  identity.producers = layout.geometry.producers;
  identity.policy = layout.policy;
  identity.shape = layout.format.shape;
  identity.schema = layout.format.schema;
  identity.producers_offset = layout.producers_offset;
  identity.markers_offset = layout.markers_offset;
  identity.elements_offset = layout.elements_offset;
  identity.generation = layout.generation;
  identity.checksum = identity_checksum(identity);
  return identity;
}

}  // namespace shm_disruptor
