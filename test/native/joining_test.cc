// Consumers that come and go, come after each other and share their work; and the one producer.
// Destroying a Sequencer is the death of its participant, as in recovery_test.cc.
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../../addon/core/sequencer.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;

RingCreation joinable(uint64_t elements, uint64_t consumers, std::vector<Entry> declared = {}) {
  RingCreation creation;
  creation.geometry = {elements, 8, consumers, 16};
  creation.joinable = true;
  creation.declared = std::move(declared);
  return creation;
}

Joining named(const std::string& name, Start start = {}) {
  Joining joining;
  joining.name = name;
  joining.start = start;
  return joining;
}

Joining sharing(const std::string& name) {
  Joining joining = named(name);
  joining.group = true;
  return joining;
}

// Claims and commits one element. False: there is no room.
bool produce(Sequencer& ring) {
  const auto claim = ring.claim(1, 1, 0);
  CHECK(claim.ok());
  if (claim.value().count == 0) return false;
  CHECK(ring.commit(claim.value().start, claim.value().start, OutOfOrder::kMark, 0).ok());
  return true;
}

void produce(Sequencer& ring, int times) {
  for (int i = 0; i < times; ++i) CHECK(produce(ring));
}

// How many elements `consumer` gets at once, committing them.
uint64_t take(Sequencer& ring, uint64_t consumer) {
  const auto batch = ring.consume(consumer, 0);
  CHECK(batch.ok());
  if (batch.value().count == 0) return 0;
  CHECK(ring.commit_consumed(consumer, batch.value().start,
                             batch.value().start + batch.value().count));
  return batch.value().count;
}

}  // namespace

TEST("without consumers nobody is waited for") {
  const TestRing test(joinable(4, 4));
  Sequencer producer = test.sequencer();
  produce(producer, 10);
  CHECK(!producer.all_ignored());
}

TEST("who joins at the latest gets what is produced from then on, and holds up the producers") {
  const TestRing test(joinable(4, 4));
  Sequencer producer = test.sequencer();
  produce(producer, 6);
  Sequencer consumer = test.sequencer();
  const uint64_t index = consumer.join(named("a")).value();
  CHECK(take(consumer, index) == 0);
  produce(producer, 4);
  CHECK(!produce(producer));
  CHECK(consumer.consume(index, 0).value().start == 6);
  CHECK(take(consumer, index) == 4);
  produce(producer, 4);
}

TEST("who joins at the oldest begins where the slowest consumer is") {
  const TestRing test(joinable(8, 4));
  Sequencer producer = test.sequencer();
  Sequencer slow = test.sequencer();
  Sequencer late = test.sequencer();
  CHECK(slow.join(named("slow")).ok());
  produce(producer, 5);
  const uint64_t index = late.join(named("late", {Start::kOldest, 0})).value();
  CHECK(late.consume(index, 0).value().start == 0);
  CHECK(take(late, index) == 5);
}

TEST("who joins at a sequence begins there, if it is safe and there") {
  const TestRing test(joinable(8, 4));
  Sequencer producer = test.sequencer();
  Sequencer slow = test.sequencer();
  const uint64_t held = slow.join(named("slow")).value();
  produce(producer, 5);
  const auto batch = slow.consume(held, 0).value();
  CHECK(slow.commit_consumed(held, batch.start, batch.start + 2));
  Sequencer late = test.sequencer();
  CHECK(late.join(named("late", {Start::kSequence, 1})).error().code == Errc::kSequenceGone);
  CHECK(late.join(named("late", {Start::kSequence, 6})).error().code == Errc::kSequenceGone);
  const uint64_t index = late.join(named("late", {Start::kSequence, 3})).value();
  CHECK(late.consume(index, 0).value().start == 3);
  // Those that failed left nothing behind.
  for (int i = 0; i < 3; ++i) produce(producer);
  CHECK(take(late, index) == 5);
}

TEST("a name goes on where it was, and one that has left does not") {
  const TestRing test(joinable(8, 2));
  Sequencer producer = test.sequencer();
  {
    Sequencer first = test.sequencer();
    CHECK(first.join(named("a")).ok());
    produce(producer, 3);
    CHECK(test.sequencer().join(named("a")).error().code == Errc::kConsumerBusy);
  }
  std::optional<Sequencer> second(test.sequencer());
  const uint64_t index = second->join(named("a")).value();
  CHECK(second->consume(index, 0).value().start == 0);
  second->leave();
  produce(producer, 20);
  CHECK(second->join(named("a")).value() == index);
  CHECK(take(*second, index) == 0);
  CHECK(second->consumer_sequence(index) == 23);
}

