// What happens when participants die. Destroying a Sequencer is such a death: all that ends is its
// opening of the file, and the kernel lets go of its locks, as it does when a process is killed.
#include <sys/stat.h>

#include <optional>
#include <utility>
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
    const auto [start, count, redelivered] = batch.value();
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
  runner::await("what lies behind the gap", [&] {
    received = receive(ring, 0);
    return !received.sequences.empty();
  });
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

TEST(
    "claims that follow each other share a range; others take more entries, until there are none") {
  const TestRing test({256, 4, 1, 2});
  Sequencer ring = test.sequencer();
  for (uint64_t i = 0; i < 100; ++i) CHECK(ring.claim(1, 1, 0).value().start == i);
  CHECK(commit(ring, 0, 99) == Commit::kVisible);
  Sequencer other = test.sequencer();
  for (uint64_t i = 0; i < kRanges; ++i) {
    CHECK(ring.claim(1, 1, 0).value().start == 100 + 2 * i);
    CHECK(other.claim(1, 1, 0).ok());
  }
  CHECK(ring.claim(1, 1, 0).error().code == Errc::kTooManyProducers);
  CHECK(test.sequencer().claim(1, 1, 0).error().code == Errc::kTooManyProducers);
  for (uint64_t i = 0; i < kRanges; ++i) {
    CHECK(ring.commit(100 + 2 * i, 100 + 2 * i, OutOfOrder::kMark, 0).ok());
  }
  CHECK(ring.claim(1, 1, 0).ok());
}

TEST("parts of a claim, committed twice, do not let the rest be closed while its owner lives") {
  const TestRing test({16, 4, 1});
  Sequencer owner = test.sequencer();
  Sequencer ring = test.sequencer();
  CHECK(owner.claim(11, 11, 0).ok());
  for (const auto& [start, end] : {std::pair{6, 7}, {5, 8}, {1, 4}, {0, 0}}) {
    (void)commit(owner, static_cast<uint64_t>(start), static_cast<uint64_t>(end));
  }
  CHECK(owner.claim(1, 1, 0).ok());
  CHECK(!ring.recover());
  CHECK(commit(owner, 9, 10) == Commit::kVisible);
}

TEST("taking over what is partly one's own, or partly a living other's") {
  const TestRing test({16, 4, 1});
  claim_and_die(test, 3);
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(2, 2, 0).ok());
  CHECK(ring.take_over(0, 4).value());
  std::optional<Sequencer> living(test.sequencer());
  CHECK(living->claim(1, 1, 0).value().start == 5);
  CHECK(ring.take_over(5, 5).value());
  living.reset();
  Sequencer third = test.sequencer();
  CHECK(!third.recover());
  CHECK(commit(ring, 0, 5) == Commit::kVisible);
}

TEST("claims taken over that overlap do not pass for more than they cover") {
  const TestRing test({16, 4, 1});
  claim_and_die(test, 4);
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(2, 2, 0).value().start == 4);
  CHECK(ring.take_over(3, 5).value());
  CHECK(ring.take_over(1, 5).value());
  Sequencer other = test.sequencer();
  CHECK(other.recover() && other.cursor() == 1);
  CHECK(commit(ring, 1, 5) == Commit::kVisible);
  const Received received = receive(ring);
  CHECK((received.sequences == Sequences{1, 2, 3, 4, 5}) && (received.lost == Sequences{0}));
}

TEST("a commit that is refused leaves the claim with its owner") {
  const TestRing test({16, 4, 1});
  claim_and_die(test, 1);
  std::optional<Sequencer> owner(test.sequencer());
  CHECK(owner->claim(1, 1, 0).ok());
  Sequencer bystander = test.sequencer();
  CHECK(bystander.commit(1, 1, OutOfOrder::kRefuse, 0).ok());
  owner.reset();
  Sequencer ring = test.sequencer();
  CHECK(bystander.cursor() >= 1);
  (void)ring.recover();
  CHECK(ring.cursor() == 2);
}

TEST("a commit that may not wait goes on behind a dead claim") {
  const TestRing test({8, 4, 1});
  claim_and_die(test, 1);
  Sequencer ring = test.sequencer();
  CHECK(ring.claim(1, 1, 0).ok());
  CHECK(ring.commit(1, 1, OutOfOrder::kRefuse, 0).value() == Commit::kVisible);
}

