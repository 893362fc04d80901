#include "../../addon/core/sequencer.h"

#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

bool claims(Sequencer& ring, uint64_t least, uint64_t most, uint64_t start, uint64_t count) {
  const auto claim = ring.claim(least, most, 0);
  return claim.ok() && claim.value().start == start && claim.value().count == count;
}

Commit commit(Sequencer& ring, uint64_t start, uint64_t end,
              OutOfOrder mode = OutOfOrder::kRefuse) {
  return ring.commit(start, end, mode, 0).value();
}

bool consumes(Sequencer& ring, uint64_t consumer, uint64_t start, uint64_t count) {
  const auto batch = ring.consume(consumer, 0);
  return batch.ok() && batch.value().count == count && (count == 0 || batch.value().start == start);
}

}  // namespace

TEST("claim one, many and as many as are free, up to the slowest consumer") {
  const TestRing test({8, 4, 2});
  Sequencer ring = test.sequencer();
  CHECK(claims(ring, 1, 1, 0, 1));
  CHECK(claims(ring, 5, 5, 1, 5));
  CHECK(claims(ring, 3, 3, 0, 0));
  CHECK(claims(ring, 1, 100, 6, 2));
  CHECK(claims(ring, 1, 1, 0, 0));
  CHECK(commit(ring, 0, 7) == Commit::kVisible);
  CHECK(consumes(ring, 0, 0, 8));
  CHECK(ring.commit_consumed(0, 0, 8));
  CHECK(claims(ring, 1, 1, 0, 0));
  CHECK(ring.commit_consumed(1, 0, 3));
  CHECK(claims(ring, 1, 100, 8, 3));
}

TEST("as many as are free are given, also when they have become free just now") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(claims(ring, 6, 6, 0, 6));
  CHECK(commit(ring, 0, 5) == Commit::kVisible);
  CHECK(ring.commit_consumed(0, 0, 6));
  CHECK(claims(ring, 1, 8, 6, 8));
}

TEST("a commit out of turn is refused and changes nothing, unless it leaves a mark") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(claims(ring, 2, 2, 0, 2));
  CHECK(claims(ring, 3, 3, 2, 3));
  CHECK(commit(ring, 2, 4) == Commit::kRefused);
  CHECK(consumes(ring, 0, 0, 0));
  CHECK(commit(ring, 0, 1) == Commit::kVisible);
  CHECK(ring.cursor() == 2);
  CHECK(commit(ring, 2, 4) == Commit::kVisible);
  CHECK(ring.cursor() == 5);
}

TEST("whoever commits the claim before makes the marked ones behind it visible") {
  const TestRing test({8, 4, 1});
  Sequencer first = test.sequencer();
  Sequencer second = test.sequencer();
  Sequencer third = test.sequencer();
  CHECK(claims(first, 1, 1, 0, 1));
  CHECK(claims(second, 2, 2, 1, 2));
  CHECK(claims(third, 1, 1, 3, 1));
  CHECK(commit(third, 3, 3, OutOfOrder::kMark) == Commit::kPending);
  CHECK(commit(second, 1, 2, OutOfOrder::kMark) == Commit::kPending);
  CHECK(second.await_visible(2, 0).value() == Commit::kPending);
  CHECK(consumes(first, 0, 0, 0));
  CHECK(commit(first, 0, 0) == Commit::kVisible);
  CHECK(third.await_visible(3, 0).value() == Commit::kVisible);
  CHECK(consumes(first, 0, 0, 4));
}

TEST("marks of older laps move nothing") {
  const TestRing test({4, 4, 1});
  Sequencer ring = test.sequencer();
  for (uint64_t lap = 0; lap < 10; ++lap) {
    const uint64_t at = lap * 3;
    CHECK(claims(ring, 1, 1, at, 1));
    CHECK(claims(ring, 2, 2, at + 1, 2));
    CHECK(commit(ring, at + 1, at + 2, OutOfOrder::kMark) == Commit::kPending);
    CHECK(ring.cursor() == at);
    CHECK(commit(ring, at, at) == Commit::kVisible);
    CHECK(ring.cursor() == at + 3);
    CHECK(consumes(ring, 0, at, 3));
    CHECK(ring.commit_consumed(0, at, at + 3));
  }
}

TEST("adjacent claims are committed by one call, one claim in parts") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(claims(ring, 1, 1, 0, 1));
  CHECK(claims(ring, 2, 2, 1, 2));
  CHECK(commit(ring, 0, 2) == Commit::kVisible);
  CHECK(claims(ring, 4, 4, 3, 4));
  CHECK(commit(ring, 5, 6, OutOfOrder::kMark) == Commit::kPending);
  CHECK(commit(ring, 3, 4) == Commit::kVisible);
  CHECK(ring.cursor() == 7);
}