TEST("the table is full when it is full, and the nameless give their place back") {
  const TestRing test(joinable(8, 2));
  Sequencer producer = test.sequencer();
  Sequencer first = test.sequencer();
  CHECK(first.join(named("a")).ok());
  {
    Sequencer second = test.sequencer();
    CHECK(second.join(named("")).ok());
    CHECK(test.sequencer().join(named("")).error().code == Errc::kTooManyConsumers);
    produce(producer, 4);
  }
  // Dead, and nobody can come back as it.
  Sequencer third = test.sequencer();
  const uint64_t index = third.join(named("")).value();
  third.leave();
  CHECK(third.join(named("b")).value() == index);
}

TEST("a nameless consumer that died holds up nobody") {
  const TestRing test(joinable(4, 2));
  Sequencer producer = test.sequencer();
  CHECK(test.sequencer().join(named("")).ok());
  produce(producer, 4);
  runner::await("room", [&] { return produce(producer); });
  CHECK(producer.cursor() == 5);
}

TEST("who comes after others gets what all of them have committed") {
  const TestRing test(joinable(
      8, 4, {{"a", Role::kNamed, {}}, {"b", Role::kNamed, {}}, {"c", Role::kNamed, {0, 1}}}));
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  Sequencer b = test.sequencer();
  Sequencer c = test.sequencer();
  CHECK(a.join(named("a")).value() == 0 && b.join(named("b")).value() == 1);
  CHECK(c.join(named("c")).value() == 2);
  produce(producer, 6);
  CHECK(take(c, 2) == 0 && !c.consumable(2));
  CHECK(take(a, 0) == 6);
  CHECK(take(c, 2) == 0);
  const auto batch = b.consume(1, 0).value();
  CHECK(b.commit_consumed(1, batch.start, batch.start + 4));
  CHECK(c.consumable(2) && take(c, 2) == 4);
  produce(producer, 6);
  CHECK(!produce(producer));
}

TEST("who comes after somebody sleeps until that one commits") {
  const TestRing test(joinable(8, 4, {{"a", Role::kNamed, {}}, {"c", Role::kNamed, {0}}}));
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  Sequencer c = test.sequencer();
  CHECK(a.join(named("a")).ok() && c.join(named("c")).ok());
  std::atomic<uint64_t> got{0};
  std::thread sleeper([&] { got = c.consume(1, os::kForever).value().count; });
  Word& word = producer.data_waiters();
  runner::await("c to sleep", [&] { return announced(word); });
  produce(producer, 1);
  runner::await("c to sleep again", [&] { return announced(word); });
  CHECK(got == 0);
  CHECK(take(a, 0) == 1);
  sleeper.join();
  CHECK(got == 1);
}

TEST("who has left is passed on to whom it came after") {
  const TestRing test(joinable(
      8, 4, {{"a", Role::kNamed, {}}, {"b", Role::kNamed, {0}}, {"c", Role::kNamed, {1}}}));
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  Sequencer b = test.sequencer();
  Sequencer c = test.sequencer();
  CHECK(a.join(named("a")).ok() && b.join(named("b")).ok() && c.join(named("c")).ok());
  produce(producer, 3);
  b.leave();
  CHECK(take(c, 2) == 0);
  CHECK(take(a, 0) == 3);
  CHECK(take(c, 2) == 3);
}

TEST("joining with unknown or other dependencies, or as another kind, fails") {
  const TestRing test(joinable(8, 4, {{"a", Role::kNamed, {}}, {"b", Role::kNamed, {0}}}));
  Sequencer ring = test.sequencer();
  Joining joining = named("x");
  joining.after_given = true;
  joining.after = {"nobody"};
  CHECK(ring.join(joining).error().code == Errc::kUnknownConsumer);
  joining.name = "b";
  joining.after = {};
  CHECK(ring.join(joining).error().code == Errc::kDependencies);
  CHECK(ring.join(sharing("b")).error().code == Errc::kConsumerKind);
  joining.after = {"a"};
  CHECK(ring.join(joining).ok());
}

