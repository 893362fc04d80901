#include "ring_handle.h"

#include <iterator>
#include <string>

#include "environment.h"
#include "errors.h"

namespace shm_disruptor::binding {

namespace {

// Indices of the exchange; the same list stands in src/native.ts.
enum : size_t {
  kClaimStart,
  kClaimEnd,
  kConsumeStart,
  kConsumeNext,
  kLeast,
  kMost,
  kCommitStart,
  kCommitEnd,
  kMark,
  kMilliseconds,
  kOutcome,
};

// Outcomes of claim() and consume() that are no slot.
constexpr int64_t kNothing = -1;
constexpr int64_t kAllIgnored = -2;

constexpr uint64_t kNanosecondsPerMillisecond = 1'000'000;

napi_value js_integer(napi_env env, int64_t value) {
  napi_value result = nullptr;
  napi_create_int64(env, value, &result);
  return result;
}

napi_value js_sequence(napi_env env, uint64_t value) {
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(value), &result);
  return result;
}

napi_value js_boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

// A view of the elements that keeps the mapping for as long as anybody can reach it. Null with an
// exception where the runtime keeps all memory of JavaScript in one cage (Electron).
napi_value view_elements(napi_env env, const Sequencer& sequencer) {
  auto* owner = new MappingRef(sequencer.mapping());
  const auto drop = [](napi_env, void*, void* mapping) {
    delete static_cast<MappingRef*>(mapping);
  };
  napi_value view = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, sequencer.elements(), static_cast<size_t>(sequencer.elements_bytes()), drop, owner,
      &view);
  if (status == napi_ok) return view;
  // After any other failure the finalizer has run.
  if (status == napi_no_external_buffers_allowed) {
    delete owner;
    napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS",
                     "This runtime does not let JavaScript see memory that it does not own");
  }
  return nullptr;
}

}  // namespace

// The arguments of one call. TypeScript has checked them: they are what src/native.ts says.
struct RingHandle::Call {
  napi_env env;
  napi_value arguments[2];

  uint64_t number(size_t index) const {
    int64_t value = 0;
    napi_get_value_int64(env, arguments[index], &value);
    return static_cast<uint64_t>(value);
  }
};

template <RingHandle::Method method>
napi_value RingHandle::invoke(napi_env env, napi_callback_info info) {
  Call call{env, {}};
  size_t count = std::size(call.arguments);
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, call.arguments, nullptr, &data);
  auto* handle = static_cast<RingHandle*>(data);
  if (!handle->sequencer_) return throw_error(env, {Errc::kReleased, 0, nullptr});
  return (handle->*method)(call);
}

RingHandle::RingHandle(const RingSegment& segment, Waiting waiting, double* exchange)
    : sequencer_(std::in_place, segment, waiting), exchange_(exchange) {}

// Plain Node-API: see errors.cc.
napi_value RingHandle::make(napi_env env, const RingSegment& segment, Waiting waiting,
                            napi_value exchange) {
  void* numbers = nullptr;
  napi_get_typedarray_info(env, exchange, nullptr, nullptr, &numbers, nullptr, nullptr);
  auto* handle = new RingHandle(segment, waiting, static_cast<double*>(numbers));
  const auto drop = [](napi_env env, void* data, void*) {
    auto* handle = static_cast<RingHandle*>(data);
    if (handle->elements_) napi_delete_reference(env, handle->elements_);
    delete handle;
  };
  napi_value object = nullptr;
  // The functions below reach the handle through `data`; it lives as long as this object, which
  // the TypeScript class holds and never takes apart.
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle, drop, nullptr, nullptr) != napi_ok) {
    delete handle;
    return nullptr;
  }
  const napi_value elements = view_elements(env, *handle->sequencer_);
  if (!elements) return nullptr;
  napi_create_reference(env, elements, 1, &handle->elements_);

  const auto value = [](const char* name, napi_value value) {
    return napi_property_descriptor{name,    nullptr, nullptr,         nullptr,
                                    nullptr, value,   napi_enumerable, nullptr};
  };
  const auto method = [&](const char* name, napi_callback callback) {
    return napi_property_descriptor{name,    nullptr, callback,        nullptr,
                                    nullptr, nullptr, napi_enumerable, handle};
  };
  const RingGeometry& geometry = segment.layout.geometry;
  const std::string name = std::to_string(segment.device) + " " + std::to_string(segment.inode);
  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      // Keeps the numbers alive, which `exchange_` points to.
      value("exchange", exchange),
      value("elements", elements),
      value("elementCount", js_sequence(env, geometry.elements)),
      value("elementSize", js_sequence(env, geometry.element_size)),
      value("consumerCount", js_sequence(env, geometry.consumers)),
      value("object", object_name),
      method("claim", invoke<&RingHandle::claim>),
      method("commit", invoke<&RingHandle::commit>),
      method("awaitVisible", invoke<&RingHandle::await_visible>),
      method("consume", invoke<&RingHandle::consume>),
      method("commitConsumed", invoke<&RingHandle::commit_consumed>),
      method("ignore", invoke<&RingHandle::ignore>),
      method("claimable", invoke<&RingHandle::claimable>),
      method("consumable", invoke<&RingHandle::consumable>),
      method("committable", invoke<&RingHandle::committable>),
      method("uncommitted", invoke<&RingHandle::uncommitted>),
      method("next", invoke<&RingHandle::next>),
      method("cursor", invoke<&RingHandle::cursor>),
      method("consumerSequence", invoke<&RingHandle::consumer_sequence>),
      method("allIgnored", invoke<&RingHandle::all_ignored>),
      method("status", invoke<&RingHandle::status>),
      method("setStatus", invoke<&RingHandle::set_status>),
      method("watch", invoke<&RingHandle::watch>),
      method("disturb", invoke<&RingHandle::disturb>),
      method("release", invoke<&RingHandle::release>),
  };
  napi_define_properties(env, object, std::size(properties), properties);
  return object;
}

