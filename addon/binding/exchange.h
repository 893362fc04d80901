// The numbers that pass between JavaScript and the addon.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shm_disruptor::binding {

/// An array of doubles that both sides see: a call's arguments lie there when it begins and its
/// answers when it ends. Converting arguments and results as Node-API does costs more than the
/// operations themselves. Signed conversions, because they are one instruction.
class Exchange {
 public:
  // The same list stands in src/native/exchange.ts.
  enum Index : size_t {
    kHandle,
    kStart,
    kEnd,
    kMin,
    kMax,
    kMark,
    kConsumer,
    kMilliseconds,
    kWord,
    kKey,
    kStatus,
    kOutcome,
  };

  explicit Exchange(double* numbers) : numbers_(numbers) {}

  uint64_t get(Index index) const {
    return static_cast<uint64_t>(static_cast<int64_t>(numbers_[index]));
  }
  template <class Integer>
  void set(Index index, Integer value) {
    numbers_[index] = static_cast<double>(static_cast<int64_t>(value));
  }
  /// How long a call may block the thread, in nanoseconds.
  uint64_t patience() const { return get(kMilliseconds) * 1'000'000; }
  void answer(int64_t outcome) { set(kOutcome, outcome); }
  /// For what may lie above every sequence.
  void answer_unsigned(uint64_t outcome) { numbers_[kOutcome] = static_cast<double>(outcome); }

 private:
  double* numbers_;
};

}  // namespace shm_disruptor::binding
