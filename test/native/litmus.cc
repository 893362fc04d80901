// Sleeping and waking race, between two processes, a million times: a wake that is lost lets a
// sleeper without a limit sleep for ever, and the watchdog ends the test.
//
// Ping-pong over one word: each side stores its turn, wakes, and waits for the other's, announcing
// itself every time. Random pauses make the store meet every moment of the announcement. A wait may
// end before it sleeps, so the kernel is asked how often it put somebody to sleep.
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

using namespace shm_disruptor;

namespace {

constexpr uint64_t kRounds = 1'000'000;
#ifndef WATCHDOG_SECONDS
#define WATCHDOG_SECONDS 120
#endif
constexpr uint32_t kMostPauses = 200;

struct Shared {
  alignas(128) Word word;
  alignas(128) Sequence turns[2];  // how far each side has come
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

// Plays `side`; both sides wait on the same word, as the participants of a ring do.
void play(Shared* shared, int side) {
  const Waiting at_once{Strategy::kBlock, 0};
  Random random{side == 0 ? 2463534242u : 88675123u};
  Sequence& own = shared->turns[side];
  const Sequence& other = shared->turns[1 - side];
  for (uint64_t round = 1; round <= kRounds; ++round) {
    for (uint32_t pauses = random.below(kMostPauses); pauses != 0; --pauses) relax_processor();
    own.store_ordered(round);
    wake_sleepers(shared->word);
    wait_until(
        shared->word, os::kForever, at_once, [&] { return other.load_ordered() >= round; }, [] {});
  }
}

bool ended_well(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto* shared = new (memory) Shared;

  std::printf("TAP version 13\n1..2\n");
  std::fflush(stdout);
  pid_t children[2];
  for (int side = 0; side < 2; ++side) {
    children[side] = fork();
    if (children[side] == -1) return 1;
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
    std::printf("# stuck after rounds %llu and %llu\n",
                static_cast<unsigned long long>(shared->turns[0].load_ordered()),
                static_cast<unsigned long long>(shared->turns[1].load_ordered()));
  }
  std::printf("%s 1 - no wake is lost between two processes\n", woken ? "ok" : "not ok");

  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const bool slept = woken && usage.ru_nvcsw > static_cast<long>(kRounds / 1000);
  std::printf("# %ld of %llu waits slept\n", usage.ru_nvcsw,
              static_cast<unsigned long long>(2 * kRounds));
  std::printf("%s 2 - enough of the waits slept\n", slept ? "ok" : "not ok");
  return woken && slept ? 0 : 1;
}
