// Waking the event loop when a word in shared memory changes.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "../core/polled_watcher.h"
#include "../core/watcher.h"

namespace shm_disruptor::binding {

/// Watches words for one environment and calls a JavaScript function, on the loop, with the keys of
/// those that have changed. Does not keep the loop alive.
///
/// The loop itself waits for the words where the kernel lets it, and a thread does otherwise.
///
/// Order of destruction, whether a worker is terminated or the process exits: the cleanup hooks
/// join the thread and close the loop's handle; then Node closes the thread-safe function, which
/// nobody calls any more; then the watched mappings may go.
class Waker {
 public:
  /// What src/waiting/channel.ts asks for.
  enum class Method : uint32_t { kBest, kThread, kLook, kNone };

  Waker(Napi::Env env, Napi::Function changed, Method method);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// False: the system has neither room nor a thread for it, and nothing is watched.
  bool watch(uint64_t key, const MappingRef& mapping, const Word& word, uint32_t seen);
  /// Ends the watching of that key, which is not told any more. A wake that was spent on it is
  /// passed on.
  void forget(uint64_t key);

 private:
  struct LoopHandle;

  bool start_thread();
  bool make_function();
  bool start_polling();
  void deliver();
  static void stop_thread(void* waker);

  const napi_env env_;
  const Method method_;
  napi_ref changed_ = nullptr;
  std::vector<uint64_t> keys_;

  std::unique_ptr<PolledWatcher> polled_;
  LoopHandle* loop_handle_ = nullptr;

  napi_threadsafe_function function_ = nullptr;
  std::unique_ptr<Watcher> watcher_;
  bool stopped_ = false;
};

}  // namespace shm_disruptor::binding
