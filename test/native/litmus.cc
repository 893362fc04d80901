// Sleeping and waking race, between two processes, a million times: a wake that is lost lets a
// sleeper without a limit sleep for ever, and the watchdog ends the test.
//
// In each round one side announces itself, looks and sleeps, and the other stores and wakes, from
// about the same moment on: random pauses make the store meet every moment of the announcement. The
// next round begins only when the sleeper has seen this one's, or a later wake would hide a lost
// one. A wait may end before it sleeps, so the kernel is asked how often it put somebody to sleep.
//
// Once with stores that are full barriers, as all are but those of a ring's sole producer; once
// with stores that are none, whom sleepers make up for (os/barrier.h); and once with such a
// producer.
//
// Waking by number races in the same way, between a sender and two consumers, which an event loop's
// watch or the sleep of a thread brings back. Each message is for one of the two, and one wake is
// all that tells of it. Whoever has taken a message is busy until the other one has taken the next:
// a wake that stays with a busy consumer is lost.
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <new>

// A wait.h with a mistake can be tried: -DWAIT_H='"..."'.
#ifndef WAIT_H
#define WAIT_H "../../addon/core/wait.h"
#endif
#include WAIT_H
#include "../../addon/core/os/barrier.h"
#include "../../addon/core/polled_watcher.h"
#include "../../addon/core/watcher.h"
#include "fixture.h"

using namespace shm_disruptor;

namespace {

constexpr uint64_t kRounds = 1'000'000;
#ifndef WATCHDOG_SECONDS
#define WATCHDOG_SECONDS 120
#endif
// Of the sleeper, and of the waker, who would otherwise always come first.
constexpr uint32_t kMostPauses = 50;
constexpr uint32_t kWakersPauses = 100;
constexpr uint32_t kTakersPauses = 800;
// Of messages that one of two consumers takes: each costs more switches.
constexpr uint64_t kMessages = 50'000;

struct Shared {
  alignas(128) Word word;
  alignas(128) Sequence told;   // the round that is waited for
  alignas(128) Sequence ready;  // the round in which the sleeper is
};

struct Random {
  uint32_t state;
  uint32_t below(uint32_t limit) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
  }
};

// Stores and wakes, and announces a sleeper.
struct Fenced {
  static bool begin() { return true; }
  static void tell(Sequence& own, uint64_t round, Word& word) {
    own.store_ordered(round);
    wake_sleepers(word);
  }
  static uint32_t announce(Word& word) { return announce_sleeper(word); }
};
struct Light {
  static bool begin() { return os::register_for_heavy_barriers(); }
  static void tell(Sequence& own, uint64_t round, Word& word) {
    own.store_release(round);
    os::light_barrier();
    wake_sleepers(word);
  }
  static uint32_t announce(Word& word) {
    const uint32_t seen = announce_sleeper(word);
#ifndef BREAK_BARRIER
    os::heavy_barrier();
#endif
    return seen;
  }
};

void pause(Random& random, uint32_t most) {
  for (uint32_t pauses = random.below(most); pauses != 0; --pauses) relax_processor();
}

template <class Manner>
void sleep_always(Shared* shared) {
  const Waiting at_once{Strategy::kBlock, 0};
  Random random{2463534242u};
  for (uint64_t round = 1; round <= kRounds; ++round) {
    shared->ready.store_ordered(round);
    pause(random, kMostPauses);
    wait_until(
        shared->word, os::kForever, at_once, [&] { return Manner::announce(shared->word); },
        [&] { return shared->told.load_ordered() >= round; }, [] {});
  }
}

template <class Manner>
void wake_always(Shared* shared) {
  Random random{88675123u};
  for (uint64_t round = 1; round <= kRounds; ++round) {
    while (shared->ready.load_acquire() < round) os::yield();
    pause(random, kWakersPauses);
    Manner::tell(shared->told, round, shared->word);
  }
}

bool ended_well(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Voluntary context switches of all children until now: how often they slept.
long sleeps() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_nvcsw;
}

