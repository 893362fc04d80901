// A mapped segment: what uses its memory, and what merely may still reach its addresses.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "os/shm.h"

namespace shm_disruptor {

/// Bytes of shared memory in this process.
///
/// Two things end at different times, and each has a count:
/// - The *memory* is used by the holders of a MappingRef: the core's objects, words that are being
///   watched, a sync under way. After close(), the last of them to go gives the shared pages back
///   at once, and private pages of zeros stand at the same addresses.
/// - The *addresses* are kept by every MappingRef and every AddressRef. They are unmapped when the
///   last is gone, and not before: a thread of libuv may read or write a Buffer that a program has
///   handed to it for as long as the ArrayBuffer exists. What comes too late reads zeros and writes
///   into the void, and never meets a fault or another segment's bytes.
///
/// Without close() (a handle that was merely collected) the views that are left keep the memory.
///
/// Reference counting by hand, because std::shared_ptr would bind the binary to glibc 2.32.
class Mapping {
 public:
  Mapping(void* base, uint64_t size) : base_(static_cast<std::byte*>(base)), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* base() const { return base_; }
  uint64_t size() const { return size_; }

  /// From now on only the holders of a MappingRef see the memory; without them it is given back. To
  /// be called by one of them.
  void close() {
    // Relaxed: the caller's release of its MappingRef is an acquire-release operation on `users_`,
    // and so is that of whichever holder comes last, so that one sees this store.
    closed_.store(true, std::memory_order_relaxed);
  }

 private:
  friend class MappingRef;
  friend class AddressRef;
  ~Mapping() { os::unmap(base_, size_); }

  void acquire_memory() {
    users_.fetch_add(1, std::memory_order_relaxed);
    acquire_addresses();
  }
  void release_memory() {
    // Release: our accesses come before the pages go. Acquire: so do those of every other holder.
    const bool last = users_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    if (last && closed_.load(std::memory_order_relaxed)) os::replace_by_zeros(base_, size_);
    release_addresses();
  }
  void acquire_addresses() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release_addresses() {
    // As above, for the addresses.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::byte* base_;
  uint64_t size_;
  std::atomic<uint32_t> users_{0};
  std::atomic<uint32_t> references_{0};
  std::atomic<bool> closed_{false};
};

/// Assignments the use of a Mapping's memory. Copies may live and die on any thread.
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
    if (mapping_) mapping_->release_memory();
  }

  explicit operator bool() const { return mapping_ != nullptr; }
  Mapping* operator->() const { return mapping_; }

 private:
  friend class AddressRef;
  void acquire() {
    if (mapping_) mapping_->acquire_memory();
  }

  Mapping* mapping_ = nullptr;
};

/// Keeps a Mapping's addresses from being used for anything else. May live and die on any thread.
class AddressRef {
 public:
  explicit AddressRef(const MappingRef& mapping) : mapping_(mapping.mapping_) {
    mapping_->acquire_addresses();
  }
  ~AddressRef() { mapping_->release_addresses(); }
  /// As Mapping::close(), where all that is left may be addresses.
  void close() {
    mapping_->acquire_memory();
    mapping_->close();
    mapping_->release_memory();
  }
  AddressRef(const AddressRef&) = delete;
  AddressRef& operator=(const AddressRef&) = delete;

 private:
  Mapping* mapping_;
};

}  // namespace shm_disruptor
