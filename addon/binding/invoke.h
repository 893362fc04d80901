// From a call of a function that all handles share to the handle that the exchange names.
#pragma once

#include <node_api.h>

#include "environment.h"
#include "errors.h"

namespace shm_disruptor::binding {

/// The method's outcome lies in the exchange, unless it is an exception. `Handle::named` finds the
/// handle; the data of every function is the environment.
template <class Handle, Status (Handle::*method)(Environment&)>
napi_value invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  Handle* handle = Handle::named(environment);
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  const Status status = (handle->*method)(environment);
  return status.ok() ? nullptr : throw_error(env, status.error());
}

}  // namespace shm_disruptor::binding
