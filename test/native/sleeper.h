// A thread that sleeps on a word that does not change: only a wake ends its sleep.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "../../addon/core/os/futex.h"
#include "check.h"
#include "fixture.h"

namespace fixture {

class Sleeper {
 public:
  /// Returns when the thread sleeps.
  explicit Sleeper(const shm_disruptor::Word& word) : thread_([this, &word] { sleep(word); }) {
    runner::await("a thread to sleep", [&] { return id_.load() != 0 && asleep(id_.load()); });
  }
  ~Sleeper() { thread_.join(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  /// Returns when the thread was woken. A wake that is lost ends the test by the watchdog.
  void await_wake() const {
    runner::await("the sleeper to be woken", [&] { return woken_.load(); });
  }

 private:
  void sleep(const shm_disruptor::Word& word) {
    const uint32_t seen = word.load_ordered();
    id_.store(static_cast<uint32_t>(syscall(SYS_gettid)));
    shm_disruptor::os::sleep_while(word, seen, shm_disruptor::os::kForever);
    woken_.store(true);
  }

  std::atomic<uint32_t> id_{0};
  std::atomic<bool> woken_{false};
  std::thread thread_;
};

}  // namespace fixture
