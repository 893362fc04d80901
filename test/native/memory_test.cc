#include "../../addon/core/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "../../addon/core/inspect.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;

RingCreation memory_of(uint64_t size) {
  RingCreation creation;
  creation.kind = Kind::kMemory;
  creation.geometry = memory_geometry(size);
  return creation;
}

struct TestMemory {
  explicit TestMemory(uint64_t size) : ring(memory_of(size)) {}
  Memory open(os::Access access = os::Access::kReadWrite, Waiting waiting = {}) const {
    auto opened = open_ring(ring.name, Kind::kMemory, access);
    CHECK(opened.ok());
    return Memory(std::move(opened.value()), access, waiting);
  }
  TestRing ring;
};

Word& writable(const Memory& memory, uint64_t offset) {
  return *reinterpret_cast<Word*>(memory.bytes() + offset);
}

}  // namespace

TEST("memory is as large as asked for, zero, and shared by all who open it") {
  for (const uint64_t size : {1, 4, 7, 4096, 4097, 1'000'000}) {
    const TestMemory test(size);
    const Memory one = test.open();
    const Memory other = test.open();
    CHECK(one.size() == size && other.size() == size);
    for (uint64_t i = 0; i < size; ++i) CHECK(one.bytes()[i] == std::byte{0});
    one.bytes()[size - 1] = std::byte{9};
    CHECK(other.bytes()[size - 1] == std::byte{9});
  }
}

TEST("a size that the kernel cannot count is refused") {
  const auto created = create_ring(unique_name(), memory_of(~uint64_t{0}));
  CHECK(created.error().code == Errc::kSizeOverflow);
}

TEST("memory is told from rings and queues, and a header that contradicts itself from both") {
  const TestMemory test(64);
  CHECK(open_ring(test.ring.name, Kind::kRing).error().code == Errc::kSegmentKind);
  CHECK(open_ring(test.ring.name, Kind::kQueue).error().code == Errc::kSegmentKind);
  const TestRing ring({4, 4, 1});
  CHECK(open_ring(ring.name, Kind::kMemory).error().code == Errc::kSegmentKind);
  for (uint64_t Identity::*number :
       {&Identity::elements, &Identity::consumers, &Identity::producers}) {
    const TestMemory damaged(64);
    // As the layout of a ring that is such.
    Identity& identity = damaged.ring.header().identity;
    RingGeometry geometry = memory_geometry(64);
    identity.*number = 2;
    geometry.elements = identity.elements;
    geometry.consumers = identity.consumers;
    geometry.producers = identity.producers;
    auto layout = ring_layout(geometry, {}, {}, Kind::kMemory);
    layout.value().generation = identity.generation;
    identity = identity_of(layout.value(), identity.mode);
    CHECK(truncate(path_of(damaged.ring.name).c_str(), static_cast<off_t>(identity.size)) == 0);
    CHECK(open_ring(damaged.ring.name, Kind::kMemory).error().code == Errc::kSegmentCorrupt);
  }
}

TEST("a mapping for reading alone refuses writes") {
  const TestMemory test(64);
  const Memory memory = test.open(os::Access::kRead);
  CHECK(!memory.writable());
  const pid_t child = fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, 2);
    memory.bytes()[0] = std::byte{1};
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
  CHECK(memory.bytes()[0] == std::byte{0});
}

TEST("copies begin and end anywhere") {
  const TestMemory test(41);
  const Memory memory = test.open(os::Access::kRead);
  const Memory writer = test.open();
  for (uint64_t i = 0; i < 41; ++i) writer.bytes()[i] = static_cast<std::byte>(i + 1);
  for (uint64_t from = 0; from <= 41; ++from) {
    for (uint64_t to = from; to <= 41; ++to) {
      std::byte copy[43];
      std::memset(copy, 0xee, sizeof copy);
      memory.read(from, to - from, copy + 1);
      CHECK(copy[0] == std::byte{0xee} && copy[to - from + 1] == std::byte{0xee});
      for (uint64_t i = from; i < to; ++i) {
        CHECK(copy[1 + i - from] == static_cast<std::byte>(i + 1));
      }
    }
  }
}

TEST("a wait ends at once for another value, and after its time for the same") {
  for (const auto access : {os::Access::kReadWrite, os::Access::kRead}) {
    const TestMemory test(64);
    Memory memory = test.open(access);
    CHECK(memory.wait(8, 1, os::kForever).value());
    CHECK(!memory.wait(8, 0, 0).value());
    CHECK(!memory.wait(8, 0, 10 * kMillisecond).value());
  }
}

