// Linux: futexes. Not the private kind, since the sleepers may live in other processes.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

#include "futex.h"

namespace shm_disruptor::os {

void sleep_while(const Word& word, uint32_t expected, uint64_t nanoseconds) {
  timespec duration{};
  duration.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000);
  duration.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
  syscall(SYS_futex, word.address(), FUTEX_WAIT, expected, &duration, nullptr, 0);
}

void wake_all(const Word& word) {
  syscall(SYS_futex, word.address(), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint64_t now_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace shm_disruptor::os
