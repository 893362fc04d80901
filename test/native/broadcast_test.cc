// One broadcast, by its publishers and its subscribers.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "../../addon/core/publisher.h"
#include "../../addon/core/subscriber.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

using Outcome = Received::Outcome;

RingCreation broadcast(uint64_t elements, uint64_t message_size,
                       Producers producers = Producers::kSingle, uint64_t places = 8) {
  RingCreation creation;
  creation.kind = Kind::kBroadcast;
  creation.geometry = {elements, message_size, kNotifyEntries,
                       producers == Producers::kSingle ? 1 : places};
  creation.policy.producers = producers;
  return creation;
}

// Over one mapping where threads use it: ThreadSanitizer knows memory by its address.
struct TestBroadcast : TestRing {
  using TestRing::TestRing;
  std::unique_ptr<Publisher> publisher() const {
    auto opened = open_ring(name, Kind::kBroadcast);
    opened.value().mapping = segment.mapping;
    return std::make_unique<Publisher>(std::move(opened.value()));
  }
  std::unique_ptr<Subscriber> subscriber(uint64_t from = ~uint64_t{0}) const {
    auto opened = open_for_reading(name);
    opened.value().mapping = segment.mapping;
    auto subscriber = std::make_unique<Subscriber>(std::move(opened.value()), Waiting{});
    if (from != ~uint64_t{0}) CHECK(subscriber->seek(from));
    return subscriber;
  }
};

std::array<std::byte, 4096> place;

Received next_of(Subscriber& subscriber, uint64_t nanoseconds = 0) {
  const auto received = subscriber.receive(place.data(), place.size(), nanoseconds);
  CHECK(received.ok());
  return received.value();
}

uint64_t send(Publisher& publisher, uint64_t value) {
  const auto sequence = publisher.publish(reinterpret_cast<const std::byte*>(&value), sizeof value);
  CHECK(sequence.ok());
  return sequence.value();
}

uint64_t value() {
  uint64_t read = 0;
  std::memcpy(&read, place.data(), sizeof read);
  return read;
}

}  // namespace

TEST("a broadcast reaches whoever is there, with its length") {
  const TestBroadcast test(broadcast(8, 100));
  const auto publisher = test.publisher();
  const auto early = test.subscriber();
  CHECK(next_of(*early).outcome == Outcome::kNothing);
  CHECK(send(*publisher, 11) == 0);
  const auto late = test.subscriber();
  CHECK(publisher->publish(nullptr, 0).value() == 1);
  const Received first = next_of(*early);
  CHECK(first.outcome == Outcome::kMessage && first.sequence == 0 && first.length == 8);
  CHECK(first.lost == 0 && value() == 11);
  for (Subscriber* each : {early.get(), late.get()}) {
    const Received second = next_of(*each);
    CHECK(second.outcome == Outcome::kMessage && second.sequence == 1 && second.length == 0);
    CHECK(next_of(*each).outcome == Outcome::kNothing);
  }
}

