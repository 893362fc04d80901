// Sleeping on a 32-bit word in shared memory until somebody wakes its sleepers.
#pragma once

#include <cstdint>

#include "../sequence.h"

namespace shm_disruptor::os {

/// Sleeps while `word` holds `expected`, for at most `nanoseconds`, until `wake_all` or for no
/// reason at all: the caller looks again in any case.
void sleep_while(const Word& word, uint32_t expected, uint64_t nanoseconds);

/// Wakes everybody who sleeps on `word`, in every process.
void wake_all(const Word& word);

/// Monotonic time in nanoseconds.
uint64_t now_nanoseconds();

}  // namespace shm_disruptor::os
