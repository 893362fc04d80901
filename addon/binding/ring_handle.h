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
/// Every method is one function for all handles of the environment, and takes and gives its numbers
/// through the exchange, the handle's own among them. V8 calls a function that never changes more
/// cheaply than one of each object.
class RingHandle : public Registered {
 public:
  /// The object that `Ring` keeps, and to whose life the handle is tied. Null with an exception.
  static napi_value make(napi_env env, RingSegment segment, Waiting waiting, napi_value state);

  /// Adds the methods to `exports`.
  static void define(napi_env env, Environment* environment, napi_value exports);

  /// The one that the exchange names; null when there is none or it was released.
  static RingHandle* named(const Environment& environment);

 private:
  RingHandle(RingSegment segment, Waiting waiting, double* state);

  Status claim(Environment&);
  Status commit(Environment&);
  Status commit_latest(Environment&);
  Status await_visible(Environment&);
  Status consume(Environment&);
  Status commit_consumed(Environment&);
  Status attach_consumer(Environment&);
  Status share(Environment&);
  Status take_share(Environment&);
  Status finish_share(Environment&);
  Status keep_share(Environment&);
  Status give_back_share(Environment&);
  Status leave(Environment&);
  Status next_gap(Environment&);
  Status recover(Environment&);
  Status take_over(Environment&);
  Status gaps(Environment&);
  Status detach(Environment&);
  Status ignore(Environment&);
  Status claimable(Environment&);
  Status consumable(Environment&);
  Status committable(Environment&);
  Status uncommitted(Environment&);
  Status next(Environment&);
  Status cursor(Environment&);
  Status consumer_sequence(Environment&);
  Status all_ignored(Environment&);
  Status status(Environment&);
  Status set_status(Environment&);
  Status tend(Environment&);
  Status watch(Environment&);
  Status pass_on(Environment&);
  Status sync_now(Environment&);
  static napi_value sync(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);
  static napi_value send_message(napi_env env, napi_callback_info info);
  static napi_value move_message(napi_env env, napi_callback_info info);
  static napi_value send_messages(napi_env env, napi_callback_info info);
  static napi_value move_messages(napi_env env, napi_callback_info info);
  static napi_value join(napi_env env, napi_callback_info info);
  static napi_value census(napi_env env, napi_callback_info info);

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
    Environment& environment;
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
