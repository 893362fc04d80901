// The disruptor: claim, commit, consume, gate. The algorithm is here and nowhere else.
//
// Sequences count elements since creation. At any time
//
//     every gating consumer's sequence <= cursor <= next <= smallest gating sequence + elements
//
// All below `cursor` is readable; [cursor, next) is claimed and not yet visible. After Thompson,
// Farley, Barker, Gee, Stewart, "Disruptor" (LMAX, 2011); committing by helping instead of each
// producer waiting for the one before it is our own.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "assignments.h"
#include "claims.h"
#include "commit_tracker.h"
#include "consumers.h"
#include "layout.h"
#include "os/barrier.h"
#include "recovery.h"
#include "result.h"
#include "ring.h"
#include "segment.h"
#include "snapshot.h"
#include "wait.h"

namespace shm_disruptor {

/// What a claim gave: `count` sequences from `start` on, the caller's alone until it commits them.
struct Claim {
  uint64_t start = 0;
  uint64_t count = 0;
  /// Nobody consumes any more: there is nothing to wait for.
  bool all_ignored = false;

  bool settled() const { return count != 0 || all_ignored; }
};

/// What a commit came to.
enum class Commit : uint8_t {
  kRefused,  ///< nothing was changed: not this range's turn, or it was committed before
  kVisible,  ///< consumers can read all of it
  kPending,  ///< committed for certain; visible once the claims before it are committed
};

/// What a commit does while claims before it are not committed.
enum class OutOfOrder : uint8_t {
  kRefuse,
  kMark,  ///< leave a mark, so that whoever commits the claim before makes this one visible too
};

/// Elements to read: `count` from `start` on.
using Batch = Assignment;

/// One participant's handle on a ring: any number of handles in any number of processes and
/// threads share the segment; one handle belongs to one thread.
///
/// All methods fail with kSegmentReplaced once the ring has been replaced, and with
/// kSegmentCorrupt when the counters in shared memory contradict each other. Whatever they say,
/// no method reaches outside the mapping and none loops without end over memory at rest.
class Sequencer {
 public:
  explicit Sequencer(RingSegment segment, Waiting waiting = {})
      : segment_(std::move(segment)),
        wait_(waiting),
        header_(&segment_.header()),
        consumers_(segment_),
        commit_tracker_(header_,
                        reinterpret_cast<Sequence*>(base() + segment_.layout.markers_offset),
                        segment_.layout.geometry.elements, segment_.layout.kind == Kind::kQueue),
        claims_(producers(), geometry().producers),
        joinable_(consumers_.directory().role(0) != Role::kIndexed),
        single_(policy().producers == Producers::kSingle) {}
  // Not copied: its claims are its own.
  Sequencer(Sequencer&&) = default;

  const RingGeometry& geometry() const { return segment_.layout.geometry; }
  const RingPolicy& policy() const { return segment_.layout.policy; }
  /// Whether there is one producer at a time.
  bool single() const { return single_; }
  const ElementFormat& format() const { return segment_.layout.format; }
  const Ring& ring() const { return commit_tracker_.ring(); }
  const MappingRef& mapping() const { return segment_.mapping; }
  /// What is to be written back when somebody asks for that.
  Backing backing() const { return segment_.backing(); }
  const RingSegment& segment() const { return segment_; }
  /// See withdraw_segment.
  void withdraw() const { withdraw_segment(segment_.file, segment_.backing()); }
  std::byte* elements() const { return base() + segment_.layout.elements_offset; }
  uint64_t elements_bytes() const { return segment_.layout.elements_bytes(); }
  /// With what is mapped twice.
  uint64_t visible_bytes() const { return segment_.layout.visible_bytes(); }

  /// Claims between `least` and `most` sequences, 1 <= least <= most <= elements; `count` is 0
  /// when the ring has no room for `least`. Waits for room for at most `nanoseconds`.
  ///
  /// Errors: kSequenceExhausted, kTooManyProducers, kSystem.
  Result<Claim> claim(uint64_t least, uint64_t most, uint64_t nanoseconds) {
    return claim(least, most, nanoseconds, [](uint64_t free) { return free; });
  }

  /// The same for what cannot be divided anywhere: of `free` sequences, more than `least` and fewer
  /// than `most`, it claims `fit(free)`, from `least` to `free`.
  template <class Fit>
  Result<Claim> claim(uint64_t least, uint64_t most, uint64_t nanoseconds, Fit fit) {
    Result<Claim> result = try_claim(least, most, fit);
    if (!result.ok() || result.value().settled()) return result;
    const auto settled = [&] {
      result = try_claim(least, most, fit);
      return !result.ok() || result.value().settled();
    };
    wait(header_->space_waiters, nanoseconds, settled, [&] { return unblock_space(); });
    return result;
  }