TEST("each element goes to one member of a group") {
  const TestRing test(joinable(8, 8));
  Sequencer producer = test.sequencer();
  Sequencer first = test.sequencer();
  Sequencer second = test.sequencer();
  const uint64_t i = first.join(sharing("g")).value();
  const uint64_t j = second.join(sharing("g")).value();
  CHECK(i != j);
  produce(producer, 8);
  CHECK(!produce(producer));
  CHECK(first.consume(i, 0).value().start == 0);
  CHECK(second.consume(j, 0).value().start == 1);
  // Given again until it is committed.
  CHECK(first.consume(i, 0).value().start == 0);
  CHECK(second.commit_consumed(j, 1, 2));
  CHECK(!produce(producer));
  CHECK(first.commit_consumed(i, 0, 1));
  produce(producer, 2);
  CHECK(first.consume(i, 0).value().start == 2);
}

TEST("what a dead member had goes to another one, marked") {
  const TestRing test(joinable(8, 8));
  Sequencer producer = test.sequencer();
  Sequencer first = test.sequencer();
  const uint64_t i = first.join(sharing("g")).value();
  produce(producer, 3);
  {
    Sequencer dying = test.sequencer();
    const uint64_t j = dying.join(sharing("g")).value();
    CHECK(dying.consume(j, 0).value().start == 0);
  }
  std::vector<uint64_t> got;
  for (int n = 0; n < 3; ++n) {
    const auto batch = first.consume(i, os::kForever).value();
    CHECK(batch.count == 1 && batch.redelivered == (batch.start == 0));
    got.push_back(batch.start);
    CHECK(first.commit_consumed(i, batch.start, batch.start + 1));
  }
  CHECK((got == std::vector<uint64_t>{1, 2, 0}));
  produce(producer, 8);
}

TEST("who takes a dead member's place gets its work") {
  const TestRing test(joinable(8, 8));
  Sequencer producer = test.sequencer();
  std::optional<Sequencer> dying(test.sequencer());
  const uint64_t i = dying->join(sharing("g")).value();
  dying->assignment(4);
  produce(producer, 6);
  CHECK(dying->consume(i, 0).value().count == 4);
  CHECK(dying->commit_consumed(i, 0, 1));
  dying.reset();
  Sequencer next = test.sequencer();
  CHECK(next.join(sharing("g")).value() == i);
  const auto batch = next.consume(i, 0).value();
  CHECK(batch.start == 1 && batch.count == 3 && batch.redelivered);
}

TEST("a group without members gates until somebody leaves it as the last") {
  const TestRing test(joinable(4, 8, {{"g", Role::kGroup, {}}}));
  Sequencer producer = test.sequencer();
  produce(producer, 4);
  CHECK(!produce(producer));
  Sequencer member = test.sequencer();
  CHECK(member.join(sharing("g")).ok());
  member.leave();
  produce(producer, 4);
}

TEST("members in threads share every element once, and gate the producers") {
  constexpr uint64_t kCount = 20'000;
  const TestRing test(joinable(64, 16));
  std::vector<std::vector<uint64_t>> got(3);
  std::vector<std::thread> threads;
  Sequencer keeper = test.sequencer();
  CHECK(keeper.join(sharing("g")).ok());
  for (size_t m = 0; m < got.size(); ++m) {
    threads.emplace_back([&, m] {
      Sequencer ring = test.sequencer();
      const uint64_t index = ring.join(sharing("g")).value();
      ring.assignment(m + 1);
      while (ring.status() == 0 || ring.consumable(index)) {
        const auto batch = ring.consume(index, 10 * kMillisecond);
        CHECK(batch.ok());
        const auto* words = reinterpret_cast<const uint64_t*>(ring.elements());
        for (uint64_t s = batch.value().start; s < batch.value().start + batch.value().count; ++s) {
          CHECK(words[ring.ring().slot(s)] == s);
          got[m].push_back(s);
        }
        const uint64_t next = batch.value().start + batch.value().count;
        if (batch.value().count > 0) CHECK(ring.commit_consumed(index, batch.value().start, next));
      }
    });
  }
  Sequencer producer = test.sequencer();
  auto* words = reinterpret_cast<uint64_t*>(producer.elements());
  for (uint64_t s = 0; s < kCount; ++s) {
    const auto claim = producer.claim(1, 1, os::kForever).value();
    CHECK(claim.count == 1);
    words[producer.ring().slot(claim.start)] = claim.start;
    CHECK(producer.commit(claim.start, claim.start, OutOfOrder::kMark, 0).ok());
  }
  producer.set_status(1);
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  size_t total = 0;
  for (const auto& each : got) {
    total += each.size();
    all.insert(each.begin(), each.end());
  }
  CHECK(total == kCount && all.size() == kCount);
}

