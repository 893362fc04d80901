// What a ring's one producer may do that others may not: commit with a store.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "../../addon/core/sequencer.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMoment = 1'000'000;

TestRing ring_of_one_producer() {
  return TestRing({8, 8, 1, 1}, {Orphans::kSkip, DeadConsumers::kHold, Producers::kSingle});
}

uint64_t claim(Sequencer& producer) { return producer.claim(1, 1, 0).value().start; }

Commit commit(Sequencer& producer, uint64_t sequence) {
  return producer.commit(sequence, sequence, OutOfOrder::kMark, 0).value();
}

// From here on the system has no membarrier for this process.
bool forbid_barriers() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Runs `body` in a process without barriers; says what that said.
template <class Body>
bool without_barriers(Body body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == -1) return false;
  if (child == 0) {
    runner::end_with_parent(parent);
    _exit(forbid_barriers() && !os::heavy_barrier() && body() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST("the one producer commits in turn and out of turn, and each is visible once") {
  const TestRing test = ring_of_one_producer();
  Sequencer producer = test.sequencer();
  Sequencer consumer = test.sequencer();
  uint64_t seen = 0;
  // More than a lap, so that old marks lie in the way.
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = claim(producer);
    const uint64_t second = claim(producer);
    const uint64_t third = claim(producer);
    CHECK(commit(producer, second) == Commit::kPending);
    CHECK(producer.cursor() == first);
    CHECK(commit(producer, first) == Commit::kVisible);
    CHECK(producer.cursor() == third);
    CHECK(commit(producer, third) == Commit::kVisible);
    CHECK(commit(producer, third) == Commit::kRefused);
    const auto batch = consumer.consume(0, 0).value();
    CHECK(batch.start == seen && batch.count == 3);
    seen += batch.count;
    CHECK(consumer.commit_consumed(0, batch.start, seen));
  }
  CHECK(consumer.gaps() == 0);
}

TEST("a replacement that the one producer's store has hidden is told all the same") {
  const TestRing test = ring_of_one_producer();
  Sequencer producer = test.sequencer();
  Sequencer consumer = test.sequencer();
  const uint64_t first = claim(producer);
  // As if the store of the cursor had come right after its bit was set.
  test.header().next.set_bits(kReplacedBit);
  CHECK(producer.commit(first, first, OutOfOrder::kMark, 0).error().code == Errc::kSegmentReplaced);
  CHECK(consumer.consume(0, kMoment).error().code == Errc::kSegmentReplaced);
  CHECK((test.header().cursor.load_ordered() & kReplacedBit) != 0);
}

TEST("who has no barriers for others has the one producer fence its stores") {
  const TestRing test = ring_of_one_producer();
  Sequencer producer = test.sequencer();
  Sequencer consumer = test.sequencer();
  CHECK(commit(producer, claim(producer)) == Commit::kVisible);
  if (os::heavy_barrier()) {
    consumer.announce(consumer.data_waiters());
    CHECK(test.header().needs_full_fence.load_ordered() == 0);
  }
  CHECK(without_barriers([&] {
    Sequencer other = test.sequencer();
    other.announce(other.space_waiters());
    if (test.header().needs_full_fence.load_ordered() != 0) return false;
    other.announce(other.data_waiters());
    return test.header().needs_full_fence.load_ordered() != 0;
  }));
  CHECK(commit(producer, claim(producer)) == Commit::kVisible);
  CHECK(consumer.consume(0, 0).value().count == 2);
}

TEST("the one producer that has no barriers fences its stores itself") {
  const TestRing test = ring_of_one_producer();
  CHECK(without_barriers([&] {
    Sequencer producer = test.sequencer();
    return commit(producer, claim(producer)) == Commit::kVisible;
  }));
  Sequencer consumer = test.sequencer();
  CHECK(consumer.consume(0, 0).value().count == 1);
}
