// Messages of any length in a ring of cells.
//
// A message takes as many cells in a row as it needs, with its header in front. The elements of
// such a ring are mapped twice, one after the other, so that a message which runs over the ring's
// end is in one piece all the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shm_disruptor {

/// Bytes in a cell: an element of a ring of messages.
inline constexpr uint64_t kCell = 32;

/// In front of every message. Little endian, as everything is.
struct MessageHeader {
  uint32_t length;      ///< bytes behind the header
  uint32_t deliveries;  ///< how often a consumer had it that was to acknowledge or decode it
};

/// In the place of the number of deliveries: the message was dropped before it was sent.
inline constexpr uint32_t kDropped = 0xffff'ffff;

static_assert(sizeof(MessageHeader) == 8);

/// How many cells a message of so many bytes takes. No overflow for lengths below 2^32.
inline constexpr uint64_t cells_of(uint64_t length) {
  return (sizeof(MessageHeader) + length + kCell - 1) / kCell;
}

/// How much is taken at a time.
struct Portion {
  bool held = true;               ///< what is taken may be held for long, and more taken meanwhile
  uint64_t messages = 1;          ///< at most
  uint64_t bytes = ~uint64_t{0};  ///< of all of them, unless it is one
  uint64_t first = ~uint64_t{0};  ///< the most bytes of the first; nothing is taken if it has more
};

}  // namespace shm_disruptor
