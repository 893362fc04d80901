// One JavaScript object over one Publisher, and one over one Subscriber.
#pragma once

#include <node_api.h>

#include <optional>

#include "../core/publisher.h"
#include "../core/subscriber.h"
#include "environment.h"

namespace shm_disruptor::binding {

/// What a `Publisher` of src/native/broadcast.ts works through.
class PublisherHandle : public Registered {
 public:
  /// The object to whose life the handle is tied. Null with an exception.
  static napi_value make(Instance& instance, RingSegment segment);
  static void define(Instance& instance, napi_value exports);
  /// The one that the exchange names; null when there is none or it was released.
  static PublisherHandle* named(const Instance& instance);

 private:
  explicit PublisherHandle(RingSegment segment) : publisher_(std::in_place, std::move(segment)) {}

  Status claim(Instance&);
  Status commit(Instance&);
  Status abort(Instance&);
  Status next(Instance&);
  Status withdraw(Instance&);
  static napi_value publish(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);

  std::optional<Publisher> publisher_;
  napi_ref slots_ = nullptr;
};

/// What a `Subscriber` of src/native/broadcast.ts works through.
///
/// Messages land in a buffer of JavaScript's, which it gives beforehand: asking for a place with
/// every message would cost more than the message.
class SubscriberHandle : public Registered {
 public:
  static napi_value make(Instance& instance, RingSegment segment, Waiting waiting);
  static void define(Instance& instance, napi_value exports);
  /// The one that the exchange names; null when there is none or it was released.
  static SubscriberHandle* named(const Instance& instance);

 private:
  SubscriberHandle(RingSegment segment, Waiting waiting)
      : subscriber_(std::in_place, std::move(segment), waiting) {}

  Status receive(Instance&);
  Status latest(Instance&);
  Status seek(Instance&);
  Status extent(Instance&);
  Status listen(Instance&);
  Status unlinked(Instance&);
  Status sync_now(Instance&);
  static napi_value sync(napi_env env, napi_callback_info info);
  static napi_value land(napi_env env, napi_callback_info info);
  static napi_value receive_into(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);

  std::optional<Subscriber> subscriber_;
  napi_ref landing_ = nullptr;
  std::byte* place_ = nullptr;
  uint64_t room_ = 0;
};

}  // namespace shm_disruptor::binding
