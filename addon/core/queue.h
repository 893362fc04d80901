// Sending and receiving a queue's messages whole, one or several: a claim, or a share, and copies.
// For those who fill or read a message in place there are the sequencer's own claim and
// take_assignment.
#pragma once

#include <cstdint>
#include <cstring>

#include "message.h"
#include "result.h"
#include "sequencer.h"

namespace shm_disruptor {

/// Where messages begin. A copy of what the queue says, which the compiler could not keep over the
/// copying of a message: that may write anywhere.
class MessagePlaces {
 public:
  explicit MessagePlaces(const Sequencer& queue)
      : elements_(queue.elements()), ring_(queue.ring()) {}

  /// The message that begins at that sequence.
  std::byte* at(uint64_t start) const { return elements_ + ring_.slot(start) * kCell; }

 private:
  std::byte* const elements_;
  const Ring ring_;
};

/// Writes a message where its cells are, which are the caller's.
inline void write_message(std::byte* message, const void* bytes, uint64_t length) {
  write_header(message, {static_cast<uint32_t>(length), 0});
  // An empty message may come from nowhere, and any from where there was another one before.
  if (length != 0) std::memmove(message + sizeof(MessageHeader), bytes, length);
}

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
  write_message(MessagePlaces(queue).at(start), bytes, length);
  const auto commit = queue.commit(start, start + cells - 1, OutOfOrder::kMark, 0);
  if (!commit.ok()) return commit.error();
  return claim;
}

/// What sending several messages came to.
struct Sent {
  uint64_t count = 0;    ///< the first so many were sent
  uint64_t last = 0;     ///< the sequence of the last of these, if there are any
  uint64_t bytes = 0;    ///< how many bytes they have
  bool damaged = false;  ///< the next is longer than it may be
};

/// Sends `count` messages that lie one behind the other in `size` bytes, as many as there is room
/// for, waiting for at most `nanoseconds` if there is none for the first. Those of one claim become
/// visible together; a claim has no more than a quarter of the queue, so that others can go on
/// meanwhile.
///
/// What it is given may change while it is read: it stops before a message that is longer than the
/// rest of `size`, or than `longest`.
///
/// Errors: as send_message, if nothing was sent before.
inline Result<Sent> send_messages(Sequencer& queue, const std::byte* bytes, uint64_t size,
                                  const uint32_t* lengths, uint64_t count, uint64_t longest,
                                  uint64_t nanoseconds) {
  constexpr uint64_t kMaxInClaim = 256;
  const uint64_t most_cells = queue.ring().elements() / 4;
  Sent sent;
  while (sent.count < count) {
    // Each is read once: what is checked is what is used.
    uint32_t piece[kMaxInClaim];
    uint64_t messages = 0;
    uint64_t cells = 0;
    for (uint64_t rest = size - sent.bytes;
         messages < kMaxInClaim && sent.count + messages < count;) {
      const uint32_t length = lengths[sent.count + messages];
      if (length > rest || length > longest) break;
      if (messages != 0 && cells + cells_of(length) > most_cells) break;
      rest -= length;
      cells += cells_of(length);
      piece[messages++] = length;
    }
    if (messages == 0) {
      sent.damaged = true;
      return sent;
    }
    const auto whole = [&piece](uint64_t free) {
      uint64_t end = 0;
      for (uint64_t i = 0; end + cells_of(piece[i]) <= free; ++i) end += cells_of(piece[i]);
      return end;
    };
    const auto claimed =
        queue.claim(cells_of(piece[0]), cells, sent.count == 0 ? nanoseconds : 0, whole);
    if (!claimed.ok()) return sent.count == 0 ? Result<Sent>(claimed.error()) : sent;
    const Claim claim = claimed.value();
    if (claim.count == 0) return sent;
    const uint64_t end = claim.start + claim.count;
    const MessagePlaces places(queue);
    Sent more = sent;
    for (uint64_t i = 0, start = claim.start; start < end; ++i) {
      write_message(places.at(start), bytes + more.bytes, piece[i]);
      more = {more.count + 1, start, more.bytes + piece[i], false};
      start += cells_of(piece[i]);
    }
    const auto committed = queue.commit(claim.start, end - 1, OutOfOrder::kMark, 0,
                                        static_cast<uint32_t>(more.count - sent.count));
    if (!committed.ok()) return sent.count == 0 ? Result<Sent>(committed.error()) : sent;
    sent = more;
  }
  return sent;
}

/// What moving a message out of a queue came to.
enum class Moved : uint8_t { kNothing, kMoved, kTooLong };

