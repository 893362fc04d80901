// Broadcasts and plain memory, looked at from outside.
#include "../../addon/core/inspect.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "../../addon/core/publisher.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

RingCreation broadcast(uint64_t elements, Producers producers = Producers::kMulti) {
  RingCreation creation;
  creation.kind = Kind::kBroadcast;
  creation.geometry = {elements, 8, kNotifyEntries, producers == Producers::kSingle ? 1u : 4u};
  creation.policy.producers = producers;
  return creation;
}

struct Look {
  explicit Look(const TestRing& test) {
    auto inspected = inspect_segment(test.name);
    CHECK(inspected.ok());
    facts = std::move(inspected.value());
  }
  const BroadcastSnapshot& seen() const { return facts.broadcast; }
  SlotFault::What fault() const { return seen().fault.what; }
  SegmentFacts facts;
};

// Another opening, with its own locks.
Publisher publisher_of(const TestRing& test) {
  return Publisher(std::move(open_ring(test.name, Kind::kBroadcast).value()));
}

void send(Publisher& publisher, uint64_t count) {
  const std::array<std::byte, 8> bytes{};
  for (uint64_t i = 0; i < count; ++i) CHECK(publisher.publish(bytes.data(), 8).ok());
}

// What somebody does who dies right after it.
template <class Act>
void and_die(Act act) {
  const pid_t child = fork();
  if (child == 0) {
    act();
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

TEST("a broadcast from outside: nothing was published") {
  const TestRing test(broadcast(4));
  const Look look(test);
  CHECK(look.facts.damage == Errc::kNone && look.facts.attached && !look.facts.replaced);
  CHECK(look.facts.snapshot.consumers.empty() && look.facts.snapshot.producers.empty());
  CHECK(look.seen().next == 0 && look.seen().looked == 0 && look.seen().kept == 0);
  CHECK(look.seen().missing == 0 && look.seen().publishers.empty());
  CHECK(look.fault() == SlotFault::kNone && !look.seen().sleepers.now);
}

TEST("a broadcast from outside: what is kept, dropped and being written, and by whom") {
  for (const Producers producers : {Producers::kSingle, Producers::kMulti}) {
    const TestRing test(broadcast(4, producers));
    auto publisher = publisher_of(test);
    send(publisher, 6);
    CHECK(publisher.claim().value() == 6);
    publisher.abort();
    CHECK(publisher.claim().value() == 7);
    announce_sleeper(test.segment.notify_page().sleepers);
    const Look look(test);
    CHECK(look.seen().next == 8 && look.seen().looked == 4);
    CHECK(look.seen().kept == 2 && look.seen().dropped == 1 && look.seen().missing == 0);
    CHECK(look.fault() == SlotFault::kNone && look.seen().sleepers.now);
    CHECK(look.facts.producers().alive == 1 && look.facts.producers().gone == 0);
    const ProducerFacts& facts = look.seen().publishers.at(0);
    CHECK(facts.alive && facts.claimed == 1 && facts.first == 7);
    CHECK(facts.pid == os::current_process() && facts.thread == os::current_thread());
  }
}

TEST("a broadcast from outside: who has gone with nothing unfinished is not there") {
  const TestRing test(broadcast(4));
  {
    auto publisher = publisher_of(test);
    send(publisher, 2);
    CHECK(publisher.claim().ok());
  }
  const Look look(test);
  CHECK(look.seen().publishers.empty() && look.seen().kept == 2 && look.seen().dropped == 1);
}

TEST("a broadcast from outside: a dead publisher's message is its own for as long as it is there") {
  const TestRing test(broadcast(4));
  and_die([&] {
    auto publisher = publisher_of(test);
    send(publisher, 1);
    _exit(publisher.claim().ok() ? 0 : 1);
  });
  const Look look(test);
  const ProducerFacts& facts = look.seen().publishers.at(0);
  CHECK(!facts.alive && facts.claimed == 1 && facts.first == 1);
  CHECK(look.facts.producers().alive == 0 && look.facts.producers().gone == 1);
  auto next = publisher_of(test);
  send(next, 1);
  const Look later(test);
  CHECK(later.seen().publishers.size() == 1 && later.seen().publishers.at(0).alive);
  CHECK(later.seen().dropped == 1 && later.seen().kept == 2);
}

TEST("a broadcast from outside: what was taken and never written is missing") {
  const TestRing test(broadcast(8));
  auto publisher = publisher_of(test);
  send(publisher, 10);
  test.header().next.store_ordered(12);
  const Look look(test);
  CHECK(look.seen().missing == 2 && look.seen().kept == 6);
  CHECK(look.fault() == SlotFault::kNone);
}

TEST("a broadcast from outside: slots that contradict the header") {
  const auto fault_of = [](uint64_t slot, SlotState state, uint32_t length = 8) {
    const TestRing test(broadcast(4));
    auto publisher = publisher_of(test);
    send(publisher, 2);
    CHECK(Look(test).fault() == SlotFault::kNone);
    test.segment.slot(slot).length.store_release(length);
    test.segment.slot(slot).state.store_ordered(state.word());
    return Look(test).seen().fault;
  };
  SlotFault fault = fault_of(2, SlotState::written(6));
  CHECK(fault.what == SlotFault::kAhead && fault.slot == 2 && fault.value == 6);
  fault = fault_of(3, SlotState::dropped(3));
  CHECK(fault.what == SlotFault::kAhead && fault.value == 3);
  fault = fault_of(1, SlotState::written(0));
  CHECK(fault.what == SlotFault::kElsewhere && fault.slot == 1 && fault.value == 0);
  fault = fault_of(1, SlotState::being_written(1, 3));
  CHECK(fault.what == SlotFault::kNobody && fault.value == 3);
  fault = fault_of(1, SlotState::being_written(1, 100));
  CHECK(fault.what == SlotFault::kNobody && fault.value == 100);
  fault = fault_of(3, SlotState(5));
  CHECK(fault.what == SlotFault::kNobody && fault.slot == 3 && fault.value == 4);
  fault = fault_of(1, SlotState::written(1), 9);
  CHECK(fault.what == SlotFault::kTooLong && fault.slot == 1 && fault.value == 9);
  CHECK(fault_of(1, SlotState::dropped(1), 9).what == SlotFault::kNone);
}

TEST("a broadcast from outside: a header that goes back contradicts its slots") {
  const TestRing test(broadcast(4));
  auto publisher = publisher_of(test);
  send(publisher, 7);
  test.header().next.store_ordered(0);
  test.header().cursor.store_ordered(3);
  const Look look(test);
  CHECK(look.fault() == SlotFault::kAhead && look.seen().fault.value == 6);
  CHECK(look.seen().cursor == 3);
  test.header().next.store_ordered(~kReplacedBit);
  CHECK(Look(test).seen().missing == 4);
}

TEST("a broadcast from outside: of a large one the newest slots") {
  const TestRing test(broadcast(10000));
  auto publisher = publisher_of(test);
  send(publisher, 10001);
  const Look look(test);
  CHECK(look.seen().looked == kMaxSlotsLookedAt && look.seen().kept == kMaxSlotsLookedAt);
}

TEST("broadcasts and memory from outside: replaced") {
  RingCreation memory;
  memory.kind = Kind::kMemory;
  memory.geometry = memory_geometry(100);
  for (const RingCreation& creation : {broadcast(4), memory}) {
    const TestRing test(creation);
    CHECK(!Look(test).facts.replaced);
    test.header().next.set_bits(kReplacedBit);
    CHECK(Look(test).facts.replaced);
  }
}

TEST("memory from outside: its size, and nobody who takes part") {
  RingCreation creation;
  creation.kind = Kind::kMemory;
  creation.geometry = memory_geometry(100);
  const TestRing test(creation);
  const Look look(test);
  CHECK(look.facts.layout.kind == Kind::kMemory && look.facts.layout.elements_bytes() == 100);
  CHECK(look.facts.attached && look.facts.snapshot.consumers.empty());
  CHECK(look.facts.producers().alive == 0 && look.facts.consumers().gone == 0);
}
