// Messages of any length in a ring of cells.
//
// A message takes as many cells in a row as it needs, with its header in front. The elements of
// such a ring are mapped twice, one after the other, so that a message which runs over the ring's
// end is in one piece all the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sequence.h"

namespace shm_disruptor {

/// Bytes in a cell: an element of a ring of messages.
inline constexpr uint64_t kCell = 32;

/// In front of every message. Little endian, as everything is.
struct MessageHeader {
  uint32_t length;      ///< bytes behind the header
  uint32_t deliveries;  ///< how often a consumer had it that was to acknowledge or decode it
};

/// The header of the message that begins there.
///
/// Of a message that nobody has taken yet it may be read while another member takes the message, is
/// done with it, and a sender writes the next one over it. So it is one relaxed load. Whether what
/// was read still stands is known only when the compare_exchange of the group's `work` has
/// succeeded: it comes after the load, and fails if the message was taken.
inline MessageHeader header_at(const std::byte* message) {
  const uint64_t word = reinterpret_cast<const Sequence*>(message)->load_relaxed();
  return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
}

/// Writes it, into a cell that is the caller's. Relaxed: committing the message releases it.
inline void write_header(std::byte* message, MessageHeader header) {
  const uint64_t word = uint64_t{header.deliveries} << 32 | header.length;
  reinterpret_cast<Sequence*>(message)->store_relaxed(word);
}

/// In the place of the number of deliveries: the message was dropped before it was sent.
inline constexpr uint32_t kDropped = 0xffff'ffff;

static_assert(sizeof(MessageHeader) == 8);

/// How many cells a message of so many bytes takes. No overflow for lengths below 2^32.
inline constexpr uint64_t cells_of(uint64_t length) {
  return (sizeof(MessageHeader) + length + kCell - 1) / kCell;
}

/// How much is taken at a time.
struct TakeLimits {
  bool held = true;               ///< what is taken may be held for long, and more taken meanwhile
  uint64_t messages = 1;          ///< at most
  uint64_t bytes = ~uint64_t{0};  ///< of all of them, unless it is one
  uint64_t first = ~uint64_t{0};  ///< the most bytes of the first; nothing is taken if it has more
};

}  // namespace shm_disruptor
