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

// What the two sides do.
template <class Manner>
void play(Shared* shared, int side) {
  if (!Manner::begin()) _exit(1);
  side == 0 ? sleep_always<Manner>(shared) : wake_always<Manner>(shared);
}

template <class Play>
bool check(int number, const char* manner, Play play) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* shared = new (memory) Shared;
  const long before = sleeps();
  pid_t children[2];
  for (int side = 0; side < 2; ++side) {
    children[side] = fork();
    if (children[side] == -1) return false;
    if (children[side] == 0) {
      // Ends this process by a signal.
      alarm(WATCHDOG_SECONDS);
      play(shared, side);
      _exit(0);
    }
  }
  const bool first = ended_well(children[0]);
  const bool second = ended_well(children[1]);
  const bool woken = first && second;
  if (!woken) {
    std::printf("# stuck in round %llu, told of %llu\n",
                static_cast<unsigned long long>(shared->ready.load_ordered()),
                static_cast<unsigned long long>(shared->told.load_ordered()));
  }
  std::printf("%s %d - no wake is lost between two processes, stores %s\n", woken ? "ok" : "not ok",
              number, manner);

  const long slept = sleeps() - before;
  const bool enough = woken && slept > static_cast<long>(kRounds / 10'000);
  std::printf("# %ld of %llu waits slept\n", slept, static_cast<unsigned long long>(kRounds));
  std::printf("%s %d - enough of the waits slept\n", enough ? "ok" : "not ok", number + 1);
  std::fflush(stdout);
  munmap(memory, sizeof(Shared));
  return woken && enough;
}

}  // namespace

int main() {
  const bool light = os::register_for_heavy_barriers();
  std::printf("TAP version 13\n1..%d\n", light ? 6 : 2);
  std::fflush(stdout);
  bool well = check(1, "being full barriers", play<Fenced>);
  if (light) {
    well = check(3, "being none", play<Light>) && well;
    const fixture::TestRing ring({4, 8, 1, 1},
                                 {Orphans::kSkip, DeadConsumers::kHold, Producers::kSingle});
    well = check(5, "of a ring's sole producer",
                 [&](Shared* shared, int side) {
                   side == 0 ? consume_always(ring) : produce_always(ring, shared);
                 }) &&
           well;
  } else {
    std::printf("# this system has no heavy barriers\n");
  }
  return well ? 0 : 1;
}
