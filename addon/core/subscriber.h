// Listening to a broadcast: reading what is there, and counting what was there.
//
// A subscriber reads, and writes nothing but the word that it sleeps on; publishers do not know
// that it exists. It is a sequence of its own, which only rises: whatever it passes without having
// delivered it is counted as lost, but what its publisher dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "layout.h"
#include "os/futex.h"
#include "racing_copy.h"
#include "ring.h"
#include "segment.h"
#include "slot_state.h"
#include "wait.h"

namespace shm_disruptor {

/// What a subscriber got.
struct Received {
  enum class Outcome : uint8_t {
    kNothing,
    kMessage,
    kTooLong,  ///< it is longer than the place for it, and the next again
  };
  Outcome outcome = Outcome::kNothing;
  uint64_t sequence = 0;
  uint64_t length = 0;
  uint64_t lost = 0;  ///< messages passed since the last that was got
};

class Subscriber {
 public:
  /// How long somebody may take over a message while later ones are there, in nanoseconds: who has
  /// died or was stopped in the middle of it holds up the others' no longer than that.
  static constexpr uint64_t kPatience = 50'000'000;

  /// Begins with what is published from now on.
  Subscriber(RingSegment segment, Waiting waiting)
      : segment_(std::move(segment)),
        header_(&segment_.header()),
        ring_(segment_.layout.geometry.elements),
        wait_(segment_.poll_only ? looking(waiting) : waiting),
        next_(newest()) {}
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  const RingSegment& segment() const { return segment_; }
  const MappingRef& mapping() const { return segment_.mapping; }
  /// What sleepers sleep on; null for those who may not write it.
  Word* notify_page() const {
    return segment_.poll_only ? nullptr : &segment_.notify_page().sleepers;
  }

  /// The sequence that it gets next, if it is in time.
  uint64_t position() const { return next_; }
  /// First sequence that nobody has taken.
  uint64_t newest() const { return header_->next.load_ordered() & ~kReplacedBit; }
  /// The oldest that can still be there.
  uint64_t oldest() const {
    const uint64_t newest_now = newest();
    return newest_now > ring_.elements() ? newest_now - ring_.elements() : 0;
  }

  /// Goes on with `sequence`, before which so many were lost. False: it lies in the future.
  bool seek(uint64_t sequence, uint64_t lost = 0) {
    if (sequence > newest()) return false;
    next_ = sequence;
    lost_ = lost;
    return true;
  }

  /// Copies the next message to `into`, waiting for it for at most `nanoseconds`.
  ///
  /// Errors: kSegmentReplaced when there is nothing more to come, kSegmentCorrupt.
  Result<Received> receive(std::byte* into, uint64_t room, uint64_t nanoseconds) {
    Result<Received> received = Received{};
    const auto ready = [&] {
      received = try_receive(into, room);
      return !received.ok() || received.value().outcome != Received::Outcome::kNothing;
    };
    Word nobody;
    Word& word = segment_.poll_only ? nobody : segment_.notify_page().sleepers;
    // In slices: nobody wakes us because somebody else stands still.
    for (uint64_t rest = nanoseconds;;) {
      const uint64_t slice = rest < kPatience ? rest : kPatience;
      if (wait_(word, slice, ready, [] {})) return received;
      rest -= slice;
      if (rest == 0) return received;
    }
  }

  /// Copies the newest message that is there, whatever was received, and leaves that as it is.
  /// Nothing, too, when whatever was looked at was overwritten at that moment, again and again.
  ///
  /// Errors: kSegmentCorrupt.
  Result<Received> latest(std::byte* into, uint64_t room) const {
    uint64_t from = newest();
    uint64_t overtaken = 0;
    for (uint64_t looks = 0; from > 0 && looks <= ring_.elements(); ++looks) {
      const uint64_t sequence = from - 1;
      auto read = read_slot(sequence, into, room);
      if (!read.ok()) return read.error();
      if (read.value().outcome != Slot::kOverwritten && read.value().outcome != Slot::kNotThere &&
          read.value().outcome != Slot::kAborted) {
        return message(sequence, read.value());
      }
      from = sequence;
      if (read.value().outcome != Slot::kOverwritten) continue;
      // While one was read a lap of others came.
      from = newest();
      if (from <= sequence + ring_.elements()) return Errc::kSegmentCorrupt;
      if (++overtaken == kMaxOvertaken) break;
      looks = 0;
    }
    return Received{};
  }

 private:
  /// How often one call may be overtaken while it reads, so that it ends.
  static constexpr uint64_t kMaxOvertaken = 64;

  struct Slot {
    enum Outcome : uint8_t { kRead, kTooLong, kNotThere, kAborted, kOverwritten };
    Outcome outcome = kNotThere;
    uint64_t length = 0;
  };

