// From the watcher's thread to the event loop.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "../core/watcher.h"

namespace shm_disruptor::binding {

/// Watches words for one environment and calls a JavaScript function, on the loop, with the keys of
/// those that have changed. Does not keep the loop alive.
///
/// Order of destruction, whether a worker is terminated or the process exits: the cleanup hook
/// joins the watcher's thread; then Node closes the thread-safe function, which nobody calls any
/// more; then the watched mappings may go.
class Waker {
 public:
  /// `method` is what Watcher takes. The hook of the function comes first, ours runs before it.
  Waker(Napi::Env env, Napi::Function changed, Watcher::Method method);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void watch(Watcher::Key key, const MappingRef& mapping, const Word& word, uint32_t seen) {
    if (watcher_) watcher_->watch(key, mapping, word, seen);
  }

 private:
  static void notify(void* waker);
  static void deliver(napi_env env, napi_value changed, void* waker, void* data);
  static void stop(void* waker);

  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  std::vector<Watcher::Key> keys_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace shm_disruptor::binding
