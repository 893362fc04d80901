#include "errors.h"

namespace shm_disruptor::binding {

// Plain Node-API, whose calls merely fail while a worker is being terminated; the C++ wrapper would
// end the process.
napi_value make_error(const Instance& instance, const Error& error) {
  const napi_env env = instance.env;
  napi_value factory = nullptr;
  napi_value global = nullptr;
  napi_value arguments[3] = {};
  napi_value made = nullptr;
  napi_get_reference_value(env, instance.error_factory, &factory);
  napi_get_global(env, &global);
  napi_create_uint32(env, static_cast<uint32_t>(error.code), &arguments[0]);
  napi_create_int32(env, error.sys_errno, &arguments[1]);
  napi_create_string_utf8(env, error.syscall ? error.syscall : "", NAPI_AUTO_LENGTH, &arguments[2]);
  const napi_status status = napi_call_function(env, global, factory, 3, arguments, &made);
  return status == napi_ok ? made : nullptr;
}

napi_value throw_error(const Instance& instance, const Error& error) {
  if (const napi_value thrown = make_error(instance, error)) napi_throw(instance.env, thrown);
  return nullptr;
}

}  // namespace shm_disruptor::binding
