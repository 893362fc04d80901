// The shape of every method of a handle: which handle is meant, one call of the core, an exception
// if that went wrong.
#pragma once

#include <node_api.h>

#include "environment.h"
#include "errors.h"

namespace shm_disruptor::binding {

/// Methods that are one function for all handles of a kind. `Handle` says which table it is in, and
/// whether it was released.
template <class Handle>
class Methods {
 public:
  using Method = Status (Handle::*)(Environment&);

  /// The one that the exchange names; null when there is none or it was released.
  static Handle* named(Environment& environment) {
    const uint64_t number = environment.exchange.get(Exchange::kHandle);
    auto* handle = static_cast<Handle*>(Handle::table(environment).find(number));
    return handle != nullptr && !handle->released() ? handle : nullptr;
  }

  /// The data of every method is the environment.
  template <Method method>
  static napi_value invoke(napi_env env, napi_callback_info info) {
    void* data = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
    auto& environment = *static_cast<Environment*>(data);
    Handle* handle = named(environment);
    if (handle == nullptr) {
      return throw_error(env, {Errc::kReleased, 0, nullptr});
    }
    const Status status = (handle->*method)(environment);
    return status.ok() ? nullptr : throw_error(env, status.error());
  }
};

/// How long a call may block the thread, in nanoseconds.
inline uint64_t patience(const Exchange& exchange) {
  return exchange.get(Exchange::kMilliseconds) * 1'000'000;
}

}  // namespace shm_disruptor::binding
