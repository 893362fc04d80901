// Linux: POSIX threads.
#include <pthread.h>

#include "thread.h"

// The addon runs with the glibc of Node itself, in which these functions have an older version than
// in the one that may have built it (2.34). Both versions are the same function.
#ifdef SHM_DISRUPTOR_ADDON
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.17");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.17");
#endif
#endif

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