TEST("whoever changes a word wakes those who sleep on it, also those who may only read") {
  for (const auto access : {os::Access::kReadWrite, os::Access::kRead}) {
    for (const auto strategy : {Strategy::kAdaptive, Strategy::kBlock, Strategy::kSleep,
                                Strategy::kYield, Strategy::kBusySpin}) {
      const TestMemory test(64);
      Waiting waiting;
      waiting.strategy = strategy;
      Memory sleeper = test.open(access, waiting);
      const Memory waker = test.open();
      bool changed = false;
      std::thread thread([&] { changed = sleeper.wait(12, 0, os::kForever).value(); });
      // One that is woken before there is anything sleeps again.
      if (strategy == Strategy::kAdaptive || strategy == Strategy::kBlock) {
        runner::await("a sleeper", [&] { return waker.notify(12, 1) == 1; });
      }
      writable(waker, 12).store_ordered(7);
      waker.notify(12, 1);
      thread.join();
      CHECK(changed);
    }
  }
}

TEST("notifying says how many it has woken, and wakes no more than asked for") {
  const TestMemory test(64);
  Waiting waiting;
  waiting.strategy = Strategy::kBlock;
  const Memory memory = test.open(os::Access::kReadWrite, waiting);
  CHECK(memory.notify(0, ~uint32_t{0}) == 0);
  std::thread threads[3];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      Memory sleeper = test.open(os::Access::kReadWrite, waiting);
      CHECK(sleeper.wait(0, 0, os::kForever).value());
    });
  }
  // They go back to sleep, since nothing has changed.
  CHECK(memory.notify(4, 3) == 0);
  uint32_t woken = 0;
  runner::await("sleepers", [&] {
    const uint32_t more = memory.notify(0, 1);
    CHECK(more <= 1);
    woken += more;
    return woken == 3;
  });
  CHECK(memory.notify(0, 0) == 0);
  writable(memory, 0).store_ordered(1);
  memory.notify(0, ~uint32_t{0});
  for (std::thread& thread : threads) thread.join();
}

TEST("a wait in slices polls once, and sleeps from then on") {
  const TestMemory test(64);
  // Longer than a slice: a wait that polled anew in each would never sleep.
  const Waiting waiting{Strategy::kAdaptive, 1000 * kMillisecond};
  const Memory memory = test.open();
  std::thread thread([&] {
    Memory sleeper = test.open(os::Access::kReadWrite, waiting);
    while (!sleeper.wait(0, 0, 10 * kMillisecond).value()) {
    }
  });
  runner::await("a sleeper", [&] { return memory.notify(0, 1) == 1; });
  writable(memory, 0).store_ordered(1);
  memory.notify(0, 1);
  thread.join();
}

TEST("no wake is lost between two processes that take turns") {
  const TestMemory test(64);
  Waiting waiting;
  waiting.strategy = Strategy::kBlock;
  Memory memory = test.open(os::Access::kReadWrite, waiting);
  // Who was not woken sleeps for all of its patience.
  constexpr uint32_t kRounds = 100'000;
  const auto play = [&](uint32_t turn) {
    Word& word = writable(memory, 0);
    for (uint32_t round = turn; round < 2 * kRounds; round += 2) {
      while (word.load_ordered() != round) {
        if (!memory.wait(0, round - 1, os::kForever).value()) return false;
      }
      if (round % 1000 == 0) runner::doing("round %u", round);
      word.store_ordered(round + 1);
      memory.notify(0, 1);
    }
    return true;
  };
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    runner::end_with_parent(parent);
    _exit(play(1) ? 0 : 1);
  }
  CHECK(play(0));
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST("those who wait learn that the memory was replaced") {
  const TestMemory test(64);
  Memory memory = test.open();
  RingCreation creation = memory_of(128);
  creation.existing = Existing::kReplace;
  CHECK(!memory.replaced());
  CHECK(create_ring(test.ring.name, creation).ok());
  CHECK(memory.replaced());
  CHECK(memory.wait(0, 0, os::kForever).error().code == Errc::kSegmentReplaced);
}

TEST("a ring does not take memory's name, nor memory a ring's") {
  const TestMemory test(64);
  RingCreation creation;
  creation.geometry = {4, 4, 1};
  creation.existing = Existing::kReplace;
  CHECK(create_ring(test.ring.name, creation).error().code == Errc::kSegmentKind);
  const TestRing ring({4, 4, 1});
  creation = memory_of(64);
  creation.existing = Existing::kReplace;
  CHECK(create_ring(ring.name, creation).error().code == Errc::kSegmentKind);
}
