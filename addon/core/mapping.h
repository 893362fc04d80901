// A mapped segment, counted by everybody who may still touch it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "os/shm.h"

namespace shm_disruptor {

/// Bytes of shared memory in this process. Unmapped when the last MappingRef is gone, and not
/// before: a view that outlives the object it came from stays readable.
///
/// Reference counting by hand, because std::shared_ptr would bind the binary to glibc 2.32.
class Mapping {
 public:
  Mapping(void* base, uint64_t size) : base_(static_cast<std::byte*>(base)), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* base() const { return base_; }
  uint64_t size() const { return size_; }

 private:
  friend class MappingRef;
  ~Mapping() { os::unmap(base_, size_); }

  std::byte* base_;
  uint64_t size_;
  std::atomic<uint32_t> references_{0};
};

/// Shares ownership of a Mapping. Copies may live and die on any thread.
class MappingRef {
 public:
  MappingRef() = default;
  explicit MappingRef(Mapping* mapping) : mapping_(mapping) { acquire(); }
  MappingRef(const MappingRef& other) : mapping_(other.mapping_) { acquire(); }
  MappingRef(MappingRef&& other) noexcept : mapping_(std::exchange(other.mapping_, nullptr)) {}
  MappingRef& operator=(MappingRef other) noexcept {
    std::swap(mapping_, other.mapping_);
    return *this;
  }
  ~MappingRef() {
    // Release: our accesses come before the unmapping. Acquire: so do everybody else's.
    if (mapping_ && mapping_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete mapping_;
    }
  }

  explicit operator bool() const { return mapping_ != nullptr; }
  Mapping* operator->() const { return mapping_; }

 private:
  void acquire() {
    if (mapping_) mapping_->references_.fetch_add(1, std::memory_order_relaxed);
  }

  Mapping* mapping_ = nullptr;
};

}  // namespace shm_disruptor
