// Waiting for shared memory to change: spin first, then sleep on a futex.
//
// A wait word's lowest bit says that somebody sleeps or is about to; the rest counts wakes.
//
//   sleeper                                    waker (after its ordered store to a sequence)
//   1  seen = word.set_bits(1) | 1             a  seen = word
//   2  look again, with ordered loads          b  if bit 0: word = seen + 1, clearing the bit
//   3  sleep while word == seen                c            wake everybody
//
// No wake is lost: 1-2 and the waker's store-a are the two halves of a store-then-load pair, all
// four sequentially consistent, so either 2 sees what the waker stored or a sees the bit. If the
// latter, b changes the word, and 3 does not begin to sleep or is woken by c. Where nobody
// sleeps, a waker pays one load.
//
// Waking by number. A queue's message is for one consumer, and a program may ask for one waiter of
// plain memory (memory.h): only so many are woken. The kernel counts the entries of the word's
// queue. An entry is a thread in os::sleep_while, or a watch: an event loop's own
// (polled_watcher.h) or that of its thread (watcher.h). An entry may be there for a wait that is
// over.
//
//   Invariant: after the kernel has spent a wake on an entry, either a wait looks that was pending
//   at that moment, or the wake is passed on to another entry.
//
// So a wake for `count` reaches `count` waits if there are as many, and perhaps more.
//
// - A thread looks each time it returns from os::sleep_while, also when its time is up. A consumer
//   that fails with an error instead of taking a message passes on (Sequencer::take_assignment).
// - A watch is taken back in the moment in which a wait of its channel ends without it: when the
//   wait was answered by a look of its own, was given up, or failed (src/waiting/channel.ts). The
//   kernel says whether the watch had been woken before, and then the wake is passed on. If the
//   watch has been woken while all its waits were pending, they look.
// - Passing on needs no change of the word. A waiter that was not in the queue yet when the wake
//   was spent has looked, or will, after the store that the wake tells of.
//
// test/model/wake_some.pml is this. It says nothing of a process that is stopped or killed, or of
// an event loop that runs other code for long, between the wake and the look. The wake waits there,
// or dies there. What is left is that every waiter looks by itself now and then: each half second
// on an event loop, and each 50 ms in a synchronous wait.
#pragma once

#include <cstdint>

#include "os/futex.h"
#include "sequence.h"

