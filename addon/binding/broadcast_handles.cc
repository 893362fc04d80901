#include "broadcast_handles.h"

#include <iterator>
#include <string>

#include "errors.h"
#include "invoke.h"
#include "syncing.h"
#include "values.h"
#include "view.h"

namespace shm_disruptor::binding {

namespace {

// Makes `handle` live and die with `object`.
template <class Handle>
bool tie(napi_env env, napi_value* object, Handle* handle, napi_finalize drop) {
  if (napi_create_object(env, object) == napi_ok &&
      napi_wrap(env, *object, handle, drop, nullptr, nullptr) == napi_ok) {
    return true;
  }
  delete handle;
  return false;
}

// What both tell of the segment.
void describe(napi_env env, napi_value object, uint64_t handle, const RingSegment& segment) {
  const RingGeometry& geometry = segment.layout.geometry;
  const std::string name = std::to_string(segment.device) + " " + std::to_string(segment.inode);
  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      value_property("handle", js_number(env, handle)),
      value_property("elementCount", js_number(env, geometry.elements)),
      value_property("elementSize", js_number(env, geometry.element_size)),
      value_property("stride", js_number(env, segment.layout.stride())),
      value_property("single",
                     js_boolean(env, segment.layout.policy.producers == Producers::kSingle)),
      value_property("quiet", js_boolean(env, segment.poll_only)),
      value_property("shape", js_number(env, segment.layout.format.shape)),
      value_property("schema", js_bigint(env, segment.layout.format.schema)),
      value_property("generation", js_bigint(env, segment.layout.generation)),
      value_property("object", object_name),
  };
  napi_define_properties(env, object, std::size(properties), properties);
}

// The length; -1 for nothing; -1 minus the length for what was too long.
Status told(Exchange& exchange, const Result<Received>& received) {
  if (!received.ok()) return received.error();
  const auto [outcome, sequence, length, lost] = received.value();
  exchange.set(Exchange::kStart, sequence);
  exchange.set(Exchange::kEnd, lost);
  const auto answer = static_cast<int64_t>(length);
  exchange.answer(outcome == Received::Outcome::kNothing   ? -1
                  : outcome == Received::Outcome::kTooLong ? -1 - answer
                                                           : answer);
  return Done{};
}

struct Bytes {
  std::byte* begin = nullptr;
  size_t count = 0;
};

// A call with one Uint8Array.
Instance& typed_call(napi_env env, napi_callback_info info, Bytes& bytes) {
  void* data = nullptr;
  size_t count = 1;
  napi_value array = nullptr;
  napi_get_cb_info(env, info, &count, &array, nullptr, &data);
  void* begin = nullptr;
  napi_get_typedarray_info(env, array, nullptr, &bytes.count, &begin, nullptr, nullptr);
  bytes.begin = static_cast<std::byte*>(begin);
  return *static_cast<Instance*>(data);
}

}  // namespace

PublisherHandle* PublisherHandle::named(const Instance& instance) {
  const uint64_t number = instance.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<PublisherHandle*>(instance.publishers.find(number));
  return handle != nullptr && handle->publisher_ ? handle : nullptr;
}

napi_value PublisherHandle::make(Instance& instance, RingSegment segment) {
  const napi_env env = instance.env;
  auto* handle = new PublisherHandle(std::move(segment));
  const auto drop = [](napi_env env, void* data, void*) {
    auto* handle = static_cast<PublisherHandle*>(data);
    if (handle->slots_) napi_delete_reference(env, handle->slots_);
    delete handle;
  };
  napi_value object = nullptr;
  if (!tie(env, &object, handle, drop)) return nullptr;
  const RingSegment& own = handle->publisher_->segment();
  const napi_value slots =
      view_of(instance.env, own.mapping, &own.slot(0), own.layout.elements_bytes());
  if (!slots) return nullptr;
  napi_create_reference(env, slots, 1, &handle->slots_);
  instance.publishers.add(*handle);
  describe(env, object, handle->number(), own);
  const napi_property_descriptor property = value_property("elements", slots);
  napi_define_properties(env, object, 1, &property);
  return object;
}