TEST("there is one single producer, and the next goes on where it had committed") {
  RingCreation creation = joinable(4, 2, {{"a", Role::kNamed, {}}});
  creation.policy.producers = Producers::kSingle;
  const TestRing test(creation);
  Sequencer consumer = test.sequencer();
  CHECK(consumer.join(named("a")).ok());
  {
    Sequencer producer = test.sequencer();
    produce(producer, 2);
    CHECK(producer.claim(1, 1, 0).value().start == 2);
    CHECK(test.sequencer().claim(1, 1, 0).error().code == Errc::kProducerBusy);
    CHECK(producer.lease().next == 3 && producer.lease().limit == 4);
    producer.use_lease(4);
    CHECK(producer.claim(1, 1, 0).value().count == 0);
  }
  Sequencer next = test.sequencer();
  CHECK(next.claim(1, 1, 0).value().start == 2);
  CHECK(next.commit(2, 2, OutOfOrder::kRefuse, 0).value() == Commit::kVisible);
  CHECK(take(consumer, 0) == 3);
  CHECK(next.gaps() == 0);
}

TEST("what the one producer committed out of order survives it, and the hole before is a gap") {
  RingCreation creation = joinable(8, 2, {{"a", Role::kNamed, {}}});
  creation.policy.producers = Producers::kSingle;
  const TestRing test(creation);
  Sequencer consumer = test.sequencer();
  CHECK(consumer.join(named("a")).ok());
  std::optional<Sequencer> producer(test.sequencer());
  CHECK(producer->claim(2, 2, 0).value().count == 2);
  CHECK(producer->claim(2, 2, 0).value().start == 2);
  CHECK(producer->commit(2, 3, OutOfOrder::kRefuse, 0).value() == Commit::kRefused);
  CHECK(producer->commit(2, 3, OutOfOrder::kMark, 0).value() == Commit::kPending);
  CHECK(!consumer.recover() && !producer->recover());
  producer.reset();
  CHECK(consumer.recover());
  const auto batch = consumer.consume(0, 0).value();
  CHECK(batch.start == 2 && batch.count == 2 && consumer.gap_count() == 1);
  Sequencer next = test.sequencer();
  CHECK(next.claim(1, 1, 0).value().start == 4);
}

TEST("what the one producer commits is refused where it was committed before or not claimed") {
  RingCreation creation = joinable(8, 2);
  creation.policy.producers = Producers::kSingle;
  const TestRing test(creation);
  Sequencer producer = test.sequencer();
  produce(producer, 3);
  CHECK(producer.commit(1, 1, OutOfOrder::kMark, 0).value() == Commit::kRefused);
  CHECK(producer.commit(3, 3, OutOfOrder::kMark, 0).error().code == Errc::kNotClaimed);
}

namespace {

// The ring's memory, in which a test writes what somebody leaves who dies between two steps.
ConsumerEntry& entry_of(const TestRing& test, uint64_t index) {
  return test.segment.consumers()[index];
}

std::vector<Entry> after_each_other() {
  return {{"a", Role::kNamed, {}}, {"b", Role::kNamed, {0}}, {"c", Role::kNamed, {1}}};
}

}  // namespace

TEST("whoever comes after one that died joining goes on without a producer") {
  const TestRing test(joinable(8, 4, after_each_other()));
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  Sequencer c = test.sequencer();
  CHECK(a.join(named("a")).ok() && c.join(named("c")).ok());
  produce(producer, 3);
  CHECK(take(a, 0) == 3);
  {
    Sequencer b = test.sequencer();
    CHECK(b.join(named("b")).ok());
  }
  entry_of(test, 1).sequence.store_ordered(kJoining);
  CHECK(c.consume(2, os::kForever).value().count == 3);
}

