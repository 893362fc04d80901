#include "thread.h"

namespace shm_disruptor::os {

void* Thread::main(void* thread) {
  const auto* self = static_cast<Thread*>(thread);
  self->run_(self->context_);
  return nullptr;
}

bool Thread::start(Run run, void* context) {
  run_ = run;
  context_ = context;
  started_ = pthread_create(&thread_, nullptr, main, this) == 0;
  return started_;
}

void Thread::join() {
  if (!started_) return;
  pthread_join(thread_, nullptr);
  started_ = false;
}

}  // namespace shm_disruptor::os
