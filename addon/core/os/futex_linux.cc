// Linux: futexes. Not the private kind, since the sleepers may live in other processes.
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "futex.h"

namespace shm_disruptor::os {

namespace {

// As in newer kernels' headers, which the machine that builds this may not have.
constexpr long kFutexWaitv = 449;
constexpr uint32_t kFutexIs32Bits = 2;
struct FutexWaiter {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};

timespec timespec_of(uint64_t nanoseconds) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000);
  time.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
  return time;
}

}  // namespace

void sleep_while(const Word& word, uint32_t expected, uint64_t nanoseconds) {
  const timespec duration = timespec_of(nanoseconds);
  syscall(SYS_futex, word.address(), FUTEX_WAIT, expected,
          nanoseconds == kForever ? nullptr : &duration, nullptr, 0);
}

bool can_sleep_on_many() {
  // Nothing to wait for: invalid where the call exists, something else where it does not.
  return syscall(kFutexWaitv, nullptr, 0, 0, nullptr, 0) == -1 && errno == EINVAL;
}

int sleep_while_all(const Sleep* sleeps, size_t count, uint64_t nanoseconds) {
  FutexWaiter waiters[kMaxSleeps];
  for (size_t i = 0; i < count; ++i) {
    waiters[i] = {sleeps[i].expected, reinterpret_cast<uint64_t>(sleeps[i].word->address()),
                  kFutexIs32Bits, 0};
  }
  // Unlike FUTEX_WAIT, it takes the time at which to give up.
  const timespec until = timespec_of(nanoseconds == kForever ? 0 : now_nanoseconds() + nanoseconds);
  return static_cast<int>(syscall(kFutexWaitv, waiters, count, 0,
                                  nanoseconds == kForever ? nullptr : &until, CLOCK_MONOTONIC));
}

uint32_t wake(const Word& word, uint32_t count) {
  const int most = count < uint32_t{INT_MAX} ? static_cast<int>(count) : INT_MAX;
  // The kernel takes none for one.
  if (most == 0) return 0;
  const long woken = syscall(SYS_futex, word.address(), FUTEX_WAKE, most, nullptr, nullptr, 0);
  return woken > 0 ? static_cast<uint32_t>(woken) : 0;
}

void wake_all(const Word& word) { wake(word, INT_MAX); }

void nap(uint64_t nanoseconds) {
  const timespec duration = timespec_of(nanoseconds);
  nanosleep(&duration, nullptr);
}

void yield() { sched_yield(); }

uint64_t now_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace shm_disruptor::os
