// Values for JavaScript. Plain Node-API: see errors.cc.
#pragma once

#include <node_api.h>

#include "../core/mapping.h"

namespace shm_disruptor::binding {

inline napi_value js_number(napi_env env, uint64_t value) {
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(value), &result);
  return result;
}

inline napi_value js_boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

inline napi_value js_bigint(napi_env env, uint64_t value) {
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, value, &result);
  return result;
}

inline napi_property_descriptor value_property(const char* name, napi_value value) {
  return {name, nullptr, nullptr, nullptr, nullptr, value, napi_enumerable, nullptr};
}

inline napi_property_descriptor method_property(const char* name, napi_callback callback,
                                                void* data) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_enumerable, data};
}

/// A view of `size` mapped bytes that keeps the mapping for as long as anybody can reach it. Null
/// with an exception where the runtime keeps all memory of JavaScript in one cage (Electron).
inline napi_value view_memory(napi_env env, const MappingRef& mapping, void* bytes, uint64_t size) {
  auto* owner = new MappingRef(mapping);
  const auto drop = [](napi_env, void*, void* held) { delete static_cast<MappingRef*>(held); };
  napi_value view = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, bytes, static_cast<size_t>(size), drop, owner, &view);
  if (status == napi_ok) return view;
  // After any other failure the finalizer has run.
  if (status == napi_no_external_buffers_allowed) {
    delete owner;
    napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS",
                     "This runtime does not let JavaScript see memory that it does not own");
  }
  return nullptr;
}

/// Empties a view of memory, and forgets it.
inline void detach_view(napi_env env, napi_ref& view) {
  if (view == nullptr) return;
  napi_value buffer = nullptr;
  napi_get_reference_value(env, view, &buffer);
  napi_detach_arraybuffer(env, buffer);
  napi_delete_reference(env, view);
  view = nullptr;
}

}  // namespace shm_disruptor::binding