  /// What the sole producer may claim without asking again: sequences [next, limit). Empty for
  /// everybody else.
  struct Lease {
    uint64_t next = 0;
    uint64_t limit = 0;
  };
  Lease lease() const {
    if (!sole_) return {};
    const uint64_t limit = gate_ + ring().elements();
    return {next_, limit < kLastSequence ? limit : kLastSequence};
  }
  /// The sole producer has claimed [lease().next, next) of its lease.
  void use_lease(uint64_t next) {
    if (next > next_ && next <= lease().limit) next_ = next;
  }

  /// Commits [start, end], both inclusive: one claim, several adjacent ones, or a part of one.
  /// Waits for the range to become visible for at most `nanoseconds` (with kMark only). In a queue
  /// it holds so many messages.
  ///
  /// Errors: kNotClaimed.
  Result<Commit> commit(uint64_t start, uint64_t end, OutOfOrder mode, uint64_t nanoseconds,
                        uint32_t messages = 1) {
    if (commit_in_turn(start, end, messages)) return Commit::kVisible;
    return commit_any(start, end, mode, nanoseconds, messages);
  }

  /// Whether a pending commit up to `end` has become visible, waiting for at most `nanoseconds`:
  /// kVisible or kPending.
  Result<Commit> await_visible(uint64_t end, uint64_t nanoseconds) {
    Result<Commit> result = visible(end);
    if (!result.ok() || result.value() == Commit::kVisible) return result;
    const auto settled = [&] {
      result = visible(end);
      return !result.ok() || result.value() == Commit::kVisible;
    };
    wait(header_->data_waiters, nanoseconds, settled, [&] { return recover(); });
    return result;
  }

  /// All that is committed and that `consumer` (an index within the table) has not yet committed
  /// as consumed. Waits for anything for at most `nanoseconds`.
  ///
  /// Errors: kConsumerIgnored, kConsumerBusy, kSystem.
  Result<Batch> consume(uint64_t consumer, uint64_t nanoseconds) {
    const Status attached = attach_consumer(consumer, os::Hold::kShared, patience::of(nanoseconds));
    if (!attached.ok()) return attached.error();
    if (!assignments_.empty()) return consume_assignment(nanoseconds);
    Result<Batch> result = try_consume(consumer);
    if (!result.ok()) return result;
    const bool streaming = std::exchange(at_once_, result.value().count != 0);
    if (result.value().count != 0) {
      const bool enough = !streaming || result.value().count >= kWorthTaking || nanoseconds == 0;
      return enough ? result : gather(consumer, result.value().count);
    }
    const auto settled = [&] {
      result = try_consume(consumer);
      return !result.ok() || result.value().count != 0;
    };
    wait(header_->data_waiters, nanoseconds, settled, [&] { return unblock_data(); });
    return result;
  }

  /// Moves `consumer` on from `start` to `next`, which gives its elements back to the producers.
  /// False when another handle of the same consumer has moved it meanwhile.
  bool commit_consumed(uint64_t consumer, uint64_t start, uint64_t next) {
    if (!assignments_.empty()) return commit_assignment(0, start, next);
    // Release: our reads of the elements come before. Pairs with gating_sequence's loads.
    if (!consumers_.sequence(consumer).compare_exchange(start, next)) return false;
    tell_of_progress();
    return true;
  }

  /// Ends `consumer`'s gating for good: producers no longer wait for it.
  void ignore(uint64_t consumer) { consumers_.ignore(consumer); }

  /// Makes us a consumer of a ring that consumers join: see Consumers::join. Says which index we
  /// consume under. Waits for others who join, for at most `patience` nanoseconds.
  Result<uint64_t> join(const Joining& joining, uint64_t patience = patience::kFull) {
    const auto joined = consumers_.join(segment_.file, joining, Group::kMaxMembers, patience);
    if (!joined.ok()) return joined.error();
    const auto [index, group] = joined.value();
    if (joining.group) assignments_.occupy(context(), group, index);
    return index;
  }

  /// How many elements a member of a group takes at a time, at most. Default: 1.
  void assignment(uint64_t most) { assignments_.limit(most); }

