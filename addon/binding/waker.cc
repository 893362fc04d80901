#include "waker.h"

namespace shm_disruptor::binding {

Waker::Waker(Napi::Env env, Napi::Function changed, Watcher::Method method) : env_(env) {
  napi_create_threadsafe_function(env, changed, nullptr,
                                  Napi::String::New(env, "shm-disruptor watcher"), 0, 1, nullptr,
                                  nullptr, this, deliver, &function_);
  napi_unref_threadsafe_function(env, function_);
  napi_add_env_cleanup_hook(env, stop, this);
  watcher_ = std::make_unique<Watcher>(notify, this, method);
}

Waker::~Waker() {
  if (!watcher_) return;
  napi_remove_env_cleanup_hook(env_, stop, this);
  stop(this);
}

void Waker::stop(void* waker) { static_cast<Waker*>(waker)->watcher_.reset(); }

// On the watcher's thread.
void Waker::notify(void* data) {
  auto* waker = static_cast<Waker*>(data);
  napi_call_threadsafe_function(waker->function_, nullptr, napi_tsfn_nonblocking);
}

// On the loop. Without an environment it is being torn down.
void Waker::deliver(napi_env env, napi_value changed, void* data, void*) {
  auto* waker = static_cast<Waker*>(data);
  if (env == nullptr || !waker->watcher_) return;
  waker->watcher_->take_changed(&waker->keys_);
  if (waker->keys_.empty()) return;
  napi_value keys = nullptr;
  napi_create_array_with_length(env, waker->keys_.size(), &keys);
  for (uint32_t i = 0; i < waker->keys_.size(); ++i) {
    napi_value key = nullptr;
    napi_create_double(env, static_cast<double>(waker->keys_[i]), &key);
    napi_set_element(env, keys, i, key);
  }
  napi_value undefined = nullptr;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, changed, 1, &keys, nullptr);
}

}  // namespace shm_disruptor::binding