TEST("whoever comes after a dead one goes on without a producer where the dead are detached") {
  RingCreation creation = joinable(8, 4, after_each_other());
  creation.policy.dead_consumers = DeadConsumers::kDetach;
  const TestRing test(creation);
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  Sequencer c = test.sequencer();
  CHECK(a.join(named("a")).ok() && c.join(named("c")).ok());
  CHECK(test.sequencer().join(named("b")).ok());
  produce(producer, 3);
  CHECK(take(c, 2) == 0);
  CHECK(take(a, 0) == 3);
  CHECK(c.consume(2, os::kForever).value().count == 3);
  // Nobody else is detached by it.
  CHECK(producer.consumer_sequence(0) == 3);
}

TEST("somebody who is stopped while it leaves keeps nobody from joining") {
  const TestRing test(joinable(8, 3));
  Sequencer leaving = test.sequencer();
  const uint64_t index = leaving.join(named("")).value();
  // It has given its place back, and not yet its lock.
  leaving.consumers().directory().vacate(index);
  Sequencer other = test.sequencer();
  const auto joined = other.join(named(""));
  CHECK(joined.ok() && joined.value() != index);
}

TEST("consumers that have left, however they come after each other, hang nobody") {
  // Layers of eight, each after all of the one before: more ways than anybody could go.
  constexpr uint64_t kLayers = 16;
  std::vector<Entry> declared;
  for (uint64_t i = 0; i < 8 * kLayers; ++i) {
    Entry entry{std::to_string(i), Role::kNamed, {}};
    for (uint64_t j = 0; i >= 8 && j < 8; ++j) entry.after.push_back(i / 8 * 8 - 8 + j);
    declared.push_back(entry);
  }
  declared.push_back({"last", Role::kNamed, {8 * kLayers - 1}});
  const TestRing test(joinable(8, 8 * kLayers + 1, declared));
  for (uint64_t i = 0; i < 8 * kLayers; ++i) entry_of(test, i).sequence.store_ordered(kDetached);
  Sequencer producer = test.sequencer();
  Sequencer last = test.sequencer();
  const uint64_t index = last.join(named("last")).value();
  produce(producer, 3);
  // All of them have left: nobody is in between.
  CHECK(take(last, index) == 3);
  // Not even if damage has them stand in a circle.
  for (uint64_t i = 0; i < 8; ++i) {
    entry_of(test, i).dependencies.store_ordered(1);
    entry_of(test, i).after[0].store_ordered(8 * kLayers - 1);
  }
  produce(producer, 3);
  CHECK(take(last, index) == 3);
}

TEST("a gap that a member took and died is passed by the next, and is no data") {
  const TestRing test(joinable(8, 4));
  Sequencer producer = test.sequencer();
  std::optional<Sequencer> dying(test.sequencer());
  const uint64_t index = dying->join(sharing("g")).value();
  {
    Sequencer lost = test.sequencer();
    CHECK(lost.claim(2, 2, 0).value().count == 2);
  }
  produce(producer, 1);
  CHECK(producer.recover());
  const uint64_t group = dying->consumers().directory().after(index)[0];
  dying.reset();
  // As Group::take leaves it.
  entry_of(test, index).begin.store_ordered(0);
  entry_of(test, index).limit.store_ordered(2);
  entry_of(test, group).work.store_ordered(2 << Consumers::kTakerBits | (index + 1));
  Sequencer next = test.sequencer();
  CHECK(next.join(sharing("g")).value() == index);
  const auto batch = next.consume(index, 0).value();
  CHECK(batch.start == 2 && batch.count == 1 && !batch.redelivered);
  CHECK(next.gap_count() == 1);
  const Gap gap = next.next_gap();
  CHECK(gap.begin == 0 && gap.end == 2);
}

TEST("what a member's entry says that no ring can hold is not believed") {
  const TestRing test(joinable(8, 4));
  Sequencer producer = test.sequencer();
  std::optional<Sequencer> dying(test.sequencer());
  const uint64_t index = dying->join(sharing("g")).value();
  produce(producer, 3);
  dying.reset();
  entry_of(test, index).begin.store_ordered(0);
  entry_of(test, index).limit.store_ordered(1'000'000);
  entry_of(test, index).work.store_ordered(1'000'000);
  Sequencer next = test.sequencer();
  CHECK(next.join(sharing("g")).value() == index);
  CHECK(next.consume(index, 0).value().count == 1);
}

