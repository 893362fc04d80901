// Publishing to a broadcast, without ever looking at who listens.
//
// Invariants. (1) `next` is above every sequence that any slot has: it is raised before the slot is
// touched. (2) A slot has one writer at a time: who it is stands in its state, and nobody else
// writes it before that one has ended or is dead. (3) A slot's bytes are only changed while its
// state says that they are being written (racing_copy.h), so who has read them between two looks at
// the same written state has read one whole message. (4) What is being written becomes written by
// its own writer alone; the rest of a dead one's is dropped by whoever gets its place.
//
// With one publisher at a time the slots are its own, and it stores where others compare and swap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "layout.h"
#include "liveness.h"
#include "racing_copy.h"
#include "ring.h"
#include "segment.h"
#include "slot_state.h"
#include "wait.h"

namespace shm_disruptor {

class Publisher {
 public:
  explicit Publisher(RingSegment segment)
      : segment_(std::move(segment)),
        header_(&segment_.header()),
        ring_(segment_.layout.geometry.elements),
        single_(segment_.layout.policy.producers == Producers::kSingle) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() {
    if (holds_) abort();
  }

  const RingSegment& segment() const { return segment_; }
  const MappingRef& mapping() const { return segment_.mapping; }
  /// The most bytes in a message.
  uint64_t message_size() const { return segment_.layout.geometry.element_size; }
  /// First sequence that nobody has taken.
  uint64_t next() const { return header_->next.load_acquire() & ~kReplacedBit; }

  /// Opens a slot to be written in place. There is one at a time for each publisher: what was
  /// opened before is dropped. Its sequence.
  ///
  /// Errors: kProducerBusy, kTooManyProducers, kSystem (becoming a publisher); kSegmentReplaced,
  /// kSequenceExhausted; kSegmentBusy when in every slot there is somebody who lives and stands
  /// still in the middle of a message; kSegmentCorrupt.
  Result<uint64_t> claim() {
    if (holds_) abort();
    const auto opened = open();
    if (!opened.ok()) return opened;
    held_ = opened.value();
    holds_ = true;
    // Whoever writes in place stores after this.
    keep_stores_behind(static_cast<size_t>(message_size()));
    return opened;
  }

  /// Whether a slot is open.
  bool holds() const { return holds_; }
  /// The index of the open slot.
  uint64_t held_slot() const { return ring_.slot(held_); }

  /// Ends the open slot as a message of `length` bytes, at most message_size().
  void commit(uint64_t length) {
    holds_ = false;
    end(held_, length);
  }

  /// Ends the open slot: nobody gets it.
  void abort() {
    holds_ = false;
    slot_of(held_).state.store_ordered(SlotState::dropped(held_).word());
    // Those who wait for it go on with what came after it.
    wake_sleepers(segment_.notify_page().sleepers);
  }

  /// Publishes a copy of `length` bytes, at most message_size(). Its sequence. Errors: as claim's.
  Result<uint64_t> publish(const std::byte* bytes, uint64_t length) {
    const auto opened = open();
    if (!opened.ok()) return opened;
    if (length != 0) {
      copy_in(slot_of(opened.value()).bytes(), bytes, static_cast<size_t>(length));
    }
    end(opened.value(), length);
    return opened;
  }

 private:
  SlotHeader& slot_of(uint64_t sequence) const { return segment_.slot(ring_.slot(sequence)); }

