#include "waker.h"

#include <uv.h>

namespace shm_disruptor::binding {

// Lives until the loop has closed it, which is after the Waker is gone.
struct Waker::LoopHandle {
  uv_poll_t poll;
  Waker* waker;
  napi_async_cleanup_hook_handle hook = nullptr;

  static void readable(uv_poll_t* poll, int, int) {
    static_cast<LoopHandle*>(poll->data)->waker->deliver();
  }

  // The environment's cleanup waits until the handle is closed.
  static void stop(napi_async_cleanup_hook_handle hook, void* data) {
    auto* handle = static_cast<LoopHandle*>(data);
    handle->hook = hook;
    handle->waker->stopped_ = true;
    handle->waker->loop_handle_ = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->poll), [](uv_handle_t* closed) {
      auto* handle = static_cast<LoopHandle*>(closed->data);
      napi_remove_async_cleanup_hook(handle->hook);
      delete handle;
    });
    handle->waker->polled_.reset();
  }
};

Waker::Waker(Napi::Env env, Napi::Function changed, Method method) : env_(env), method_(method) {
  napi_create_reference(env, changed, 1, &changed_);
  // The thread starts with the first word to watch.
  if (method == Method::kBest) start_polling();
}

Waker::~Waker() { stop_thread(this); }

bool Waker::watch(uint64_t key, const MappingRef& mapping, const Word& word, uint32_t seen) {
  // Nothing wakes an environment that ends.
  if (stopped_) return true;
  const bool in_thread = watcher_ && watcher_->has(key);
  if (!in_thread && polled_ && polled_->watch(key, mapping, word, seen)) return true;
  if (method_ == Method::kNone || (!watcher_ && !start_thread())) return false;
  watcher_->watch(key, mapping, word, seen);
  return true;
}

void Waker::forget(uint64_t key) {
  if (polled_) polled_->forget(key);
  if (watcher_) watcher_->forget(key);
}

bool Waker::start_polling() {
  auto poll = os::FutexPoll::make();
  uv_loop_t* loop = nullptr;
  if (!poll || napi_get_uv_event_loop(env_, &loop) != napi_ok) return false;
  auto* handle = new LoopHandle();
  handle->waker = this;
  if (uv_poll_init(loop, &handle->poll, poll->descriptor()) != 0) {
    delete handle;
    return false;
  }
  handle->poll.data = handle;
  uv_poll_start(&handle->poll, UV_READABLE, LoopHandle::readable);
  uv_unref(reinterpret_cast<uv_handle_t*>(&handle->poll));
  napi_add_async_cleanup_hook(env_, LoopHandle::stop, handle, nullptr);
  loop_handle_ = handle;
  polled_ = std::make_unique<PolledWatcher>(std::move(poll));
  return true;
}

// False: the system has no thread left. Then the next call tries again.
bool Waker::start_thread() {
  if (function_ == nullptr && !make_function()) return false;
  watcher_ = Watcher::start(
      [](void* waker) {
        napi_call_threadsafe_function(static_cast<Waker*>(waker)->function_, nullptr,
                                      napi_tsfn_nonblocking);
      },
      this, method_ == Method::kLook ? Watcher::Method::kLook : Watcher::Method::kBest);
  if (!watcher_) return false;
  // After the function's own hook, so that it runs before that one.
  napi_add_env_cleanup_hook(env_, stop_thread, this);
  return true;
}

bool Waker::make_function() {
  napi_value name = nullptr;
  napi_create_string_utf8(env_, "shm-disruptor watcher", NAPI_AUTO_LENGTH, &name);
  const napi_status made = napi_create_threadsafe_function(
      env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
      [](napi_env env, napi_value, void* waker, void*) {
        // Without an environment it is being torn down.
        if (env != nullptr) static_cast<Waker*>(waker)->deliver();
      },
      &function_);
  if (made != napi_ok) return false;
  napi_unref_threadsafe_function(env_, function_);
  return true;
}

void Waker::stop_thread(void* data) {
  auto* waker = static_cast<Waker*>(data);
  waker->stopped_ = true;
  if (!waker->watcher_) return;
  napi_remove_env_cleanup_hook(waker->env_, stop_thread, waker);
  waker->watcher_.reset();
}

// On the loop: tells JavaScript what has changed.
//
// Plain Node-API, whose calls merely fail while a worker is being terminated; the C++ wrapper would
// end the process.
void Waker::deliver() {
  if (stopped_) return;
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value keys = nullptr;
  napi_create_array(env_, &keys);
  uint32_t count = 0;
  const auto add = [&](auto& watcher) {
    watcher.take_changed(&keys_);
    for (const uint64_t key : keys_) {
      napi_value number = nullptr;
      napi_create_double(env_, static_cast<double>(key), &number);
      napi_set_element(env_, keys, count++, number);
    }
  };
  if (polled_) add(*polled_);
  if (watcher_) add(*watcher_);
  if (count > 0) {
    napi_value global = nullptr;
    napi_value changed = nullptr;
    napi_get_global(env_, &global);
    napi_get_reference_value(env_, changed_, &changed);
    napi_make_callback(env_, nullptr, global, changed, 1, &keys, nullptr);
  }
  napi_close_handle_scope(env_, scope);
}

}  // namespace shm_disruptor::binding
