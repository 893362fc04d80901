// One JavaScript object over one Sequencer.
#pragma once

#include <node_api.h>

#include <optional>

#include "../core/sequencer.h"

namespace shm_disruptor::binding {

/// Makes `NativeRing` objects; src/native.ts documents each member.
///
/// The methods are plain Node-API functions that find their handle in the function's own data:
/// no lookup on `this`, and none that a foreign `this` could confuse. The arguments and answers of
/// the hot ones go through the exchange, an array of numbers that both sides see, because
/// converting values costs more than the operation itself.
class RingHandle {
 public:
  static napi_value make(napi_env env, const RingSegment& segment, Waiting waiting,
                         napi_value exchange);

 private:
  struct Call;
  using Method = napi_value (RingHandle::*)(const Call&);

  RingHandle(const RingSegment& segment, Waiting waiting, double* exchange);

  template <Method method>
  static napi_value invoke(napi_env env, napi_callback_info info);

  napi_value claim(const Call& call);
  napi_value commit(const Call& call);
  napi_value await_visible(const Call& call);
  napi_value consume(const Call& call);
  napi_value commit_consumed(const Call& call);
  napi_value ignore(const Call& call);
  napi_value claimable(const Call& call);
  napi_value consumable(const Call& call);
  napi_value committable(const Call& call);
  napi_value uncommitted(const Call& call);
  napi_value next(const Call& call);
  napi_value cursor(const Call& call);
  napi_value consumer_sequence(const Call& call);
  napi_value all_ignored(const Call& call);
  napi_value status(const Call& call);
  napi_value set_status(const Call& call);
  Word& word(const Call& call);
  napi_value watch(const Call& call);
  napi_value disturb(const Call& call);
  napi_value release(const Call& call);

  // The exchange holds doubles. Signed conversions: they are one instruction.
  template <class Integer>
  void set(size_t index, Integer value) {
    exchange_[index] = static_cast<double>(static_cast<int64_t>(value));
  }
  uint64_t get(size_t index) const {
    return static_cast<uint64_t>(static_cast<int64_t>(exchange_[index]));
  }
  uint64_t patience() const;
  napi_value committed(const Call& call, const Result<Commit>& commit);
  bool commit_previous(uint64_t consumer);

  std::optional<Sequencer> sequencer_;
  napi_ref elements_ = nullptr;
  double* exchange_;
};

}  // namespace shm_disruptor::binding