  /// As a member of a group: one more share, beside those that we hold, which stays ours until it
  /// is finished or given back. Waits for one for at most `nanoseconds`. Of messages it is a
  /// portion.
  ///
  /// Errors: kTooManyConsumers, kSegmentBusy, kSystem.
  Result<Assignments::Taken> take_assignment(uint64_t nanoseconds, const TakeLimits& limits = {}) {
    const uint64_t patience = patience::of(nanoseconds);
    Result<Assignments::Taken> result = assignments_.another(context(patience), limits);
    if (result.ok() && result.value().assignment.count != 0) return result;
    const auto settled = [&] {
      result = assignments_.another(context(patience), limits);
      return !result.ok() || result.value().assignment.count != 0;
    };
    if (result.ok())
      wait(header_->data_waiters, nanoseconds, settled, [&] { return unblock_data(); });
    // A message that it was woken for is still there, and another consumer may take it.
    if (!result.ok()) pass_on();
    return result;
  }

  /// The share in that member slot is done with. False: there is none.
  bool finish_assignment(uint64_t member_slot) {
    const Assignment given = assignments_.given(member_slot);
    return given.count != 0 &&
           commit_assignment(member_slot, given.start, given.start + given.count);
  }

  /// The share in that member slot is done with as far as `next`, and what is left of it is given
  /// again. False: there is no such share.
  bool finish_assignment(uint64_t member_slot, uint64_t next) {
    const Assignment given = assignments_.given(member_slot);
    if (given.count == 0 || next <= given.start || next >= given.start + given.count) return false;
    assignments_.keep(member_slot);
    return commit_assignment(member_slot, given.start, next);
  }

  /// The share in that member slot is given again by the next take_assignment. False: there is
  /// none.
  bool keep_assignment(uint64_t member_slot) {
    if (assignments_.held(member_slot).count == 0) return false;
    assignments_.keep(member_slot);
    return true;
  }

  /// The share in that member slot is for another member. False: there is none.
  bool return_assignment(uint64_t member_slot) {
    if (assignments_.held(member_slot).count == 0) return false;
    assignments_.give_back(context(), member_slot);
    return true;
  }

  /// Ends our own gating until we come back. As a member of a group: hands what we hold to the
  /// others, and ends the group's gating if there are none.
  void leave() {
    if (assignments_.empty()) {
      consumers_.leave(segment_.file);
    } else {
      assignments_.leave(context());
    }
  }

  /// Ends the gating of another consumer, or of a group, that nobody who lives is; see
  /// Consumers::detach.
  Status detach(uint64_t consumer) { return consumers_.detach(segment_.file, consumer); }

  /// Whether a claim of `least` would not find the ring full: there is room, or a reason to fail.
  bool claimable(uint64_t least) {
    const uint64_t next = claimed();
    const uint64_t gate = consumers_.gating_sequence();
    const bool full = next <= kLastSequence && gate <= next && room_before(next, gate) < least;
    if (!full) return true;
    commit_tracker_.help(header_->cursor.load_ordered());
    return now_and_then([&] { return unblock_space(); });
  }

  /// Whether a commit from `start` on would not find earlier claims uncommitted: it is its turn, or
  /// there is a reason to fail.
  bool committable(uint64_t start) {
    if (header_->cursor.load_ordered() >= start) return true;
    return now_and_then([&] { return recover(); }) && header_->cursor.load_ordered() >= start;
  }

  /// Whether `consumer` would not find the ring empty: there is data, or a reason to fail.
  bool consumable(uint64_t consumer) {
    const auto ready = [&] {
      const uint64_t cursor = header_->cursor.load_ordered();
      if (!assignments_.empty()) {
        return cursor > kLastSequence || assignments_.ready(consumers_, barrier_before(cursor));
      }
      const uint64_t own = consumers_.sequence(consumer).load_ordered();
      if (own > kLastSequence || cursor > kLastSequence) return true;
      return consumers_.comes_after() ? barrier_before(cursor) > own : cursor != own;
    };
    if (ready()) return true;
    commit_tracker_.help(header_->cursor.load_ordered());
    return ready() || now_and_then([&] { return unblock_data(); });
  }

  /// Whether [start, end] is claimed and nothing of it is committed.
  bool uncommitted(uint64_t start, uint64_t end) const {
    const uint64_t cursor = header_->cursor.load_ordered();
    const uint64_t next = claimed();
    if (start > end || start < cursor || end >= next) return false;
    if (next > kLastSequence || end - cursor >= ring().elements()) return false;
    // From the cursor on, since a mark stands only where its range begins.
    for (uint64_t sequence = cursor; sequence <= end;) {
      const uint64_t mark = commit_tracker_.marker(sequence).end();
      if (mark > start && mark > sequence) return false;
      sequence = mark > sequence ? mark : sequence + 1;
    }
    return true;
  }

