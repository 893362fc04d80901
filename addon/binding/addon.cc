// The addon's own functions; src/native documents each.
#include <napi.h>

#include <string>
#include <utility>

#include "allocator.h"
#include "broadcast_handles.h"
#include "environment.h"
#include "errors.h"
#include "inspection.h"
#include "joining.h"
#include "memory_handle.h"
#include "ring_handle.h"

namespace shm_disruptor::binding {

namespace {

uint64_t number(const Napi::Value& value) {
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

Waiting waiting_of(const Napi::Value& strategy, const Napi::Value& microseconds) {
  Waiting waiting;
  waiting.strategy = static_cast<Strategy>(number(strategy));
  waiting.budget = number(microseconds) * 1000;
  return waiting;
}

// The last four arguments of either: how many bytes a Buffer can have, strategy, budget in
// microseconds, state.
Napi::Value handle_or_error(const Napi::CallbackInfo& info, Result<RingSegment> segment) {
  const Napi::Env env = info.Env();
  if (!segment.ok()) return {env, throw_error(env, segment.error())};
  const size_t last = info.Length() - 1;
  if (segment.value().layout.elements_bytes() > number(info[last - 3])) {
    return {env, throw_error(env, {Errc::kSegmentTooLarge, 0, nullptr})};
  }
  const Waiting waiting = waiting_of(info[last - 2], info[last - 1]);
  return {env, RingHandle::make(env, std::move(segment.value()), waiting, info[last])};
}

// (name, creation, mostBytes, strategy, budget, state)
Napi::Value create(const Napi::CallbackInfo& info) {
  const RingCreation creation = creation_of(info[1].As<Napi::Object>());
  return handle_or_error(info, create_ring(info[0].As<Napi::String>().Utf8Value(), creation));
}

// (name, kind, mostBytes, strategy, budget, state)
Napi::Value open(const Napi::CallbackInfo& info) {
  const auto kind = static_cast<Kind>(number(info[1]));
  return handle_or_error(info, open_ring(info[0].As<Napi::String>().Utf8Value(), kind));
}

// (name, creation)
Napi::Value create_broadcast(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto segment =
      create_ring(info[0].As<Napi::String>().Utf8Value(), creation_of(info[1].As<Napi::Object>()));
  if (!segment.ok()) return {env, throw_error(env, segment.error())};
  return {env, PublisherHandle::make(env, std::move(segment.value()))};
}

// (name)
Napi::Value open_publisher(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto segment = open_ring(info[0].As<Napi::String>().Utf8Value(), Kind::kBroadcast);
  if (!segment.ok()) return {env, throw_error(env, segment.error())};
  return {env, PublisherHandle::make(env, std::move(segment.value()))};
}

// (name, strategy, budget in microseconds)
Napi::Value open_subscriber(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto segment = open_for_reading(info[0].As<Napi::String>().Utf8Value());
  if (!segment.ok()) return {env, throw_error(env, segment.error())};
  return {env,
          SubscriberHandle::make(env, std::move(segment.value()), waiting_of(info[1], info[2]))};
}

// (name, creation, strategy, budget)
Napi::Value create_memory(const Napi::CallbackInfo& info) {
  const RingCreation creation = creation_of(info[1].As<Napi::Object>());
  auto segment = create_ring(info[0].As<Napi::String>().Utf8Value(), creation);
  if (!segment.ok()) return {info.Env(), throw_error(info.Env(), segment.error())};
  return {info.Env(), MemoryHandle::make(info.Env(), std::move(segment.value()),
                                         os::Access::kReadWrite, waiting_of(info[2], info[3]))};
}

// (name, readOnly, strategy, budget)
Napi::Value open_memory(const Napi::CallbackInfo& info) {
  const auto access =
      info[1].As<Napi::Boolean>().Value() ? os::Access::kRead : os::Access::kReadWrite;
  auto segment = open_ring(info[0].As<Napi::String>().Utf8Value(), Kind::kMemory, access);
  if (!segment.ok()) return {info.Env(), throw_error(info.Env(), segment.error())};
  return {info.Env(), MemoryHandle::make(info.Env(), std::move(segment.value()), access,
                                         waiting_of(info[2], info[3]))};
}

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
  exports["createRing"] = Napi::Function::New<create>(env, "createRing");
  exports["openRing"] = Napi::Function::New<open>(env, "openRing");
  exports["createBroadcast"] = Napi::Function::New<create_broadcast>(env, "createBroadcast");
  exports["openPublisher"] = Napi::Function::New<open_publisher>(env, "openPublisher");
  exports["openSubscriber"] = Napi::Function::New<open_subscriber>(env, "openSubscriber");
  MemoryHandle::define(env, environment, exports);
  exports["createMemory"] = Napi::Function::New<create_memory>(env, "createMemory");
  exports["openMemory"] = Napi::Function::New<open_memory>(env, "openMemory");
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