  // Makes the next slot ours, and says that it is being written.
  Result<uint64_t> open() {
    if (!attached_) {
      const Status status = attach();
      if (!status.ok()) return status.error();
    }
    // Set before the name goes to another segment: see segment.cc.
    const uint64_t cursor = header_->cursor.load_acquire();
    if (cursor != 0) {
      return (cursor & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
    }
    return single_ ? open_alone() : open_among_others();
  }

  // Ends it as a message, and wakes who waits for it.
  void end(uint64_t sequence, uint64_t length) {
    SlotHeader& slot = slot_of(sequence);
    slot.length.store_release(static_cast<uint32_t>(length));
    // Releases the bytes: pairs with Subscriber's load of the state. Ordered: the store half of the
    // agreement with sleepers.
    slot.state.store_ordered(SlotState::written(sequence).word());
    wake_sleepers(segment_.notify_page().sleepers);
  }

  Result<uint64_t> open_alone() {
    // What we hold ourselves may be in the way once.
    if (holds_ && ring_.slot(next_) == held_slot()) {
      if (ring_.elements() == 1) return Errc::kSegmentBusy;
      ++next_;
    }
    const uint64_t sequence = next_;
    if (sequence >= kLastSequence) return Errc::kSequenceExhausted;
    next_ = sequence + 1;
    // Releases nothing: before the state in the order in which others see it.
    header_->next.store_release(next_);
    slot_of(sequence).state.store_release(SlotState::being_written(sequence, entry_).word());
    return sequence;
  }

  Result<uint64_t> open_among_others() {
    // Each of the others can be in the way of one. Who was a lap faster got something done: that
    // has a bound only because memory may be damaged.
    uint64_t in_the_way = 0;
    uint64_t faster = 0;
    while (in_the_way <= segment_.layout.geometry.producers && faster < kMaxFaster) {
      const uint64_t sequence = header_->next.take_ticket();
      if (sequence >= kLastSequence) {
        return (sequence & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSequenceExhausted;
      }
      Sequence& state = slot_of(sequence).state;
      const uint64_t wanted = SlotState::being_written(sequence, entry_).word();
      for (;;) {
        const SlotState seen(state.load_ordered());
        // Somebody was a lap faster, or a lap slower and is still there: the next ticket, then.
        if (seen.after() > sequence) {
          ++faster;
          break;
        }
        if (seen.is_being_written() && lives(seen.publisher())) {
          ++in_the_way;
          break;
        }
        if (state.compare_exchange(seen.word(), wanted)) return sequence;
      }
    }
    return Errc::kSegmentBusy;
  }

  // Whether somebody is writing who will come back to it.
  bool lives(uint64_t publisher) const {
    return publisher == entry_ || liveness::producer_lives(segment_.file, publisher);
  }

  // Takes a place among the publishers.
  Status attach() {
    const uint64_t places = segment_.layout.geometry.producers;
    for (uint64_t entry = 0; entry < places; ++entry) {
      const auto taken = liveness::take_producer(segment_.file, entry);
      if (!taken.ok()) return taken.error();
      if (!taken.value()) continue;
      entry_ = entry;
      Word& pid = segment_.producers()[entry].pid;
      if (pid.load_ordered() != 0) drop_what_is_open();
      pid.store_ordered(os::current_process());
      segment_.producers()[entry].thread.store_release(os::current_thread());
      next_ = next();
      if (single_) drop_what_was_never_opened();
      attached_ = true;
      return Done{};
    }
    return single_ ? Errc::kProducerBusy : Errc::kTooManyProducers;
  }

  // Whoever had our place before has died, and what it was writing is nobody's.
  void drop_what_is_open() {
    for (uint64_t i = 0; i < segment_.layout.geometry.elements; ++i) {
      Sequence& state = segment_.slot(i).state;
      const SlotState seen(state.load_ordered());
      if (seen.is_being_written() && seen.publisher() == entry_ && seen.after() != 0) {
        state.compare_exchange(seen.word(), SlotState::dropped(seen.after() - 1).word());
      }
    }
  }

  // The one before us may have died when it had taken a sequence, and not yet said so in the slot.
  void drop_what_was_never_opened() {
    if (next_ == 0 || next_ > kLastSequence) return;
    Sequence& state = slot_of(next_ - 1).state;
    const SlotState seen(state.load_ordered());
    if (seen.after() >= next_) return;
    state.compare_exchange(seen.word(), SlotState::dropped(next_ - 1).word());
  }

  static constexpr uint64_t kMaxFaster = 1000;

  RingSegment segment_;
  Header* header_;
  Ring ring_;
  bool single_;
  bool attached_ = false;
  uint64_t entry_ = 0;
  uint64_t next_ = 0;  // with one publisher at a time: the next sequence
  uint64_t held_ = 0;  // the sequence of what is written in place
  bool holds_ = false;
};

}  // namespace shm_disruptor
