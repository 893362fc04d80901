#include "ring_handle.h"

#include <iterator>
#include <string>

#include "../core/queue.h"
#include "errors.h"
#include "inspection.h"
#include "invoke.h"
#include "joining.h"
#include "syncing.h"
#include "values.h"
#include "view.h"

namespace shm_disruptor::binding {

namespace {

// Outcomes of claim() and consume() that are no slot.
constexpr int64_t kNothing = -1;
constexpr int64_t kAllIgnored = -2;

OutOfOrder out_of_order(const Exchange& exchange) {
  return exchange.get(Exchange::kMark) != 0 ? OutOfOrder::kMark : OutOfOrder::kRefuse;
}

Status committed(Exchange& exchange, const Result<Commit>& commit) {
  if (!commit.ok()) return commit.error();
  exchange.answer(static_cast<int64_t>(commit.value()));
  return Done{};
}

}  // namespace

RingHandle* RingHandle::named(const Instance& instance) {
  const uint64_t number = instance.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<RingHandle*>(instance.rings.find(number));
  return handle != nullptr && handle->sequencer_ ? handle : nullptr;
}

RingHandle::RingHandle(RingSegment segment, Waiting waiting, double* state)
    : sequencer_(std::in_place, std::move(segment), waiting), state_(state) {}

// A call with a Uint8Array and, if there are two `arrays`, a Uint32Array.
template <size_t arrays>
RingHandle::Call RingHandle::with(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t given = arrays;
  napi_value values[arrays] = {};
  napi_get_cb_info(env, info, &given, values, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  void* bytes = nullptr;
  size_t size = 0;
  napi_get_typedarray_info(env, values[0], nullptr, &size, &bytes, nullptr, nullptr);
  void* lengths = nullptr;
  size_t count = 0;
  if constexpr (arrays == 2) {
    napi_typedarray_type type = napi_uint32_array;
    napi_get_typedarray_info(env, values[1], &type, &count, &lengths, nullptr, nullptr);
    // Whatever JavaScript takes it for.
    if (type != napi_uint32_array) count = 0;
  }
  return {instance,
          named(instance),
          static_cast<std::byte*>(bytes),
          size,
          static_cast<uint32_t*>(lengths),
          count};
}

// Plain Node-API: see errors.cc.
napi_value RingHandle::make(Instance& instance, RingSegment segment, Waiting waiting,
                            napi_value state) {
  const napi_env env = instance.env;
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
  const Sequencer& sequencer = *handle->sequencer_;
  const napi_value elements =
      view_of(instance.env, sequencer.mapping(), sequencer.elements(), sequencer.visible_bytes());
  if (!elements) return nullptr;
  napi_create_reference(env, elements, 1, &handle->elements_);
  instance.rings.add(*handle);

  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      value_property("handle", js_number(env, handle->number())),
      // Keeps the numbers alive, which `state_` points to.
      value_property("state", state),
      value_property("elements", elements),
      value_property("elementCount", js_number(env, geometry.elements)),
      value_property("elementSize", js_number(env, geometry.element_size)),
      value_property("consumerCount", js_number(env, geometry.consumers)),
      value_property("single", js_boolean(env, single)),
      value_property("shape", js_number(env, format.shape)),
      value_property("schema", js_bigint(env, format.schema)),
      value_property("generation", js_bigint(env, generation)),
      value_property("object", object_name),
  };
  napi_define_properties(env, object, std::size(properties), properties);
  return object;
}

void RingHandle::define(Instance& instance, napi_value exports) {
  const auto method = [&](const char* name, napi_callback callback) {
    return method_property(name, callback, &instance);
  };
  const napi_property_descriptor methods[] = {
      method("claim", invoke<RingHandle, &RingHandle::claim>),
      method("commit", invoke<RingHandle, &RingHandle::commit>),
      method("commitLatest", invoke<RingHandle, &RingHandle::commit_latest>),
      method("awaitVisible", invoke<RingHandle, &RingHandle::await_visible>),
      method("consume", invoke<RingHandle, &RingHandle::consume>),
      method("commitConsumed", invoke<RingHandle, &RingHandle::commit_consumed>),
      method("attachConsumer", invoke<RingHandle, &RingHandle::attach_consumer>),
      method("assignment", invoke<RingHandle, &RingHandle::assignment>),
      method("takeAssignment", invoke<RingHandle, &RingHandle::take_assignment>),
      method("finishAssignment", invoke<RingHandle, &RingHandle::finish_assignment>),
      method("keepAssignment", invoke<RingHandle, &RingHandle::keep_assignment>),
      method("returnAssignment", invoke<RingHandle, &RingHandle::return_assignment>),
      method("leave", invoke<RingHandle, &RingHandle::leave>),
      method("sendMessage", send_message),
      method("moveMessage", move_message),
      method("sendMessages", send_messages),
      method("moveMessages", move_messages),
      method("join", join),
      method("snapshot", snapshot),
      method("detach", invoke<RingHandle, &RingHandle::detach>),
      method("nextGap", invoke<RingHandle, &RingHandle::next_gap>),
      method("recover", invoke<RingHandle, &RingHandle::recover>),
      method("takeOver", invoke<RingHandle, &RingHandle::take_over>),
      method("gaps", invoke<RingHandle, &RingHandle::gaps>),
      method("ignore", invoke<RingHandle, &RingHandle::ignore>),
      method("claimable", invoke<RingHandle, &RingHandle::claimable>),
      method("consumable", invoke<RingHandle, &RingHandle::consumable>),
      method("committable", invoke<RingHandle, &RingHandle::committable>),
      method("uncommitted", invoke<RingHandle, &RingHandle::uncommitted>),
      method("next", invoke<RingHandle, &RingHandle::next>),
      method("cursor", invoke<RingHandle, &RingHandle::cursor>),
      method("consumerSequence", invoke<RingHandle, &RingHandle::consumer_sequence>),
      method("allIgnored", invoke<RingHandle, &RingHandle::all_ignored>),
      method("status", invoke<RingHandle, &RingHandle::status>),
      method("setStatus", invoke<RingHandle, &RingHandle::set_status>),
      method("unblock", invoke<RingHandle, &RingHandle::unblock>),
      method("watch", invoke<RingHandle, &RingHandle::watch>),
      method("passOn", invoke<RingHandle, &RingHandle::pass_on>),
      method("withdraw", invoke<RingHandle, &RingHandle::withdraw>),
      method("sync", sync),
      method("unlinked", invoke<RingHandle, &RingHandle::unlinked>),
      method("syncNow", invoke<RingHandle, &RingHandle::sync_now>),
      method("release", release),
  };
  napi_define_properties(instance.env, exports, std::size(methods), methods);
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

Status RingHandle::claim(Instance& instance) {
  Exchange& exchange = instance.exchange;
  take_lease();
  const auto claim = sequencer_->claim(exchange.get(Exchange::kMin), exchange.get(Exchange::kMax),
                                       exchange.patience());
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

Status RingHandle::commit(Instance& instance) {
  take_lease();
  Exchange& exchange = instance.exchange;
  return committed(exchange,
                   sequencer_->commit(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd),
                                      out_of_order(exchange), exchange.patience()));
}

Status RingHandle::commit_latest(Instance& instance) {
  take_lease();
  Exchange& exchange = instance.exchange;
  return committed(exchange,
                   sequencer_->commit(get(kClaimStart), get(kClaimEnd), out_of_order(exchange), 0));
}

Status RingHandle::await_visible(Instance& instance) {
  Exchange& exchange = instance.exchange;
  return committed(exchange,
                   sequencer_->await_visible(exchange.get(Exchange::kEnd), exchange.patience()));
}

Status RingHandle::consume(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const uint64_t consumer = exchange.get(Exchange::kConsumer);
  commit_previous(consumer);
  const auto batch = sequencer_->consume(consumer, exchange.patience());
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

Status RingHandle::commit_consumed(Instance& instance) {
  instance.exchange.answer(commit_previous(instance.exchange.get(Exchange::kConsumer)));
  return Done{};
}

bool RingHandle::commit_previous(uint64_t consumer) {
  const uint64_t start = get(kConsumeStart);
  const uint64_t next = get(kConsumeNext);
  if (next == 0) return true;
  set(kConsumeNext, 0);
  return sequencer_->commit_consumed(consumer, start, next);
}

Status RingHandle::attach_consumer(Instance& instance) {
  const Exchange& exchange = instance.exchange;
  const auto hold = exchange.get(Exchange::kMark) != 0 ? os::Hold::kShared : os::Hold::kExclusive;
  return sequencer_->attach_consumer(exchange.get(Exchange::kConsumer), hold,
                                     patience::of(exchange.patience()));
}

Status RingHandle::assignment(Instance& instance) {
  sequencer_->assignment(instance.exchange.get(Exchange::kMax));
  return Done{};
}

Status RingHandle::take_assignment(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const auto taken = sequencer_->take_assignment(exchange.patience());
  if (!taken.ok()) return taken.error();
  set(kGaps, sequencer_->gap_count());
  const auto [assignment, member_slot] = taken.value();
  if (assignment.count == 0) {
    exchange.answer(kNothing);
    return Done{};
  }
  exchange.set(Exchange::kStart, assignment.start);
  exchange.set(Exchange::kEnd, assignment.start + assignment.count);
  exchange.set(Exchange::kKey, member_slot);
  exchange.set(Exchange::kMark, assignment.redelivered);
  exchange.answer(static_cast<int64_t>(sequencer_->ring().slot(assignment.start)));
  return Done{};
}

Status RingHandle::finish_assignment(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->finish_assignment(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::keep_assignment(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->keep_assignment(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::return_assignment(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->return_assignment(exchange.get(Exchange::kKey)));
  return Done{};
}

Status RingHandle::leave(Instance& instance) {
  // What was consumed and not committed is somebody else's to do.
  set(kConsumeNext, 0);
  sequencer_->leave();
  return Done{};
}

Status RingHandle::detach(Instance& instance) {
  return sequencer_->detach(instance.exchange.get(Exchange::kConsumer));
}

Status RingHandle::next_gap(Instance& instance) {
  Exchange& exchange = instance.exchange;
  const Gap gap = sequencer_->next_gap();
  exchange.set(Exchange::kStart, gap.begin);
  exchange.set(Exchange::kEnd, gap.end);
  set(kGaps, sequencer_->gap_count());
  return Done{};
}

Status RingHandle::recover(Instance& instance) {
  instance.exchange.answer(sequencer_->recover());
  return Done{};
}

Status RingHandle::take_over(Instance& instance) {
  take_lease();
  Exchange& exchange = instance.exchange;
  const auto taken =
      sequencer_->take_over(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd));
  if (!taken.ok()) return taken.error();
  exchange.answer(taken.value());
  return Done{};
}

Status RingHandle::gaps(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.set(Exchange::kStart, sequencer_->gaps());
  exchange.set(Exchange::kEnd, sequencer_->lost());
  exchange.set(Exchange::kMax, sequencer_->gap_limit());
  return Done{};
}

Status RingHandle::ignore(Instance& instance) {
  sequencer_->ignore(instance.exchange.get(Exchange::kConsumer));
  return Done{};
}

Status RingHandle::claimable(Instance& instance) {
  take_lease();
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->claimable(exchange.get(Exchange::kMin)));
  return Done{};
}

Status RingHandle::consumable(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->consumable(exchange.get(Exchange::kConsumer)));
  return Done{};
}

Status RingHandle::committable(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer(sequencer_->committable(exchange.get(Exchange::kStart)));
  return Done{};
}

Status RingHandle::uncommitted(Instance& instance) {
  take_lease();
  Exchange& exchange = instance.exchange;
  exchange.answer(
      sequencer_->uncommitted(exchange.get(Exchange::kStart), exchange.get(Exchange::kEnd)));
  return Done{};
}

Status RingHandle::next(Instance& instance) {
  take_lease();
  instance.exchange.answer_unsigned(sequencer_->next());
  return Done{};
}

Status RingHandle::cursor(Instance& instance) {
  instance.exchange.answer_unsigned(sequencer_->cursor());
  return Done{};
}

Status RingHandle::consumer_sequence(Instance& instance) {
  Exchange& exchange = instance.exchange;
  exchange.answer_unsigned(sequencer_->consumer_sequence(exchange.get(Exchange::kConsumer)));
  return Done{};
}

Status RingHandle::all_ignored(Instance& instance) {
  instance.exchange.answer(sequencer_->all_ignored());
  return Done{};
}

Status RingHandle::status(Instance& instance) {
  instance.exchange.answer(sequencer_->status());
  return Done{};
}

Status RingHandle::set_status(Instance& instance) {
  sequencer_->set_status(static_cast<int32_t>(instance.exchange.get(Exchange::kStatus)));
  return Done{};
}

Word& RingHandle::word(const Exchange& exchange) {
  return exchange.get(Exchange::kWord) != 0 ? sequencer_->space_waiters()
                                            : sequencer_->data_waiters();
}

// Whoever is about to sleep, or sleeps, does something about those who hold it up and are dead.
Status RingHandle::unblock(Instance& instance) {
  if (instance.exchange.get(Exchange::kWord) != 0) {
    sequencer_->unblock_space();
  } else {
    sequencer_->unblock_data();
  }
  return Done{};
}

Status RingHandle::watch(Instance& instance) {
  static_cast<void>(unblock(instance));
  Exchange& exchange = instance.exchange;
  Word& watched = word(exchange);
  exchange.answer(instance.waker->watch(instance.listener, exchange.get(Exchange::kKey),
                                        sequencer_->mapping(), watched,
                                        sequencer_->announce(watched)));
  return Done{};
}

Status RingHandle::unlinked(Instance& instance) {
  instance.exchange.answer(sequencer_->segment().unlinked());
  return Done{};
}

Status RingHandle::withdraw(Instance&) {
  sequencer_->withdraw();
  return Done{};
}

Status RingHandle::sync_now(Instance&) { return shm_disruptor::sync(sequencer_->backing()); }

// A promise.
napi_value RingHandle::sync(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  RingHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  return sync_later(instance, handle->sequencer_->backing());
}

Status RingHandle::pass_on(Instance& /*instance*/) {
  sequencer_->pass_on();
  return Done{};
}

// (bytes): sends them as a message. Its sequence, or `kNothing`.
napi_value RingHandle::send_message(napi_env env, napi_callback_info info) {
  const auto [instance, handle, bytes, size, lengths, messages] = with<1>(env, info);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  Exchange& exchange = instance.exchange;
  const auto sent =
      shm_disruptor::send_message(*handle->sequencer_, bytes, size, exchange.patience());
  if (!sent.ok()) return throw_error(instance, sent.error());
  const auto [start, count, ignored] = sent.value();
  exchange.answer(count == 0 ? kNothing : static_cast<int64_t>(start));
  return nullptr;
}

// (target): copies the next message to it. The length; negative for one that is longer, and
// `kNothing`.
napi_value RingHandle::move_message(napi_env env, napi_callback_info info) {
  const auto [instance, handle, bytes, room, lengths, messages] = with<1>(env, info);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  Exchange& exchange = instance.exchange;
  uint64_t length = 0;
  const auto moved =
      shm_disruptor::move_message(*handle->sequencer_, bytes, room, length, exchange.patience());
  if (!moved.ok()) return throw_error(instance, moved.error());
  const auto answer = static_cast<int64_t>(length);
  exchange.answer(moved.value() == Moved::kNothing   ? kNothing
                  : moved.value() == Moved::kTooLong ? -1 - answer
                                                     : answer);
  return nullptr;
}

// (bytes, lengths): sends them as messages. How many were sent, or `kNothing` when the first is
// longer than it may be; `start` is the sequence of the last, `end` how many bytes they have.
napi_value RingHandle::send_messages(napi_env env, napi_callback_info info) {
  const auto [instance, handle, bytes, size, lengths, count] = with<2>(env, info);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  Exchange& exchange = instance.exchange;
  const auto sent = shm_disruptor::send_messages(*handle->sequencer_, bytes, size, lengths, count,
                                                 exchange.get(Exchange::kMax), exchange.patience());
  if (!sent.ok()) return throw_error(instance, sent.error());
  const auto [sent_count, last, sent_bytes, damaged] = sent.value();
  exchange.set(Exchange::kStart, last);
  exchange.set(Exchange::kEnd, sent_bytes);
  exchange.answer(sent_count == 0 && damaged ? kNothing : static_cast<int64_t>(sent_count));
  return nullptr;
}

// (target, lengths): copies the next messages to it. How many; negative for one that is longer, and
// `kNothing`.
napi_value RingHandle::move_messages(napi_env env, napi_callback_info info) {
  const auto [instance, handle, target, room, lengths, most] = with<2>(env, info);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  Exchange& exchange = instance.exchange;
  const auto moved = shm_disruptor::move_messages(*handle->sequencer_, target, room, lengths, most,
                                                  exchange.patience());
  if (!moved.ok()) return throw_error(instance, moved.error());
  const auto [count, too_long] = moved.value();
  exchange.answer(count != 0      ? static_cast<int64_t>(count)
                  : too_long != 0 ? -1 - static_cast<int64_t>(too_long)
                                  : kNothing);
  return nullptr;
}

// (joining): the index to consume under. Waits for others who join as long as the exchange says.
napi_value RingHandle::join(napi_env env, napi_callback_info info) {
  const Napi::CallbackInfo call(env, info);
  auto& instance = *static_cast<Instance*>(call.Data());
  RingHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  const uint64_t patience = patience::of(instance.exchange.patience());
  const auto joined = handle->sequencer_->join(joining_of(call[0].As<Napi::Object>()), patience);
  if (!joined.ok()) return throw_error(instance, joined.error());
  return js_number(env, joined.value());
}

napi_value RingHandle::snapshot(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  RingHandle* handle = named(instance);
  if (handle == nullptr) return throw_error(instance, {Errc::kReleased, 0, nullptr});
  return to_object(env, handle->sequencer_->snapshot());
}

// Empties every view and gives the memory back (mapping.h).
napi_value RingHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto& instance = *static_cast<Instance*>(data);
  RingHandle* handle = named(instance);
  if (handle == nullptr) return nullptr;
  detach_view(env, handle->elements_);
  if (instance.waker) instance.waker->let_go();
  handle->sequencer_->mapping()->close();
  handle->sequencer_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding
