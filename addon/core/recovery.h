// Claims whose producer has died: finding them, closing them as gaps, taking them over.
//
// Invariants. (1) A hole that a living producer's range covers is never closed, however long it is
// stopped: claims.h says why it is found. (2) What was committed is never closed: a recoverer reads
// the hole's marker first and replaces it last, so that its compare_exchange fails if anybody has
// committed or closed from there on, or has taken over anything of what it saw as one hole. (3) A
// recoverer may die anywhere: until its one compare_exchange nothing has changed, and after it
// CommitTracker::help does the rest, whoever calls it.
#pragma once

#include <cstdint>

#include "claims.h"
#include "commit_tracker.h"
#include "layout.h"

namespace shm_disruptor {

class Recovery {
 public:
  Recovery(CommitTracker& commit_tracker, const os::File& file, const ProducerEntry* table,
           uint64_t entries)
      : commit_tracker_(commit_tracker), file_(file), table_(table), entries_(entries) {}

  /// Closes the hole at the cursor as a gap if the one who claimed it is dead. `own` are the claims
  /// of the caller, who lives. Says whether the cursor has moved.
  bool close(const Claims& own) {
    const uint64_t hole = commit_tracker_.cursor();
    if (hole > kLastSequence) return false;
    // First: see invariant 2.
    const Marker older = commit_tracker_.marker(hole);
    if (commit_tracker_.marked(hole, older)) {
      commit_tracker_.help(hole);
      return true;
    }
    const uint64_t end = end_of_hole(hole, own);
    if (end == hole || commit_tracker_.cursor() != hole) return false;
    if (!commit_tracker_.marker_at(hole).compare_exchange(older.word(), Marker::gap(end).word())) {
      return false;
    }
    commit_tracker_.help(hole);
    return true;
  }

  /// Makes sure that nobody closes what `own` has just adopted from `begin` on. False: too late, it
  /// or what comes before it in one hole was committed or closed.
  bool bump(uint64_t begin) {
    for (;;) {
      const uint64_t cursor = commit_tracker_.cursor();
      if (cursor > begin) return false;
      const Marker older = commit_tracker_.marker(cursor);
      if (commit_tracker_.marked(cursor, older)) {
        commit_tracker_.help(cursor);
        continue;
      }
      // A recoverer who read this marker before does not close; one who reads it from now on sees
      // our range.
      const bool touched =
          commit_tracker_.marker_at(cursor).compare_exchange(older.word(), older.touched().word());
      if (touched && commit_tracker_.cursor() == cursor) return true;
    }
  }

 private:
  // Where the dead's part of the hole ends; the hole's beginning when it is not theirs.
  uint64_t end_of_hole(uint64_t hole, const Claims& own) const {
    // Acquire: pairs with the compare_exchange of `next` in try_claim; the ranges of all who
    // claimed below it were written before.
    uint64_t end = commit_tracker_.next();
    if (end > kLastSequence + 1 || end <= hole || end - hole > commit_tracker_.ring().elements()) {
      return hole;
    }
    for_each_living(end, own, [&](uint64_t begin, uint64_t limit) {
      if (limit > hole && begin < end) end = begin > hole ? begin : hole;
    });
    // What the dead, or anybody, committed behind the hole stays.
    for (uint64_t sequence = hole + 1; sequence < end; ++sequence) {
      if (commit_tracker_.marked(sequence, commit_tracker_.marker(sequence))) end = sequence;
    }
    return end;
  }

  // Calls `range` with what living producers hold, or may hold, below `end`. Asks the kernel only
  // about those whom it matters.
  template <class Visit>
  void for_each_living(uint64_t end, const Claims& own, Visit range) const {
    const uint64_t cursor = commit_tracker_.cursor();
    for (uint64_t index = 0; index < entries_; ++index) {
      bool lives = own.owns(index);
      bool asked = lives;
      for (const Range& each : table_[index].ranges) {
        // Ordered, and the limit first: pairs with Claims::announce and Claims::adopt.
        const uint64_t limit = each.limit.load_ordered();
        const uint64_t begin = each.begin.load_acquire();
        if (begin >= limit || limit <= cursor || begin >= end) continue;
        if (!asked) {
          lives = liveness::producer_lives(file_, index);
          asked = true;
        }
        if (lives) range(begin, limit);
      }
    }
  }

  CommitTracker& commit_tracker_;
  const os::File& file_;
  const ProducerEntry* table_;
  uint64_t entries_;
};

}  // namespace shm_disruptor
