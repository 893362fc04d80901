// Locks that the kernel holds on bytes of a file, and releases when their holder dies.
#pragma once

#include <cstdint>

#include "../result.h"
#include "shm.h"

namespace shm_disruptor::os {

/// Who else may hold the same byte.
enum class Hold : uint8_t {
  kShared,     ///< others who share it
  kExclusive,  ///< nobody
};

/// Takes or changes the lock on byte `byte`, which need not lie within the file. It belongs to this
/// opening of the file: not to the process, and not to the thread. The kernel releases it when
/// `file` is closed, by whatever death. False: somebody else's lock excludes it.
Result<bool> try_lock(const File& file, uint64_t byte, Hold hold);

/// Releases it.
void unlock(const File& file, uint64_t byte);

/// Whether any other opening of the file has a lock on `byte`. A stopped process still has it.
/// What cannot be found out counts as held.
bool held_by_others(const File& file, uint64_t byte);

}  // namespace shm_disruptor::os
