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

  /// What cancelling came to.
  enum class Cancelled : uint8_t {
    kUnspent,  ///< it has ended, and no wake was spent on it
    kSpent,    ///< it had ended before, and a wake was or may have been spent on it
    kGoesOn,   ///< it has not ended: the system has no room for that
  };
  /// Ends the wait of that token, which was not told as ended. It may be told afterwards, or not.
  Cancelled cancel(uint64_t token);

  /// A wait that has ended.
  struct Ended {
    uint64_t token;
    bool woken;  ///< a wake was spent on it
  };
  /// Adds the waits that have ended since.
  void take_ended(std::vector<Ended>* ended);

 private:
  FutexPoll() = default;
  bool set_up();
  bool works();

  struct Queues;
  struct Entry;
  bool submit(const Entry& entry);
  void drop_ended(uint64_t token);

  int descriptor_ = -1;
  std::unique_ptr<Queues> queues_;
};

}  // namespace shm_disruptor::os