TEST("a group that somebody has come back behind finds nothing to consume") {
  const TestRing test(joinable(8, 6, {{"a", Role::kNamed, {}}, {"g", Role::kGroup, {0}}}));
  Sequencer producer = test.sequencer();
  Sequencer a = test.sequencer();
  CHECK(a.join(named("a")).ok());
  Sequencer member = test.sequencer();
  const uint64_t index = member.join(sharing("g")).value();
  Sequencer slow = test.sequencer();
  const uint64_t held = slow.join(named("slow")).value();
  produce(producer, 3);
  CHECK(take(a, 0) == 3);
  for (int i = 0; i < 3; ++i) CHECK(take(member, index) == 1);
  a.leave();
  CHECK(a.join(named("a", {Start::kOldest, 0})).ok());
  CHECK(a.consumer_sequence(0) == slow.consumer_sequence(held));
  CHECK(take(member, index) == 0 && !member.consumable(index));
  CHECK(take(a, 0) == 3);
  produce(producer, 1);
  CHECK(!member.consumable(index) && take(a, 0) == 1);
  CHECK(member.consumable(index) && take(member, index) == 1);
}

TEST("who joins at a sequence within a gap is told of the gap, and gets none of it as data") {
  const TestRing test(joinable(16, 4));
  Sequencer producer = test.sequencer();
  Sequencer slow = test.sequencer();
  CHECK(slow.join(named("slow")).ok());
  produce(producer, 1);
  {
    Sequencer lost = test.sequencer();
    CHECK(lost.claim(4, 4, 0).value().count == 4);
  }
  produce(producer, 2);
  CHECK(producer.recover() && producer.cursor() == 7);
  Sequencer late = test.sequencer();
  const uint64_t index = late.join(named("late", {Start::kSequence, 3})).value();
  const auto batch = late.consume(index, 0).value();
  CHECK(batch.start == 5 && batch.count == 2);
  CHECK(late.gap_count() == 1);
}

TEST("an operator detaches who is dead, and nobody who lives") {
  const TestRing test(joinable(4, 6, {{"a", Role::kNamed, {}}, {"g", Role::kGroup, {}}}));
  Sequencer producer = test.sequencer();
  Sequencer operating = test.sequencer();
  std::optional<Sequencer> named_one = test.sequencer();
  std::optional<Sequencer> member = test.sequencer();
  std::optional<Sequencer> nameless = test.sequencer();
  const uint64_t a = named_one->join(named("a")).value();
  const uint64_t member_slot = member->join(sharing("g")).value();
  const uint64_t other = nameless->join(named("")).value();
  const uint64_t g = 1;
  for (const uint64_t each : {a, g, other}) {
    CHECK(operating.detach(each).error().code == Errc::kConsumerBusy);
  }
  CHECK(operating.detach(member_slot).error().code == Errc::kConsumerKind);
  CHECK(operating.detach(6).error().code == Errc::kUnknownConsumer);
  produce(producer, 4);
  CHECK(!produce(producer));
  // Each alone is enough to hold up the producer until it is detached.
  named_one.reset();
  member.reset();
  nameless.reset();
  for (const uint64_t each : {a, other}) {
    CHECK(operating.detach(each).ok());
    CHECK(!produce(producer));
  }
  CHECK(operating.detach(g).ok());
  CHECK(produce(producer));
  // The nameless one's place is free.
  CHECK(operating.detach(other).error().code == Errc::kConsumerKind);
  // Those with a name come back.
  Sequencer again = test.sequencer();
  CHECK(again.join(named("a")).value() == a);
}

TEST("detaching leaves those ignored that were released for good") {
  const TestRing test(joinable(4, 1, {{"a", Role::kNamed, {}}}));
  Sequencer operating = test.sequencer();
  {
    Sequencer gone = test.sequencer();
    gone.ignore(gone.join(named("a")).value());
  }
  CHECK(operating.detach(0).ok());
  CHECK(operating.all_ignored());
}
