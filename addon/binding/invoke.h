// From a call of a function that all handles share to the handle that the exchange names.
#pragma once

#include <node_api.h>

#include "errors.h"

namespace shm_disruptor::binding {

/// The method's outcome lies in the exchange, unless it is an exception. `Handle::named` finds the
/// handle; the data of every function is its instance.
template <class Handle, Status (Handle::*method)(Instance&)>
napi_value invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  Handle* handle = Handle::named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  const Status status = (handle->*method)(instance);
  return status.ok() ? nullptr : throw_error(instance, status.error());
}

}  // namespace shm_disruptor::binding