  /// As `recover`, and takes over what a dead member of our group has left, and ends the gating of
  /// those whom we come after and who are dead: what keeps us from consuming.
  bool unblock_data() {
    bool changed = assignments_.adopt(context());
    consumers_.for_each_before_us([&](uint64_t other, uint64_t) {
      const bool group = consumers_.directory().role(other) == Role::kGroup;
      if (group && Group::settle(consumers_, other)) changed = true;
    });
    if (consumers_.detach_dead_before_us(segment_.file)) changed = true;
    return recover() || changed;
  }

  /// Closes what a dead producer holds up, and says whether that made anything visible. Every wait
  /// does this before it sleeps.
  bool recover() {
    const uint64_t cursor = header_->cursor.load_ordered();
    const uint64_t next = header_->next.load_ordered();
    if (cursor > kLastSequence || next <= cursor) return false;
    // Who replaced the segment has died half way: the consumers are to be told as well.
    if ((next & kReplacedBit) != 0) {
      header_->cursor.set_bits(kReplacedBit);
      wake_sleepers(header_->data_waiters);
      return true;
    }
    if (policy().orphans == Orphans::kHold) return false;
    // One hole after the other: each lies behind the last.
    bool closed = false;
    for (uint64_t i = 0; i < ring().elements() && recovery().close(claims_); ++i) closed = true;
    return closed;
  }

  /// As `recover`, and ends the gating of consumers that are dead and hold up the producers: see
  /// Consumers::detach_dead.
  bool unblock_space() {
    bool changed = consumers_.detach_dead(segment_.file);
    for (uint64_t i = 0; joinable_ && i < consumers_.count(); ++i) {
      if (consumers_.directory().role(i) == Role::kGroup && Group::settle(consumers_, i)) {
        changed = true;
      }
    }
    return recover() || changed;
  }

  /// Whether [start, end] is claimed and nothing of it is committed. If so, it becomes the
  /// caller's, and its former owner's as long as that one lives: nobody closes it while either
  /// lives.
  ///
  /// Errors: kTooManyProducers, kSystem.
  Result<bool> take_over(uint64_t start, uint64_t end) {
    if (!uncommitted(start, end)) return false;
    return sole_ || claims_.hold(start, end + 1) ? Result<bool>(true) : adopt(start, end + 1);
  }

  /// Makes the caller the consumer, alone or as one of several. Consuming does so by itself, as one
  /// of several. A consumer that was detached when it was dead begins at the cursor.
  ///
  /// Errors: kConsumerBusy, kSystem.
  Status attach_consumer(uint64_t consumer, os::Hold hold, uint64_t patience = patience::kFull) {
    return consumers_.attach(segment_.file, consumer, hold, patience);
  }

  /// How many gaps the latest consume passed and next_gap has not yet given.
  size_t gap_count() const { return gaps_.size(); }
  /// The oldest of them.
  Gap next_gap() {
    if (gaps_.empty()) return {};
    const Gap gap = gaps_.front();
    gaps_.erase(gaps_.begin());
    return gap;
  }

  /// Who takes part.
  Snapshot snapshot() const {
    LiveTables tables{segment_, consumers_, claims_};
    return take_snapshot(tables);
  }

  // Snapshots, stale as soon as they are taken.
  uint64_t next() const {
    const uint64_t next = claimed() & ~kReplacedBit;
    // The sole producer's claims are its own.
    return next < cursor() ? cursor() : next;
  }
  uint64_t cursor() const { return header_->cursor.load_acquire() & ~kReplacedBit; }
  uint64_t consumer_sequence(uint64_t consumer) const {
    return consumers_.sequence(consumer).load_acquire();
  }
  /// How many gaps there were since creation, and how many elements in them.
  uint64_t gaps() const { return header_->gaps.load_acquire(); }
  uint64_t lost() const { return header_->lost.load_acquire(); }
  /// Every gap that a cursor loaded before this has passed ends at or below it.
  uint64_t gap_limit() const { return header_->gap_limit.load_ordered(); }
  bool all_ignored() const { return consumers_.gating_sequence() == kIgnored; }
  const Consumers& consumers() const { return consumers_; }

  /// The application's own word.
  int32_t status() const { return static_cast<int32_t>(header_->status.load_acquire()); }
  /// Release: pairs with status(). What was committed before is visible to whoever reads it.
  void set_status(int32_t status) {
    header_->status.store_ordered(static_cast<uint32_t>(status));
    wake_sleepers(header_->data_waiters);
  }