// The same with a ring and its sole producer, who looks for the consumer's commits.
void consume_always(const fixture::TestRing& ring) {
  auto opened = open_ring(ring.name);
  Sequencer consumer(std::move(opened.value()), {Strategy::kBlock, 0});
  Random random{2463534242u};
  for (uint64_t round = 0; round < kRounds; ++round) {
    pause(random, kMostPauses);
    const auto batch = consumer.consume(0, os::kForever);
    if (!batch.ok() || batch.value().count != 1) _exit(1);
    consumer.commit_consumed(0, round, round + 1);
  }
}

void produce_always(const fixture::TestRing& ring, Shared* shared) {
  auto opened = open_ring(ring.name);
  Sequencer producer(std::move(opened.value()));
  Random random{88675123u};
  for (uint64_t round = 0; round < kRounds; ++round) {
    shared->told.store_release(round);
    while (producer.consumer_sequence(0) < round) os::yield();
    shared->ready.store_release(round);
    pause(random, kWakersPauses);
    if (producer.claim(1, 1, 0).value().count != 1) _exit(1);
    if (producer.commit(round, round, OutOfOrder::kRefuse, 0).value() != Commit::kVisible) _exit(1);
  }
}

// Of messages, `told` is the last that was sent, and `ready` the last that was taken. These tell of
// one: in the way of plain memory, whose word is the application's, and in the way of a queue.
struct OfMemory {
  static void tell(Word& word) {
    word.add(1);
    os::wake(word, 1);
  }
  static uint32_t announce(Word& word) { return word.load_ordered(); }
};
struct OfQueue {
  static void tell(Word& word) { wake_some(word, 1); }
  static uint32_t announce(Word& word) { return announce_sleeper(word); }
};

// These wait for a message, and say whether `take` has taken one before they slept.
struct Asleep {
  template <class Take>
  bool wait(Word& word, uint32_t seen, Take take) {
    if (take()) return true;
    os::sleep_while(word, seen, os::kForever);
    return false;
  }
};
template <class Loop>
struct Watching {
  Loop loop;
  MappingRef none;
  uint64_t key = 0;
  std::vector<uint64_t> told;

  template <class Take>
  bool wait(Word& word, uint32_t seen, Take take) {
    loop.watcher->watch(++key, none, word, seen);
    if (take()) {
#ifndef BREAK_TAKE_BACK
      loop.watcher->forget(key);
#endif
      return true;
    }
    for (told.clear(); told.empty(); loop.watcher->take_changed(&told)) loop.sleep();
    return false;
  }
};
struct Polled {
  std::unique_ptr<PolledWatcher> watcher = std::make_unique<PolledWatcher>(os::FutexPoll::make());
  void sleep() const {
    pollfd descriptor{watcher->descriptor(), POLLIN, 0};
    poll(&descriptor, 1, -1);
  }
};
struct Threaded {
  Word rung;
  uint32_t heard = 0;
  std::unique_ptr<Watcher> watcher = Watcher::start(ring, this);
  static void ring(void* context) {
    auto* self = static_cast<Threaded*>(context);
    self->rung.add(1);
    os::wake_all(self->rung);
  }
  void sleep() {
    os::sleep_while(rung, heard, os::kForever);
    heard = rung.load_ordered();
  }
};

template <class Manner>
void send_always(Shared* shared) {
  Random random{88675123u};
  for (uint64_t message = 1; message <= kMessages; ++message) {
    while (shared->ready.load_ordered() + 1 < message) os::yield();
    pause(random, kWakersPauses);
    shared->told.store_ordered(message);
    // A consumer may take it before it is woken for it.
    pause(random, kWakersPauses);
    Manner::tell(shared->word);
  }
}

template <class Manner, class Way>
void take_always(Shared* shared, uint32_t seed) {
  Way way;
  Random random{seed};
  const auto over = [&] { return shared->ready.load_ordered() == kMessages; };
  uint64_t taken = 0;
  const auto take = [&] {
    taken = shared->ready.load_ordered() + 1;
    if (taken == kMessages + 1) return true;
    if (taken > shared->told.load_ordered()) return false;
    if (!shared->ready.compare_exchange(taken - 1, taken)) return false;
    // The next message may come before the watch is taken back.
    pause(random, kTakersPauses);
    return true;
  };
  while (!over()) {
    while (!take()) {
      const uint32_t seen = Manner::announce(shared->word);
      pause(random, kMostPauses);
      if (way.wait(shared->word, seen, take)) break;
    }
    while (!over() && shared->ready.load_ordered() == taken) os::yield();
  }
  // The other one may be waiting for more.
  shared->word.add(2);
  os::wake_all(shared->word);
}

