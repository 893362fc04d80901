#include "environment.h"

#include <string>

#include "errors.h"
#include "ring_handle.h"

namespace shm_disruptor::binding {

namespace {

uint64_t number(const Napi::Value& value) {
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

Napi::Value handle_or_error(Napi::Env env, const Result<RingSegment>& segment,
                            const Napi::Value& exchange) {
  if (!segment.ok()) return {env, throw_error(env, segment.error())};
  return RingHandle::make(env, segment.value(), exchange.As<Napi::Float64Array>());
}

}  // namespace

Environment::Environment(Napi::Env, Napi::Object exports) {
  DefineAddon(exports, {
                           InstanceMethod<&Environment::create>("createRing"),
                           InstanceMethod<&Environment::open>("openRing"),
                           InstanceMethod<&Environment::set_error_factory>("setErrorFactory"),
                       });
}

// (name, elements, elementSize, consumers, mode, replace, exchange)
Napi::Value Environment::create(const Napi::CallbackInfo& info) {
  RingCreation creation;
  creation.geometry = {number(info[1]), number(info[2]), number(info[3])};
  creation.mode = info[4].As<Napi::Number>().Uint32Value();
  creation.replace = info[5].As<Napi::Boolean>().Value();
  const auto segment = create_ring(info[0].As<Napi::String>().Utf8Value(), creation);
  return handle_or_error(info.Env(), segment, info[6]);
}

// (name, exchange)
Napi::Value Environment::open(const Napi::CallbackInfo& info) {
  const auto segment = open_ring(info[0].As<Napi::String>().Utf8Value());
  return handle_or_error(info.Env(), segment, info[1]);
}

// (factory)
void Environment::set_error_factory(const Napi::CallbackInfo& info) {
  error_factory_ = Napi::Persistent(info[0].As<Napi::Function>());
}

napi_value throw_error(napi_env raw, const Error& error) {
  const Napi::Env env(raw);
  const auto* environment = env.GetInstanceData<Environment>();
  const Napi::Value thrown = environment->error_factory().Call(
      {Napi::Number::New(env, static_cast<double>(error.code)),
       Napi::Number::New(env, error.sys_errno),
       Napi::String::New(env, error.syscall ? error.syscall : "")});
  if (!env.IsExceptionPending()) napi_throw(raw, thrown);
  return nullptr;
}

NODE_API_ADDON(Environment)

}  // namespace shm_disruptor::binding
