// Waking the event loop when a word in shared memory changes.
#pragma once

#include <node_api.h>

#include <memory>
#include <vector>

#include "../core/polled_watcher.h"
#include "../core/watcher.h"

namespace shm_disruptor::binding {

/// Watches words for one environment and calls JavaScript functions, on the loop, with the keys of
/// those that have changed. Does not keep the loop alive.
///
/// There is one for all that wait in the environment. Each evaluation of the package's JavaScript
/// is a listener, with keys of its own.
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

  /// Numbers the listeners.
  using Listener = uint32_t;

  Waker(napi_env env, Method method);
  /// Where the cleanup hooks have not run, ends all that they would end.
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Has `changed` called with the keys that change of those that are watched for it.
  Listener listen(napi_value changed);

  /// `key` is below 2^40. False: the system has neither room nor a thread for it, and nothing is
  /// watched.
  bool watch(Listener listener, uint64_t key, const MappingRef& mapping, const Word& word,
             uint32_t seen);
  /// Ends the watching of that key, which is not told any more. A wake that was spent on it is
  /// passed on.
  void forget(Listener listener, uint64_t key);
  /// Returns when no mapping is held for a key that was forgotten.
  void let_go();

 private:
  struct LoopHandle;

  bool start_thread();
  bool make_function();
  bool start_polling();
  void stop_polling();
  void close_loop_handle();
  void stop_thread();
  static void environment_ends(void* waker);
  void deliver();
  void call(Listener listener, const uint64_t* keys, size_t count);

  const napi_env env_;
  const Method method_;
  std::vector<napi_ref> listeners_;
  // Kept for their capacity: the keys that a delivery tells, and those of one watcher.
  std::vector<uint64_t> keys_;
  std::vector<uint64_t> changed_;

  std::unique_ptr<PolledWatcher> polled_;
  LoopHandle* loop_handle_ = nullptr;

  napi_threadsafe_function function_ = nullptr;
  std::unique_ptr<Watcher> watcher_;
  bool stopped_ = false;
};

}  // namespace shm_disruptor::binding
