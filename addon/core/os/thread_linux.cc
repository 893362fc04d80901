// Linux: POSIX threads.
#include <pthread.h>

#include "thread.h"

namespace shm_disruptor::os {

struct Thread::Started {
  Run run;
  void* context;
  pthread_t thread;

  static void* main(void* started) {
    const auto* self = static_cast<Started*>(started);
    self->run(self->context);
    return nullptr;
  }
};

Thread::Thread() = default;
Thread::~Thread() = default;

bool Thread::start(Run run, void* context) {
  started_.reset(new Started{run, context, {}});
  if (pthread_create(&started_->thread, nullptr, Started::main, started_.get()) == 0) return true;
  started_.reset();
  return false;
}

void Thread::join() {
  if (!started_) return;
  pthread_join(started_->thread, nullptr);
  started_.reset();
}

}  // namespace shm_disruptor::os
