// Sleeping and waking race, between two processes, a million times: a wake that is lost lets a
// sleeper without a limit sleep for ever, and the watchdog ends the test.
//
// In each round one side announces itself, looks and sleeps, and the other stores and wakes, from
// about the same moment on: random pauses make the store meet every moment of the announcement. The
// next round begins only when the sleeper has seen this one's, or a later wake would hide a lost
// one. A wait may end before it sleeps, so the sleeper asks the kernel how often it was put to
// sleep, and goes on until that was often enough.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

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

constexpr uint64_t kRounds = 1'000'000;  // at least
constexpr uint64_t kSleeps = kRounds / 10'000;
// Of the sleeper, and of the waker, who would otherwise always come first.
constexpr uint32_t kMaxPauses = 50;
constexpr uint32_t kWakersPauses = 100;
constexpr uint32_t kTakersPauses = 800;
// Of messages that one of two consumers takes: each costs more switches.
constexpr uint64_t kMessages = 50'000;

struct Shared {
  alignas(128) Word word;
  alignas(128) Sequence told;   // the round that is waited for
  alignas(128) Sequence ready;  // the round in which the sleeper is
  alignas(128) Sequence slept;  // how often it was put to sleep
  alignas(128) Sequence over;   // 1: there are no more rounds
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

// Of this process: voluntary context switches.
uint64_t sleeps() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_nvcsw);
}

// Whether there is to be another round, after so many.
bool goes_on(Shared* shared, uint64_t rounds) {
  if (rounds < kRounds) return true;
  shared->slept.store_ordered(sleeps());
  if (shared->slept.load_ordered() < kSleeps) return true;
  shared->over.store_ordered(1);
  return false;
}

// Waits until the sleeper is in the next round. False: there is none.
template <class Ready>
bool await_round(const Shared* shared, Ready ready) {
  while (!ready()) {
    if (shared->over.load_ordered() != 0) return false;
    os::yield();
  }
  return true;
}

template <class Manner>
void sleep_always(Shared* shared) {
  const Waiting at_once{Strategy::kBlock, 0};
  Random random{2463534242u};
  for (uint64_t round = 1; goes_on(shared, round - 1); ++round) {
    shared->ready.store_ordered(round);
    pause(random, kMaxPauses);
    wait_until(
        shared->word, os::kForever, at_once, [&] { return Manner::announce(shared->word); },
        [&] { return shared->told.load_ordered() >= round; }, [] {});
  }
}

template <class Manner>
void wake_always(Shared* shared) {
  Random random{88675123u};
  uint64_t round = 1;
  while (await_round(shared, [&] { return shared->ready.load_acquire() >= round; })) {
    pause(random, kWakersPauses);
    Manner::tell(shared->told, round++, shared->word);
  }
}

// The same with a ring and its sole producer, who looks for the consumer's commits.
void consume_always(const fixture::TestRing& ring, Shared* shared) {
  auto opened = open_ring(ring.name);
  Sequencer consumer(std::move(opened.value()), {Strategy::kBlock, 0});
  Random random{2463534242u};
  for (uint64_t round = 0; goes_on(shared, round); ++round) {
    pause(random, kMaxPauses);
    const auto batch = consumer.consume(0, os::kForever);
    if (!batch.ok() || batch.value().count != 1) _exit(1);
    consumer.commit_consumed(0, round, round + 1);
  }
}

void produce_always(const fixture::TestRing& ring, Shared* shared) {
  auto opened = open_ring(ring.name);
  Sequencer producer(std::move(opened.value()));
  Random random{88675123u};
  uint64_t round = 0;
  while (await_round(shared, [&] { return producer.consumer_sequence(0) >= round; })) {
    pause(random, kWakersPauses);
    if (producer.claim(1, 1, 0).value().count != 1) _exit(1);
    if (producer.commit(round, round, OutOfOrder::kRefuse, 0).value() != Commit::kVisible) _exit(1);
    shared->told.store_release(++round);
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
      pause(random, kMaxPauses);
      if (way.wait(shared->word, seen, take)) break;
    }
    while (!over() && shared->ready.load_ordered() == taken) os::yield();
  }
  // The other one may be waiting for more.
  shared->slept.add(sleeps());
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

// Waits for its end, for as long as rounds come.
bool ended_well(pid_t child, Shared* shared) {
  int status = 0;
  uint64_t seen = 0;
  runner::await("a sleeper to be woken", [&] {
    const uint64_t round = shared->told.load_ordered();
    if (round != seen) runner::doing("told of round %llu", static_cast<unsigned long long>(round));
    seen = round;
    return waitpid(child, &status, WNOHANG) == child;
  });
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <class Play>
bool race(int sides, Play play) {
  auto* const shared = runner::assignment<Shared>();
  const pid_t parent = getpid();
  pid_t children[4];
  for (int side = 0; side < sides; ++side) {
    children[side] = fork();
    if (children[side] == -1) return false;
    if (children[side] == 0) {
      runner::end_with_parent(parent);
      play(shared, side);
      _exit(0);
    }
  }
  bool well = true;
  for (int side = 0; side < sides; ++side) well = ended_well(children[side], shared) && well;
  std::printf("# %llu of %llu waits slept\n",
              static_cast<unsigned long long>(shared->slept.load_ordered()),
              static_cast<unsigned long long>(shared->told.load_ordered()));
  return well;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string title = "no wake is lost between two processes, stores ";
  const std::string messages = "no wake is lost of those for one: ";
  using Loop = Watching<Threaded>;
  using PolledLoop = Watching<Polled>;
  std::vector<runner::Test> tests{
      {title + "being full barriers", [] { return race(2, play<Fenced>); }}};
  if (os::register_for_heavy_barriers()) {
    tests.push_back({title + "being none", [] { return race(2, play<Light>); }});
    tests.push_back({title + "of a ring's sole producer", [] {
                       const fixture::TestRing ring(
                           {4, 8, 1, 1},
                           {Orphans::kSkip, DeadConsumers::kHold, Producers::kSingle});
                       return race(2, [&](Shared* shared, int side) {
                         side == 0 ? consume_always(ring, shared) : produce_always(ring, shared);
                       });
                     }});
  } else {
    std::printf("# this system has no heavy barriers\n");
  }
  tests.push_back({messages + "plain memory, a thread and two event loops with a thread",
                   [] { return race(4, play_messages<OfMemory, Asleep, Loop>); }});
  if (os::FutexPoll::make() != nullptr) {
    tests.push_back({messages + "plain memory, a thread and two event loops",
                     [] { return race(4, play_messages<OfMemory, Asleep, PolledLoop>); }});
    tests.push_back({messages + "plain memory, three event loops",
                     [] { return race(4, play_messages<OfMemory, PolledLoop, PolledLoop>); }});
    tests.push_back({messages + "a queue, an event loop and two with a thread",
                     [] { return race(4, play_messages<OfQueue, PolledLoop, Loop>); }});
  } else {
    std::printf("# this system has no futexes that an event loop waits for\n");
  }
  return runner::run(std::move(tests), count, arguments, 1);
}
