// Futex waits that end through a file descriptor, so that an event loop can wait for them itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../sequence.h"

namespace shm_disruptor::os {

/// Any number of waits at once. Belongs to one thread, the event loop's.
class FutexPoll {
 public:
  /// Null where the kernel or the sandbox does not have it (io_uring with futexes, Linux 6.7).
  static std::unique_ptr<FutexPoll> make();
  ~FutexPoll();
  FutexPoll(const FutexPoll&) = delete;
  FutexPoll& operator=(const FutexPoll&) = delete;

  /// Readable when a wait may have ended.
  int descriptor() const { return descriptor_; }

  /// Begins to wait until `word` is woken, or no longer holds `expected`. Ends at once, and says
  /// false, where the system has no room for it.
  bool wait(const Word& word, uint32_t expected, uint64_t token);

  /// Ends the wait of that token, if there is one. Whether it ended so or otherwise, it is told
  /// once. Where the system has no room for that it goes on.
  void cancel(uint64_t token);

  /// Adds the tokens of the waits that have ended since.
  void take_ended(std::vector<uint64_t>* tokens);

 private:
  FutexPoll() = default;
  bool set_up();
  bool works();

  struct Queues;
  struct Entry;
  bool submit(const Entry& entry);

  int descriptor_ = -1;
  std::unique_ptr<Queues> queues_;
};

}  // namespace shm_disruptor::os
