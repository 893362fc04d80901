#include "attaching.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broadcast_handles.h"
#include "errors.h"
#include "joining.h"
#include "memory_handle.h"
#include "pool.h"
#include "ring_handle.h"
#include "values.h"

namespace shm_disruptor::binding {

namespace {

// What a call asks of the core. Nothing of JavaScript, so that any thread can do it.
struct Request {
  std::string name;
  std::optional<RingCreation> creation;  // else it is opened, as
  Kind kind = Kind::kRing;
  os::Access access = os::Access::kReadWrite;
  uint64_t most_bytes = kAnySize;
  bool subscribes = false;

  Result<RingSegment> meet() const {
    if (creation) return create_ring(name, *creation);
    return subscribes ? open_for_reading(name) : open_ring(name, kind, access, most_bytes);
  }
};

// What the handle is made with.
struct Terms {
  Waiting waiting;
  os::Access access = os::Access::kReadWrite;
  napi_value state = nullptr;  // of a ring alone
};

struct Call {
  Request request;
  Terms terms;
};

// Makes the object that TypeScript keeps. Null with an exception.
using Make = napi_value (*)(Instance&, RingSegment, const Terms&);

napi_value make_ring(Instance& instance, RingSegment segment, const Terms& terms) {
  return RingHandle::make(instance, std::move(segment), terms.waiting, terms.state);
}
napi_value make_publisher(Instance& instance, RingSegment segment, const Terms&) {
  return PublisherHandle::make(instance, std::move(segment));
}
napi_value make_subscriber(Instance& instance, RingSegment segment, const Terms& terms) {
  return SubscriberHandle::make(instance, std::move(segment), terms.waiting);
}
napi_value make_memory(Instance& instance, RingSegment segment, const Terms& terms) {
  return MemoryHandle::make(instance, std::move(segment), terms.access, terms.waiting);
}

// The object, or an exception. A segment that was created and cannot be had keeps no name.
napi_value finish(Instance& instance, Make make, bool created, Result<RingSegment> segment,
                  const Terms& terms) {
  if (!segment.ok()) return throw_error(instance, segment.error());
  const Backing backing = segment.value().backing();
  const napi_value object = make(instance, std::move(segment.value()), terms);
  if (object || !created) return object;
  const auto file = os::open_file(backing.name);
  if (file.ok()) withdraw_segment(file.value(), backing);
  return nullptr;
}

class Attaching : public Task {
 public:
  Attaching(Instance& instance, Call call, Make make)
      : instance_(instance), call_(std::move(call)), make_(make) {
    napi_value& state = call_.terms.state;
    if (state) napi_create_reference(instance.env, state, 1, &state_);
    // Good for the length of the call only.
    state = nullptr;
  }
  ~Attaching() override {
    if (state_) napi_delete_reference(instance_.env, state_);
  }

  void run() override { segment_ = call_.request.meet(); }

  napi_value result(napi_env env) override {
    if (state_) napi_get_reference_value(env, state_, &call_.terms.state);
    const bool created = call_.request.creation.has_value();
    return finish(instance_, make_, created, std::move(segment_), call_.terms);
  }

 private:
  Instance& instance_;
  Call call_;
  Make make_;
  napi_ref state_ = nullptr;
  Result<RingSegment> segment_ = Errc::kReleased;
};

Instance& instance_of(const Napi::CallbackInfo& info) {
  return *static_cast<Instance*>(info.Data());
}

using Parse = Call (*)(const Napi::CallbackInfo&);

template <Parse parse, Make make>
Napi::Value at_once(const Napi::CallbackInfo& info) {
  const Call call = parse(info);
  const bool created = call.request.creation.has_value();
  return {info.Env(), finish(instance_of(info), make, created, call.request.meet(), call.terms)};
}

template <Parse parse, Make make>
Napi::Value later(const Napi::CallbackInfo& info) {
  auto task = std::make_unique<Attaching>(instance_of(info), parse(info), make);
  return {info.Env(), run_on_pool(info.Env(), "shm-disruptor open", std::move(task))};
}

uint64_t number(const Napi::Value& value) { return unsigned_number(value.Env(), value); }

std::string text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

RingCreation creation(const Napi::Value& value, const Napi::Value& most_bytes) {
  RingCreation result = creation_of(value.As<Napi::Object>());
  result.most_bytes = number(most_bytes);
  return result;
}

Waiting waiting(const Napi::Value& strategy, const Napi::Value& microseconds) {
  Waiting result;
  result.strategy = static_cast<Strategy>(number(strategy));
  result.budget = number(microseconds) * 1000;
  return result;
}

Terms ring_terms(const Napi::CallbackInfo& info) {
  Terms terms;
  terms.waiting = waiting(info[3], info[4]);
  terms.state = info[5];
  return terms;
}

// (name, creation, mostBytes, strategy, budget, state)
Call create_ring_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.creation = creation(info[1], info[2]);
  return {std::move(request), ring_terms(info)};
}

// (name, kind, mostBytes, strategy, budget, state)
Call open_ring_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.kind = static_cast<Kind>(number(info[1]));
  request.most_bytes = number(info[2]);
  return {std::move(request), ring_terms(info)};
}

// (name, creation, mostBytes)
Call create_broadcast_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.creation = creation(info[1], info[2]);
  return {std::move(request), {}};
}

// (name, mostBytes)
Call open_publisher_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.kind = Kind::kBroadcast;
  request.most_bytes = number(info[1]);
  return {std::move(request), {}};
}

// (name, strategy, budget)
Call open_subscriber_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.subscribes = true;
  Terms terms;
  terms.waiting = waiting(info[1], info[2]);
  return {std::move(request), terms};
}

// (name, creation, strategy, budget). Of memory there may be views of parts.
Call create_memory_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.creation = creation_of(info[1].As<Napi::Object>());
  Terms terms;
  terms.waiting = waiting(info[2], info[3]);
  return {std::move(request), terms};
}

// (name, readOnly, strategy, budget)
Call open_memory_call(const Napi::CallbackInfo& info) {
  Request request;
  request.name = text(info[0]);
  request.kind = Kind::kMemory;
  Terms terms;
  terms.waiting = waiting(info[2], info[3]);
  if (info[1].As<Napi::Boolean>().Value()) terms.access = os::Access::kRead;
  request.access = terms.access;
  return {std::move(request), terms};
}

template <Parse parse, Make make>
void both(Instance& instance, Napi::Object exports, const std::string& name) {
  const Napi::Env env = instance.env;
  const std::string async = name + "Async";
  exports[name] = Napi::Function::New<at_once<parse, make>>(env, name.c_str(), &instance);
  exports[async] = Napi::Function::New<later<parse, make>>(env, async.c_str(), &instance);
}

}  // namespace

void define_attaching(Instance& instance, Napi::Object exports) {
  both<create_ring_call, make_ring>(instance, exports, "createRing");
  both<open_ring_call, make_ring>(instance, exports, "openRing");
  both<create_broadcast_call, make_publisher>(instance, exports, "createBroadcast");
  both<open_publisher_call, make_publisher>(instance, exports, "openPublisher");
  both<open_subscriber_call, make_subscriber>(instance, exports, "openSubscriber");
  both<create_memory_call, make_memory>(instance, exports, "createMemory");
  both<open_memory_call, make_memory>(instance, exports, "openMemory");
}

}  // namespace shm_disruptor::binding
