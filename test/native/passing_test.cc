// A wake that was spent on an entry without a wait goes to another sleeper: see "Waking by number"
// in wait.h. The kernel wakes in the order in which entries were queued, so a watch that came
// before a sleeper takes its wake.
#include <memory>
#include <utility>
#include <vector>

#include "../../addon/core/polled_watcher.h"
#include "../../addon/core/watcher.h"
#include "check.h"
#include "fixture.h"
#include "sleeper.h"

using namespace fixture;

namespace {

using Keys = std::vector<Watcher::Key>;

std::unique_ptr<PolledWatcher> make_polled() {
  auto poll = os::FutexPoll::make();
  if (!poll) return nullptr;
  return std::make_unique<PolledWatcher>(std::move(poll));
}

// Wakes one entry of the word's queue, when there is one.
void wake_one(const Word& word) {
  runner::await("an entry to wake", [&] { return os::wake(word, 1) == 1; });
}

// What a sleeper leaves in the queue: none that a wake was passed on to.
uint32_t left_asleep(const Word& word) { return os::wake(word, 2); }

struct Watched {
  TestRing ring{{8, 8, 1}};
  Word& word = ring.header().data_waiters;
  const MappingRef& mapping = ring.segment.mapping;
  uint32_t seen = word.load_ordered();
};

}  // namespace

TEST("a polled watch that is forgotten passes on the wake that was spent on it, and no other") {
  for (const bool spent : {true, false}) {
    const auto watcher = make_polled();
    if (!watcher) return;
    const Watched w;
    CHECK(watcher->watch(1, w.mapping, w.word, w.seen));
    Sleeper sleeper(w.word);
    if (spent) wake_one(w.word);
    watcher->forget(1);
    if (!spent) CHECK(left_asleep(w.word) == 1);
    sleeper.await_wake();
    Keys told;
    watcher->take_changed(&told);
    CHECK(told.empty());
  }
}

TEST("a polled watch that goes with its watcher passes on the wake that was spent on it") {
  auto watcher = make_polled();
  if (!watcher) return;
  const Watched w;
  CHECK(watcher->watch(1, w.mapping, w.word, w.seen));
  Sleeper sleeper(w.word);
  wake_one(w.word);
  watcher.reset();
  sleeper.await_wake();
}

TEST("a polled watch of a word that has changed before takes no wake") {
  const auto watcher = make_polled();
  if (!watcher) return;
  const Watched w;
  CHECK(watcher->watch(1, w.mapping, w.word, w.seen + 2));
  Sleeper sleeper(w.word);
  watcher->forget(1);
  CHECK(left_asleep(w.word) == 1);
  sleeper.await_wake();
}

TEST("the first of many polled watches that are forgotten pass on no more than they took") {
  // More of them than the queue of completions has places.
  constexpr Watcher::Key kWatches = 3000;
  const auto watcher = make_polled();
  if (!watcher) return;
  const Watched w;
  for (Watcher::Key key = 0; key < kWatches; ++key) {
    CHECK(watcher->watch(key, w.mapping, w.word, w.seen));
  }
  Sleeper sleeper(w.word);
  wake_one(w.word);
  for (Watcher::Key key = 0; key < kWatches; ++key) watcher->forget(key);
  sleeper.await_wake();
  CHECK(left_asleep(w.word) == 0);
}

TEST("a thread's watch that is forgotten passes on the wake that was spent on it") {
  const auto watcher = Watcher::start([](void*) {}, nullptr);
  if (!os::can_sleep_on_many()) return;
  const Watched w;
  watcher->watch(1, w.mapping, w.word, w.seen);
  // The word does not change: the thread sleeps on.
  wake_one(w.word);
  Sleeper sleeper(w.word);
  watcher->forget(1);
  sleeper.await_wake();
}

TEST("a thread's watch that has been told, and is forgotten before it is asked for, passes on") {
  const auto watcher = Watcher::start([](void*) {}, nullptr);
  if (!os::can_sleep_on_many()) return;
  const Watched w;
  watcher->watch(1, w.mapping, w.word, w.seen);
  wake_one(w.word);
  // Now it changes, and the thread looks because of another word.
  w.word.add(2);
  Word other;
  watcher->watch(2, w.mapping, other, other.load_ordered());
  Sleeper sleeper(w.word);
  watcher->forget(1);
  sleeper.await_wake();
  Keys told;
  watcher->take_changed(&told);
  CHECK(told.empty());
}

TEST("a thread's watch that goes with its watcher passes on the wake that was spent on it") {
  auto watcher = Watcher::start([](void*) {}, nullptr);
  if (!os::can_sleep_on_many()) return;
  const Watched w;
  watcher->watch(1, w.mapping, w.word, w.seen);
  wake_one(w.word);
  Sleeper sleeper(w.word);
  watcher.reset();
  sleeper.await_wake();
}

TEST("a consumer that fails instead of taking a message passes on") {
  RingCreation creation;
  creation.kind = Kind::kQueue;
  creation.geometry = {kPage / kCell, kCell, 2, 4};
  creation.joinable = true;
  creation.declared = {{"consumers", Role::kGroup, {}}};
  const TestRing test(creation);
  Sequencer consumer = test.sequencer();
  Joining joining;
  joining.name = "consumers";
  joining.group = true;
  CHECK(consumer.join(joining).ok());
  Sequencer sender = test.sequencer();
  for (int i = 0; i < 2; ++i) {
    const auto claim = sender.claim(1, 1, 0);
    const auto [start, count, ignored] = claim.value();
    CHECK(count == 1 && sender.commit(start, start, OutOfOrder::kMark, 0).ok());
  }
  CHECK(consumer.take_assignment(0).value().assignment.count == 1);
  Sleeper other(consumer.data_waiters());
  CHECK(consumer.take_assignment(0).error().code == Errc::kTooManyConsumers);
  other.await_wake();
}