template <class Manner, class One, class Other>
void play_messages(Shared* shared, int side) {
  if (side == 0) {
    send_always<Manner>(shared);
  } else if (side == 1) {
    take_always<Manner, One>(shared, 2463534242u);
  } else {
    take_always<Manner, Other>(shared, side == 2 ? 521288629u : 362436069u);
  }
}

// What the two sides do.
template <class Manner>
void play(Shared* shared, int side) {
  if (!Manner::begin()) _exit(1);
  side == 0 ? sleep_always<Manner>(shared) : wake_always<Manner>(shared);
}

int number = 0;

template <class Play>
bool check(const char* title, uint64_t waits, int sides, Play play) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* shared = new (memory) Shared;
  const long before = sleeps();
  pid_t children[4];
  for (int side = 0; side < sides; ++side) {
    children[side] = fork();
    if (children[side] == -1) return false;
    if (children[side] == 0) {
      // Ends this process by a signal.
      alarm(WATCHDOG_SECONDS);
      play(shared, side);
      _exit(0);
    }
  }
  bool woken = true;
  for (int side = 0; side < sides; ++side) woken = ended_well(children[side]) && woken;
  if (!woken) {
    std::printf("# stuck in round %llu, told of %llu\n",
                static_cast<unsigned long long>(shared->ready.load_ordered()),
                static_cast<unsigned long long>(shared->told.load_ordered()));
  }
  std::printf("%s %d - no wake is lost %s\n", woken ? "ok" : "not ok", ++number, title);

  const long slept = sleeps() - before;
  const bool enough = woken && slept > static_cast<long>(waits / 10'000);
  std::printf("# %ld of %llu waits slept\n", slept, static_cast<unsigned long long>(waits));
  std::printf("%s %d - enough of the waits slept\n", enough ? "ok" : "not ok", ++number);
  std::fflush(stdout);
  munmap(memory, sizeof(Shared));
  return woken && enough;
}

}  // namespace

int main() {
  const bool light = os::register_for_heavy_barriers();
  const bool polled = os::FutexPoll::make() != nullptr;
  std::printf("TAP version 13\n1..%d\n", 2 * (1 + (light ? 2 : 0) + 1 + (polled ? 3 : 0)));
  std::fflush(stdout);
  bool well = check("between two processes, stores being full barriers", kRounds, 2, play<Fenced>);
  if (light) {
    well = check("between two processes, stores being none", kRounds, 2, play<Light>) && well;
    const fixture::TestRing ring({4, 8, 1, 1},
                                 {Orphans::kSkip, DeadConsumers::kHold, Producers::kSingle});
    well = check("between two processes, stores of a ring's sole producer", kRounds, 2,
                 [&](Shared* shared, int side) {
                   side == 0 ? consume_always(ring) : produce_always(ring, shared);
                 }) &&
           well;
  } else {
    std::printf("# this system has no heavy barriers\n");
  }
  const auto messages = [&](const char* title, auto play) {
    well = check(title, kMessages, 4, play) && well;
  };
  using Loop = Watching<Threaded>;
  messages("of those for one: plain memory, a thread and two event loops with a thread",
           play_messages<OfMemory, Asleep, Loop>);
  if (polled) {
    using PolledLoop = Watching<Polled>;
    messages("of those for one: plain memory, a thread and two event loops",
             play_messages<OfMemory, Asleep, PolledLoop>);
    messages("of those for one: plain memory, three event loops",
             play_messages<OfMemory, PolledLoop, PolledLoop>);
    messages("of those for one: a queue, an event loop and two with a thread",
             play_messages<OfQueue, PolledLoop, Loop>);
  } else {
    std::printf("# this system has no futexes that an event loop waits for\n");
  }
  return well ? 0 : 1;
}