void PublisherHandle::define(Instance& instance, napi_value exports) {
  const napi_property_descriptor methods[] = {
      method_property("publish", publish, &instance),
      method_property("claimSlot", invoke<PublisherHandle, &PublisherHandle::claim>, &instance),
      method_property("commitSlot", invoke<PublisherHandle, &PublisherHandle::commit>, &instance),
      method_property("abortSlot", invoke<PublisherHandle, &PublisherHandle::abort>, &instance),
      method_property("nextSlot", invoke<PublisherHandle, &PublisherHandle::next>, &instance),
      method_property("withdrawBroadcast", invoke<PublisherHandle, &PublisherHandle::withdraw>,
                      &instance),
      method_property("releasePublisher", release, &instance),
  };
  napi_define_properties(instance.env, exports, std::size(methods), methods);
}

// (bytes): publishes the first of them, as many as the exchange says. The sequence.
napi_value PublisherHandle::publish(napi_env env, napi_callback_info info) {
  Bytes bytes;
  Instance& instance = typed_call(env, info, bytes);
  PublisherHandle* handle = PublisherHandle::named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  // A view may have become shorter.
  const uint64_t wanted = instance.exchange.get(Exchange::kMax);
  const uint64_t length = wanted < bytes.count ? wanted : bytes.count;
  const auto sequence = handle->publisher_->publish(bytes.begin, length);
  if (!sequence.ok()) return throw_error(instance, sequence.error());
  instance.exchange.answer(static_cast<int64_t>(sequence.value()));
  return nullptr;
}

Status PublisherHandle::claim(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const auto sequence = publisher_->claim();
  if (!sequence.ok()) return sequence.error();
  exchange.set(Exchange::kStart, publisher_->held_slot());
  exchange.answer(static_cast<int64_t>(sequence.value()));
  return Done{};
}

Status PublisherHandle::commit(Instance& instance) {
  if (publisher_->holds()) publisher_->commit(instance.exchange.get(Exchange::kMax));
  return Done{};
}

Status PublisherHandle::abort(Instance& /*instance*/) {
  if (publisher_->holds()) publisher_->abort();
  return Done{};
}

Status PublisherHandle::next(Instance& instance) {
  instance.exchange.answer_unsigned(publisher_->next());
  return Done{};
}

Status PublisherHandle::withdraw(Instance& /*instance*/) {
  const RingSegment& segment = publisher_->segment();
  withdraw_segment(segment.file, segment.backing());
  return Done{};
}

napi_value PublisherHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  PublisherHandle* handle = PublisherHandle::named(instance);
  if (handle == nullptr) return nullptr;
  detach_view(env, handle->slots_);
  if (instance.waker) instance.waker->let_go();
  handle->publisher_->mapping()->close();
  handle->publisher_.reset();
  return nullptr;
}

SubscriberHandle* SubscriberHandle::named(const Instance& instance) {
  const uint64_t number = instance.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<SubscriberHandle*>(instance.subscribers.find(number));
  return handle != nullptr && handle->subscriber_ ? handle : nullptr;
}

napi_value SubscriberHandle::make(Instance& instance, RingSegment segment, Waiting waiting) {
  const napi_env env = instance.env;
  auto* handle = new SubscriberHandle(std::move(segment), waiting);
  const auto drop = [](napi_env env, void* data, void*) {
    auto* handle = static_cast<SubscriberHandle*>(data);
    if (handle->landing_) napi_delete_reference(env, handle->landing_);
    delete handle;
  };
  napi_value object = nullptr;
  if (!tie(env, &object, handle, drop)) return nullptr;
  instance.subscribers.add(*handle);
  describe(env, object, handle->number(), handle->subscriber_->segment());
  return object;
}

