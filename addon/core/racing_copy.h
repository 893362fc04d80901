// Copies of shared memory that somebody may be writing at the same moment: what comes out may be
// torn, and the caller finds out whether it is by looking at a word that the writer changes first.
//
//   writer                                   reader
//   a  word = being written                  1  seen = word (acquire): written
//   b  copy_in                               2  copy_out
//   c  word = written (release)              3  word == seen: what was copied is whole
//
// If 2 reads anything of b, then 3 sees a: copy_in keeps its stores behind a, and copy_out its
// loads before 3. If 1 reads c, then 2 reads all of b, or something newer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace shm_disruptor {

#if defined(__SANITIZE_THREAD__)

// ThreadSanitizer knows no fences: here every eight bytes are an atomic of their own, with the same
// order. `shared` is aligned to eight bytes, and padded to them.

inline void copy_in(std::byte* shared, const std::byte* from, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, from + at, size - at < sizeof word ? size - at : sizeof word);
    __atomic_store_n(reinterpret_cast<uint64_t*>(shared + at), word, __ATOMIC_RELEASE);
  }
}

inline void copy_out(std::byte* to, const std::byte* shared, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word =
        __atomic_load_n(reinterpret_cast<const uint64_t*>(shared + at), __ATOMIC_ACQUIRE);
    std::memcpy(to + at, &word, size - at < sizeof word ? size - at : sizeof word);
  }
}

inline void keep_stores_behind(size_t) {}

#else

/// From so many bytes on a C library may copy with non-temporal stores: the least that glibc's
/// threshold can be set to.
inline constexpr size_t kMinNonTemporal = 0x4040;

/// Keeps what is stored from here on behind what was stored before: step a, for a caller that does
/// not copy here. `size` is the most that is stored.
///
/// On x86 all stores keep their order by themselves, but for non-temporal ones: those may overtake
/// a plain store before them, unless an sfence lies in between. Behind them, in front of step c,
/// none is needed: the library that uses them ends with one.
inline void keep_stores_behind(size_t size) {
  __atomic_thread_fence(__ATOMIC_RELEASE);
#if defined(__x86_64__)
  if (size >= kMinNonTemporal) __builtin_ia32_sfence();
#else
  static_cast<void>(size);
#endif
}

/// Step b, behind what was stored before. `from` may be a part of `shared`.
inline void copy_in(std::byte* shared, const std::byte* from, size_t size) {
  keep_stores_behind(size);
  std::memmove(shared, from, size);
}

/// Step 2, before what is loaded afterwards.
inline void copy_out(std::byte* to, const std::byte* shared, size_t size) {
  std::memcpy(to, shared, size);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#endif

}  // namespace shm_disruptor