TEST("looking whether there is something to do looks after the dead as well") {
  const TestRing test({4, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(ring.consume(0, 0).ok());
  claim_and_die(test, 1);
  CHECK(ring.claim(1, 1, 0).ok());
  CHECK(commit(ring, 1, 1) == Commit::kPending);
  Sequencer reader = test.sequencer();
  CHECK(reader.consumable(0));
  CHECK((receive(ring).sequences == Sequences{1}));
  claim_and_die(test, 1);
  Sequencer writer = test.sequencer();
  CHECK(!writer.committable(4) && writer.cursor() == 3);
}

TEST("many holes are closed at once") {
  const TestRing test({64, 4, 1});
  Sequencer ring = test.sequencer();
  for (uint64_t i = 0; i < 30; ++i) {
    claim_and_die(test, 1);
    CHECK(ring.claim(1, 1, 0).ok());
    CHECK(commit(ring, 2 * i + 1, 2 * i + 1) == Commit::kPending);
  }
  CHECK(ring.recover());
  CHECK(ring.cursor() == 60);
  const Received received = receive(ring);
  CHECK(received.sequences.size() == 30 && received.lost.size() == 30);
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

TEST("with all consumers detached, producers go on, and whoever comes back begins at the cursor") {
  const TestRing test({4, 4, 1}, {Orphans::kSkip, DeadConsumers::kDetach});
  Sequencer producer = test.sequencer();
  { CHECK(test.sequencer().consume(0, 0).ok()); }
  for (uint64_t i = 0; i < 20; ++i) {
    CHECK(producer.claim(1, 1, kMillisecond).value().start == i);
    CHECK(commit(producer, i, i) == Commit::kVisible);
  }
  CHECK(!producer.all_ignored());
  CHECK(producer.claim(4, 4, 0).value().start == 20);
  CHECK(producer.claim(1, 1, 0).value().count == 0);
  Sequencer back = test.sequencer();
  CHECK(back.consume(0, 0).value().count == 0);
  CHECK(commit(producer, 20, 23) == Commit::kVisible);
  CHECK(back.consume(0, 0).value().start == 20);
}

TEST("a consumer that died on its way back is brought back by the next, or detached again") {
  const TestRing test({4, 4, 1}, {Orphans::kSkip, DeadConsumers::kDetach});
  Sequencer producer = test.sequencer();
  { CHECK(test.sequencer().consume(0, 0).ok()); }
  CHECK(test.consumer(0).compare_exchange(0, kJoining));
  CHECK(producer.claim(4, 4, 0).ok());
  CHECK(commit(producer, 0, 3) == Commit::kVisible);
  CHECK(producer.claim(1, 1, kMillisecond).value().start == 4);
  CHECK(test.consumer(0).load_acquire() == kDetached);
  CHECK(test.consumer(0).compare_exchange(kDetached, kJoining));
  Sequencer back = test.sequencer();
  CHECK(back.consume(0, 0).ok());
  CHECK(back.consumer_sequence(0) == producer.cursor());
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

TEST("a segment in use is not taken over, whatever its header says") {
  const TestRing test({4, 4, 1});
  CHECK(chmod(path_of(test.name).c_str(), 0640) == 0);
  RingCreation creation;
  creation.geometry = {8, 8, 1};
  creation.existing = Existing::kReplaceDead;
  CHECK(create_ring(test.name, creation).error().code == Errc::kSegmentInUse);
  Sequencer old(
      Sequencer(RingSegment{test.segment.mapping, test.segment.layout, os::File(), 0, 0}));
  creation.existing = Existing::kReplace;
  CHECK(create_ring(test.name, creation).ok());
  CHECK(old.consume(0, 0).error().code != Errc::kNone);
  CHECK(old.claim(1, 1, 0).error().code == Errc::kSegmentReplaced);
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
  CHECK(seen.layout.geometry.elements == 8 && seen.layout.geometry.consumers == 3 &&
        seen.layout.geometry.producers == 16);
  CHECK(seen.layout.policy.orphans == Orphans::kHold);
  CHECK(seen.snapshot.next == 3 && seen.snapshot.cursor == 0);
  CHECK(seen.producers().alive == 1 && seen.producers().gone == 0);
  CHECK(seen.consumers().alive == 1 && seen.consumers().gone == 1);
  const auto all = list_segments();
  CHECK(all.ok());
  int found = 0;
  for (const SegmentFacts& each : all.value()) found += each.name == test.name ? 1 : 0;
  CHECK(found == 1);
  CHECK(inspect_segment("shm-disruptor-native-none").error().sys_errno == ENOENT);
}