namespace shm_disruptor {

inline constexpr uint32_t kSleepersBit = 1;

/// How a wait passes its time; the numbers are those of src/waiting/strategy.ts.
enum class Strategy : uint8_t {
  kAdaptive,  ///< spin for as long as the polling budget allows, then sleep on the word
  kBlock,     ///< sleep on the word at once
  kSleep,     ///< spin for as long as the polling budget allows, then look every 50 microseconds
  kYield,     ///< look, letting others run in between
  kBusySpin,  ///< look without a pause
};

/// What a handle's owner chose.
struct Waiting {
  Strategy strategy = Strategy::kAdaptive;
  uint64_t budget = 200'000;  ///< nanoseconds to spin before sleeping
};

inline constexpr uint64_t kNapNanoseconds = 50'000;
inline constexpr uint64_t kYieldAfterNanoseconds = 50'000;
inline constexpr uint64_t kUnblockNanoseconds = 10'000'000;
inline constexpr int kBackOffPauses = 32;

inline void relax_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

inline void relax_processor(int times) {
  for (int i = 0; i < times; ++i) relax_processor();
}

/// For whoever was not the first to change a word that all want to change: a moment, in which the
/// winner does several more while the cache line is its own. All at once they would take it from
/// each other for every single change.
inline void back_off() { relax_processor(kBackOffPauses); }

/// Announces a sleeper: step 1. The caller looks again and then sleeps while `word` holds what this
/// returns.
inline uint32_t announce_sleeper(Word& word) { return word.set_bits(kSleepersBit) | kSleepersBit; }

/// Wakes the sleepers of `word`, if there are any. Call after the store that they wait for.
inline void wake_sleepers(Word& word) {
  for (;;) {
    const uint32_t seen = word.load_ordered();
    if ((seen & kSleepersBit) == 0) return;
    if (!word.compare_exchange(seen, seen + 1)) continue;
    os::wake_all(word);
    return;
  }
}

/// Wakes at most `count` of them, for what only so many can have: the others sleep on.
///
/// The bit stays set for those others, and the word changes all the same, so that nobody lies down
/// who has looked before. When there are fewer, the bit must go, or every waker would call the
/// kernel for nobody; and whoever lies down until it does is woken with the full protocol.
/// test/model/wake_some.pml is this.
inline void wake_some(Word& word, uint32_t count) {
  for (;;) {
    const uint32_t seen = word.load_ordered();
    if ((seen & kSleepersBit) == 0) return;
    if (!word.compare_exchange(seen, seen + 2)) continue;
    if (os::wake(word, count) < count) wake_sleepers(word);
    return;
  }
}

/// Wakes one sleeper of `word` in the place of an entry that was woken and has no wait for it: see
/// above. The word may be mapped for reading alone.
inline void pass_on(const Word& word) { os::wake(word, 1); }

/// Waits until `ready()` is true, for at most `nanoseconds`; says whether it is. `announce` is
/// called before each sleep and gives the value of `word` while which to sleep. `ready` uses
/// ordered loads and is called often; `unblock` is called before each sleep, and by those who never
/// sleep now and then: it does something about those who are dead and hold us up.
template <class Announce, class Ready, class Unblock>
bool wait_until(const Word& word, uint64_t nanoseconds, const Waiting& waiting, Announce announce,
                Ready ready, Unblock unblock) {
  if (ready()) return true;
  if (nanoseconds == 0) return false;
  const uint64_t begin = os::now_nanoseconds();
  const bool spins = waiting.strategy == Strategy::kBusySpin;
  const bool polls = spins || waiting.strategy == Strategy::kYield;
  const uint64_t budget = waiting.strategy == Strategy::kBlock ? 0 : waiting.budget;
  const uint64_t poll = polls || nanoseconds < budget ? nanoseconds : budget;
  uint64_t unblocked = 0;

  for (uint64_t elapsed = 0; elapsed < poll; elapsed = os::now_nanoseconds() - begin) {
    for (int i = 0; i < 32; ++i) {
      relax_processor();
      if (ready()) return true;
    }
    // A waker's processor is where the kernel likes to put the woken: whoever spins there without
    // ever letting it run keeps itself waiting. Not at once, because it costs more than an answer
    // from the next processor takes.
    if (!spins && elapsed > kYieldAfterNanoseconds) os::yield();
    if (elapsed >= unblocked + kUnblockNanoseconds) {
      unblocked = elapsed;
      unblock();
    }
  }
  while (!polls) {
    const bool naps = waiting.strategy == Strategy::kSleep;
    const uint32_t seen = naps ? 0 : announce();
    unblock();
    if (ready()) return true;
    const uint64_t elapsed = os::now_nanoseconds() - begin;
    if (elapsed >= nanoseconds) return false;
    const uint64_t rest = nanoseconds - elapsed;
    if (naps) {
      os::nap(rest < kNapNanoseconds ? rest : kNapNanoseconds);
    } else {
      os::sleep_while(word, seen, rest);
    }
  }
  return ready();
}

/// The same on a wait word, by the protocol above.
template <class Ready, class Unblock>
bool wait_until(Word& word, uint64_t nanoseconds, const Waiting& waiting, Ready ready,
                Unblock unblock) {
  return wait_until(
      word, nanoseconds, waiting, [&word] { return announce_sleeper(word); }, ready, unblock);
}

/// The blocking waits of one participant. A long wait comes in slices, so that its thread can be
/// ended in between. It polls once: a slice after one in vain sleeps at once. A look without
/// waiting begins a new wait. Belongs to one thread.
class SlicedWait {
 public:
  explicit SlicedWait(Waiting waiting) : waiting_(waiting) {}

  /// As wait_until.
  template <class Ready, class Unblock>
  bool operator()(Word& word, uint64_t nanoseconds, Ready ready, Unblock unblock) {
    return (*this)(
        word, nanoseconds, [&word] { return announce_sleeper(word); }, ready, unblock);
  }
  template <class Announce, class Ready, class Unblock>
  bool operator()(const Word& word, uint64_t nanoseconds, Announce announce, Ready ready,
                  Unblock unblock) {
    Waiting waiting = waiting_;
    if (in_vain_) waiting.budget = 0;
    const bool done = wait_until(word, nanoseconds, waiting, announce, ready, unblock);
    in_vain_ = !done && nanoseconds != 0;
    return done;
  }

 private:
  Waiting waiting_;
  bool in_vain_ = false;  // the last wait ended without what it waited for
};

}  // namespace shm_disruptor
