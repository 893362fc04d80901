#include "../../addon/core/wait.h"

#include "check.h"

using namespace shm_disruptor;

namespace {

constexpr uint64_t kSlice = 2'000'000;

// What one slice of a wait for nothing does.
struct Slice {
  int announced = 0;
  int looks = 0;
};
Slice wait_in_vain(SlicedWait& wait, uint64_t nanoseconds = kSlice) {
  Word word;
  Slice slice;
  const auto announce = [&] {
    ++slice.announced;
    return word.load_ordered();
  };
  const auto ready = [&] {
    ++slice.looks;
    return false;
  };
  CHECK(!wait(word, nanoseconds, announce, ready, [] {}));
  return slice;
}

bool polls(const Slice& slice) { return slice.looks > slice.announced + 1; }

}  // namespace

TEST("the first slice of a wait polls before it sleeps, and later ones sleep at once") {
  SlicedWait wait({Strategy::kAdaptive, kSlice / 2});
  CHECK(polls(wait_in_vain(wait)));
  CHECK(!polls(wait_in_vain(wait)));
  CHECK(!polls(wait_in_vain(wait)));
}

TEST("a wait that had success, or looks without waiting, is another one") {
  SlicedWait wait({Strategy::kAdaptive, kSlice / 2});
  const auto succeed = [&] {
    Word word;
    CHECK(wait(
        word, kSlice, [] { return true; }, [] {}));
  };
  for (const bool success : {false, true}) {
    wait_in_vain(wait);
    success ? succeed() : static_cast<void>(wait_in_vain(wait, 0));
    CHECK(polls(wait_in_vain(wait)));
  }
}

TEST("strategies that never sleep poll in each slice") {
  for (const auto strategy : {Strategy::kYield, Strategy::kBusySpin}) {
    SlicedWait wait({strategy, 0});
    for (int i = 0; i < 3; ++i) {
      const Slice slice = wait_in_vain(wait);
      CHECK(slice.announced == 0 && polls(slice));
    }
  }
}