  // A subscriber that cannot write the sleepers' bit is woken by no publisher: it looks instead of
  // sleeping.
  static Waiting looking(Waiting waiting) {
    if (waiting.strategy <= Strategy::kBlock) waiting.strategy = Strategy::kSleep;
    return waiting;
  }

  static Received message(uint64_t sequence, Slot slot) {
    return {
        slot.outcome == Slot::kTooLong ? Received::Outcome::kTooLong : Received::Outcome::kMessage,
        sequence, slot.length, 0};
  }

  // Copies the message of `sequence`, if its slot has it before and after.
  Result<Slot> read_slot(uint64_t sequence, std::byte* into, uint64_t room) const {
    const SlotHeader& slot = segment_.slot(ring_.slot(sequence));
    // Ordered, and so an acquire too: pairs with the store in Publisher::commit.
    const SlotState seen(slot.state.load_ordered());
    if (seen.after() > sequence + 1) return Slot{Slot::kOverwritten};
    if (seen.after() < sequence + 1 || seen.is_being_written()) return Slot{Slot::kNotThere};
    if (seen.is_dropped()) return Slot{Slot::kAborted};
    const uint64_t length = slot.length.load_acquire();
    const bool fits = length <= room && length <= segment_.layout.geometry.element_size;
    if (fits && length != 0) {
      copy_out(into, slot.bytes(), static_cast<size_t>(length));
    }
    if (slot.state.load_acquire() != seen.word()) return Slot{Slot::kOverwritten};
    if (fits) return Slot{Slot::kRead, length};
    if (length > segment_.layout.geometry.element_size) return Errc::kSegmentCorrupt;
    return Slot{Slot::kTooLong, length};
  }

  Result<Received> try_receive(std::byte* into, uint64_t room) {
    for (uint64_t overtaken = 0; overtaken < kMaxOvertaken;) {
      const auto slot = read_slot(next_, into, room);
      if (!slot.ok()) return slot.error();
      switch (slot.value().outcome) {
        case Slot::kTooLong:
          return message(next_, slot.value());
        case Slot::kRead: {
          Received received = message(next_, slot.value());
          received.lost = std::exchange(lost_, 0);
          pass();
          return received;
        }
        case Slot::kAborted:
          pass();
          continue;
        case Slot::kOverwritten:
          if (!fall_back()) return Errc::kSegmentCorrupt;
          ++overtaken;
          continue;
        case Slot::kNotThere:
          if (newest() > kLastSequence) return Errc::kSegmentCorrupt;
          if (go_round()) {
            ++overtaken;
            continue;
          }
          if (is_replaced()) return Errc::kSegmentReplaced;
          return Received{};
      }
    }
    return Received{};
  }

  // Either says so: who replaces it may die between the two, and `next` is the one that several
  // publishers look at.
  bool is_replaced() const {
    return ((header_->cursor.load_ordered() | header_->next.load_ordered()) & kReplacedBit) != 0;
  }

  void pass() {
    ++next_;
    if (++undisturbed_ > ring_.elements()) start_ = 0;
  }

  // We were overtaken: on to the oldest that is still there. Who is overtaken again soon gets a
  // start before the publisher: twice as much each time, and half the ring at most. False: the slot
  // says so and nothing else does.
  bool fall_back() {
    const uint64_t from = oldest();
    if (from <= next_ || from > kLastSequence) return false;
    lost_ += from + start_ - next_;
    next_ = from + start_;
    undisturbed_ = 0;
    const uint64_t most = ring_.elements() / 2;
    start_ = start_ == 0 ? 1 : 2 * start_;
    if (start_ > most) start_ = most;
    return true;
  }

  // Whether we have moved on although what comes next is not there: because all of the ring was
  // taken since, or because its writer stands still and later ones are there.
  bool go_round() {
    const uint64_t newest_now = newest();
    if (newest_now <= next_ + 1) return false;
    if (newest_now - next_ > ring_.elements()) return fall_back();
    const uint64_t now = os::now_nanoseconds();
    if (stuck_at_ != next_ + 1) {
      stuck_at_ = next_ + 1;
      stuck_since_ = now;
    }
    if (now - stuck_since_ < kPatience) return false;
    for (uint64_t later = next_ + 1; later < newest_now; ++later) {
      const SlotState seen(segment_.slot(ring_.slot(later)).state.load_ordered());
      if (seen.after() < later + 1 || seen.is_being_written()) continue;
      lost_ += later - next_;
      next_ = later;
      return true;
    }
    stuck_since_ = now;
    return false;
  }

  RingSegment segment_;
  Header* header_;
  Ring ring_;
  SlicedWait wait_;
  uint64_t next_;
  uint64_t lost_ = 0;         // passed, and not yet told
  uint64_t start_ = 0;        // before the oldest, for who was overtaken lately
  uint64_t undisturbed_ = 0;  // how many came since
  uint64_t stuck_at_ = 0;     // the sequence after the one whose writer stands still
  uint64_t stuck_since_ = 0;
};

}  // namespace shm_disruptor
