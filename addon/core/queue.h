// Sending and receiving a queue's messages whole: a claim, or a share, and a copy. For those who
// fill or read a message in place there are the sequencer's own claim and take_share.
#pragma once

#include <cstdint>
#include <cstring>

#include "message.h"
#include "result.h"
#include "sequencer.h"

namespace shm_disruptor {

/// Sends `length` bytes as one message, shorter than the queue. The sequence of its first cell;
/// `count` is 0 when there is no room for it within `nanoseconds`.
///
/// Errors: as Sequencer::claim and commit.
inline Result<Claim> send_message(Sequencer& queue, const void* bytes, uint64_t length,
                                  uint64_t nanoseconds) {
  const uint64_t cells = cells_of(length);
  const Result<Claim> claim = queue.claim(cells, cells, nanoseconds);
  if (!claim.ok() || claim.value().count == 0) return claim;
  const uint64_t start = claim.value().start;
  std::byte* message = queue.elements() + queue.ring().slot(start) * kCell;
  const MessageHeader header{static_cast<uint32_t>(length), 0};
  std::memcpy(message, &header, sizeof header);
  // An empty message may come from nowhere, and any from where there was another one before.
  if (length != 0) std::memmove(message + sizeof header, bytes, length);
  const auto commit = queue.commit(start, start + cells - 1, OutOfOrder::kMark, 0);
  if (!commit.ok()) return commit.error();
  return claim;
}

/// What moving a message out of a queue came to.
enum class Moved : uint8_t { kNothing, kMoved, kTooLong };

/// Copies the next message to `target` and is done with it; `length` becomes its length. One that
/// is longer than `room`, or than its place, stays the next. Waits for one for at most
/// `nanoseconds`.
///
/// Errors: as Sequencer::take_share's, and kSegmentCorrupt.
inline Result<Moved> move_message(Sequencer& queue, void* target, uint64_t room, uint64_t& length,
                                  uint64_t nanoseconds = 0) {
  for (;;) {
    const auto taken = queue.take_share(nanoseconds);
    if (!taken.ok()) return taken.error();
    const auto [share, seat] = taken.value();
    if (share.count == 0) return Moved::kNothing;
    const std::byte* message = queue.elements() + queue.ring().slot(share.start) * kCell;
    MessageHeader header;
    std::memcpy(&header, message, sizeof header);
    length = header.length;
    const bool whole = cells_of(length) <= share.count;
    const bool dropped = header.deliveries == kDropped;
    if (whole && !dropped && length > room) {
      queue.keep_share(seat);
      return Moved::kTooLong;
    }
    // An empty target may be nowhere, and any in the queue.
    if (whole && !dropped && length != 0) std::memmove(target, message + sizeof header, length);
    queue.finish_share(seat);
    // Nobody else is to trip over it.
    if (!whole) return Errc::kSegmentCorrupt;
    if (!dropped) return Moved::kMoved;
  }
}

}  // namespace shm_disruptor
