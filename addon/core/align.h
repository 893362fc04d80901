// Sizes and checked arithmetic: the ground floor, knows nothing of shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace shm_disruptor {

/// Bytes that keep two hot words apart. Two 64-byte cache lines, because the adjacent-line
/// prefetcher of x86 pulls lines in pairs and would otherwise couple neighbours.
inline constexpr size_t kIsolation = 128;

/// Granularity of the header and of where the elements begin. A fixed figure rather than the
/// system's, so that the byte map of a segment does not depend on who created it.
inline constexpr uint64_t kPage = 4096;

/// `a + b`, or nothing when that does not fit.
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// `a * b`, or nothing when that does not fit.
inline std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// `value` rounded up to a multiple of `unit` (a power of two), or nothing when that does not fit.
inline std::optional<uint64_t> checked_round_up(uint64_t value, uint64_t unit) {
  const auto raised = checked_add(value, unit - 1);
  if (!raised) return std::nullopt;
  return *raised & ~(unit - 1);
}

}  // namespace shm_disruptor
