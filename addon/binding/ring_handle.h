// One JavaScript object over one Sequencer.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "../core/sequencer.h"
#include "environment.h"

namespace shm_disruptor::binding {

/// What a `Ring` of src/native/ring.ts works through.
///
/// Every method is one function for all handles of the instance, and takes and gives its numbers
/// through the exchange, the handle's own among them. V8 calls a function that never changes more
/// cheaply than one of each object.
class RingHandle : public Registered {
 public:
  /// The object that `Ring` keeps, and to whose life the handle is tied. Null with an exception.
  static napi_value make(Instance& instance, RingSegment segment, Waiting waiting,
                         napi_value state);

  /// Adds the methods to `exports`.
  static void define(Instance& instance, napi_value exports);

  /// The one that the exchange names; null when there is none or it was released.
  static RingHandle* named(const Instance& instance);

 private:
  RingHandle(RingSegment segment, Waiting waiting, double* state);

  Status claim(Instance&);
  Status commit(Instance&);
  Status commit_latest(Instance&);
  Status await_visible(Instance&);
  Status consume(Instance&);
  Status commit_consumed(Instance&);
  Status attach_consumer(Instance&);
  Status assignment(Instance&);
  Status take_assignment(Instance&);
  Status finish_assignment(Instance&);
  Status keep_assignment(Instance&);
  Status return_assignment(Instance&);
  Status leave(Instance&);
  Status next_gap(Instance&);
  Status recover(Instance&);
  Status take_over(Instance&);
  Status gaps(Instance&);
  Status detach(Instance&);
  Status ignore(Instance&);
  Status claimable(Instance&);
  Status consumable(Instance&);
  Status committable(Instance&);
  Status uncommitted(Instance&);
  Status next(Instance&);
  Status cursor(Instance&);
  Status consumer_sequence(Instance&);
  Status all_ignored(Instance&);
  Status status(Instance&);
  Status set_status(Instance&);
  Status unblock(Instance&);
  Status watch(Instance&);
  Status pass_on(Instance&);
  Status withdraw(Instance&);
  Status unlinked(Instance&);
  Status sync_now(Instance&);
  static napi_value sync(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);
  static napi_value send_message(napi_env env, napi_callback_info info);
  static napi_value move_message(napi_env env, napi_callback_info info);
  static napi_value send_messages(napi_env env, napi_callback_info info);
  static napi_value move_messages(napi_env env, napi_callback_info info);
  static napi_value join(napi_env env, napi_callback_info info);
  static napi_value snapshot(napi_env env, napi_callback_info info);

  // What this handle claimed and consumed last: TypeScript reads it without a call. The same list
  // stands in src/native/ring.ts.
  enum State : size_t {
    kClaimStart,
    kClaimEnd,
    kConsumeStart,
    kConsumeNext,
    kGaps,
    kRedelivered,
    kLeaseNext,
    kLeaseLimit,
  };

  void set(State index, uint64_t sequence) {
    state_[index] = static_cast<double>(static_cast<int64_t>(sequence));
  }
  uint64_t get(State index) const {
    return static_cast<uint64_t>(static_cast<int64_t>(state_[index]));
  }
  bool commit_previous(uint64_t consumer);

  // What a call came with.
  struct Call {
    Instance& instance;
    RingHandle* handle;  // null when it was released
    std::byte* bytes;
    size_t size;
    uint32_t* lengths;
    size_t count;
  };
  template <size_t arrays>
  static Call with(napi_env env, napi_callback_info info);
  void take_lease();
  void give_lease();
  Word& word(const Exchange& exchange);

  std::optional<Sequencer> sequencer_;
  double* state_;
  napi_ref elements_ = nullptr;
};

}  // namespace shm_disruptor::binding
