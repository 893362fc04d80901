// What of a segment outlives the machine's power.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>

#include "mapping.h"
#include "os/shm.h"
#include "result.h"

namespace shm_disruptor {

/// A mapped segment and the name under which it is to be found again. Keeps it mapped.
struct Backing {
  MappingRef mapping;
  uint64_t size = 0;
  std::string name;
  uint64_t device = 0;
  uint64_t inode = 0;

  /// Whether a file is this segment's.
  bool is(const os::FileFacts& facts) const {
    return facts.device == device && facts.inode == inode;
  }
};

/// Waits until all that was stored to the segment before, by whomever, is on its medium, and its
/// name with it. What is stored meanwhile may be or not be. May take long; any thread.
///
/// Errors: kSystem (EIO, ENOSPC, EACCES: its name or its directory can no longer be read, ...).
inline Status sync(const Backing& backing) {
  const auto stored = os::write_back(backing.mapping->base(), backing.size);
  if (!stored.ok()) return stored;
  // The opening that has our locks is another thread's to close, so by name. Whose name is gone or
  // another's will not be found again.
  const auto file = os::open_file(backing.name, os::Access::kRead);
  if (!file.ok()) {
    const bool gone = file.error().code != Errc::kSystem || file.error().sys_errno == ENOENT;
    return gone ? Status(Done{}) : Status(file.error());
  }
  const auto facts = os::file_facts(file.value());
  if (!facts.ok()) return facts.error();
  if (!backing.is(facts.value())) return Done{};
  const auto known = os::write_back(file.value());
  return known.ok() ? os::write_back_name(backing.name) : known;
}

}  // namespace shm_disruptor
