// From the numbers by which JavaScript names handles to the handles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shm_disruptor::binding {

class Handles;

/// A base of what stands in a table: takes itself out when it goes.
class Registered {
 public:
  uint64_t number() const { return number_; }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 protected:
  Registered() = default;
  ~Registered();

 private:
  friend class Handles;
  Handles* table_ = nullptr;
  uint64_t number_ = 0;
};

/// The handles of one kind in one environment. At the end of the environment either may go first.
class Handles {
 public:
  Handles() = default;
  ~Handles() {
    for (Registered* handle : handles_) {
      if (handle) handle->table_ = nullptr;
    }
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  /// Null for a number that none has.
  Registered* find(uint64_t number) const {
    return number < handles_.size() ? handles_[static_cast<size_t>(number)] : nullptr;
  }

  void add(Registered& handle) {
    if (free_.empty()) {
      free_.push_back(handles_.size());
      handles_.push_back(nullptr);
    }
    handle.table_ = this;
    handle.number_ = free_.back();
    free_.pop_back();
    handles_[static_cast<size_t>(handle.number_)] = &handle;
  }

  void remove(const Registered& handle) {
    handles_[static_cast<size_t>(handle.number_)] = nullptr;
    free_.push_back(handle.number_);
  }

 private:
  std::vector<Registered*> handles_;
  std::vector<uint64_t> free_;
};

inline Registered::~Registered() {
  if (table_) table_->remove(*this);
}

}  // namespace shm_disruptor::binding
