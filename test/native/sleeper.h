// A thread that sleeps on a word that does not change: only a wake ends its sleep.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "../../addon/core/os/futex.h"
#include "check.h"

namespace fixture {

class Sleeper {
 public:
  /// Returns when it sleeps.
  explicit Sleeper(const shm_disruptor::Word& word) : thread_([this, &word] { sleep(word); }) {
    while (!asleep()) shm_disruptor::os::nap(1'000'000);
  }
  ~Sleeper() { thread_.join(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  /// Whether it was woken; waits for that.
  bool woken() {
    const uint64_t begin = shm_disruptor::os::now_nanoseconds();
    while (!woken_.load() && shm_disruptor::os::now_nanoseconds() - begin < kPatience) {
      shm_disruptor::os::nap(1'000'000);
    }
    return woken_.load();
  }

 private:
  static constexpr uint64_t kPatience = 30'000'000'000;

  void sleep(const shm_disruptor::Word& word) {
    const uint64_t begin = shm_disruptor::os::now_nanoseconds();
    const uint32_t seen = word.load_ordered();
    thread_id_.store(static_cast<int>(syscall(SYS_gettid)));
    // A signal may end it as well.
    shm_disruptor::os::sleep_while(word, seen, 2 * kPatience);
    woken_.store(shm_disruptor::os::now_nanoseconds() - begin < 2 * kPatience);
  }

  // The kernel says what it does: it does nothing else that would make it sleep.
  bool asleep() const {
    const int id = thread_id_.load();
    if (id == 0) return false;
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const size_t state = stat.rfind(')') + 2;
    return state < stat.size() && stat[state] == 'S';
  }

  std::atomic<int> thread_id_{0};
  std::atomic<bool> woken_{false};
  std::thread thread_;
};

}  // namespace fixture
