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
#include "wait.h"

namespace shm_disruptor {

/// As Watcher, for the thread that owns it: it sleeps on `descriptor()` and then asks. A change
/// thus wakes the event loop itself, instead of a thread that wakes the event loop.
class PolledWatcher {
 public:
  using Key = uint64_t;

  explicit PolledWatcher(std::unique_ptr<os::FutexPoll> poll) : poll_(std::move(poll)) {}
  /// Forgets all.
  ~PolledWatcher() {
    for (const auto& [token, watch] : watches_) take_back(token, watch);
  }
  PolledWatcher(const PolledWatcher&) = delete;
  PolledWatcher& operator=(const PolledWatcher&) = delete;

  /// Readable when there may be something for take_changed().
  int descriptor() const { return poll_->descriptor(); }

  /// As Watcher::watch. False: the system has no room for it.
  bool watch(Key key, const MappingRef& mapping, const Word& word, uint32_t seen) {
    if (tokens_.count(key) != 0) return true;
    const uint64_t token = ++last_token_;
    if (!poll_->wait(word, seen, token)) return false;
    tokens_.emplace(key, token);
    watches_.emplace(token, Watch{key, mapping, &word});
    return true;
  }

  /// As Watcher::forget. Has let go of the mapping, unless the system has no room for that.
  void forget(Key key) {
    const auto found = tokens_.find(key);
    if (found == tokens_.end()) return;
    const auto watch = watches_.find(found->second);
    tokens_.erase(found);
    watch->second.forgotten = true;
    if (take_back(watch->first, watch->second)) watches_.erase(watch);
  }

  /// As Watcher::take_changed.
  void take_changed(std::vector<Key>* into) {
    into->clear();
    ended_.clear();
    poll_->take_ended(&ended_);
    for (const auto [token, woken] : ended_) {
      const auto found = watches_.find(token);
      if (found == watches_.end()) continue;
      const Watch& watch = found->second;
      if (!watch.forgotten) {
        into->push_back(watch.key);
        tokens_.erase(watch.key);
      } else if (woken) {
        pass_on(*watch.word);
      }
      watches_.erase(found);
    }
  }

 private:
  struct Watch {
    Key key;
    MappingRef mapping;  // so that the word cannot be unmapped while the kernel knows of it
    const Word* word;
    bool forgotten = false;
  };

  // Has the kernel forget it. False: it goes on.
  bool take_back(uint64_t token, const Watch& watch) {
    const auto cancelled = poll_->cancel(token);
    if (cancelled == os::FutexPoll::Cancelled::kSpent) pass_on(*watch.word);
    return cancelled != os::FutexPoll::Cancelled::kGoesOn;
  }

  std::unique_ptr<os::FutexPoll> poll_;
  // What the kernel calls a watch. A key is watched again while the end of its last watch is not
  // told.
  uint64_t last_token_ = 0;
  std::map<uint64_t, Watch> watches_;
  std::map<Key, uint64_t> tokens_;
  std::vector<os::FutexPoll::Ended> ended_;
};

}  // namespace shm_disruptor
