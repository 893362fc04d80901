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

Instance& instance_of(const Napi::CallbackInfo& info) {
  return *static_cast<Instance*>(info.Data());
}

// (name)
Napi::Value unlink(const Napi::CallbackInfo& info) {
  Instance& instance = instance_of(info);
  const Status status = unlink_segment(info[0].As<Napi::String>().Utf8Value());
  if (!status.ok()) throw_error(instance, status.error());
  return info.Env().Undefined();
}

// (directory): empty for the system's place for shared memory.
Napi::Value list(const Napi::CallbackInfo& info) {
  Instance& instance = instance_of(info);
  const auto segments = list_segments(info[0].As<Napi::String>().Utf8Value());
  if (!segments.ok()) return {info.Env(), throw_error(instance, segments.error())};
  Napi::Array array = Napi::Array::New(info.Env(), segments.value().size());
  uint32_t index = 0;
  for (const SegmentFacts& facts : segments.value()) {
    array[index++] = to_object(info.Env(), facts);
  }
  return array;
}

// (name)
Napi::Value inspect(const Napi::CallbackInfo& info) {
  Instance& instance = instance_of(info);
  const auto facts = inspect_segment(info[0].As<Napi::String>().Utf8Value());
  if (!facts.ok()) return {info.Env(), throw_error(instance, facts.error())};
  return to_object(info.Env(), facts.value());
}

// (user)
Napi::Value user_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), os::user_name(static_cast<uint32_t>(number(info[0]))));
}

void keep(const Napi::CallbackInfo& /*info*/) { keep_freed_memory(); }

// (changed, method): of several evaluations in one environment, the first chooses the method.
void start_waker(const Napi::CallbackInfo& info) {
  Instance& instance = instance_of(info);
  auto& waker = Environment::of(info.Env()).waker;
  if (!waker) {
    waker = std::make_unique<Waker>(info.Env(), static_cast<Waker::Method>(number(info[1])));
  }
  instance.waker = waker.get();
  instance.listener = waker->listen(info[0]);
}

// (key)
void forget(const Napi::CallbackInfo& info) {
  const Instance& instance = instance_of(info);
  instance.waker->forget(instance.listener, number(info[0]));
}

// (errorFactory, hasLoop): all other functions, for one evaluation of the package's JavaScript.
Napi::Value instantiate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  // In memory of its own, which the garbage collector does not move.
  auto memory = Napi::ArrayBuffer::New(env, (Exchange::kOutcome + 1) * sizeof(double));
  auto& instances = Environment::of(env).instances;
  instances.push_back(std::make_unique<Instance>(env, static_cast<double*>(memory.Data())));
  Instance& instance = *instances.back();
  if (info[1].ToBoolean().Value()) napi_get_uv_event_loop(env, &Environment::of(env).loop);
  napi_create_reference(env, info[0], 1, &instance.error_factory);
  Napi::Object exports = Napi::Object::New(env);
  const auto numbers = Napi::Float64Array::New(env, Exchange::kOutcome + 1, memory, 0);
  // For as long as the functions below can be called.
  Napi::Persistent(numbers).SuppressDestruct();
  exports["exchange"] = numbers;
  RingHandle::define(instance, exports);
  PublisherHandle::define(instance, exports);
  SubscriberHandle::define(instance, exports);
  MemoryHandle::define(instance, exports);
  define_attaching(instance, exports);
  exports["unlink"] = Napi::Function::New<unlink>(env, "unlink", &instance);
  exports["list"] = Napi::Function::New<list>(env, "list", &instance);
  exports["inspect"] = Napi::Function::New<inspect>(env, "inspect", &instance);
  exports["userName"] = Napi::Function::New<user_name>(env, "userName", &instance);
  exports["keepFreedMemory"] = Napi::Function::New<keep>(env, "keepFreedMemory", &instance);
  exports["startWaker"] = Napi::Function::New<start_waker>(env, "startWaker", &instance);
  exports["forget"] = Napi::Function::New<forget>(env, "forget", &instance);
  return exports;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment();
  env.SetInstanceData(environment);
  const auto prototype = env.Global().Get("ArrayBuffer").As<Napi::Object>().Get("prototype");
  const auto transfer = prototype.As<Napi::Object>().Get("transfer");
  if (transfer.IsFunction()) napi_create_reference(env, transfer, 1, &environment->transfer);
  exports["instantiate"] = Napi::Function::New<instantiate>(env, "instantiate");
  return exports;
}

}  // namespace

NODE_API_MODULE(shm_disruptor, initialize)

}  // namespace shm_disruptor::binding