void SubscriberHandle::define(Instance& instance, napi_value exports) {
  const napi_property_descriptor methods[] = {
      method_property("land", land, &instance),
      method_property("receive", invoke<SubscriberHandle, &SubscriberHandle::receive>, &instance),
      method_property("receiveInto", receive_into, &instance),
      method_property("latest", invoke<SubscriberHandle, &SubscriberHandle::latest>, &instance),
      method_property("seek", invoke<SubscriberHandle, &SubscriberHandle::seek>, &instance),
      method_property("extent", invoke<SubscriberHandle, &SubscriberHandle::extent>, &instance),
      method_property("listen", invoke<SubscriberHandle, &SubscriberHandle::listen>, &instance),
      method_property("broadcastUnlinked", invoke<SubscriberHandle, &SubscriberHandle::unlinked>,
                      &instance),
      method_property("syncBroadcast", sync, &instance),
      method_property("syncBroadcastNow", invoke<SubscriberHandle, &SubscriberHandle::sync_now>,
                      &instance),
      method_property("releaseSubscriber", release, &instance),
  };
  napi_define_properties(instance.env, exports, std::size(methods), methods);
}

// (buffer): where messages land from now on.
napi_value SubscriberHandle::land(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value buffer = nullptr;
  napi_get_cb_info(env, info, &count, &buffer, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  SubscriberHandle* handle = SubscriberHandle::named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  void* place = nullptr;
  size_t room = 0;
  napi_get_arraybuffer_info(env, buffer, &place, &room);
  if (handle->landing_) napi_delete_reference(env, handle->landing_);
  handle->landing_ = nullptr;
  napi_create_reference(env, buffer, 1, &handle->landing_);
  handle->place_ = static_cast<std::byte*>(place);
  handle->room_ = room;
  return nullptr;
}

// To `kMax` in the landing buffer.
Status SubscriberHandle::receive(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const uint64_t at = exchange.get(Exchange::kMax);
  const uint64_t room = at < room_ ? room_ - at : 0;
  return told(exchange, subscriber_->receive(place_ + at, room, exchange.patience()));
}

Status SubscriberHandle::latest(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const uint64_t at = exchange.get(Exchange::kMax);
  const uint64_t room = at < room_ ? room_ - at : 0;
  return told(exchange, subscriber_->latest(place_ + at, room));
}

// (target)
napi_value SubscriberHandle::receive_into(napi_env env, napi_callback_info info) {
  Bytes target;
  Instance& instance = typed_call(env, info, target);
  SubscriberHandle* handle = SubscriberHandle::named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  const Status status =
      told(instance.exchange, handle->subscriber_->receive(target.begin, target.count, 0));
  return status.ok() ? nullptr : throw_error(instance, status.error());
}

Status SubscriberHandle::seek(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(subscriber_->seek(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd)));
  return Done{};
}

Status SubscriberHandle::extent(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.set(Exchange::kStart, subscriber_->oldest());
  exchange.set(Exchange::kEnd, subscriber_->newest());
  exchange.answer(static_cast<int64_t>(subscriber_->position()));
  return Done{};
}

Status SubscriberHandle::listen(Instance& instance) {
  Exchange& exchange = instance.exchange;
  Word* notify_page = subscriber_->notify_page();
  exchange.answer(notify_page != nullptr &&
                  instance.waker->watch(instance.listener, exchange.get(Exchange::kKey),
                                        subscriber_->mapping(), *notify_page,
                                        announce_sleeper(*notify_page)));
  return Done{};
}

Status SubscriberHandle::unlinked(Instance& instance) {
  instance.exchange.answer(subscriber_->segment().unlinked());
  return Done{};
}

Status SubscriberHandle::sync_now(Instance& /*instance*/) {
  return shm_disruptor::sync(subscriber_->segment().backing());
}

napi_value SubscriberHandle::sync(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  SubscriberHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  return sync_later(instance, handle->subscriber_->segment().backing());
}

napi_value SubscriberHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  SubscriberHandle* handle = SubscriberHandle::named(instance);
  if (handle == nullptr) return nullptr;
  if (instance.waker) instance.waker->let_go();
  handle->subscriber_->mapping()->close();
  handle->subscriber_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding
