#include "ring_handle.h"

#include <iterator>
#include <string>

#include "errors.h"
#include "inspection.h"
#include "joining.h"

namespace shm_disruptor::binding {

namespace {

// Outcomes of claim() and consume() that are no slot.
constexpr int64_t kNothing = -1;
constexpr int64_t kAllIgnored = -2;

constexpr uint64_t kNanosecondsPerMillisecond = 1'000'000;

uint64_t patience(const Exchange& exchange) {
  return exchange.get(Exchange::kMilliseconds) * kNanosecondsPerMillisecond;
}

OutOfOrder out_of_order(const Exchange& exchange) {
  return exchange.get(Exchange::kMark) != 0 ? OutOfOrder::kMark : OutOfOrder::kRefuse;
}

Status committed(Exchange& exchange, const Result<Commit>& commit) {
  if (!commit.ok()) return commit.error();
  exchange.answer(static_cast<int64_t>(commit.value()));
  return Done{};
}

napi_value js_number(napi_env env, uint64_t value) {
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
      env, sequencer.elements(), static_cast<size_t>(sequencer.visible_bytes()), drop, owner,
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

RingHandle* RingHandle::named(const Environment& environment) {
  const uint64_t number = environment.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<RingHandle*>(environment.rings.find(number));
  return handle != nullptr && handle->sequencer_ ? handle : nullptr;
}

// The data of every method is the environment.
template <RingHandle::Method method>
napi_value RingHandle::invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  RingHandle* handle = named(environment);
  if (handle == nullptr) {
    return throw_error(env, {Errc::kReleased, 0, nullptr});
  }
  const Status status = (handle->*method)(environment);
  return status.ok() ? nullptr : throw_error(env, status.error());
}

RingHandle::RingHandle(RingSegment segment, Waiting waiting, double* state)
    : sequencer_(std::in_place, std::move(segment), waiting), state_(state) {}

// Plain Node-API: see errors.cc.
napi_value RingHandle::make(napi_env env, RingSegment segment, Waiting waiting, napi_value state) {
  const RingGeometry geometry = segment.layout.geometry;
  const ElementFormat format = segment.layout.format;
  const uint64_t generation = segment.layout.generation;
  const bool single = segment.layout.policy.producers == Producers::kSingle;
  const std::string name = std::to_string(segment.device) + " " + std::to_string(segment.inode);
  void* numbers = nullptr;
  napi_get_typedarray_info(env, state, nullptr, nullptr, &numbers, nullptr, nullptr);
  auto* handle = new RingHandle(std::move(segment), waiting, static_cast<double*>(numbers));
  const auto drop = [](napi_env env, void* data, void*) {
    auto* handle = static_cast<RingHandle*>(data);
    if (handle->elements_) napi_delete_reference(env, handle->elements_);
    delete handle;
  };
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle, drop, nullptr, nullptr) != napi_ok) {
    delete handle;
    return nullptr;
  }
  const napi_value elements = view_elements(env, *handle->sequencer_);
  if (!elements) return nullptr;
  napi_create_reference(env, elements, 1, &handle->elements_);
  Environment::of(env).rings.add(*handle);

  const auto value = [](const char* name, napi_value value) {
    return napi_property_descriptor{name,    nullptr, nullptr,         nullptr,
                                    nullptr, value,   napi_enumerable, nullptr};
  };
  napi_value schema = nullptr;
  napi_create_bigint_uint64(env, format.schema, &schema);
  napi_value generation_value = nullptr;
  napi_create_bigint_uint64(env, generation, &generation_value);
  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      value("handle", js_number(env, handle->number())),
      // Keeps the numbers alive, which `state_` points to.
      value("state", state),
      value("elements", elements),
      value("elementCount", js_number(env, geometry.elements)),
      value("elementSize", js_number(env, geometry.element_size)),
      value("consumerCount", js_number(env, geometry.consumers)),
      value("single", js_boolean(env, single)),
      value("shape", js_number(env, format.shape)),
      value("schema", schema),
      value("generation", generation_value),
      value("object", object_name),
  };
  napi_define_properties(env, object, std::size(properties), properties);
  return object;
}

