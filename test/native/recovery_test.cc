// What happens when participants die. Destroying a Sequencer is such a death: all that ends is its
// opening of the file, and the kernel lets go of its locks, as it does when a process is killed.
#include <optional>
#include <vector>

#include "../../addon/core/inspect.h"
#include "../../addon/core/sequencer.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;

Commit commit(Sequencer& ring, uint64_t start, uint64_t end) {
  return ring.commit(start, end, OutOfOrder::kMark, 0).value();
}

// Claims `count` and dies.
void claim_and_die(const TestRing& test, uint64_t count) {
  Sequencer dying = test.sequencer();
  CHECK(dying.claim(count, count, 0).value().count == count);
}

// What consumer 0 gets, committed at once, and the gaps that it passes.
struct Received {
  std::vector<uint64_t> sequences;
  std::vector<uint64_t> lost;
};

Received receive(Sequencer& ring, uint64_t nanoseconds = kMillisecond) {
  Received received;
  for (int i = 0; i < 100; ++i) {
    const auto batch = ring.consume(0, nanoseconds);
    CHECK(batch.ok());
    while (ring.gap_count() > 0) {
      const Gap gap = ring.next_gap();
      for (uint64_t s = gap.begin; s < gap.end; ++s) received.lost.push_back(s);
    }
    const auto [start, count] = batch.value();
    if (count == 0) return received;
    for (uint64_t s = start; s < start + count; ++s) received.sequences.push_back(s);
    CHECK(ring.commit_consumed(0, start, start + count));
  }
  return received;
}

using Sequences = std::vector<uint64_t>;

}  // namespace

TEST("a dead producer's claim becomes a gap, and what is committed behind it arrives") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(1, 1, 0).ok());
  CHECK(commit(ring, 0, 0) == Commit::kVisible);
  claim_and_die(test, 3);
  CHECK(ring.claim(2, 2, 0).value().start == 4);
  CHECK(commit(ring, 4, 5) == Commit::kPending);
  const Received received = receive(ring);
  CHECK((received.sequences == Sequences{0, 4, 5}));
  CHECK((received.lost == Sequences{1, 2, 3}));
  CHECK(ring.gaps() == 1 && ring.lost() == 3);
  CHECK(receive(ring).lost.empty());
}

TEST("who may not wait closes a gap as well, sooner or later") {
  const TestRing test({4, 4, 1});
  claim_and_die(test, 2);
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(1, 1, 0).ok());
  CHECK(commit(ring, 2, 2) == Commit::kPending);
  Received received;
  for (int i = 0; i < 1000 && received.sequences.empty(); ++i) {
    received = receive(ring, 0);
    os::nap(kMillisecond);
  }
  CHECK((received.sequences == Sequences{2}));
}

TEST("the claim of a producer that lives is never closed") {
  const TestRing test({8, 4, 1});
  Sequencer slow = test.sequencer();
  Sequencer ring = test.sequencer();
  CHECK(slow.claim(2, 2, 0).ok());
  CHECK(ring.claim(1, 1, 0).ok());
  CHECK(commit(ring, 2, 2) == Commit::kPending);
  for (int i = 0; i < 10; ++i) CHECK(!ring.recover());
  CHECK(receive(ring).sequences.empty());
  CHECK(commit(slow, 0, 1) == Commit::kVisible);
  CHECK((receive(ring).sequences == Sequences{0, 1, 2}));
}

TEST("a gap ends where a living producer's claim begins") {
  const TestRing test({8, 4, 1});
  claim_and_die(test, 2);
  Sequencer slow = test.sequencer();
  CHECK(slow.claim(2, 2, 0).value().start == 2);
  claim_and_die(test, 2);
  Sequencer ring = test.sequencer();
  CHECK(ring.recover());
  CHECK(ring.cursor() == 2);
  CHECK(!ring.recover());
  CHECK(commit(slow, 2, 3) == Commit::kVisible);
  CHECK(ring.recover());
  CHECK(ring.cursor() == 6);
  const Received received = receive(ring);
  CHECK((received.sequences == Sequences{2, 3}));
  CHECK((received.lost == Sequences{0, 1, 4, 5}));
}

TEST("of a claim of which a part was committed, only the rest is lost") {
  const TestRing test({8, 4, 1});
  {
    Sequencer dying = test.sequencer();
    CHECK(dying.claim(5, 5, 0).ok());
    CHECK(commit(dying, 2, 3) == Commit::kPending);
  }
  Sequencer ring = test.sequencer();
  const Received received = receive(ring);
  CHECK((received.sequences == Sequences{2, 3}));
  CHECK((received.lost == Sequences{0, 1, 4}));
}