napi_value RingHandle::claim(const Call& call) {
  const auto claim = sequencer_->claim(get(kLeast), get(kMost), patience());
  if (!claim.ok()) return throw_error(call.env, claim.error());
  const uint64_t start = claim.value().start;
  if (claim.value().count == 0) {
    set(kOutcome, claim.value().all_ignored ? kAllIgnored : kNothing);
    return nullptr;
  }
  set(kClaimStart, start);
  set(kClaimEnd, start + claim.value().count - 1);
  set(kOutcome, sequencer_->ring().slot(start));
  return nullptr;
}

napi_value RingHandle::commit(const Call& call) {
  const auto mode = get(kMark) != 0 ? OutOfOrder::kMark : OutOfOrder::kRefuse;
  return committed(call, sequencer_->commit(get(kCommitStart), get(kCommitEnd), mode, patience()));
}

napi_value RingHandle::await_visible(const Call& call) {
  return committed(call, sequencer_->await_visible(get(kCommitEnd), patience()));
}

napi_value RingHandle::committed(const Call& call, const Result<Commit>& commit) {
  if (!commit.ok()) return throw_error(call.env, commit.error());
  set(kOutcome, static_cast<int64_t>(commit.value()));
  return nullptr;
}

// (consumer)
napi_value RingHandle::consume(const Call& call) {
  const uint64_t consumer = call.number(0);
  commit_previous(consumer);
  const auto batch = sequencer_->consume(consumer, patience());
  if (!batch.ok()) return throw_error(call.env, batch.error());
  const uint64_t start = batch.value().start;
  if (batch.value().count == 0) {
    set(kConsumeStart, 0);
    set(kOutcome, kNothing);
    return nullptr;
  }
  set(kConsumeStart, start);
  set(kConsumeNext, start + batch.value().count);
  set(kOutcome, sequencer_->ring().slot(start));
  return nullptr;
}

// (consumer)
napi_value RingHandle::commit_consumed(const Call& call) {
  return js_boolean(call.env, commit_previous(call.number(0)));
}

uint64_t RingHandle::patience() const { return get(kMilliseconds) * kNanosecondsPerMillisecond; }

bool RingHandle::commit_previous(uint64_t consumer) {
  const uint64_t start = get(kConsumeStart);
  const uint64_t next = get(kConsumeNext);
  if (next == 0) return true;
  set(kConsumeNext, 0);
  return sequencer_->commit_consumed(consumer, start, next);
}

// (consumer)
napi_value RingHandle::ignore(const Call& call) {
  sequencer_->ignore(call.number(0));
  return nullptr;
}

// (least)
napi_value RingHandle::claimable(const Call& call) {
  return js_boolean(call.env, sequencer_->claimable(call.number(0)));
}

// (consumer)
napi_value RingHandle::consumable(const Call& call) {
  return js_boolean(call.env, sequencer_->consumable(call.number(0)));
}

// (start)
napi_value RingHandle::committable(const Call& call) {
  return js_boolean(call.env, sequencer_->committable(call.number(0)));
}

// (start, end)
napi_value RingHandle::uncommitted(const Call& call) {
  return js_boolean(call.env, sequencer_->uncommitted(call.number(0), call.number(1)));
}

napi_value RingHandle::next(const Call& call) { return js_sequence(call.env, sequencer_->next()); }

napi_value RingHandle::cursor(const Call& call) {
  return js_sequence(call.env, sequencer_->cursor());
}

// (consumer)
napi_value RingHandle::consumer_sequence(const Call& call) {
  const uint64_t sequence = sequencer_->consumer_sequence(call.number(0));
  return js_sequence(call.env, sequence);
}

napi_value RingHandle::all_ignored(const Call& call) {
  return js_boolean(call.env, sequencer_->all_ignored());
}

napi_value RingHandle::status(const Call& call) {
  return js_integer(call.env, sequencer_->status());
}

// (status)
napi_value RingHandle::set_status(const Call& call) {
  sequencer_->set_status(static_cast<int32_t>(call.number(0)));
  return nullptr;
}

Word& RingHandle::word(const Call& call) {
  return call.number(0) != 0 ? sequencer_->space_waiters() : sequencer_->data_waiters();
}

// (space, key)
napi_value RingHandle::watch(const Call& call) {
  Word& watched = word(call);
  Environment::of(call.env).waker->watch(call.number(1), sequencer_->mapping(), watched,
                                         announce_sleeper(watched));
  return nullptr;
}

// (space)
napi_value RingHandle::disturb(const Call& call) {
  wake_sleepers(word(call));
  return nullptr;
}

// Empties every view: the last of them, or this handle, unmaps the segment.
napi_value RingHandle::release(const Call& call) {
  napi_value elements = nullptr;
  napi_get_reference_value(call.env, elements_, &elements);
  napi_detach_arraybuffer(call.env, elements);
  napi_delete_reference(call.env, elements_);
  elements_ = nullptr;
  sequencer_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding
