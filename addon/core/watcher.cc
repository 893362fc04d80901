#include "watcher.h"

#include <algorithm>

namespace shm_disruptor {

namespace {

constexpr uint64_t kLookNanoseconds = 1'000'000;

}  // namespace

Watcher::Watcher(Notify notify, void* context, Method method)
    : notify_(notify),
      context_(context),
      many_(method == Method::kBest && os::can_sleep_on_many()),
      thread_(&Watcher::run, this) {}

Watcher::~Watcher() {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stopping_ = true;
  }
  control_.add(1);
  os::wake_all(control_);
  thread_.join();
}

void Watcher::watch(Key key, const MappingRef& mapping, const Word& word, uint32_t seen) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto same = [key](const Watched& watched) { return watched.key == key; };
    if (std::any_of(watched_.begin(), watched_.end(), same)) return;
    watched_.push_back({key, mapping, &word, seen, false});
  }
  control_.add(1);
  os::wake_all(control_);
}

void Watcher::forget(Key key) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto same = [key](const Watched& watched) { return watched.key == key; };
    const auto found = std::find_if(watched_.begin(), watched_.end(), same);
    if (found == watched_.end()) return;
    found->forgotten = true;
  }
  control_.add(1);
  os::wake_all(control_);
}

void Watcher::take_changed(std::vector<Key>* into) {
  into->clear();
  const std::lock_guard<std::mutex> guard(mutex_);
  into->swap(changed_);
}

void Watcher::run() {
  for (;;) {
    // Before looking: whoever adds a word or stops us afterwards changes it, and sleep() returns.
    const uint32_t control = control_.load_ordered();
    if (collect_changed()) notify_(context_);
    if (!sleep(control)) return;
  }
}

// Moves the words that have changed from watched_ to changed_; says whether there were any.
bool Watcher::collect_changed() {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto still = [](const Watched& watched) {
    return !watched.forgotten && watched.word->load_ordered() == watched.seen;
  };
  const auto first = std::stable_partition(watched_.begin(), watched_.end(), still);
  if (first == watched_.end()) return false;
  for (auto changed = first; changed != watched_.end(); ++changed) {
    changed_.push_back(changed->key);
  }
  watched_.erase(first, watched_.end());
  return true;
}

// Sleeps until a watched word or `control_` may have changed. False: the watcher stops.
//
// The mappings stay: only this thread removes a word from watched_.
bool Watcher::sleep(uint32_t control) {
  uint64_t nanoseconds = os::kForever;
  sleeps_.clear();
  sleeps_.push_back({&control_, control});
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (stopping_) return false;
    for (const Watched& watched : watched_) {
      if (!many_ || sleeps_.size() == os::kMostSleeps) {
        nanoseconds = kLookNanoseconds;
        break;
      }
      sleeps_.push_back({watched.word, watched.seen});
    }
  }
  if (sleeps_.size() == 1) {
    os::sleep_while(control_, control, nanoseconds);
  } else {
    os::sleep_while_all(sleeps_.data(), sleeps_.size(), nanoseconds);
  }
  return true;
}

}  // namespace shm_disruptor