  /// Has another consumer look for the message that this one was woken for: see wait.h. Nothing in
  /// a ring, which wakes all consumers.
  void pass_on() {
    if (segment_.layout.kind == Kind::kQueue) shm_disruptor::pass_on(header_->data_waiters);
  }

  /// Says that we are about to sleep on one of the two words below: step 1 in wait.h.
  uint32_t announce(Word& word) {
    const uint32_t seen = announce_sleeper(word);
    // What comes after is to see what a sole producer stored before it looked for us.
    const bool light = single_ && &word == &header_->data_waiters;
    if (light && !os::heavy_barrier() && !std::exchange(fenced_, true)) {
      // Ordered: from when it sees that on, each of its stores is a full barrier.
      header_->needs_full_fence.store_ordered(1);
      os::nap(kStoreNanoseconds);
    }
    return seen;
  }

  /// What those sleep on who wait for data, for a commit to become visible or for a status.
  Word& data_waiters() { return header_->data_waiters; }
  /// What those sleep on who wait for room.
  Word& space_waiters() { return header_->space_waiters; }

 private:
  static constexpr uint64_t kWorthTaking = 64;
  static constexpr int kFirstPauses = 16;
  static constexpr uint64_t kPausesForEach = 32;
  static constexpr uint64_t kMaxPauses = 512;
  // Longer than a store stays in a processor's buffer.
  static constexpr uint64_t kStoreNanoseconds = 1'000'000;

  std::byte* base() const { return segment_.mapping->base(); }
  ProducerEntry* producers() const {
    return reinterpret_cast<ProducerEntry*>(base() + segment_.layout.producers_offset);
  }

  // THE admission function: one, many and as many as are free differ in their numbers only.
  //
  // `gate_` is the smallest gating sequence when we last looked. Consumers only move on, so it
  // errs on the safe side, and the cost of a claim that it admits does not depend on how many
  // consumers there are.
  template <class Fit>
  Result<Claim> try_claim(uint64_t least, uint64_t most, Fit fit) {
    // The way of every message that is sent on its own: as below, where nothing is in the way.
    const uint32_t gating_epoch = header_->gating_epoch.load_acquire();
    const uint64_t next = claimed();
    bool announced = false;
    if (gating_epoch == membership_ && room_before(next, gate_) >= most &&
        (sole_ || claims_.prepared()) && next <= kLastSequence - most) {
      if (take(next, most)) return Claim{next, most, false};
      announced = true;
      back_off();
    }
    return try_any_claim(least, most, announced, fit);
  }

  template <class Fit>
  __attribute__((noinline)) Result<Claim> try_any_claim(uint64_t least, uint64_t most,
                                                        bool announced, Fit fit) {
    if (single_ && !sole_) {
      const Status sole = become_sole();
      if (!sole.ok()) return sole.error();
    }
    for (;;) {
      if (light_) order_commits();
      // Pairs with the membership.add of ignore(), so that a changed membership makes us see the
      // consumer's new state; ordered, because of the stores before.
      const uint32_t gating_epoch = header_->gating_epoch.load_ordered();
      const uint64_t next = claimed();
      uint64_t room = room_before(next, gate_);
      // Less than `most` asks again: as many as are free are to be given.
      if (room < most || gating_epoch != membership_) {
        if (next > kLastSequence) return given_up(announced, broken(next));
        const uint64_t gate = consumers_.gating_sequence();
        // Somebody has begun to gate while we looked, perhaps where we had looked already.
        if (header_->gating_epoch.load_ordered() != gating_epoch) continue;
        // Remembering neither, so that the next claim asks again.
        if (gate == kIgnored) return given_up(announced, Claim{0, 0, true});
        if (gate == kJoining) return given_up(announced, Claim{});
        membership_ = gating_epoch;
        // next was loaded before the consumers, and these only move on.
        if (next > gate && next - gate > ring().elements()) {
          return given_up(announced, Errc::kSegmentCorrupt);
        }
        if (next < gate) {
          // A stale `next`: others claimed, committed and consumed beyond it meanwhile.
          if (claimed() < gate) {
            return given_up(announced, Errc::kSegmentCorrupt);
          }
          continue;
        }
        gate_ = gate;
        room = room_before(next, gate);
        if (room < least) {
          commit_tracker_.help(header_->cursor.load_ordered());
          return given_up(announced, Claim{});
        }
      }
      if (next > kLastSequence) return given_up(announced, broken(next));
      const uint64_t left = kLastSequence - next;
      if (left < least) return given_up(announced, Errc::kSequenceExhausted);
      const uint64_t free = room < left ? room : left;
      const uint64_t count = most <= free ? most : fit(free);
      const Status place =
          sole_ ? Status(Done{}) : claims_.prepare(segment_.file, next, header_->cursor);
      if (!place.ok()) return given_up(announced, place.error());
      if (take(next, count)) return Claim{next, count, false};
      announced = true;
      back_off();
    }
  }