TEST("who is overtaken goes on with the oldest, and knows how many it has lost") {
  const TestBroadcast test(broadcast(8, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  for (uint64_t i = 0; i < 21; ++i) send(*publisher, i);
  const Received received = next_of(*subscriber);
  CHECK(received.sequence == 13 && received.lost == 13 && value() == 13);
  for (uint64_t i = 14; i < 21; ++i) {
    const Received next = next_of(*subscriber);
    CHECK(next.sequence == i && next.lost == 0 && value() == i);
  }
  CHECK(next_of(*subscriber).outcome == Outcome::kNothing);
}

TEST("a subscriber begins where it wants to, and the newest is at hand") {
  const TestBroadcast test(broadcast(8, 8));
  const auto publisher = test.publisher();
  CHECK(test.subscriber()->latest(place.data(), 8).value().outcome == Outcome::kNothing);
  for (uint64_t i = 0; i < 12; ++i) send(*publisher, i);
  const auto subscriber = test.subscriber(0);
  CHECK(!subscriber->seek(13) && subscriber->seek(12));
  CHECK(next_of(*subscriber).outcome == Outcome::kNothing);
  CHECK(subscriber->seek(subscriber->oldest()));
  CHECK(subscriber->latest(place.data(), 8).value().sequence == 11 && value() == 11);
  CHECK(next_of(*subscriber).sequence == 4 && next_of(*subscriber).lost == 0);
}

TEST("a place that is too small leaves the message") {
  const TestBroadcast test(broadcast(4, 100));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  send(*publisher, 5);
  const auto small = subscriber->receive(place.data(), 7, 0);
  CHECK(small.value().outcome == Outcome::kTooLong && small.value().length == 8);
  CHECK(next_of(*subscriber).sequence == 0);
}

TEST("a message written in place is there once it is committed, and never when it is aborted") {
  const TestBroadcast test(broadcast(4, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  CHECK(publisher->claim().value() == 0);
  CHECK(next_of(*subscriber).outcome == Outcome::kNothing);
  std::memset(test.segment.slot(publisher->held_slot()).bytes(), 7, 8);
  publisher->commit(3);
  CHECK(next_of(*subscriber).length == 3 && place[2] == std::byte{7});
  CHECK(publisher->claim().value() == 1);
  publisher->abort();
  send(*publisher, 9);
  const Received received = next_of(*subscriber);
  CHECK(received.sequence == 2 && received.lost == 0 && value() == 9);
}

TEST("what is open is not overwritten, however many come after it") {
  for (const Producers producers : {Producers::kSingle, Producers::kMulti}) {
    const TestBroadcast test(broadcast(4, 8, producers));
    const auto publisher = test.publisher();
    const auto subscriber = test.subscriber();
    CHECK(publisher->claim().value() == 0);
    const uint64_t slot = publisher->held_slot();
    uint64_t last = 0;
    for (uint64_t i = 0; i < 10; ++i) {
      last = send(*publisher, i);
      CHECK(last % 4 != slot);
    }
    publisher->commit(8);
    CHECK(next_of(*subscriber, os::kForever).outcome == Outcome::kMessage);
    const TestBroadcast one(broadcast(1, 8, producers));
    const auto only = one.publisher();
    CHECK(only->claim().ok());
    CHECK(only->publish(nullptr, 0).error().code == Errc::kSegmentBusy);
  }
}

TEST("one publisher at a time, or as many as there are places") {
  const TestBroadcast single(broadcast(4, 8));
  const auto first = single.publisher();
  send(*first, 1);
  CHECK(single.publisher()->claim().error().code == Errc::kProducerBusy);
  const TestBroadcast multi(broadcast(4, 8, Producers::kMulti, 2));
  const auto one = multi.publisher();
  const auto two = multi.publisher();
  CHECK(send(*one, 1) == 0 && send(*two, 2) == 1 && send(*one, 3) == 2);
  CHECK(multi.publisher()->claim().error().code == Errc::kTooManyProducers);
}

TEST("what a publisher was writing when it died is never delivered, and the next goes on") {
  for (const Producers producers : {Producers::kSingle, Producers::kMulti}) {
    const TestBroadcast test(broadcast(4, 8, producers));
    const auto subscriber = test.subscriber();
    const pid_t child = fork();
    if (child == 0) {
      auto opened = open_ring(test.name, Kind::kBroadcast);
      Publisher publisher(std::move(opened.value()));
      send(publisher, 1);
      if (publisher.claim().ok()) raise(SIGKILL);
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    const auto publisher = test.publisher();
    CHECK(send(*publisher, 2) == 2);
    CHECK(next_of(*subscriber).sequence == 0);
    const Received next = next_of(*subscriber);
    CHECK(next.sequence == 2 && next.lost == 0 && value() == 2);
    for (uint64_t i = 0; i < 8; ++i) send(*publisher, i);
  }
}

TEST("who stands still in the middle of a message holds up the others' for a moment only") {
  const TestBroadcast test(broadcast(8, 8, Producers::kMulti));
  const auto still = test.publisher();
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  CHECK(still->claim().value() == 0);
  for (uint64_t i = 1; i < 7; ++i) CHECK(send(*publisher, i) == i);
  const Received received = next_of(*subscriber, os::kForever);
  CHECK(received.sequence == 1 && received.lost == 1);
  still->commit(8);
  CHECK(next_of(*subscriber).sequence == 2);
}

TEST("a subscriber waits, and is woken") {
  const TestBroadcast test(broadcast(8, 8));
  std::thread later([&] {
    const auto publisher = test.publisher();
    for (uint64_t i = 0; i < 50; ++i) {
      // It has all that came before, and is not overtaken.
      runner::await("the subscriber to sleep",
                    [&] { return announced(test.segment.notify_page().sleepers); });
      send(*publisher, i);
    }
  });
  const auto subscriber = test.subscriber(0);
  for (uint64_t i = 0; i < 50; ++i) {
    const Received received = next_of(*subscriber, os::kForever);
    CHECK(received.outcome == Outcome::kMessage && received.sequence == i);
  }
  later.join();
}

TEST("a replaced broadcast says so to both sides") {
  const TestBroadcast test(broadcast(8, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  send(*publisher, 1);
  RingCreation creation = broadcast(8, 8);
  creation.existing = Existing::kReplace;
  CHECK(create_ring(test.name, creation).ok());
  CHECK(publisher->publish(nullptr, 0).error().code == Errc::kSegmentReplaced);
  CHECK(next_of(*subscriber).sequence == 0);
  const auto none = subscriber->receive(place.data(), place.size(), 0);
  CHECK(none.error().code == Errc::kSegmentReplaced);
}

TEST("who only reads cannot write the ring") {
  const TestBroadcast test(broadcast(8, 8));
  const pid_t child = fork();
  if (child == 0) {
    // A sanitizer would make a report of it.
    std::signal(SIGSEGV, SIG_DFL);
    const auto segment = open_for_reading(test.name);
    segment.value().notify_page().sleepers.set_bits(1);
    segment.value().slot(0).length.store_ordered(1);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  CHECK(test.segment.notify_page().sleepers.load_ordered() == 1);
  CHECK(test.segment.slot(0).length.load_ordered() == 0);
}

TEST("no message is torn, reordered or miscounted, whoever is faster") {
  constexpr uint64_t kMessages = 20'000;
  constexpr uint64_t kWords = 13;
  for (const uint64_t publishers : {1, 3}) {
    for (const uint64_t elements : {1, 4, 1000}) {
      const TestBroadcast test(broadcast(elements, kWords * 8,
                                         publishers == 1 ? Producers::kSingle : Producers::kMulti));
      std::atomic<uint64_t> running{publishers};
      std::atomic<bool> broken{false};
      const auto listen = [&] {
        const auto subscriber = test.subscriber(0);
        std::array<uint64_t, kWords> words{};
        uint64_t expected = 0;
        for (;;) {
          const bool last = running == 0;
          const auto received =
              subscriber->receive(reinterpret_cast<std::byte*>(words.data()), sizeof words, 0);
          if (!received.ok()) {
            broken = true;
            return;
          }
          const auto& [outcome, sequence, length, lost] = received.value();
          if (outcome == Outcome::kNothing) {
            if (last) break;
            std::this_thread::yield();
            continue;
          }
          if (sequence != expected + lost || length != 8 * (1 + words[0] % kWords)) broken = true;
          for (uint64_t i = 0; i < length / 8; ++i) broken = broken || words[i] != words[0];
          expected = sequence + 1;
        }
      };
      std::vector<std::thread> threads;
      for (uint64_t i = 0; i < publishers; ++i) {
        threads.emplace_back([&, i] {
          const auto publisher = test.publisher();
          std::array<uint64_t, kWords> words{};
          for (uint64_t sent = 0; sent < kMessages; ++sent) {
            words.fill(sent * publishers + i);
            const auto sequence = publisher->publish(
                reinterpret_cast<const std::byte*>(words.data()), 8 * (1 + words[0] % kWords));
            if (!sequence.ok()) {
              // In one slot there is room for one at a time.
              if (sequence.error().code != Errc::kSegmentBusy) broken = true;
              --sent;
            }
          }
          --running;
        });
      }
      threads.emplace_back(listen);
      threads.emplace_back(listen);
      for (std::thread& thread : threads) thread.join();
      CHECK(!broken);
    }
  }
}

TEST("what a publisher had taken and not opened when it died is dropped by the next") {
  const TestBroadcast test(broadcast(4, 8));
  const auto subscriber = test.subscriber();
  {
    const auto publisher = test.publisher();
    send(*publisher, 1);
  }
  // As it lies there then.
  test.header().next.store_ordered(2);
  const auto publisher = test.publisher();
  CHECK(send(*publisher, 3) == 2);
  CHECK(next_of(*subscriber).sequence == 0);
  const Received next = next_of(*subscriber);
  CHECK(next.sequence == 2 && next.lost == 0 && value() == 3);
}

TEST("who waits for what is aborted is woken, if there is more") {
  const TestBroadcast test(broadcast(8, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  CHECK(publisher->claim().ok());
  send(*publisher, 1);
  Word& notify_page = test.segment.notify_page().sleepers;
  const uint32_t asleep = announce_sleeper(notify_page);
  publisher->abort();
  CHECK(notify_page.load_ordered() != asleep);
  CHECK(next_of(*subscriber).sequence == 1);
}

TEST("a position can be taken back, with what was lost before it") {
  const TestBroadcast test(broadcast(4, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  for (uint64_t i = 0; i < 6; ++i) send(*publisher, i);
  const Received first = next_of(*subscriber);
  CHECK(first.sequence == 2 && first.lost == 2);
  CHECK(subscriber->seek(first.sequence, first.lost));
  const Received again = next_of(*subscriber);
  CHECK(again.sequence == 2 && again.lost == 2);
}

TEST("the newest, where all that is there is damaged") {
  const TestBroadcast test(broadcast(4, 8));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  for (uint64_t i = 0; i < 6; ++i) send(*publisher, i);
  // From laps that never were.
  for (uint64_t i = 0; i < 4; ++i) {
    test.segment.slot(i).state.store_ordered(SlotState::written(400 + i).word());
  }
  const auto newest = subscriber->latest(place.data(), place.size());
  CHECK(newest.error().code == Errc::kSegmentCorrupt);
  const auto next = subscriber->receive(place.data(), place.size(), 0);
  CHECK(next.error().code == Errc::kSegmentCorrupt);
}

TEST("what is published may lie where it is published to") {
  const TestBroadcast test(broadcast(1, 100));
  const auto publisher = test.publisher();
  const auto subscriber = test.subscriber();
  CHECK(publisher->publish(reinterpret_cast<const std::byte*>("0123456789"), 10).ok());
  CHECK(publisher->publish(test.segment.slot(0).bytes() + 3, 7).ok());
  const Received received = next_of(*subscriber);
  CHECK(received.length == 7 && std::memcmp(place.data(), "3456789", 7) == 0);
}

TEST("a wait for a message in slices polls once, and sleeps from then on") {
  const TestBroadcast test(broadcast(4, 8));
  const auto publisher = test.publisher();
  auto opened = open_for_reading(test.name);
  opened.value().mapping = test.segment.mapping;
  // Longer than a slice: a wait that polled anew in each would never sleep.
  Subscriber subscriber(std::move(opened.value()), {Strategy::kAdaptive, 1'000'000'000});
  std::thread thread([&] {
    while (next_of(subscriber, 10'000'000).outcome == Outcome::kNothing) {
    }
  });
  while (os::wake(*subscriber.notify_page(), 1) == 0) os::yield();
  send(*publisher, 1);
  thread.join();
}
