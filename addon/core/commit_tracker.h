// The cursor and the markers ahead of it: how what was committed becomes visible.
#pragma once

#include <cstdint>

#include "layout.h"
#include "marker.h"
#include "os/barrier.h"
#include "ring.h"
#include "wait.h"

namespace shm_disruptor {

/// Where that ends which consumers may read. Committing in any order moves it on in order.
class CommitTracker {
 public:
  /// `one_reader`: what is committed is messages, each for one of those who wait, and not for all.
  CommitTracker(Header* header, Sequence* markers, uint64_t elements, bool one_reader = false)
      : header_(header), markers_(markers), ring_(elements), one_reader_(one_reader) {}

  const Ring& ring() const { return ring_; }
  Header& header() const { return *header_; }
  uint64_t next() const { return header_->next.load_ordered(); }
  uint64_t cursor() const { return header_->cursor.load_ordered(); }

  Sequence& marker_at(uint64_t sequence) const { return markers_[ring_.slot(sequence)]; }
  /// Acquire: pairs with the compare_exchanges of markers below and in recovery.h.
  Marker marker(uint64_t sequence) const { return Marker(marker_at(sequence).load_ordered()); }
  bool marked(uint64_t sequence, Marker marker) const {
    return marker.covers(sequence, ring_.elements());
  }

  /// Moves the cursor from `from`, which is the caller's to commit, and on over whatever was marked
  /// behind. False: somebody else has moved it.
  bool advance(uint64_t from, uint64_t to, uint32_t messages = 1) {
    // Release: the elements were written before. Pairs with try_consume's load of the cursor.
    if (!header_->cursor.compare_exchange(from, to)) return false;
    help(to);
    wake_readers(messages);
    return true;
  }

  /// The same where nobody else moves the cursor and nothing is marked behind, and without the full
  /// barrier between the store and the look for sleepers: they have one executed here
  /// (os/barrier.h).
  void advance_alone(uint64_t to, uint32_t messages) {
    // Release: as above.
    header_->cursor.store_release(to);
    os::light_barrier();
    wake_readers(messages);
  }

  /// Leaves a mark for [start, end), which is the caller's to commit, while the cursor is below.
  /// False: it was committed before.
  bool mark(uint64_t start, uint64_t end, uint32_t messages = 1) {
    Sequence& word = marker_at(start);
    for (;;) {
      const Marker older(word.load_relaxed());
      // A mark above `start` is this range's, or that of a later lap.
      if (older.end() > start) return false;
      // Ordered: pairs with help()'s load of the marker. Either the one who moves the cursor to
      // `start` sees the mark, or we see that the cursor has come. Fails when somebody has touched
      // it (recovery.h) as well.
      const Marker mark = Marker::committed(end, messages > 1);
      if (word.compare_exchange(older.word(), mark.word())) return true;
    }
  }

  /// Makes visible what was committed out of order from `cursor` on, and passes what was closed as
  /// a gap. Whoever moves the cursor looks at the marker there; whoever fails to move it leaves
  /// that to the one who did. Participants who are held up call it too, in case that one died in
  /// between.
  ///
  /// Ends: the marks of memory at rest lie at most one lap ahead, and each step passes one.
  void help(uint64_t cursor) {
    if (marked(cursor, marker(cursor))) pass_marks(cursor);
  }

  /// Where the first gap in [from, to) begins; `to` when there is none. All of it is below the
  /// cursor and not yet consumed by the caller.
  uint64_t first_gap(uint64_t from, uint64_t to) const {
    // Acquire: pairs with raise_gap_limit, which comes before the cursor passes a gap.
    if (from >= header_->gap_limit.load_ordered()) return to;
    for (uint64_t sequence = from; sequence < to; ++sequence) {
      const Marker mark = marker(sequence);
      if (mark.is_gap() && marked(sequence, mark)) return sequence;
    }
    return to;
  }

 private:
  __attribute__((noinline)) void pass_marks(uint64_t cursor) {
    uint64_t messages = 0;
    while (cursor <= kLastSequence) {
      const Marker mark = marker(cursor);
      if (!marked(cursor, mark)) break;
      // Before the cursor passes it: whoever sees the cursor behind a gap looks for it.
      if (mark.is_gap()) raise_gap_limit(mark.end());
      if (!header_->cursor.compare_exchange(cursor, mark.end())) break;
      if (mark.is_gap()) count_gap(mark.end() - cursor);
      // Of several nobody knows how many they are: at most as many as there are elements.
      messages += mark.has_several() ? mark.end() - cursor : 1;
      cursor = mark.end();
    }
    if (messages != 0) wake_readers(messages);
  }

  void wake_readers(uint64_t messages) {
    if (one_reader_) {
      const uint64_t most = messages < kMaxWoken ? messages : kMaxWoken;
      wake_some(header_->data_waiters, static_cast<uint32_t>(most));
    } else {
      wake_sleepers(header_->data_waiters);
    }
  }

  void raise_gap_limit(uint64_t end) {
    for (uint64_t limit = header_->gap_limit.load_ordered(); limit < end;) {
      if (header_->gap_limit.compare_exchange(limit, end)) return;
      limit = header_->gap_limit.load_ordered();
    }
  }

  // For people to read: one who dies before it leaves it out.
  void count_gap(uint64_t elements) {
    header_->gaps.add(1);
    header_->lost.add(elements);
  }

  static constexpr uint64_t kMaxWoken = 0x7fff'ffff;

  Header* header_;
  Sequence* markers_;
  Ring ring_;
  bool one_reader_;
};

}  // namespace shm_disruptor