  // Up to where it is claimed. The sole producer keeps that to itself until it commits out of
  // order: nobody else claims, and what was not committed when it died is claimed anew.
  uint64_t claimed() const {
    const uint64_t next = header_->next.load_ordered();
    return single_ && next < next_ ? next_ : next;
  }

  // Makes us the one producer.
  Status become_sole() {
    const auto taken = liveness::take_producer(segment_.file, 0);
    if (!taken.ok()) return taken.error();
    if (!taken.value()) return Errc::kProducerBusy;
    const uint64_t next = header_->next.load_ordered();
    const uint64_t cursor = header_->cursor.load_ordered();
    if (next > kLastSequence) return broken(next);
    if (cursor > kLastSequence) return broken(cursor);
    next_ = next < cursor ? cursor : next;
    // All from there on is ours, and what comes before it is the last one's: anybody may close
    // that. Ordered, and before we let anybody see a claim: pairs with the loads in recovery.h.
    ProducerEntry& entry = producers()[0];
    entry.pid.store_ordered(os::current_process());
    entry.thread.store_ordered(os::current_thread());
    entry.ranges[0].limit.store_ordered(0);
    entry.ranges[0].begin.store_ordered(next_);
    entry.ranges[0].limit.store_ordered(kLastSequence + 1);
    claims_.own(0);
    sole_ = true;
    light_ = os::register_for_heavy_barriers();
    recover();
    return Done{};
  }

  // Where nobody gates, claims are bounded by the cursor as we see it, which those that we have
  // stored lightly belong to. Whoever joins changes the membership and then looks at the cursor: if
  // we do not see the one, he must see the other. A full barrier by an ordered store of what is
  // there anyway.
  void order_commits() { producers()[0].ranges[0].limit.store_ordered(kLastSequence + 1); }

  // What is committed out of order lies below `next`, whoever is to close what comes before it.
  void publish_next(uint64_t end) {
    for (;;) {
      const uint64_t next = header_->next.load_ordered();
      if (next >= end || header_->next.compare_exchange(next, end)) return;
    }
  }

  // Announces a claim and makes it. False: somebody else was faster, and the announcement stands.
  bool take(uint64_t next, uint64_t count) {
    if (sole_) {
      next_ = next + count;
      return true;
    }
    claims_.announce(next, next + count);
    // Release: what we announced is found by whoever sees `next` above it.
    if (!header_->next.compare_exchange(next, next + count)) return false;
    claims_.claimed(next + count);
    return true;
  }

  Result<Claim> given_up(bool announced, Result<Claim> result) {
    if (announced) claims_.withdraw();
    return result;
  }

  // The way of every message that is sent on its own: our latest claim, and its turn.
  bool commit_in_turn(uint64_t start, uint64_t end, uint32_t messages) {
    if (sole_) return commit_alone(start, end, messages);
    if (!claims_.is_latest(start, end + 1)) return false;
    if (!commit_tracker_.advance(start, end + 1, messages)) return false;
    claims_.settle_latest();
    return true;
  }

  // The same for the sole producer. As long as the shared `next` does not lie above the cursor,
  // nobody else moves that: others know of no claim that they could commit or close. So a store
  // will do. Should we be replaced at this very moment it hides that, but `next` still says so, to
  // us with the next commit and to whoever runs dry (recover).
  bool commit_alone(uint64_t start, uint64_t end, uint32_t messages) {
    if (start > end || end >= next_) return false;
    const uint64_t next = header_->next.load_acquire();
    if (next > kLastSequence || header_->cursor.load_acquire() != start) return false;
    if (next > start || !light_ || header_->needs_full_fence.load_acquire() != 0) {
      return commit_tracker_.advance(start, end + 1, messages);
    }
    commit_tracker_.advance_alone(end + 1, messages);
    return true;
  }

