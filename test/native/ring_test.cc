#include "../../addon/core/ring.h"

#include <cstdint>

#include "check.h"

using shm_disruptor::Ring;

namespace {

struct Row {
  uint64_t elements, start, count, slot, first, second;
};

constexpr uint64_t kFar = (uint64_t{1} << 53) - 8;

constexpr Row kRows[] = {
    {1, 0, 1, 0, 1, 0},
    {1, 7, 1, 0, 1, 0},
    {8, 0, 8, 0, 8, 0},
    {8, 5, 3, 5, 3, 0},
    {8, 5, 4, 5, 3, 1},
    {8, 13, 8, 5, 3, 5},
    {8, 8, 0, 0, 0, 0},
    {1000, 999, 1, 999, 1, 0},
    {1000, 999, 2, 999, 1, 1},
    {1000, 1999, 1000, 999, 1, 999},
    {3, kFar, 3, kFar % 3, 3 - kFar % 3, kFar % 3},
};

}  // namespace

TEST("a range occupies at most two spans, the second from slot 0") {
  for (const Row& row : kRows) {
    const auto spans = Ring(row.elements).spans(row.start, row.count);
    CHECK(spans.slot == row.slot);
    CHECK(spans.first == row.first);
    CHECK(spans.second == row.second);
  }
}

TEST("a slot is the sequence modulo the elements, power of two or not") {
  for (uint64_t elements : {1, 2, 3, 4, 5, 64, 100, 1024}) {
    const Ring ring(elements);
    for (uint64_t sequence = 0; sequence < 3000; ++sequence) {
      CHECK(ring.slot(sequence) == sequence % elements);
    }
  }
}
