// The directory of consumers: which entry of the table bears which name, comes after whom and
// belongs to which group.
//
// Invariant: an entry's name and dependencies are written under the directory lock, and before its
// role, which says that they hold; once it is named they never change. So whoever sees the role
// needs no lock to read the rest.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "layout.h"

namespace shm_disruptor {

/// A consumer as it stands in the directory.
struct Entry {
  std::string name;  ///< at most kLongestName bytes; empty for none
  Role role = Role::kNamed;
  std::vector<uint64_t> after;  ///< indices of the consumers that it comes after
};

/// Reading and writing it. Every number that is read is checked against the table's size.
class Directory {
 public:
  Directory(ConsumerEntry* table, uint64_t entries) : table_(table), entries_(entries) {}

  /// Acquire: pairs with the store of `role` in enter().
  Role role(uint64_t index) const { return static_cast<Role>(table_[index].role.load_acquire()); }

  std::string name(uint64_t index) const {
    char bytes[kLongestName];
    for (size_t i = 0; i < kLongestName / 8; ++i) {
      const uint64_t word = table_[index].name[i].load_acquire();
      std::memcpy(bytes + i * 8, &word, 8);
    }
    return std::string(bytes, strnlen(bytes, kLongestName));
  }

  /// Those that the consumer comes after; none of them itself. Members: their group.
  std::vector<uint64_t> after(uint64_t index) const {
    std::vector<uint64_t> result;
    const uint32_t count = table_[index].dependencies.load_acquire();
    for (uint32_t i = 0; i < count && i < kMaxDependencies; ++i) {
      const uint64_t other = table_[index].after[i / 2].load_acquire() >> (16 * (i % 2)) & 0xffff;
      if (other < entries_ && other != index) result.push_back(other);
    }
    return result;
  }

  /// Whether `index` is a member of `group`, alive or dead.
  bool member(uint64_t index, uint64_t group) const {
    return role(index) == Role::kMember &&
           (table_[index].after[0].load_acquire() & 0xffff) == group;
  }

  /// The entry of that name; `entries` when there is none.
  uint64_t find(const std::string& name) const {
    for (uint64_t i = 0; i < entries_; ++i) {
      const Role role = this->role(i);
      if ((role == Role::kNamed || role == Role::kGroup) && this->name(i) == name) return i;
    }
    return entries_;
  }

  /// Writes an entry that nobody uses.
  void enter(uint64_t index, const Entry& entry) const {
    ConsumerEntry& to = table_[index];
    char bytes[kLongestName] = {};
    entry.name.copy(bytes, kLongestName);
    for (size_t i = 0; i < kLongestName / 8; ++i) {
      uint64_t word = 0;
      std::memcpy(&word, bytes + i * 8, 8);
      to.name[i].store_release(word);
    }
    uint32_t after[kMaxDependencies / 2] = {};
    for (size_t i = 0; i < entry.after.size(); ++i) {
      after[i / 2] |= static_cast<uint32_t>(entry.after[i]) << (16 * (i % 2));
    }
    for (size_t i = 0; i < kMaxDependencies / 2; ++i) to.after[i].store_ordered(after[i]);
    to.dependencies.store_ordered(static_cast<uint32_t>(entry.after.size()));
    // Release: pairs with role().
    to.role.store_ordered(static_cast<uint32_t>(entry.role));
  }

  /// Makes an entry nobody's. It gates nobody.
  void vacate(uint64_t index) const {
    table_[index].sequence.store_ordered(kDetached);
    table_[index].attached.store_ordered(0);
    table_[index].role.store_ordered(static_cast<uint32_t>(Role::kVacant));
  }

 private:
  ConsumerEntry* table_;
  uint64_t entries_;
};

}  // namespace shm_disruptor