TEST("a full ring whose holder is dead gives room again") {
  const TestRing test({4, 4, 1});
  claim_and_die(test, 4);
  Sequencer producer = test.sequencer();
  CHECK(producer.claim(1, 1, kMillisecond).value().count == 0);
  Sequencer consumer = test.sequencer();
  CHECK(receive(consumer).lost.size() == 4);
  CHECK(producer.claim(4, 4, 0).value().start == 4);
}

TEST("gaps in lap after lap, and marks of older laps, are not mistaken for each other") {
  const TestRing test({3, 4, 1});
  Sequencer ring = test.sequencer();
  uint64_t next = 0;
  for (int round = 0; round < 50; ++round) {
    claim_and_die(test, 1);
    CHECK(ring.claim(1, 1, 0).value().start == next + 1);
    CHECK(commit(ring, next + 1, next + 1) == Commit::kPending);
    const Received received = receive(ring);
    CHECK((received.sequences == Sequences{next + 1}) && (received.lost == Sequences{next}));
    CHECK(ring.claim(1, 1, 0).ok());
    CHECK(commit(ring, next + 2, next + 2) == Commit::kVisible);
    CHECK((receive(ring).sequences == Sequences{next + 2}));
    next += 3;
  }
  CHECK(ring.gaps() == 50 && ring.lost() == 50);
}

TEST("with orphans held, nobody closes them, and whoever takes them over commits them") {
  const TestRing test({8, 4, 1}, {Orphans::kHold, DeadConsumers::kHold});
  claim_and_die(test, 3);
  Sequencer ring = test.sequencer();
  CHECK(!ring.recover());
  CHECK(receive(ring).sequences.empty());
  CHECK(ring.take_over(0, 2).value());
  CHECK(commit(ring, 0, 2) == Commit::kVisible);
  CHECK((receive(ring).sequences == Sequences{0, 1, 2}));
  CHECK(!ring.take_over(0, 2).value());
}

TEST("what was taken over is not closed while its new owner lives") {
  const TestRing test({8, 4, 1});
  claim_and_die(test, 4);
  std::optional<Sequencer> heir(test.sequencer());
  CHECK(heir->take_over(1, 2).value());
  Sequencer ring = test.sequencer();
  const Received received = receive(ring);
  CHECK(received.sequences.empty() && (received.lost == Sequences{0}));
  heir.reset();
  CHECK((receive(ring).lost == Sequences{1, 2, 3}));
}

TEST("a commit of somebody else's claim is not closed under its hands") {
  const TestRing test({8, 4, 1});
  claim_and_die(test, 2);
  Sequencer ring = test.sequencer();
  CHECK(commit(ring, 0, 1) == Commit::kVisible);
  CHECK((receive(ring).sequences == Sequences{0, 1}));
}

TEST("more claims outstanding than one entry holds, and more than the table has") {
  const TestRing test({64, 4, 1, 2});
  Sequencer ring = test.sequencer();
  for (uint64_t i = 0; i < 2 * kRanges; ++i) CHECK(ring.claim(1, 1, 0).value().start == i);
  CHECK(ring.claim(1, 1, 0).error().code == Errc::kTooManyProducers);
  Sequencer other = test.sequencer();
  CHECK(other.claim(1, 1, 0).error().code == Errc::kTooManyProducers);
  CHECK(commit(ring, 0, 0) == Commit::kVisible);
  CHECK(ring.claim(1, 1, 0).value().start == 2 * kRanges);
  CHECK(commit(ring, 5, 8) == Commit::kPending);
  for (int i = 0; i < 4; ++i) CHECK(ring.claim(1, 1, 0).ok());
  CHECK(ring.claim(1, 1, 0).error().code == Errc::kTooManyProducers);
}

TEST("an entry whose owner is dead goes to the next") {
  const TestRing test({8, 4, 1, 1});
  for (int i = 0; i < 3; ++i) claim_and_die(test, 1);
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(1, 1, 0).value().start == 3);
  CHECK(commit(ring, 3, 3) == Commit::kPending);
  CHECK((receive(ring).sequences == Sequences{3}));
}

TEST("a dead consumer holds up producers, and the next one under its index goes on") {
  const TestRing test({4, 4, 1});
  Sequencer producer = test.sequencer();
  CHECK(producer.claim(4, 4, 0).ok());
  CHECK(commit(producer, 0, 3) == Commit::kVisible);
  {
    Sequencer dying = test.sequencer();
    CHECK(dying.consume(0, 0).value().count == 4);
    CHECK(dying.commit_consumed(0, 0, 1));
  }
  CHECK(producer.claim(4, 4, kMillisecond).value().count == 0);
  Sequencer next = test.sequencer();
  CHECK((receive(next).sequences == Sequences{1, 2, 3}));
}

