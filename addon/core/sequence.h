// The atomics of shared memory. Nothing else in the core names std::atomic for a shared word, and
// every method says its memory order, so that the pairs can be checked by reading call sites.
#pragma once

#include <atomic>
#include <cstdint>

#include "align.h"

namespace shm_disruptor {

/// The largest sequence, 2^53 - 1: JavaScript reads sequences as Numbers, and past this they
/// would silently lose their last bit.
inline constexpr uint64_t kLastSequence = (uint64_t{1} << 53) - 1;

/// Set in `next` and `cursor` when a segment has been replaced. Far above kLastSequence, so that
/// every fast path's range check fails and the check for replacement costs nothing while all is
/// well.
inline constexpr uint64_t kReplacedBit = uint64_t{1} << 63;

/// A consumer cursor that gates nobody: its consumer was released for good.
inline constexpr uint64_t kIgnored = ~uint64_t{0};

/// A consumer cursor that gates nobody until its consumer comes back: it was dead and in the way.
inline constexpr uint64_t kDetached = kIgnored - 1;

/// A consumer cursor that lets nobody claim: its consumer is on its way back from kDetached.
inline constexpr uint64_t kJoining = kIgnored - 2;

/// The last argument of every store to shared memory, made before it and ended after it. A test
/// build is told of both moments, so that it can die or stop there; otherwise it is nothing.
#ifdef SHM_DISRUPTOR_FAILPOINTS
void failpoint(const char* moment, const char* file, int line);
class Failpoint {
 public:
  Failpoint(const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : file_(file), line_(line) {
    failpoint("before", file_, line_);
  }
  ~Failpoint() { failpoint("after", file_, line_); }
  Failpoint(const Failpoint&) = delete;
  Failpoint& operator=(const Failpoint&) = delete;

 private:
  const char* file_;
  int line_;
};
#else
struct Failpoint {};
#endif

/// One 64-bit counter in shared memory. Lock-free on every platform that is supported, which is
/// what makes it work between processes.
class Sequence {
 public:
  /// For values that only this thread changes or that a later compare_exchange confirms.
  uint64_t load_relaxed() const { return word_.load(std::memory_order_relaxed); }
  /// Pairs with the release half of compare_exchange: what the writer did before is visible.
  uint64_t load_acquire() const { return word_.load(std::memory_order_acquire); }
  /// For loads that decide to give up, to help or to sleep: one half of a store-then-load pair
  /// (Dekker) whose other half is a sequentially consistent store or compare_exchange.
  uint64_t load_ordered() const { return word_.load(std::memory_order_seq_cst); }
  /// The store half of such a pair; releases what was written before.
  void store_ordered(uint64_t value, Failpoint = {}) {
    word_.store(value, std::memory_order_seq_cst);
  }
  /// Releases what was written before; for a word that only this thread writes.
  void store_release(uint64_t value, Failpoint = {}) {
    word_.store(value, std::memory_order_release);
  }
  /// For a word that only this thread writes, and whose order others take from another store.
  void store_relaxed(uint64_t value, Failpoint = {}) {
    word_.store(value, std::memory_order_relaxed);
  }
  /// Adds one, and says what was there before.
  uint64_t take_ticket(Failpoint = {}) { return word_.fetch_add(1, std::memory_order_seq_cst); }
  void add(uint64_t amount, Failpoint = {}) { word_.fetch_add(amount, std::memory_order_seq_cst); }
  /// Sequentially consistent on success: acquires, releases and takes part in Dekker pairs.
  bool compare_exchange(uint64_t expected, uint64_t desired, Failpoint = {}) {
    return word_.compare_exchange_strong(expected, desired, std::memory_order_seq_cst,
                                         std::memory_order_relaxed);
  }
  void set_bits(uint64_t bits, Failpoint = {}) { word_.fetch_or(bits, std::memory_order_seq_cst); }
  void clear_bits(uint64_t bits, Failpoint = {}) {
    word_.fetch_and(~bits, std::memory_order_seq_cst);
  }

 private:
  std::atomic<uint64_t> word_{0};
};

/// One 32-bit word in shared memory: what a futex sleeps on, and small application words.
class Word {
 public:
  uint32_t load_acquire() const { return word_.load(std::memory_order_acquire); }
  uint32_t load_ordered() const { return word_.load(std::memory_order_seq_cst); }
  /// Releases what was written before; for a word that only this thread writes.
  void store_release(uint32_t value, Failpoint = {}) {
    word_.store(value, std::memory_order_release);
  }
  /// The store half of a Dekker pair; releases what was written before.
  void store_ordered(uint32_t value, Failpoint = {}) {
    word_.store(value, std::memory_order_seq_cst);
  }
  uint32_t set_bits(uint32_t bits, Failpoint = {}) {
    return word_.fetch_or(bits, std::memory_order_seq_cst);
  }
  uint32_t add(uint32_t amount, Failpoint = {}) {
    return word_.fetch_add(amount, std::memory_order_seq_cst);
  }
  bool compare_exchange(uint32_t expected, uint32_t desired, Failpoint = {}) {
    return word_.compare_exchange_strong(expected, desired, std::memory_order_seq_cst,
                                         std::memory_order_relaxed);
  }
  /// For the futex system call alone.
  const void* address() const { return &word_; }

 private:
  std::atomic<uint32_t> word_{0};
};

static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(Sequence) == 8);
static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(Word) == 4);

}  // namespace shm_disruptor
