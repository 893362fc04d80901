// A thread whose start may fail.
#pragma once

#include <memory>

namespace shm_disruptor::os {

/// As std::thread, which ends the process where the system has no thread left: a container may
/// limit them.
class Thread {
 public:
  using Run = void (*)(void* context);

  Thread();
  /// It was joined, or not started.
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  /// Runs `run(context)` on a new thread. False: there is none to be had. To be called once.
  bool start(Run run, void* context);

  /// Waits until it has returned. Nothing where it was not started.
  void join();

 private:
  struct Started;
  std::unique_ptr<Started> started_;
};

}  // namespace shm_disruptor::os
