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

inline void keep_stores_behind() {}

#else

/// Keeps what is stored from here on behind what was stored before: step a, for who does not copy.
inline void keep_stores_behind() { __atomic_thread_fence(__ATOMIC_RELEASE); }

/// Step b, behind what was stored before. `from` may be a part of `shared`.
inline void copy_in(std::byte* shared, const std::byte* from, size_t size) {
  keep_stores_behind();
  std::memmove(shared, from, size);
}

/// Step 2, before what is loaded afterwards.
inline void copy_out(std::byte* to, const std::byte* shared, size_t size) {
  std::memcpy(to, shared, size);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#endif

}  // namespace shm_disruptor
