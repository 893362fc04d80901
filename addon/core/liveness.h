// Who is attached and who is dead: said by locks that the kernel holds, never by a pid or a clock.
//
// Every attachment opens the segment's file anew and locks bytes far behind its end: one that all
// share, one for each entry of the producer table that it takes, one for the consumer it is. A
// stopped process keeps its locks; kill -9, the end of a worker thread, an exit without release and
// release itself all end them.
#pragma once

#include <cstdint>

#include "os/lock.h"
#include "os/shm.h"

namespace shm_disruptor::liveness {

inline constexpr uint64_t kReplacement = 0;
inline constexpr uint64_t kPresence = uint64_t{1} << 62;
inline constexpr uint64_t kDirectory = kPresence + 1;
inline constexpr uint64_t kProducers = kPresence + (uint64_t{1} << 32);
inline constexpr uint64_t kConsumers = kPresence + (uint64_t{1} << 60);

/// Says that this opening of the segment is in use. Errors: kSystem.
inline Status attach(const os::File& file) {
  const auto locked = os::try_lock(file, kPresence, os::Hold::kShared);
  if (!locked.ok()) return locked.error();
  return Done{};
}

/// Whether anybody else is attached.
inline bool others_attached(const os::File& file) { return os::held_by_others(file, kPresence); }

/// Makes an entry of the producer table ours. False: somebody else has it. Errors: kSystem.
inline Result<bool> take_producer(const os::File& file, uint64_t entry) {
  return os::try_lock(file, kProducers + entry, os::Hold::kExclusive);
}

/// Whether somebody else lives who has that entry.
inline bool producer_lives(const os::File& file, uint64_t entry) {
  return os::held_by_others(file, kProducers + entry);
}

/// Makes us that consumer. False: somebody else is it, and one of us does not share it.
/// Errors: kSystem.
inline Result<bool> take_consumer(const os::File& file, uint64_t consumer, os::Hold hold) {
  return os::try_lock(file, kConsumers + consumer, hold);
}

inline void leave_consumer(const os::File& file, uint64_t consumer) {
  os::unlock(file, kConsumers + consumer);
}

/// Whether somebody else lives who is that consumer.
inline bool consumer_lives(const os::File& file, uint64_t consumer) {
  return os::held_by_others(file, kConsumers + consumer);
}

}  // namespace shm_disruptor::liveness