  __attribute__((noinline)) Result<Commit> commit_any(uint64_t start, uint64_t end, OutOfOrder mode,
                                                      uint64_t nanoseconds, uint32_t messages) {
    Result<Commit> result = try_any_commit(start, end, mode, messages);
    if (!result.ok() || result.value() == Commit::kVisible) return result;
    if (result.value() == Commit::kPending) {
      return nanoseconds == 0 ? result : await_visible(end, nanoseconds);
    }
    // Not its turn, perhaps because the one before is dead.
    if (header_->cursor.load_ordered() < start && now_and_then([&] { return recover(); })) {
      result = try_any_commit(start, end, mode, messages);
    }
    return result;
  }

  Result<Commit> try_any_commit(uint64_t start, uint64_t end, OutOfOrder mode, uint32_t messages) {
    if (start > end) return Commit::kRefused;
    const uint64_t next = claimed();
    if (next > kLastSequence) return broken(next);
    if (end >= next) return Errc::kNotClaimed;
    const uint64_t cursor = header_->cursor.load_ordered();
    if (cursor > kLastSequence) return broken(cursor);
    // Committed before. A range that anybody may still commit lies within the ring.
    if (start < cursor || end - cursor >= ring().elements()) return Commit::kRefused;
    if (start != cursor && mode == OutOfOrder::kRefuse) return Commit::kRefused;
    // Somebody else's claim: nobody must close it under our hands should its owner be dead.
    const bool adopted = !sole_ && !claims_.hold(start, end + 1);
    if (adopted) {
      const auto ours = adopt(start, end + 1);
      if (!ours.ok()) return ours.error();
      if (!ours.value()) return refused();
    }
    // Adopting may have moved it.
    if (sole_) publish_next(end + 1);
    const bool its_turn = (adopted ? header_->cursor.load_ordered() : cursor) == start;
    const bool done =
        its_turn ? commit_tracker_.advance(start, end + 1, messages)
                 : mode == OutOfOrder::kMark && commit_tracker_.mark(start, end + 1, messages);
    if (!done) {
      if (adopted) claims_.abandon(start, end + 1);
      return refused();
    }
    claims_.settle(start, end + 1);
    return its_turn ? Result<Commit>(Commit::kVisible) : visible(end);
  }

  // Makes [begin, limit) ours, whoever claimed it. False: too late.
  Result<bool> adopt(uint64_t begin, uint64_t limit) {
    const Status noted = claims_.adopt(segment_.file, begin, limit, header_->cursor);
    if (!noted.ok()) return noted.error();
    if (recovery().bump(begin)) return true;
    claims_.abandon(begin, limit);
    return false;
  }

  Recovery recovery() {
    return Recovery(commit_tracker_, segment_.file, producers(), geometry().producers);
  }

  // A compare_exchange of the cursor failed: somebody committed the same range, or replaced us.
  Result<Commit> refused() {
    const uint64_t cursor = header_->cursor.load_ordered();
    if (cursor > kLastSequence) return broken(cursor);
    return Commit::kRefused;
  }

  Result<Commit> visible(uint64_t end) {
    const uint64_t cursor = header_->cursor.load_ordered();
    if (cursor > kLastSequence) return broken(cursor);
    if (cursor > end) return Commit::kVisible;
    commit_tracker_.help(cursor);
    return header_->cursor.load_ordered() > end ? Commit::kVisible : Commit::kPending;
  }

  Result<Batch> try_consume(uint64_t consumer) {
    for (;;) {
      Sequence& sequence = consumers_.sequence(consumer);
      const uint64_t own = sequence.load_acquire();
      if (own > kLastSequence) {
        if (own == kIgnored) return Errc::kConsumerIgnored;
        if (own != kDetached && own != kJoining) return Errc::kSegmentCorrupt;
        const Status rejoined = consumers_.rejoin(consumer);
        if (!rejoined.ok()) return rejoined.error();
        continue;
      }
      // Acquire: pairs with CommitTracker::advance and help; all elements below were written.
      const uint64_t cursor = header_->cursor.load_ordered();
      if (cursor > kLastSequence) return broken(cursor);
      if (cursor == own) {
        commit_tracker_.help(cursor);
        if (header_->cursor.load_ordered() == cursor) return Batch{};
        continue;
      }
      if (cursor > own && cursor - own <= ring().elements()) {
        const uint64_t limit = barrier_before(cursor);
        if (limit <= own) return Batch{};
        const uint64_t gap = commit_tracker_.first_gap(own, limit);
        if (gap != own) return Batch{own, gap - own};
        skip(sequence, own);
        continue;
      }
      // Another handle of this consumer may have moved it after we looked.
      if (sequence.load_acquire() == own) return Errc::kSegmentCorrupt;
    }
  }

  // Where that ends which we may read.
  uint64_t barrier_before(uint64_t cursor) const { return consumers_.barrier(cursor); }