TEST("committing again, backwards or what was never claimed") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(commit(ring, 1, 0) == Commit::kRefused);
  CHECK(ring.commit(0, 0, OutOfOrder::kMark, 0).error().code == Errc::kNotClaimed);
  CHECK(claims(ring, 2, 2, 0, 2));
  CHECK(ring.commit(0, 2, OutOfOrder::kRefuse, 0).error().code == Errc::kNotClaimed);
  CHECK(commit(ring, 0, 1) == Commit::kVisible);
  CHECK(commit(ring, 0, 1) == Commit::kRefused);
  CHECK(commit(ring, 0, 1, OutOfOrder::kMark) == Commit::kRefused);
  CHECK(claims(ring, 1, 1, 2, 1));
  CHECK(claims(ring, 3, 3, 3, 3));
  CHECK(commit(ring, 3, 5, OutOfOrder::kMark) == Commit::kPending);
  CHECK(commit(ring, 3, 3, OutOfOrder::kMark) == Commit::kRefused);
  CHECK(commit(ring, 2, 2) == Commit::kVisible);
  CHECK(ring.cursor() == 6);
}

TEST("a lost help is made good by whoever is held up") {
  // What a producer leaves that died after moving the cursor and before looking at the mark there.
  const TestRing test({4, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(claims(ring, 1, 1, 0, 1));
  CHECK(claims(ring, 1, 1, 1, 1));
  CHECK(commit(ring, 1, 1, OutOfOrder::kMark) == Commit::kPending);
  CHECK(test.header().cursor.compare_exchange(0, 1));
  CHECK(consumes(ring, 0, 0, 1));
  CHECK(ring.commit_consumed(0, 0, 1));
  CHECK(consumes(ring, 0, 1, 1));

  const TestRing full({2, 4, 1});
  Sequencer producer = full.sequencer();
  CHECK(claims(producer, 1, 1, 0, 1));
  CHECK(claims(producer, 1, 1, 1, 1));
  CHECK(commit(producer, 1, 1, OutOfOrder::kMark) == Commit::kPending);
  CHECK(full.header().cursor.compare_exchange(0, 1));
  CHECK(claims(producer, 1, 1, 0, 0));
  CHECK(producer.cursor() == 2);
}

TEST("two handles of one consumer notice each other") {
  const TestRing test({4, 4, 1});
  Sequencer one = test.sequencer();
  Sequencer other = test.sequencer();
  CHECK(claims(one, 2, 2, 0, 2));
  CHECK(commit(one, 0, 1) == Commit::kVisible);
  CHECK(consumes(one, 0, 0, 2));
  CHECK(consumes(other, 0, 0, 2));
  CHECK(one.commit_consumed(0, 0, 2));
  CHECK(!other.commit_consumed(0, 0, 2));
}

TEST("an ignored consumer gates nobody, at once, and consumes no more") {
  const TestRing test({4, 4, 2});
  Sequencer ring = test.sequencer();
  Sequencer second = test.sequencer();
  CHECK(claims(ring, 4, 4, 0, 4));
  CHECK(commit(ring, 0, 3) == Commit::kVisible);
  CHECK(ring.commit_consumed(0, 0, 4));
  CHECK(claims(ring, 1, 1, 0, 0));
  second.ignore(1);
  CHECK(claims(ring, 1, 1, 4, 1));
  CHECK(second.consume(1, 0).error().code == Errc::kConsumerIgnored);
  CHECK(second.consume(1, 1'000'000).error().code == Errc::kConsumerIgnored);

  // There is room for three more, but nobody who would read them.
  second.ignore(0);
  const auto claim = ring.claim(1, 1, os::kForever);
  CHECK(claim.ok() && claim.value().count == 0 && claim.value().all_ignored);
  CHECK(ring.claim(1, 1, 0).value().all_ignored);
  CHECK(ring.all_ignored());
}

TEST("what is claimed and not committed can be found again") {
  const TestRing test({8, 4, 1});
  Sequencer ring = test.sequencer();
  CHECK(!ring.uncommitted(0, 0));
  CHECK(claims(ring, 4, 4, 0, 4));
  CHECK(ring.uncommitted(0, 3));
  CHECK(ring.uncommitted(1, 2));
  CHECK(!ring.uncommitted(0, 4));
  CHECK(!ring.uncommitted(2, 1));
  CHECK(commit(ring, 2, 3, OutOfOrder::kMark) == Commit::kPending);
  CHECK(!ring.uncommitted(2, 3));
  CHECK(!ring.uncommitted(3, 3));
  CHECK(ring.uncommitted(0, 1));
  CHECK(commit(ring, 0, 1) == Commit::kVisible);
  CHECK(!ring.uncommitted(0, 1));
}

TEST("sequences work past 2^31 and 2^32 and end at 2^53 - 1 with an error") {
  for (const uint64_t start :
       {(uint64_t{1} << 31) - 3, (uint64_t{1} << 32) - 3, kLastSequence - 20}) {
    const TestRing test({7, 4, 1});
    CHECK(test.header().next.compare_exchange(0, start));
    CHECK(test.header().cursor.compare_exchange(0, start));
    CHECK(test.consumer(0).compare_exchange(0, start));
    Sequencer ring = test.sequencer();
    for (uint64_t i = 0; i < 10; ++i) {
      CHECK(claims(ring, 1, 1, start + 2 * i, 1));
      CHECK(claims(ring, 1, 1, start + 2 * i + 1, 1));
      CHECK(commit(ring, start + 2 * i + 1, start + 2 * i + 1, OutOfOrder::kMark) ==
            Commit::kPending);
      CHECK(commit(ring, start + 2 * i, start + 2 * i) == Commit::kVisible);
      CHECK(consumes(ring, 0, start + 2 * i, 2));
      CHECK(ring.commit_consumed(0, start + 2 * i, start + 2 * i + 2));
    }
    if (start + 20 == kLastSequence) {
      CHECK(ring.claim(1, 1, 0).error().code == Errc::kSequenceExhausted);
    }
  }
}

TEST("counters that contradict each other are an error or nothing, never out of range") {
  struct Damage {
    uint64_t next, cursor, consumer;
  };
  constexpr uint64_t kHuge = ~uint64_t{0} >> 1;
  const Damage damages[] = {
      {0, 0, 5},
      {0, 5, 0},
      {100, 0, 0},
      {0, 100, 0},
      {kHuge, 0, 0},
      {0, kHuge, 0},
      {0, 0, kHuge},
      {kHuge, kHuge, kHuge},
      {5, 5, kHuge},
      {kHuge, 5, 5},
      {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0} - 1},
  };
  for (const Damage& damage : damages) {
    const TestRing test({4, 4, 1});
    CHECK(test.header().next.compare_exchange(0, damage.next));
    CHECK(test.header().cursor.compare_exchange(0, damage.cursor));
    CHECK(test.consumer(0).compare_exchange(0, damage.consumer));
    Sequencer ring = test.sequencer();
    for (int i = 0; i < 10; ++i) {
      const auto claim = ring.claim(1, 4, 1000);
      if (claim.ok()) CHECK(claim.value().count <= 4 && claim.value().start <= kLastSequence);
      const auto batch = ring.consume(0, 1000);
      if (batch.ok()) CHECK(batch.value().count <= 4 && batch.value().start <= kLastSequence);
      (void)ring.commit(0, 3, OutOfOrder::kMark, 1000);
      (void)ring.commit(1, 1, OutOfOrder::kMark, 1000);
      (void)ring.uncommitted(0, kHuge);
    }
  }
  const TestRing ahead({4, 4, 1});
  CHECK(ahead.header().cursor.compare_exchange(0, 100));
  CHECK(ahead.sequencer().consume(0, 0).error().code == Errc::kSegmentCorrupt);
  const TestRing behind({4, 4, 1});
  CHECK(behind.header().next.compare_exchange(0, 100));
  CHECK(behind.sequencer().claim(1, 1, 0).error().code == Errc::kSegmentCorrupt);
}

TEST("damaged marks neither loop nor leave the ring") {
  const TestRing test({4, 4, 1});
  auto* markers = reinterpret_cast<Sequence*>(test.segment.mapping->base() +
                                              test.segment.layout.markers_offset);
  for (const uint64_t damage : {~uint64_t{0}, uint64_t{1} << 62, uint64_t{4}, uint64_t{3}}) {
    for (uint64_t i = 0; i < 4; ++i) markers[i].store_ordered(damage);
    Sequencer ring = test.sequencer();
    (void)ring.claim(1, 1, 0);
    (void)ring.commit(0, 0, OutOfOrder::kMark, 0);
    const auto batch = ring.consume(0, 0);
    if (batch.ok()) CHECK(batch.value().count <= 4);
  }
}

TEST("the status word keeps 32 signed bits") {
  const TestRing test({1, 1, 1});
  Sequencer ring = test.sequencer();
  for (const int32_t status : {0, 1, -1, INT32_MAX, INT32_MIN}) {
    ring.set_status(status);
    CHECK(test.sequencer().status() == status);
  }
}
