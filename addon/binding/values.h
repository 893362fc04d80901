// Values for JavaScript. Plain Node-API: see errors.cc.
#pragma once

#include <node_api.h>

#include <cstdint>

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

/// A number of JavaScript's that is an integer from 0 to 2^53 - 1.
inline uint64_t unsigned_number(napi_env env, napi_value value) {
  int64_t number = 0;
  napi_get_value_int64(env, value, &number);
  return static_cast<uint64_t>(number);
}

inline napi_property_descriptor value_property(const char* name, napi_value value) {
  return {name, nullptr, nullptr, nullptr, nullptr, value, napi_enumerable, nullptr};
}

inline napi_property_descriptor method_property(const char* name, napi_callback callback,
                                                void* data) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_enumerable, data};
}

}  // namespace shm_disruptor::binding