  Assignments::Context context(uint64_t patience = patience::kBrief) {
    return {segment_, consumers_, commit_tracker_, gaps_, patience};
  }

  Result<Batch> consume_assignment(uint64_t nanoseconds) {
    const uint64_t patience = patience::of(nanoseconds);
    Result<Batch> result = assignments_.only(context(patience));
    if (!result.ok() || result.value().count != 0) return result;
    const auto settled = [&] {
      result = assignments_.only(context(patience));
      return !result.ok() || result.value().count != 0;
    };
    wait(header_->data_waiters, nanoseconds, settled, [&] { return unblock_data(); });
    return result;
  }

  bool commit_assignment(uint64_t member_slot, uint64_t start, uint64_t next) {
    const Assignment held = assignments_.held(member_slot);
    if (held.start != start || next <= start || next > start + held.count) return false;
    if (assignments_.finish(context(), member_slot, next)) tell_of_progress();
    return true;
  }

  void tell_of_progress() {
    wake_sleepers(header_->space_waiters);
    consumers_.wake_dependents();
  }

  // Passes the gap that begins where the consumer is.
  void skip(Sequence& sequence, uint64_t own) {
    const uint64_t end = commit_tracker_.marker(own).end();
    if (end <= own || end - own > ring().elements()) return;
    if (!sequence.compare_exchange(own, end)) return;
    tell_of_progress();
    gaps_.push_back({own, end});
  }

  uint64_t room_before(uint64_t next, uint64_t gate) const {
    const uint64_t used = next - gate;
    return used <= ring().elements() ? ring().elements() - used : 0;
  }

  // A caller that may not wait at all looks after the dead now and then.
  template <class Ready, class Unblock>
  void wait(Word& word, uint64_t nanoseconds, Ready ready, Unblock unblock) {
    if (nanoseconds == 0) {
      if (now_and_then(unblock)) ready();
      return;
    }
    wait_(
        word, nanoseconds, [&] { return announce(word); }, ready, unblock);
  }

  // For those who may not wait: does something about those who are dead and hold us up, if there
  // may be any and it was not done just now in vain. Says whether that has changed anything.
  template <class Unblock>
  bool now_and_then(Unblock unblock) {
    const bool hole = header_->next.load_ordered() > header_->cursor.load_ordered();
    if (!hole && policy().dead_consumers == DeadConsumers::kHold && !joinable_) return false;
    const uint64_t now = os::now_nanoseconds();
    if (now - unblocked_ < kUnblockNanoseconds) return false;
    const bool changed = unblock();
    unblocked_ = changed ? 0 : now;
    return changed;
  }

  // A consumer that keeps pace takes the cursor's cache line from the producer for every single
  // element, which slows down both. Where data was there twice without waiting and still more is
  // coming, a moment's patience lets several come: two looks instead of one for each. A lone
  // message is never held up: whoever waited for it takes it at once.
  Result<Batch> gather(uint64_t consumer, uint64_t seen) {
    relax_processor(kFirstPauses);
    Result<Batch> result = try_consume(consumer);
    if (!result.ok() || result.value().count == seen) return result;
    // The faster they come the longer: what is seldom is held up by less than it takes to come.
    const uint64_t pauses = (result.value().count - seen) * kPausesForEach;
    relax_processor(static_cast<int>(pauses < kMaxPauses ? pauses : kMaxPauses));
    return try_consume(consumer);
  }

  // Why a counter lies above every sequence that there can be.
  static Errc broken(uint64_t counter) {
    return (counter & kReplacedBit) != 0 ? Errc::kSegmentReplaced : Errc::kSegmentCorrupt;
  }

  RingSegment segment_;
  SlicedWait wait_;
  Header* header_;
  Consumers consumers_;
  Assignments assignments_;  // what we hold as members of a group
  CommitTracker commit_tracker_;
  Claims claims_;
  std::vector<Gap> gaps_;
  uint64_t gate_ = 0;
  uint32_t membership_ = 0;
  uint64_t next_ = 0;       // the sole producer's: the first sequence that it has not claimed
  bool joinable_;           // consumers come and go: any of them may be dead and in the way
  bool single_;             // there is one producer at a time
  bool sole_ = false;       // which we are
  bool light_ = false;      // whoever sleeps has our stores ordered
  bool fenced_ = false;     // we have told the sole producer that we cannot
  uint64_t unblocked_ = 0;  // when we last looked after the dead without waiting
  bool at_once_ = false;    // the last consume found data without waiting
};

}  // namespace shm_disruptor
