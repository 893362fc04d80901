// Watching many words without a thread, where an event loop can wait for them itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "mapping.h"
#include "os/futex_poll.h"
#include "sequence.h"

namespace shm_disruptor {

/// As Watcher, for the thread that owns it: it sleeps on `descriptor()` and then asks. A change
/// thus wakes the event loop itself, instead of a thread that wakes the event loop.
class PolledWatcher {
 public:
  using Key = uint64_t;

  explicit PolledWatcher(std::unique_ptr<os::FutexPoll> poll) : poll_(std::move(poll)) {}

  /// Readable when there may be something for take_changed().
  int descriptor() const { return poll_->descriptor(); }

  /// As Watcher::watch. False: the system has no room for it.
  bool watch(Key key, const MappingRef& mapping, const Word& word, uint32_t seen) {
    if (!watched_.emplace(key, mapping).second) return true;
    if (poll_->wait(word, seen, key)) return true;
    watched_.erase(key);
    return false;
  }

  /// As Watcher::forget. The mapping is let go of at once: a wait that the kernel has accepted
  /// knows its word by the file, and does not look at the address again.
  void forget(Key key) {
    const auto watched = watched_.find(key);
    if (watched == watched_.end()) return;
    poll_->cancel(key);
    watched->second = MappingRef();
  }

  /// As Watcher::take_changed.
  void take_changed(std::vector<Key>* into) {
    into->clear();
    poll_->take_ended(into);
    for (const Key key : *into) watched_.erase(key);
  }

 private:
  std::map<Key, MappingRef> watched_;
  std::unique_ptr<os::FutexPoll> poll_;
};

}  // namespace shm_disruptor