/// Copies the next message to `target` and is done with it; `length` becomes its length. One that
/// is longer than `room`, or than its place, stays the next. Waits for one for at most
/// `nanoseconds`.
///
/// Errors: as Sequencer::take_assignment's, and kSegmentCorrupt.
inline Result<Moved> move_message(Sequencer& queue, void* target, uint64_t room, uint64_t& length,
                                  uint64_t nanoseconds = 0) {
  TakeLimits limits;
  limits.held = false;
  for (;;) {
    const auto taken = queue.take_assignment(nanoseconds, limits);
    if (!taken.ok()) return taken.error();
    const auto [assignment, member_slot] = taken.value();
    if (assignment.count == 0) return Moved::kNothing;
    const std::byte* message = MessagePlaces(queue).at(assignment.start);
    const MessageHeader header = header_at(message);
    length = header.length;
    const bool whole = cells_of(length) <= assignment.count;
    const bool dropped = header.deliveries == kDropped;
    if (whole && !dropped && length > room) {
      queue.keep_assignment(member_slot);
      return Moved::kTooLong;
    }
    // An empty target may be nowhere, and any in the queue.
    if (whole && !dropped && length != 0) std::memmove(target, message + sizeof header, length);
    queue.finish_assignment(member_slot);
    // Nobody else is to trip over it.
    if (!whole) return Errc::kSegmentCorrupt;
    if (!dropped) return Moved::kMoved;
  }
}

/// What moving several came to.
struct Dequeued {
  uint64_t count = 0;     ///< so many were moved
  uint64_t too_long = 0;  ///< the length of the next, if that is why there are none
};

/// Copies the next messages to `target`, one behind the other, as many as there are and as fit into
/// `room` bytes, `most` at most, and is done with them; `lengths` become their lengths. One that
/// does not fit stays the next. Waits for the first for at most `nanoseconds`.
///
/// Errors: as move_message's, if nothing was moved before.
inline Result<Dequeued> move_messages(Sequencer& queue, std::byte* target, uint64_t room,
                                      uint32_t* lengths, uint64_t most, uint64_t nanoseconds) {
  // Of a part of them at a time, so that others can go on meanwhile.
  constexpr uint64_t kMaxInAssignment = 256;
  const uint64_t most_bytes = queue.elements_bytes() / 4;
  Dequeued dequeued;
  while (dequeued.count < most) {
    const uint64_t messages = most - dequeued.count;
    TakeLimits limits;
    limits.held = false;
    limits.messages = messages < kMaxInAssignment ? messages : kMaxInAssignment;
    limits.bytes = room < most_bytes ? room : most_bytes;
    // Of the first its length is to be told. Of what comes behind it nothing is taken in vain.
    if (dequeued.count != 0) limits.first = room;
    const auto taken = queue.take_assignment(dequeued.count == 0 ? nanoseconds : 0, limits);
    if (!taken.ok()) return dequeued.count == 0 ? Result<Dequeued>(taken.error()) : dequeued;
    const auto [assignment, member_slot] = taken.value();
    if (assignment.count == 0) return dequeued;
    const uint64_t end = assignment.start + assignment.count;
    const MessagePlaces places(queue);
    for (uint64_t at = assignment.start; at < end;) {
      const std::byte* message = places.at(at);
      const MessageHeader header = header_at(message);
      const uint64_t length = header.length;
      const bool whole = cells_of(length) <= end - at;
      const bool dropped = header.deliveries == kDropped;
      if (!whole || (!dropped && length > room)) {
        // Behind the first there is only what fits, unless it has changed since it was looked at.
        const bool first = at == assignment.start;
        if (first && dequeued.count == 0) {
          // Of one that is damaged, nobody else is to trip over it.
          whole ? queue.keep_assignment(member_slot) : queue.finish_assignment(member_slot);
          dequeued.too_long = length;
          return whole ? Result<Dequeued>(dequeued) : Errc::kSegmentCorrupt;
        }
        // What was moved before is given now. The damage is for the next call to tell, and what a
        // dead one had, and has no room here, for anybody.
        if (!first) {
          queue.finish_assignment(member_slot, at);
        } else if (whole) {
          queue.return_assignment(member_slot);
        } else {
          queue.keep_assignment(member_slot);
        }
        return dequeued;
      }
      at += cells_of(length);
      if (dropped) continue;
      // An empty target may be nowhere, and any in the queue.
      if (length != 0) std::memmove(target, message + sizeof header, length);
      target += length;
      room -= length;
      lengths[dequeued.count++] = header.length;
    }
    queue.finish_assignment(member_slot);
  }
  return dequeued;
}

}  // namespace shm_disruptor
