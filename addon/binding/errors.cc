#include "errors.h"

#include "environment.h"

namespace shm_disruptor::binding {

napi_value throw_error(napi_env raw, const Error& error) {
  const Napi::Env env(raw);
  const Napi::Value thrown = Environment::of(raw).error_factory.Call(
      {Napi::Number::New(env, static_cast<double>(error.code)),
       Napi::Number::New(env, error.sys_errno),
       Napi::String::New(env, error.syscall ? error.syscall : "")});
  if (!env.IsExceptionPending()) napi_throw(raw, thrown);
  return nullptr;
}

}  // namespace shm_disruptor::binding
