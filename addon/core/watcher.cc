#include "watcher.h"

#include <algorithm>
#include <iterator>

#include "wait.h"

namespace shm_disruptor {

namespace {

constexpr uint64_t kLookNanoseconds = 1'000'000;

}  // namespace

std::unique_ptr<Watcher> Watcher::start(Notify notify, void* context, Method method) {
  std::unique_ptr<Watcher> watcher(new Watcher(notify, context, method));
  const auto run = [](void* self) { static_cast<Watcher*>(self)->run(); };
  return watcher->thread_.start(run, watcher.get()) ? std::move(watcher) : nullptr;
}

Watcher::Watcher(Notify notify, void* context, Method method)
    : notify_(notify),
      context_(context),
      many_(method == Method::kBest && os::can_sleep_on_many()) {}

Watcher::~Watcher() {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stopping_ = true;
  }
  look_again();
  thread_.join();
  pass_on_spent(watched_);
  pass_on_spent(changed_);
}

void Watcher::watch(Key key, const MappingRef& mapping, const Word& word, uint32_t seen) {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (find(watched_, key) != watched_.end() || find(changed_, key) != changed_.end()) return;
    watched_.push_back({key, mapping, &word, seen, false, false});
  }
  look_again();
}

bool Watcher::has(Key key) {
  const std::lock_guard<std::mutex> guard(mutex_);
  return find(watched_, key) != watched_.end() || find(changed_, key) != changed_.end();
}

void Watcher::forget(Key key) {
  Watches told;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto watched = find(watched_, key);
    const auto changed = find(changed_, key);
    if (watched != watched_.end()) {
      watched->forgotten = true;
    } else if (changed != changed_.end()) {
      told.push_back(std::move(*changed));
      changed_.erase(changed);
    }
  }
  told.empty() ? look_again() : pass_on_spent(told);
}

void Watcher::let_go() {
  for (;;) {
    const uint32_t seen = let_go_.load_ordered();
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      const auto forgotten = [](const Watched& watched) { return watched.forgotten; };
      if (!letting_go_ && std::none_of(watched_.begin(), watched_.end(), forgotten)) return;
    }
    // forget() has had the thread go round, and it changes the word when it has let go.
    os::sleep_while(let_go_, seen, os::kForever);
  }
}

void Watcher::take_changed(std::vector<Key>* into) {
  into->clear();
  Watches taken;
  const std::lock_guard<std::mutex> guard(mutex_);
  taken.swap(changed_);
  for (const Watched& each : taken) into->push_back(each.key);
}

void Watcher::run() {
  for (;;) {
    // Before looking: whoever adds a word or stops us afterwards changes it, and sleep() returns.
    const uint32_t control = control_.load_ordered();
    if (collect_changed()) notify_(context_);
    if (!sleep(control)) return;
  }
}

// Has the thread go round.
void Watcher::look_again() {
  control_.add(1);
  os::wake_all(control_);
}

// Moves the words that have changed from watched_ to changed_, and says whether there were any.
// Lets go of those that were forgotten: we do not sleep on them now, so no other wake is spent on
// them.
bool Watcher::collect_changed() {
  Watches forgotten;
  bool any = false;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto still = [](const Watched& watched) {
      return !watched.forgotten && watched.word->load_ordered() == watched.seen;
    };
    const auto first = std::stable_partition(watched_.begin(), watched_.end(), still);
    for (auto each = first; each != watched_.end(); ++each) {
      any = any || !each->forgotten;
      (each->forgotten ? forgotten : changed_).push_back(std::move(*each));
    }
    watched_.erase(first, watched_.end());
    letting_go_ = !forgotten.empty();
  }
  if (forgotten.empty()) return any;
  pass_on_spent(forgotten);
  forgotten.clear();
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    letting_go_ = false;
  }
  let_go_.add(1);
  os::wake_all(let_go_);
  return any;
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
      if (!many_ || sleeps_.size() == os::kMaxSleeps) {
        nanoseconds = kLookNanoseconds;
        break;
      }
      sleeps_.push_back({watched.word, watched.seen});
    }
  }
  if (sleeps_.size() == 1) {
    os::sleep_while(control_, control, nanoseconds);
    return true;
  }
  // The first is the control, and the others are the first of watched_.
  const int woken = os::sleep_while_all(sleeps_.data(), sleeps_.size(), nanoseconds);
  if (woken <= 0) return true;
  const std::lock_guard<std::mutex> guard(mutex_);
  for (int i = 0; i < woken; ++i) watched_[static_cast<size_t>(i)].spent = true;
  return true;
}

Watcher::Watches::iterator Watcher::find(Watches& watches, Key key) {
  return std::find_if(watches.begin(), watches.end(), [key](const Watched& watched) {
    return watched.key == key && !watched.forgotten;
  });
}

void Watcher::pass_on_spent(const Watches& watches) {
  for (const Watched& each : watches) {
    if (each.spent) pass_on(*each.word);
  }
}

}  // namespace shm_disruptor
