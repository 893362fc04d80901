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
//           | cursor   all below it is readable               | data waiters u32  |
//      512  +--------------------------------------------------------------------+
//           | space waiters u32                                                   |
//     4096  +--------------------------------------------------------------------+
//           | consumer table: one 128-byte entry each, its sequence first         |
//  markers  +--------------------------------------------------------------------+
//           | one u64 per slot: where a range committed out of order ends         |
// elements  +--------------------------------------------------------------------+  page boundary
//           | elements * element size bytes, the application's own                |
//     size  +--------------------------------------------------------------------+
//
// Every hot word stands alone on kIsolation bytes. The words that share a line are read by the
// same party at the same time: a claim reads `next` and `membership`, a commit writes `cursor`
// and then asks whether anybody waits for data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "align.h"
#include "result.h"
#include "sequence.h"

namespace shm_disruptor {

inline constexpr uint64_t kMagic = 0x52505352444d4853;  // "SHMDRSPR" read as little endian
inline constexpr uint32_t kLayoutVersion = 1;
inline constexpr uint32_t kByteOrder = 0x01020304;

/// What a segment holds.
enum class Kind : uint32_t { kRing = 1 };

/// What a user chooses of a ring. All are at least 1.
struct RingGeometry {
  uint64_t elements = 0;
  uint64_t element_size = 0;
  uint64_t consumers = 0;
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
  uint64_t markers_offset;
  uint64_t elements_offset;
  uint64_t generation;  ///< differs between any two segments that ever bore one name
  uint64_t checksum;    ///< over all bytes before it
};

struct Header {
  Identity identity;
  alignas(kIsolation) Word status;
  alignas(kIsolation) Sequence next;
  Word membership;  ///< changes whenever a consumer begins or ceases to gate
  alignas(kIsolation) Sequence cursor;
  Word data_waiters;
  alignas(kIsolation) Word space_waiters;
};

struct alignas(kIsolation) ConsumerEntry {
  Sequence sequence;  ///< first sequence that this consumer has not committed, or kIgnored
};

static_assert(offsetof(Identity, checksum) == 80 && sizeof(Identity) == 88);
static_assert(offsetof(Header, status) == 128);
static_assert(offsetof(Header, next) == 256 && offsetof(Header, membership) == 264);
static_assert(offsetof(Header, cursor) == 384 && offsetof(Header, data_waiters) == 392);
static_assert(offsetof(Header, space_waiters) == 512);
static_assert(sizeof(Header) <= kPage);
static_assert(sizeof(ConsumerEntry) == kIsolation);

inline constexpr uint64_t kConsumersOffset = kPage;

/// Where everything of one ring lies, derived from its geometry alone and kept privately by every
/// attachment: numbers in shared memory are never trusted again after the segment was opened.
struct RingLayout {
  RingGeometry geometry;
  uint64_t markers_offset = 0;
  uint64_t elements_offset = 0;
  uint64_t size = 0;

  uint64_t elements_bytes() const { return size - elements_offset; }
};

/// Errors: kSizeOverflow.
inline Result<RingLayout> ring_layout(const RingGeometry& geometry) {
  const auto table = checked_multiply(geometry.consumers, sizeof(ConsumerEntry));
  const auto markers = checked_multiply(geometry.elements, sizeof(Sequence));
  const auto elements = checked_multiply(geometry.elements, geometry.element_size);
  if (!table || !markers || !elements) return Errc::kSizeOverflow;

  RingLayout layout;
  layout.geometry = geometry;
  const auto markers_offset = checked_add(kConsumersOffset, *table);
  if (!markers_offset) return Errc::kSizeOverflow;
  const auto markers_end = checked_add(*markers_offset, *markers);
  if (!markers_end) return Errc::kSizeOverflow;
  const auto elements_offset = checked_round_up(*markers_end, kPage);
  if (!elements_offset) return Errc::kSizeOverflow;
  const auto size = checked_add(*elements_offset, *elements);
  // The kernel counts file sizes in signed 64 bits.
  if (!size || *size > uint64_t{INT64_MAX}) return Errc::kSizeOverflow;
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

}  // namespace shm_disruptor
