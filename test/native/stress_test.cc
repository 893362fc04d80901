// Threads over one mapping, so that ThreadSanitizer sees every access: run it under TSan to check
// the memory orders, and under ASan and UBSan to check the arithmetic.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "../../addon/core/sequencer.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

// From each producer: so many, or so many laps of a small ring, where each lap may cost every
// thread a turn of the processor.
const uint64_t kMessages = runner::setting("MESSAGES", 4000);
const uint64_t kLaps = runner::setting("LAPS", 200);

struct Message {
  uint64_t producer;
  uint64_t number;
};

// Waits here have no end, so that a lost wake is a hang, and not a slice of time.

// Claims, writes and commits until `messages` are in, in claims of 1 to 3.
void produce(Sequencer ring, uint64_t producer, uint64_t messages, std::atomic<bool>* broken) {
  for (uint64_t sent = 0; sent < messages;) {
    const auto claim = ring.claim(1, std::min(1 + sent % 3, messages - sent), os::kForever);
    if (!claim.ok()) {
      *broken = true;
      return;
    }
    const uint64_t start = claim.value().start;
    const uint64_t count = claim.value().count;
    if (count == 0) continue;
    for (uint64_t i = 0; i < count; ++i) {
      const Message message{producer, sent + i};
      std::memcpy(ring.elements() + ring.ring().slot(start + i) * sizeof message, &message,
                  sizeof message);
    }
    sent += count;
    // Without waiting: the next claim is made while this commit may still be pending.
    if (!ring.commit(start, start + count - 1, OutOfOrder::kMark, 0).ok()) *broken = true;
  }
}

// Checks that every producer's messages come once and in order.
void consume(Sequencer ring, uint64_t consumer, uint64_t total, uint64_t producers,
             std::atomic<bool>* broken) {
  std::vector<uint64_t> expected(producers, 0);
  for (uint64_t got = 0; got < total;) {
    const auto batch = ring.consume(consumer, os::kForever);
    if (!batch.ok()) {
      *broken = true;
      return;
    }
    for (uint64_t i = 0; i < batch.value().count; ++i) {
      Message message;
      std::memcpy(&message,
                  ring.elements() + ring.ring().slot(batch.value().start + i) * sizeof message,
                  sizeof message);
      if (message.producer >= producers || message.number != expected[message.producer]) {
        *broken = true;
        return;
      }
      ++expected[message.producer];
    }
    if (batch.value().count != 0 &&
        !ring.commit_consumed(consumer, batch.value().start,
                              batch.value().start + batch.value().count)) {
      *broken = true;
    }
    got += batch.value().count;
  }
}

void many_to_many(uint64_t producers, uint64_t consumers, uint64_t elements) {
  const TestRing test({elements, sizeof(Message), consumers});
  const uint64_t messages = std::min(kMessages, kLaps * elements);
  std::atomic<bool> broken{false};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < producers; ++i) {
    threads.emplace_back(produce, test.sequencer(), i, messages, &broken);
  }
  for (uint64_t i = 0; i < consumers; ++i) {
    threads.emplace_back(consume, test.sequencer(), i, messages * producers, producers, &broken);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(!broken);
  CHECK(test.sequencer().cursor() == test.sequencer().next());
}

}  // namespace

TEST("every element reaches every consumer once and in order, whatever the numbers") {
  for (const uint64_t producers : {1, 2, 4}) {
    for (const uint64_t consumers : {1, 2, 4}) {
      for (const uint64_t elements : {3, 64, 1000}) {
        runner::doing("%d producers, %d consumers, %d elements", static_cast<int>(producers),
                      static_cast<int>(consumers), static_cast<int>(elements));
        many_to_many(producers, consumers, elements);
      }
    }
  }
}

TEST("a pending commit becomes visible to the one who waits for it") {
  const TestRing test({2, sizeof(Message), 1});
  std::atomic<bool> broken{false};
  const auto produce_and_wait = [&](Sequencer ring) {
    for (uint64_t i = 0; i < 2000; ++i) {
      const Claim claim = ring.claim(1, 1, os::kForever).value();
      auto commit = ring.commit(claim.start, claim.start, OutOfOrder::kMark, 0);
      if (commit.value() == Commit::kPending) {
        commit = ring.await_visible(claim.start, os::kForever);
      }
      if (commit.value() != Commit::kVisible || ring.cursor() <= claim.start) broken = true;
    }
  };
  std::thread one(produce_and_wait, test.sequencer());
  std::thread two(produce_and_wait, test.sequencer());
  Sequencer ring = test.sequencer();
  for (uint64_t got = 0; got < 4000;) {
    const auto batch = ring.consume(0, os::kForever);
    if (batch.value().count == 0) continue;
    CHECK(ring.commit_consumed(0, batch.value().start, batch.value().start + batch.value().count));
    got += batch.value().count;
  }
  one.join();
  two.join();
  CHECK(!broken);
}

TEST("nobody sleeps through the end: each round goes to sleep and is woken") {
  const TestRing ping({1, 8, 1});
  const TestRing pong({1, 8, 1});
  constexpr uint64_t kRounds = 300;
  const auto pass_on = [](Sequencer from, Sequencer to, bool begin) {
    for (uint64_t round = 0; round < kRounds; ++round) {
      if (!begin || round > 0) {
        const Batch batch = from.consume(0, os::kForever).value();
        from.commit_consumed(0, batch.start, batch.start + batch.count);
        if (round % 3 == 0) {
          runner::await("the other side to sleep", [&] { return announced(to.data_waiters()); });
        }
      }
      const Claim claim = to.claim(1, 1, os::kForever).value();
      (void)to.commit(claim.start, claim.start, OutOfOrder::kMark, os::kForever);
    }
  };
  std::thread other(pass_on, ping.sequencer(), pong.sequencer(), false);
  pass_on(pong.sequencer(), ping.sequencer(), true);
  other.join();
  CHECK(ping.sequencer().cursor() == kRounds && pong.sequencer().cursor() == kRounds);
}

TEST("waking one for each message leaves no message while somebody sleeps") {
  for (int round = 0; round < 100; ++round) {
    Word word;
    std::atomic<int> messages{0};
    std::atomic<int> taken{0};
    const auto take_one = [&] {
      for (;;) {
        int seen = messages;
        while (seen > 0 && !messages.compare_exchange_weak(seen, seen - 1)) continue;
        if (seen > 0) break;
        const uint32_t word_seen = announce_sleeper(word);
        if (messages == 0) os::sleep_while(word, word_seen, os::kForever);
      }
      ++taken;
    };
    std::vector<std::thread> consumers;
    for (int i = 0; i < 4; ++i) consumers.emplace_back(take_one);
    const auto send = [&] {
      ++messages;
      wake_some(word, 1);
    };
    std::thread one([&] { send(), send(); });
    send();
    send();
    one.join();
    for (std::thread& consumer : consumers) consumer.join();
    CHECK(taken == 4 && messages == 0);
    // Nobody sleeps any more: one call of the kernel for nobody, and then none.
    wake_some(word, 1);
    CHECK((word.load_ordered() & kSleepersBit) == 0);
  }
}

TEST("rings that replace each other at once leave one, and nothing else") {
  const std::string name = unique_name();
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        RingCreation creation;
        creation.geometry = {4, 4, 1};
        creation.existing = Existing::kReplace;
        if (!create_ring(name, creation).ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  auto opened = open_ring(name);
  CHECK(opened.ok() && Sequencer(std::move(opened.value())).claim(1, 1, 0).ok());
  unlink(path_of(name).c_str());
}
