// Sleeping on a 32-bit word in shared memory until somebody wakes its sleepers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../sequence.h"

namespace shm_disruptor::os {

/// A number of nanoseconds that never passes.
inline constexpr uint64_t kForever = ~uint64_t{0};

/// Sleeps while `word` holds `expected`, for at most `nanoseconds`, until `wake_all` or for no
/// reason at all: the caller looks again in any case.
void sleep_while(const Word& word, uint32_t expected, uint64_t nanoseconds);

/// A word to sleep on while it holds `expected`.
struct Sleep {
  const Word* word;
  uint32_t expected;
};

/// How many words sleep_while_all can sleep on at once.
inline constexpr size_t kMaxSleeps = 128;

/// Whether this kernel and sandbox have sleep_while_all.
bool can_sleep_on_many();

/// As sleep_while, on `count` words at once: sleeps while each holds what is expected. The index of
/// the last word of which a sleeper was woken here, and -1 if there is none. Of the words before it
/// others may have been woken too.
int sleep_while_all(const Sleep* sleeps, size_t count, uint64_t nanoseconds);

/// Wakes at most `count` of those who sleep on `word`, in every process; how many it has woken.
uint32_t wake(const Word& word, uint32_t count);

/// Wakes all of them.
void wake_all(const Word& word);

/// Sleeps for so long.
void nap(uint64_t nanoseconds);

/// Lets another thread run, if one wants to.
void yield();

/// Monotonic time in nanoseconds.
uint64_t now_nanoseconds();

}  // namespace shm_disruptor::os
