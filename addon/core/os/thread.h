// A thread whose start may fail.
#pragma once

#include <pthread.h>

namespace shm_disruptor::os {

/// As std::thread, which ends the process where the system has no thread left: a container may
/// limit them.
class Thread {
 public:
  using Run = void (*)(void* context);

  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  /// Runs `run(context)` on a new thread. False: there is none to be had. To be called once.
  bool start(Run run, void* context);

  /// Waits until it has returned. Nothing where it was not started.
  void join();

 private:
  static void* main(void* thread);

  Run run_ = nullptr;
  void* context_ = nullptr;
  pthread_t thread_{};
  bool started_ = false;
};

}  // namespace shm_disruptor::os
