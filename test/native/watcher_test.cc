#include "../../addon/core/watcher.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "../../addon/core/wait.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

using Method = Watcher::Method;

// Collects what a watcher says, from another thread.
struct Bell {
  static void ring(void* context) { static_cast<Bell*>(context)->rings.fetch_add(1); }

  // Waits until there are `count` rings; a test that hangs here has found a lost wake.
  void wait_for(int count) const {
    runner::await("a watched word's change to be told", [&] { return rings.load() >= count; });
  }

  std::atomic<int> rings{0};
};

struct Fixture {
  explicit Fixture(Method method) : watcher(Bell::ring, &bell, method) {}

  void watch(Watcher::Key key, Word& word) {
    watcher.watch(key, ring.segment.mapping, word, announce_sleeper(word));
  }
  std::vector<Watcher::Key> changed() {
    std::vector<Watcher::Key> keys;
    watcher.take_changed(&keys);
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  Word& data() const { return ring.header().data_waiters; }
  Word& space() const { return ring.header().space_waiters; }

  TestRing ring{{8, 8, 1}};
  Bell bell;
  Watcher watcher;
};

constexpr Method kMethods[] = {Method::kBest, Method::kLook};

}  // namespace

TEST("a watched word that changes is told once") {
  for (const Method method : kMethods) {
    Fixture f(method);
    f.watch(1, f.data());
    f.watch(2, f.space());
    CHECK(f.changed().empty());
    wake_sleepers(f.data());
    f.bell.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
    CHECK(f.changed().empty());
    wake_sleepers(f.space());
    f.bell.wait_for(2);
    CHECK((f.changed() == std::vector<Watcher::Key>{2}));
  }
}

TEST("a change between announcing and watching is told too") {
  for (const Method method : kMethods) {
    Fixture f(method);
    const uint32_t seen = announce_sleeper(f.data());
    wake_sleepers(f.data());
    f.watcher.watch(7, f.ring.segment.mapping, f.data(), seen);
    f.bell.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{7}));
  }
}

TEST("one key is one entry, however often it is watched and through whichever mapping") {
  for (const Method method : kMethods) {
    Fixture f(method);
    const auto opened = open_ring(f.ring.name);
    const RingSegment& other = opened.value();
    for (int i = 0; i < 1000; ++i) {
      f.watch(1, f.data());
      Word& same = other.header().data_waiters;
      f.watcher.watch(1, other.mapping, same, announce_sleeper(same));
    }
    wake_sleepers(other.header().data_waiters);
    f.bell.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
  }
}

TEST("more words than the kernel waits for at once") {
  for (const Method method : kMethods) {
    Fixture f(method);
    std::vector<std::unique_ptr<TestRing>> rings;
    for (Watcher::Key key = 0; key < 300; ++key) {
      rings.push_back(std::make_unique<TestRing>(RingGeometry{1, 1, 1}));
      Word& word = rings.back()->header().data_waiters;
      f.watcher.watch(key, rings.back()->segment.mapping, word, announce_sleeper(word));
    }
    std::vector<Watcher::Key> told;
    for (const size_t index : {size_t{299}, size_t{0}, size_t{130}}) {
      wake_sleepers(rings[index]->header().data_waiters);
      f.bell.wait_for(static_cast<int>(told.size()) + 1);
      const auto keys = f.changed();
      told.insert(told.end(), keys.begin(), keys.end());
    }
    CHECK((told == std::vector<Watcher::Key>{299, 0, 130}));
  }
}

TEST("the mapping outlives its owner while it is watched") {
  for (const Method method : kMethods) {
    Fixture f(method);
    {
      const auto opened = open_ring(f.ring.name);
      const RingSegment& other = opened.value();
      Word& word = other.header().data_waiters;
      f.watcher.watch(1, other.mapping, word, announce_sleeper(word));
    }
    wake_sleepers(f.data());
    f.bell.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
  }
}

TEST("a watcher stops at any time, watching or not") {
  for (const Method method : kMethods) {
    for (int i = 0; i < 200; ++i) {
      Fixture f(method);
      if (i % 2 == 0) f.watch(1, f.data());
      if (i % 3 == 0) wake_sleepers(f.data());
    }
  }
}

TEST("every change is told while words change as fast as they are watched") {
  for (const Method method : kMethods) {
    Fixture f(method);
    const int rounds = method == Method::kBest ? 3000 : 100;
    for (int round = 1; round <= rounds; ++round) {
      f.watch(1, f.data());
      std::thread waker;
      if (round % 10 == 0) {
        waker = std::thread([&] { wake_sleepers(f.data()); });
      } else {
        wake_sleepers(f.data());
      }
      f.bell.wait_for(round);
      CHECK((f.changed() == std::vector<Watcher::Key>{1}));
      if (waker.joinable()) waker.join();
    }
  }
}

TEST("what is forgotten is told once, and lets go of its mapping") {
  for (const Method method : kMethods) {
    Fixture f(method);
    f.watcher.forget(1);
    f.watch(1, f.data());
    f.watch(2, f.space());
    f.watcher.forget(1);
    f.bell.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
    f.watcher.forget(1);
    wake_sleepers(f.space());
    f.bell.wait_for(2);
    CHECK((f.changed() == std::vector<Watcher::Key>{2}));
  }
}
