#include "waker.h"

#include <uv.h>

#include <algorithm>

namespace shm_disruptor::binding {

namespace {

// A key of the watchers': which listener's, and which of its own.
constexpr unsigned kListenerShift = 40;

uint64_t watched_key(Waker::Listener listener, uint64_t key) {
  return uint64_t{listener} << kListenerShift | key;
}
Waker::Listener listener_of(uint64_t watched) {
  return static_cast<Waker::Listener>(watched >> kListenerShift);
}
double own_key_of(uint64_t watched) {
  return static_cast<double>(watched & ((uint64_t{1} << kListenerShift) - 1));
}

}  // namespace

// The loop's handle on the words. It lives until the loop has closed it, which may be after the
// Waker is gone.
struct Waker::LoopHandle {
  uv_poll_t poll;
  Waker* waker;
  napi_async_cleanup_hook_handle hook = nullptr;

  static void readable(uv_poll_t* poll, int, int) {
    static_cast<LoopHandle*>(poll->data)->waker->deliver();
  }

  // The environment's cleanup waits until the handle is closed.
  static void environment_ends(napi_async_cleanup_hook_handle /*hook*/, void* data) {
    static_cast<LoopHandle*>(data)->waker->stop_polling();
  }

  static void closed(uv_handle_t* handle) {
    auto* self = static_cast<LoopHandle*>(handle->data);
    if (self->hook) napi_remove_async_cleanup_hook(self->hook);
    delete self;
  }
};

Waker::Waker(napi_env env, Method method) : env_(env), method_(method) {
  // The thread starts with the first word to watch.
  if (method == Method::kBest) start_polling();
}

Waker::~Waker() {
  stop_polling();
  stop_thread();
}

Waker::Listener Waker::listen(napi_value changed) {
  napi_ref reference = nullptr;
  napi_create_reference(env_, changed, 1, &reference);
  listeners_.push_back(reference);
  return static_cast<Listener>(listeners_.size() - 1);
}

bool Waker::watch(Listener listener, uint64_t key, const MappingRef& mapping, const Word& word,
                  uint32_t seen) {
  // Nothing wakes an environment that ends.
  if (stopped_) return true;
  const uint64_t watched = watched_key(listener, key);
  const bool in_thread = watcher_ && watcher_->has(watched);
  if (!in_thread && polled_ && polled_->watch(watched, mapping, word, seen)) return true;
  if (method_ == Method::kNone || (!watcher_ && !start_thread())) return false;
  watcher_->watch(watched, mapping, word, seen);
  return true;
}

void Waker::forget(Listener listener, uint64_t key) {
  const uint64_t watched = watched_key(listener, key);
  if (polled_) polled_->forget(watched);
  if (watcher_) watcher_->forget(watched);
}

void Waker::let_go() {
  // The loop's own watches let go when they are forgotten.
  if (watcher_) watcher_->let_go();
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
  loop_handle_ = handle;
  polled_ = std::make_unique<PolledWatcher>(std::move(poll));
  uv_unref(reinterpret_cast<uv_handle_t*>(&handle->poll));
  if (uv_poll_start(&handle->poll, UV_READABLE, LoopHandle::readable) == 0 &&
      napi_add_async_cleanup_hook(env_, LoopHandle::environment_ends, handle, &handle->hook) ==
          napi_ok) {
    return true;
  }
  close_loop_handle();
  return false;
}

void Waker::stop_polling() {
  if (!loop_handle_) return;
  stopped_ = true;
  close_loop_handle();
}

void Waker::close_loop_handle() {
  uv_close(reinterpret_cast<uv_handle_t*>(&loop_handle_->poll), LoopHandle::closed);
  loop_handle_ = nullptr;
  polled_.reset();
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
  // Added after the function's own hook, and therefore called before it.
  napi_add_env_cleanup_hook(env_, environment_ends, this);
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

// Node closes the function itself, after this.
void Waker::environment_ends(void* data) {
  auto* waker = static_cast<Waker*>(data);
  waker->stopped_ = true;
  waker->watcher_.reset();
}

void Waker::stop_thread() {
  if (!watcher_) return;
  napi_remove_env_cleanup_hook(env_, environment_ends, this);
  environment_ends(this);
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
}

// On the loop: tells JavaScript what has changed.
//
// Plain Node-API, whose calls merely fail while a worker is being terminated; the C++ wrapper would
// end the process.
void Waker::deliver() {
  if (stopped_) return;
  keys_.clear();
  const auto add = [this](auto& watcher) {
    watcher.take_changed(&changed_);
    keys_.insert(keys_.end(), changed_.begin(), changed_.end());
  };
  if (polled_) add(*polled_);
  if (watcher_) add(*watcher_);
  // One call for each listener. What it calls may watch again, but delivers nothing.
  std::sort(keys_.begin(), keys_.end());
  for (auto from = keys_.begin(); from != keys_.end();) {
    const Listener listener = listener_of(*from);
    const auto to = std::find_if(from, keys_.end(),
                                 [listener](uint64_t key) { return listener_of(key) != listener; });
    call(listener, &*from, static_cast<size_t>(to - from));
    from = to;
  }
}

void Waker::call(Listener listener, const uint64_t* keys, size_t count) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value array = nullptr;
  napi_value global = nullptr;
  napi_value changed = nullptr;
  if (napi_create_array_with_length(env_, count, &array) == napi_ok &&
      napi_get_global(env_, &global) == napi_ok &&
      napi_get_reference_value(env_, listeners_[listener], &changed) == napi_ok) {
    for (size_t i = 0; i < count; ++i) {
      napi_value number = nullptr;
      napi_create_double(env_, own_key_of(keys[i]), &number);
      napi_set_element(env_, array, static_cast<uint32_t>(i), number);
    }
    // Some runtimes need a place for the result.
    napi_value result = nullptr;
    if (napi_make_callback(env_, nullptr, global, changed, 1, &array, &result) ==
        napi_pending_exception) {
      napi_value exception = nullptr;
      if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok) {
        napi_fatal_exception(env_, exception);
      }
    }
  }
  napi_close_handle_scope(env_, scope);
}

}  // namespace shm_disruptor::binding
