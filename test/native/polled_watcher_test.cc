#include "../../addon/core/polled_watcher.h"

#include <poll.h>

#include <memory>
#include <thread>
#include <vector>

#include "../../addon/core/wait.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

using Keys = std::vector<PolledWatcher::Key>;

// Null where the kernel cannot do it; then there is nothing to test.
std::unique_ptr<PolledWatcher> make() {
  auto poll = os::FutexPoll::make();
  if (!poll) return nullptr;
  return std::make_unique<PolledWatcher>(std::move(poll));
}

// Within so many milliseconds, or however late.
bool readable(const PolledWatcher& watcher, int milliseconds = -1) {
  const runner::Awaiting awaiting("a descriptor to be readable");
  pollfd descriptor{watcher.descriptor(), POLLIN, 0};
  return poll(&descriptor, 1, milliseconds) == 1;
}

Keys changed(PolledWatcher& watcher) {
  Keys keys;
  watcher.take_changed(&keys);
  return keys;
}

}  // namespace

TEST("a change makes the descriptor readable, and is told once") {
  const auto watcher = make();
  if (!watcher) return;
  const TestRing ring({8, 8, 1});
  Word& word = ring.header().data_waiters;
  CHECK(watcher->watch(5, ring.segment.mapping, word, announce_sleeper(word)));
  CHECK(watcher->watch(5, ring.segment.mapping, word, announce_sleeper(word)));
  CHECK(!readable(*watcher, 20));
  wake_sleepers(word);
  CHECK(readable(*watcher));
  CHECK((changed(*watcher) == Keys{5}));
  CHECK(changed(*watcher).empty());
}

TEST("a change before the watch is told too") {
  const auto watcher = make();
  if (!watcher) return;
  const TestRing ring({8, 8, 1});
  Word& word = ring.header().data_waiters;
  const uint32_t seen = announce_sleeper(word);
  wake_sleepers(word);
  CHECK(watcher->watch(6, ring.segment.mapping, word, seen));
  CHECK(readable(*watcher));
  CHECK((changed(*watcher) == Keys{6}));
}

TEST("changes come from other mappings and threads, and more of them than a queue holds") {
  const auto watcher = make();
  if (!watcher) return;
  constexpr size_t kRings = 3000;
  std::vector<std::unique_ptr<TestRing>> rings;
  for (size_t i = 0; i < kRings; ++i) {
    rings.push_back(std::make_unique<TestRing>(RingGeometry{1, 1, 1}));
    Word& word = rings.back()->header().data_waiters;
    CHECK(watcher->watch(i, rings.back()->segment.mapping, word, announce_sleeper(word)));
  }
  std::thread waker([&] {
    for (const auto& ring : rings) {
      wake_sleepers(open_ring(ring->name).value().header().data_waiters);
    }
  });
  waker.join();
  std::vector<bool> told(kRings);
  size_t count = 0;
  while (count < kRings && readable(*watcher)) {
    for (const auto key : changed(*watcher)) {
      CHECK(!told[key]);
      told[key] = true;
      ++count;
    }
  }
  CHECK(count == kRings);
}

TEST("it goes while words are watched") {
  const TestRing ring({8, 8, 1});
  for (int i = 0; i < 100; ++i) {
    const auto watcher = make();
    if (!watcher) return;
    Word& word = ring.header().data_waiters;
    CHECK(watcher->watch(1, ring.segment.mapping, word, announce_sleeper(word)));
  }
  wake_sleepers(ring.header().data_waiters);
}

TEST("what is forgotten is not told, wakes nobody, and can be watched again") {
  const auto watcher = make();
  if (!watcher) return;
  const TestRing ring({8, 8, 1});
  Word& data = ring.header().data_waiters;
  Word& space = ring.header().space_waiters;
  watcher->forget(1);
  CHECK(watcher->watch(1, ring.segment.mapping, data, announce_sleeper(data)));
  CHECK(watcher->watch(2, ring.segment.mapping, space, announce_sleeper(space)));
  watcher->forget(1);
  CHECK(!readable(*watcher, 0));
  CHECK(changed(*watcher).empty());
  CHECK(watcher->watch(1, ring.segment.mapping, data, announce_sleeper(data)));
  CHECK(changed(*watcher).empty());
  wake_sleepers(data);
  CHECK(readable(*watcher));
  CHECK((changed(*watcher) == Keys{1}));
  wake_sleepers(space);
  CHECK(readable(*watcher));
  CHECK((changed(*watcher) == Keys{2}));
}

TEST("a key that was forgotten after its word changed, and is watched again, is not told of that") {
  const auto watcher = make();
  if (!watcher) return;
  const TestRing ring({8, 8, 1});
  Word& data = ring.header().data_waiters;
  Word& space = ring.header().space_waiters;
  // The end of another comes first, and is not asked for yet.
  CHECK(watcher->watch(2, ring.segment.mapping, space, announce_sleeper(space)));
  wake_sleepers(space);
  CHECK(watcher->watch(1, ring.segment.mapping, data, announce_sleeper(data)));
  wake_sleepers(data);
  watcher->forget(1);
  CHECK(watcher->watch(1, ring.segment.mapping, data, announce_sleeper(data)));
  CHECK((changed(*watcher) == Keys{2}));
}