TEST("a consumer to be detached when dead gates until then, and comes back at the cursor") {
  const TestRing test({4, 4, 2}, {Orphans::kSkip, DeadConsumers::kDetach});
  Sequencer producer = test.sequencer();
  Sequencer other = test.sequencer();
  std::optional<Sequencer> dying(test.sequencer());
  CHECK(dying->attach_consumer(1, os::Hold::kExclusive).ok());
  CHECK(producer.claim(4, 4, 0).ok());
  CHECK(commit(producer, 0, 3) == Commit::kVisible);
  CHECK((receive(other).sequences == Sequences{0, 1, 2, 3}));
  CHECK(producer.claim(1, 1, kMillisecond).value().count == 0);
  dying.reset();
  CHECK(producer.claim(4, 4, kMillisecond).value().start == 4);
  CHECK(commit(producer, 4, 7) == Commit::kVisible);
  Sequencer back = test.sequencer();
  CHECK(back.consume(1, 0).value().count == 0);
  CHECK(back.consumer_sequence(1) == 8);
  CHECK((receive(other).sequences == Sequences{4, 5, 6, 7}));
  CHECK(producer.claim(4, 4, 0).value().start == 8);
  CHECK(commit(producer, 8, 11) == Commit::kVisible);
  CHECK(back.consume(1, 0).value().start == 8);
}

TEST("a consumer that never came gates in any case") {
  const TestRing test({4, 4, 1}, {Orphans::kSkip, DeadConsumers::kDetach});
  Sequencer producer = test.sequencer();
  CHECK(producer.claim(4, 4, 0).ok());
  CHECK(producer.claim(1, 1, kMillisecond).value().count == 0);
}

TEST("one consumer alone, or several who share") {
  const TestRing test({4, 4, 1});
  std::optional<Sequencer> alone(test.sequencer());
  CHECK(alone->attach_consumer(0, os::Hold::kExclusive).ok());
  Sequencer one = test.sequencer();
  Sequencer two = test.sequencer();
  CHECK(one.attach_consumer(0, os::Hold::kExclusive).error().code == Errc::kConsumerBusy);
  CHECK(one.consume(0, 0).error().code == Errc::kConsumerBusy);
  alone.reset();
  CHECK(one.consume(0, 0).ok() && two.consume(0, 0).ok());
  Sequencer three = test.sequencer();
  CHECK(three.attach_consumer(0, os::Hold::kExclusive).error().code == Errc::kConsumerBusy);
}

TEST("a segment is taken over from the dead, and not from the living") {
  std::optional<TestRing> test(std::in_place, RingGeometry{4, 4, 1});
  RingCreation creation;
  creation.geometry = {8, 8, 1};
  creation.existing = Existing::kReplaceDead;
  CHECK(create_ring(test->name, creation).error().code == Errc::kSegmentInUse);
  Sequencer reader = test->sequencer();
  test->segment.file = os::File();
  CHECK(create_ring(test->name, creation).error().code == Errc::kSegmentInUse);
  { const Sequencer last = std::move(reader); }
  const auto created = create_ring(test->name, creation);
  CHECK(created.ok() && created.value().layout.geometry.elements == 8);
}

TEST("unlinking takes the name away and leaves those attached alone") {
  const TestRing test({4, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(unlink_segment(test.name).ok());
  CHECK(unlink_segment(test.name).error().sys_errno == ENOENT);
  CHECK(ring.claim(1, 1, 0).ok() && commit(ring, 0, 0) == Commit::kVisible);
  CHECK((receive(ring).sequences == Sequences{0}));
}

TEST("looking at a segment tells who is alive and changes nothing") {
  const TestRing test({8, 4, 3, 16}, {Orphans::kHold, DeadConsumers::kDetach});
  claim_and_die(test, 2);
  Sequencer producer = test.sequencer();
  CHECK(producer.claim(1, 1, 0).ok());
  Sequencer consumer = test.sequencer();
  CHECK(consumer.consume(1, 0).ok());
  { CHECK(test.sequencer().consume(2, 0).ok()); }
  const auto facts = inspect_segment(test.name);
  CHECK(facts.ok());
  const SegmentFacts& seen = facts.value();
  CHECK(seen.damage == Errc::kNone && seen.attached && seen.mode == 0600);
  CHECK(seen.geometry.elements == 8 && seen.geometry.consumers == 3 &&
        seen.geometry.producers == 16);
  CHECK(seen.policy.orphans == Orphans::kHold);
  CHECK(seen.next == 3 && seen.cursor == 0);
  CHECK(seen.producers.alive == 1 && seen.producers.gone == 0);
  CHECK(seen.consumers.alive == 1 && seen.consumers.gone == 1);
  const auto all = list_segments();
  CHECK(all.ok());
  int found = 0;
  for (const SegmentFacts& each : all.value()) found += each.name == test.name ? 1 : 0;
  CHECK(found == 1);
  CHECK(inspect_segment("shm-disruptor-native-none").error().sys_errno == ENOENT);
}
