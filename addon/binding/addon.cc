// The addon's own functions; src/native documents each.
#include <napi.h>

#include <string>
#include <utility>

#include "allocator.h"
#include "attaching.h"
#include "broadcast_handles.h"
#include "environment.h"
#include "errors.h"
#include "inspection.h"
#include "memory_handle.h"
#include "ring_handle.h"
#include "values.h"

namespace shm_disruptor::binding {

namespace {

uint64_t number(const Napi::Value& value) { return unsigned_number(value.Env(), value); }

// (name)
Napi::Value unlink(const Napi::CallbackInfo& info) {
  const Status status = unlink_segment(info[0].As<Napi::String>().Utf8Value());
  if (!status.ok()) throw_error(info.Env(), status.error());
  return info.Env().Undefined();
}

// (directory): empty for the system's place for shared memory.
Napi::Value list(const Napi::CallbackInfo& info) {
  const auto segments = list_segments(info[0].As<Napi::String>().Utf8Value());
  if (!segments.ok()) return {info.Env(), throw_error(info.Env(), segments.error())};
  Napi::Array array = Napi::Array::New(info.Env(), segments.value().size());
  uint32_t index = 0;
  for (const SegmentFacts& facts : segments.value()) {
    array[index++] = to_object(info.Env(), facts);
  }
  return array;
}

// (name)
Napi::Value inspect(const Napi::CallbackInfo& info) {
  const auto facts = inspect_segment(info[0].As<Napi::String>().Utf8Value());
  if (!facts.ok()) return {info.Env(), throw_error(info.Env(), facts.error())};
  return to_object(info.Env(), facts.value());
}

// (user)
Napi::Value user_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), os::user_name(static_cast<uint32_t>(number(info[0]))));
}

// (factory)
void set_error_factory(const Napi::CallbackInfo& info) {
  napi_create_reference(info.Env(), info[0], 1, &Environment::of(info.Env()).error_factory);
}

void keep(const Napi::CallbackInfo& /*info*/) { keep_freed_memory(); }

// (changed, method)
void start_waker(const Napi::CallbackInfo& info) {
  const auto method = static_cast<Waker::Method>(number(info[1]));
  Environment::of(info.Env()).waker =
      std::make_unique<Waker>(info.Env(), info[0].As<Napi::Function>(), method);
}

// (key)
void forget(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).waker->forget(number(info[0]));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  // In memory of its own, which the garbage collector does not move.
  auto memory = Napi::ArrayBuffer::New(env, (Exchange::kOutcome + 1) * sizeof(double));
  auto* environment = new Environment(static_cast<double*>(memory.Data()));
  env.SetInstanceData(environment);
  const auto numbers = Napi::Float64Array::New(env, Exchange::kOutcome + 1, memory, 0);
  // For as long as the functions below can be called.
  Napi::Persistent(numbers).SuppressDestruct();
  exports["exchange"] = numbers;
  RingHandle::define(env, environment, exports);
  PublisherHandle::define(env, environment, exports);
  SubscriberHandle::define(env, environment, exports);
  MemoryHandle::define(env, environment, exports);
  define_attaching(env, exports);
  exports["unlink"] = Napi::Function::New<unlink>(env, "unlink");
  exports["list"] = Napi::Function::New<list>(env, "list");
  exports["inspect"] = Napi::Function::New<inspect>(env, "inspect");
  exports["userName"] = Napi::Function::New<user_name>(env, "userName");
  exports["setErrorFactory"] = Napi::Function::New<set_error_factory>(env, "setErrorFactory");
  exports["keepFreedMemory"] = Napi::Function::New<keep>(env, "keepFreedMemory");
  exports["startWaker"] = Napi::Function::New<start_waker>(env, "startWaker");
  exports["forget"] = Napi::Function::New<forget>(env, "forget");
  return exports;
}

}  // namespace

NODE_API_MODULE(shm_disruptor, initialize)

}  // namespace shm_disruptor::binding