void RingHandle::define(napi_env env, Environment* environment, napi_value exports) {
  const auto method = [&](const char* name, napi_callback callback) {
    return napi_property_descriptor{name,    nullptr, callback,        nullptr,
                                    nullptr, nullptr, napi_enumerable, environment};
  };
  const napi_property_descriptor methods[] = {
      method("claim", invoke<&RingHandle::claim>),
      method("commit", invoke<&RingHandle::commit>),
      method("commitLatest", invoke<&RingHandle::commit_latest>),
      method("awaitVisible", invoke<&RingHandle::await_visible>),
      method("consume", invoke<&RingHandle::consume>),
      method("commitConsumed", invoke<&RingHandle::commit_consumed>),
      method("attachConsumer", invoke<&RingHandle::attach_consumer>),
      method("share", invoke<&RingHandle::share>),
      method("takeShare", invoke<&RingHandle::take_share>),
      method("finishShare", invoke<&RingHandle::finish_share>),
      method("keepShare", invoke<&RingHandle::keep_share>),
      method("giveBackShare", invoke<&RingHandle::give_back_share>),
      method("leave", invoke<&RingHandle::leave>),
      method("moveMessage", move_message),
      method("join", join),
      method("census", census),
      method("nextGap", invoke<&RingHandle::next_gap>),
      method("recover", invoke<&RingHandle::recover>),
      method("takeOver", invoke<&RingHandle::take_over>),
      method("gaps", invoke<&RingHandle::gaps>),
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
      method("tend", invoke<&RingHandle::tend>),
      method("watch", invoke<&RingHandle::watch>),
      method("disturb", invoke<&RingHandle::disturb>),
      method("release", release),
  };
  napi_define_properties(env, exports, std::size(methods), methods);
}

// What TypeScript has claimed of the sole producer's lease since the core last knew.
void RingHandle::take_lease() {
  if (sequencer_->single()) sequencer_->use_lease(get(kLeaseNext));
}

void RingHandle::give_lease() {
  if (!sequencer_->single()) return;
  const Sequencer::Lease lease = sequencer_->lease();
  set(kLeaseNext, lease.next);
  set(kLeaseLimit, lease.limit);
}

Status RingHandle::claim(Environment& environment) {
  Exchange& exchange = environment.exchange;
  take_lease();
  const auto claim = sequencer_->claim(exchange.get(Exchange::kLeast),
                                       exchange.get(Exchange::kMost), patience(exchange));
  if (!claim.ok()) return claim.error();
  give_lease();
  const uint64_t start = claim.value().start;
  if (claim.value().count == 0) {
    exchange.answer(claim.value().all_ignored ? kAllIgnored : kNothing);
    return Done{};
  }
  set(kClaimStart, start);
  set(kClaimEnd, start + claim.value().count - 1);
  exchange.answer(static_cast<int64_t>(sequencer_->ring().slot(start)));
  return Done{};
}

Status RingHandle::commit(Environment& environment) {
  take_lease();
  Exchange& exchange = environment.exchange;
  return committed(exchange,
                   sequencer_->commit(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd),
                                      out_of_order(exchange), patience(exchange)));
}

Status RingHandle::commit_latest(Environment& environment) {
  take_lease();
  Exchange& exchange = environment.exchange;
  return committed(exchange,
                   sequencer_->commit(get(kClaimStart), get(kClaimEnd), out_of_order(exchange), 0));
}

Status RingHandle::await_visible(Environment& environment) {
  Exchange& exchange = environment.exchange;
  return committed(exchange,
                   sequencer_->await_visible(exchange.get(Exchange::kEnd), patience(exchange)));
}

