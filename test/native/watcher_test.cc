#include "../../addon/core/watcher.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../../addon/core/wait.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

bool no_threads = false;

}  // namespace

// In the place of the system's: see the Makefile.
extern "C" {
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* context) {
  return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}
}

namespace {

using Method = Watcher::Method;

// How many there are in this process.
int mappings_of(const RingSegment& segment) {
  const std::string inode = " " + std::to_string(segment.inode) + " ";
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(inode) != std::string::npos) ++count;
  }
  return count;
}

// Collects what a watcher says, from another thread.
struct NotifyPage {
  static void ring(void* context) { static_cast<NotifyPage*>(context)->rings.fetch_add(1); }

  // Waits until there are `count` rings; a test that hangs here has found a lost wake.
  void wait_for(int count) const {
    runner::await("a watched word's change to be told", [&] { return rings.load() >= count; });
  }

  std::atomic<int> rings{0};
};

struct Fixture {
  explicit Fixture(Method method)
      : started(Watcher::start(NotifyPage::ring, &notify_page, method)), watcher(*started) {}

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
  NotifyPage notify_page;
  std::unique_ptr<Watcher> started;
  Watcher& watcher;
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
    f.notify_page.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
    CHECK(f.changed().empty());
    wake_sleepers(f.space());
    f.notify_page.wait_for(2);
    CHECK((f.changed() == std::vector<Watcher::Key>{2}));
  }
}

TEST("a change between announcing and watching is told too") {
  for (const Method method : kMethods) {
    Fixture f(method);
    const uint32_t seen = announce_sleeper(f.data());
    wake_sleepers(f.data());
    f.watcher.watch(7, f.ring.segment.mapping, f.data(), seen);
    f.notify_page.wait_for(1);
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
    f.notify_page.wait_for(1);
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
      f.notify_page.wait_for(static_cast<int>(told.size()) + 1);
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
    f.notify_page.wait_for(1);
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
      f.notify_page.wait_for(round);
      CHECK((f.changed() == std::vector<Watcher::Key>{1}));
      if (waker.joinable()) waker.join();
    }
  }
}

TEST("what is forgotten is not told, and can be watched again") {
  for (const Method method : kMethods) {
    Fixture f(method);
    f.watcher.forget(1);
    f.watch(1, f.data());
    f.watch(2, f.space());
    f.watcher.forget(1);
    CHECK(!f.watcher.has(1) && f.watcher.has(2));
    wake_sleepers(f.data());
    wake_sleepers(f.space());
    f.notify_page.wait_for(1);
    CHECK((f.changed() == std::vector<Watcher::Key>{2}));
    f.watch(1, f.data());
    wake_sleepers(f.data());
    f.notify_page.wait_for(2);
    CHECK(f.watcher.has(1));
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
    CHECK(!f.watcher.has(1));
  }
}

TEST("a key that is told is not watched again before it is asked for") {
  for (const Method method : kMethods) {
    Fixture f(method);
    f.watch(1, f.data());
    wake_sleepers(f.data());
    f.notify_page.wait_for(1);
    f.watch(1, f.data());
    CHECK((f.changed() == std::vector<Watcher::Key>{1}));
    CHECK(!f.watcher.has(1));
  }
}

TEST("a forgotten word's mapping goes") {
  for (const Method method : kMethods) {
    Fixture f(method);
    {
      const auto opened = open_ring(f.ring.name);
      Word& word = opened.value().header().data_waiters;
      f.watcher.watch(1, opened.value().mapping, word, announce_sleeper(word));
    }
    CHECK(mappings_of(f.ring.segment) == 2);
    f.watcher.forget(1);
    runner::await("the mapping to go", [&] { return mappings_of(f.ring.segment) == 1; });
  }
}

TEST("what was forgotten can be let go of at once") {
  for (const Method method : kMethods) {
    for (int round = 0; round < 200; ++round) {
      Fixture f(method);
      {
        const auto opened = open_ring(f.ring.name);
        const RingSegment& other = opened.value();
        Word& word = other.header().data_waiters;
        f.watcher.watch(1, other.mapping, word, announce_sleeper(word));
      }
      f.watcher.forget(1);
      f.watcher.let_go();
      CHECK(mappings_of(f.ring.segment) == 1);
      // Without anything to wait for.
      f.watcher.let_go();
    }
  }
}

TEST("where the system has no thread left there is no watcher") {
  const auto start = [] { return Watcher::start([](void*) {}, nullptr); };
  no_threads = true;
  CHECK(start() == nullptr);
  no_threads = false;
  CHECK(start() != nullptr);
}
