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
#pragma once

#include <cstdint>

#include "os/futex.h"
#include "sequence.h"

namespace shm_disruptor {

inline constexpr uint32_t kSleepersBit = 1;

/// How long a wait spins before it sleeps. Longer than a message takes between two busy processes,
/// shorter than anything a person or a power bill notices.
inline constexpr uint64_t kSpinNanoseconds = 50'000;

inline void relax_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

/// Wakes the sleepers of `word`, if there are any. Call after the store that they wait for.
inline void wake_sleepers(Word& word) {
  const uint32_t seen = word.load_ordered();
  if ((seen & kSleepersBit) == 0) return;
  // Whoever loses this race leaves the waking to the winner, who saw the same sleepers.
  if (word.compare_exchange(seen, seen + 1)) os::wake_all(word);
}

/// Waits until `ready()` is true, for at most `nanoseconds`; says whether it is. `ready` uses
/// ordered loads and is called often.
template <class Ready>
bool wait_until(Word& word, uint64_t nanoseconds, Ready ready) {
  if (ready()) return true;
  if (nanoseconds == 0) return false;
  const uint64_t begin = os::now_nanoseconds();
  const uint64_t spin = nanoseconds < kSpinNanoseconds ? nanoseconds : kSpinNanoseconds;
  do {
    for (int i = 0; i < 32; ++i) {
      relax_processor();
      if (ready()) return true;
    }
  } while (os::now_nanoseconds() - begin < spin);

  for (;;) {
    const uint32_t seen = word.set_bits(kSleepersBit) | kSleepersBit;
    if (ready()) return true;
    const uint64_t elapsed = os::now_nanoseconds() - begin;
    if (elapsed >= nanoseconds) return false;
    os::sleep_while(word, seen, nanoseconds - elapsed);
  }
}

}  // namespace shm_disruptor