Status RingHandle::consume(Environment& environment) {
  Exchange& exchange = environment.exchange;
  const uint64_t consumer = exchange.get(Exchange::kConsumer);
  commit_previous(consumer);
  const auto batch = sequencer_->consume(consumer, patience(exchange));
  if (!batch.ok()) return batch.error();
  set(kGaps, sequencer_->gap_count());
  const uint64_t start = batch.value().start;
  if (batch.value().count == 0) {
    set(kConsumeStart, 0);
    exchange.answer(kNothing);
    return Done{};
  }
  set(kConsumeStart, start);
  set(kConsumeNext, start + batch.value().count);
  set(kRedelivered, batch.value().redelivered ? 1 : 0);
  exchange.answer(static_cast<int64_t>(sequencer_->ring().slot(start)));
  return Done{};
}

Status RingHandle::commit_consumed(Environment& environment) {
  environment.exchange.answer(commit_previous(environment.exchange.get(Exchange::kConsumer)));
  return Done{};
}

bool RingHandle::commit_previous(uint64_t consumer) {
  const uint64_t start = get(kConsumeStart);
  const uint64_t next = get(kConsumeNext);
  if (next == 0) return true;
  set(kConsumeNext, 0);
  return sequencer_->commit_consumed(consumer, start, next);
}

Status RingHandle::attach_consumer(Environment& environment) {
  const Exchange& exchange = environment.exchange;
  const auto hold = exchange.get(Exchange::kMark) != 0 ? os::Hold::kShared : os::Hold::kExclusive;
  return sequencer_->attach_consumer(exchange.get(Exchange::kConsumer), hold);
}

Status RingHandle::share(Environment& environment) {
  sequencer_->share(environment.exchange.get(Exchange::kMost));
  return Done{};
}

Status RingHandle::take_share(Environment& environment) {
  Exchange& exchange = environment.exchange;
  const auto taken = sequencer_->take_share(patience(exchange));
  if (!taken.ok()) return taken.error();
  set(kGaps, sequencer_->gap_count());
  const auto [share, seat] = taken.value();
  if (share.count == 0) {
    exchange.answer(kNothing);
    return Done{};
  }
  exchange.set(Exchange::kStart, share.start);
  exchange.set(Exchange::kEnd, share.start + share.count);
  exchange.set(Exchange::kKey, seat);
  exchange.set(Exchange::kMark, share.redelivered);
  exchange.answer(static_cast<int64_t>(sequencer_->ring().slot(share.start)));
  return Done{};
}

Status RingHandle::finish_share(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->finish_share(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::keep_share(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->keep_share(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::give_back_share(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->give_back_share(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::leave(Environment& environment) {
  // What was consumed and not committed is somebody else's to do.
  set(kConsumeNext, 0);
  sequencer_->leave();
  return Done{};
}

Status RingHandle::next_gap(Environment& environment) {
  Exchange& exchange = environment.exchange;
  const Gap gap = sequencer_->next_gap();
  exchange.set(Exchange::kStart, gap.begin);
  exchange.set(Exchange::kEnd, gap.end);
  set(kGaps, sequencer_->gap_count());
  return Done{};
}

Status RingHandle::recover(Environment& environment) {
  environment.exchange.answer(sequencer_->recover());
  return Done{};
}

Status RingHandle::take_over(Environment& environment) {
  take_lease();
  Exchange& exchange = environment.exchange;
  const auto taken =
      sequencer_->take_over(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd));
  if (!taken.ok()) return taken.error();
  exchange.answer(taken.value());
  return Done{};
}

Status RingHandle::gaps(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.set(Exchange::kStart, sequencer_->gaps());
  exchange.set(Exchange::kEnd, sequencer_->lost());
  exchange.set(Exchange::kMost, sequencer_->gap_limit());
  return Done{};
}

Status RingHandle::ignore(Environment& environment) {
  sequencer_->ignore(environment.exchange.get(Exchange::kConsumer));
  return Done{};
}

Status RingHandle::claimable(Environment& environment) {
  take_lease();
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->claimable(exchange.get(Exchange::kLeast)));
  return Done{};
}

Status RingHandle::consumable(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->consumable(exchange.get(Exchange::kConsumer)));
  return Done{};
}

Status RingHandle::committable(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(sequencer_->committable(exchange.get(Exchange::kStart)));
  return Done{};
}

Status RingHandle::uncommitted(Environment& environment) {
  take_lease();
  Exchange& exchange = environment.exchange;
  exchange.answer(
      sequencer_->uncommitted(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd)));
  return Done{};
}

Status RingHandle::next(Environment& environment) {
  take_lease();
  environment.exchange.answer_unsigned(sequencer_->next());
  return Done{};
}

Status RingHandle::cursor(Environment& environment) {
  environment.exchange.answer_unsigned(sequencer_->cursor());
  return Done{};
}

Status RingHandle::consumer_sequence(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer_unsigned(sequencer_->consumer_sequence(exchange.get(Exchange::kConsumer)));
  return Done{};
}

Status RingHandle::all_ignored(Environment& environment) {
  environment.exchange.answer(sequencer_->all_ignored());
  return Done{};
}

Status RingHandle::status(Environment& environment) {
  environment.exchange.answer(sequencer_->status());
  return Done{};
}

Status RingHandle::set_status(Environment& environment) {
  sequencer_->set_status(static_cast<int32_t>(environment.exchange.get(Exchange::kStatus)));
  return Done{};
}

Word& RingHandle::word(const Exchange& exchange) {
  return exchange.get(Exchange::kWord) != 0 ? sequencer_->space_waiters()
                                            : sequencer_->data_waiters();
}

// Whoever is about to sleep, or sleeps, does something about those who hold it up and are dead.
Status RingHandle::tend(Environment& environment) {
  if (environment.exchange.get(Exchange::kWord) != 0) {
    sequencer_->make_room();
  } else {
    sequencer_->go_on();
  }
  return Done{};
}

Status RingHandle::watch(Environment& environment) {
  static_cast<void>(tend(environment));
  Word& watched = word(environment.exchange);
  environment.waker->watch(environment.exchange.get(Exchange::kKey), sequencer_->mapping(), watched,
                           announce_sleeper(watched));
  return Done{};
}

Status RingHandle::disturb(Environment& environment) {
  wake_sleepers(word(environment.exchange));
  return Done{};
}

// (target): copies the next message to it. The length; negative for one that is longer, and
// `kNothing`.
napi_value RingHandle::move_message(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value target = nullptr;
  napi_get_cb_info(env, info, &count, &target, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  RingHandle* handle = named(environment);
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  void* bytes = nullptr;
  size_t room = 0;
  napi_get_typedarray_info(env, target, nullptr, &room, &bytes, nullptr, nullptr);
  uint64_t length = 0;
  const auto moved = handle->sequencer_->move_message(bytes, room, length);
  if (!moved.ok()) return throw_error(env, moved.error());
  const auto answer = static_cast<int64_t>(length);
  environment.exchange.answer(moved.value() == Sequencer::Moved::kNothing   ? kNothing
                              : moved.value() == Sequencer::Moved::kTooLong ? -1 - answer
                                                                            : answer);
  return nullptr;
}

// (joining): the index to consume under.
napi_value RingHandle::join(napi_env env, napi_callback_info info) {
  const Napi::CallbackInfo call(env, info);
  RingHandle* handle = named(*static_cast<Environment*>(call.Data()));
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  const auto joined = handle->sequencer_->join(joining_of(call[0].As<Napi::Object>()));
  if (!joined.ok()) return throw_error(env, joined.error());
  return js_number(env, joined.value());
}

napi_value RingHandle::census(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  RingHandle* handle = named(*static_cast<Environment*>(data));
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  return to_object(env, handle->sequencer_->census());
}

// Empties every view: the last of them, or this handle, unmaps the segment.
napi_value RingHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  RingHandle* handle = named(*static_cast<Environment*>(data));
  if (handle == nullptr) return nullptr;
  napi_value elements = nullptr;
  napi_get_reference_value(env, handle->elements_, &elements);
  napi_detach_arraybuffer(env, elements);
  napi_delete_reference(env, handle->elements_);
  handle->elements_ = nullptr;
  handle->sequencer_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding
