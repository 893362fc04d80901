// Messages of any length in cells, each for one consumer: what a queue is made of. Destroying a
// Sequencer is the death of its participant, as in recovery_test.cc.
#include "../../addon/core/queue.h"

#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kCells = kPage / kCell;
constexpr uint64_t kPatience = 30'000 * kMillisecond;

// With so many seats for messages that are held.
RingCreation queue_of(uint64_t seats) {
  RingCreation creation;
  creation.kind = Kind::kQueue;
  creation.geometry = {kCells, kCell, 1 + seats, 4};
  creation.joinable = true;
  creation.declared = {{"consumers", Role::kGroup, {}}};
  return creation;
}

Sequencer consumer_of(const TestRing& test) {
  Sequencer ring = test.sequencer();
  Joining joining;
  joining.name = "consumers";
  joining.group = true;
  CHECK(ring.join(joining).ok());
  return ring;
}

std::byte* place_of(const Sequencer& ring, uint64_t start) {
  return ring.elements() + ring.ring().slot(start) * kCell;
}

// Sends `text`, or drops it. False: there is no room.
bool send(Sequencer& ring, const std::string& text, uint32_t deliveries = 0) {
  if (deliveries == 0) {
    const auto sent = send_message(ring, text.data(), text.size(), 0);
    CHECK(sent.ok());
    return sent.value().count != 0;
  }
  const uint64_t cells = cells_of(text.size());
  const auto claim = ring.claim(cells, cells, 0);
  CHECK(claim.ok());
  if (claim.value().count == 0) return false;
  const MessageHeader header{static_cast<uint32_t>(text.size()), deliveries};
  std::byte* const place = place_of(ring, claim.value().start);
  std::memcpy(place, &header, sizeof header);
  std::memcpy(place + sizeof header, text.data(), text.size());
  const uint64_t end = claim.value().start + cells - 1;
  const auto committed = ring.commit(claim.value().start, end, OutOfOrder::kMark, 0);
  CHECK(committed.ok() && committed.value() != Commit::kRefused);
  return true;
}

// The next message, moved out; nothing when there is none.
std::optional<std::string> move(Sequencer& ring) {
  std::string text(kPage, '?');
  uint64_t length = 0;
  const auto moved = move_message(ring, text.data(), text.size(), length);
  CHECK(moved.ok());
  if (!moved.ok() || moved.value() != Moved::kMoved) return std::nullopt;
  text.resize(length);
  return text;
}

// The next message, which stays in its seat; an empty share when there is none.
Shares::Taken take(Sequencer& ring, uint64_t nanoseconds = 0) {
  const auto taken = ring.take_share(nanoseconds);
  CHECK(taken.ok());
  return taken.ok() ? taken.value() : Shares::Taken{};
}

std::string text_of(const Sequencer& ring, const Shares::Taken& taken) {
  if (taken.share.count == 0) return "nothing";
  MessageHeader header;
  const std::byte* const place = place_of(ring, taken.share.start);
  std::memcpy(&header, place, sizeof header);
  CHECK(cells_of(header.length) == taken.share.count);
  return std::string(reinterpret_cast<const char*>(place + sizeof header), header.length);
}

}  // namespace

TEST("a message takes the cells that its header and its bytes need") {
  CHECK(cells_of(0) == 1);
  CHECK(cells_of(kCell - sizeof(MessageHeader)) == 1);
  CHECK(cells_of(kCell - sizeof(MessageHeader) + 1) == 2);
  CHECK(cells_of(0xffff'ffff) == (uint64_t{1} << 27) + 1);
}

TEST("messages come one by one, whole and in their order, whatever their lengths") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const std::vector<std::string> texts{"", "a", std::string(24, 'b'), std::string(25, 'c'),
                                       std::string(1000, 'd')};
  // Several times round the ring.
  for (int round = 0; round < 20; ++round) {
    for (const std::string& text : texts) CHECK(send(sender, text));
    for (const std::string& text : texts) CHECK(move(consumer) == text);
    CHECK(!move(consumer));
  }
}

TEST("a message may be as large as the queue, wherever it begins") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const std::string most(kPage - sizeof(MessageHeader), 'm');
  for (uint64_t i = 0; i < 3; ++i) {
    CHECK(send(sender, most));
    CHECK(!send(sender, ""));
    CHECK(move(consumer) == most);
    CHECK(send(sender, "moves the beginning on") && move(consumer));
  }
}

TEST("a message that is longer than the target is the next again") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send(sender, "four") && send(sender, "more"));
  char target[4] = {'?', '?', '?', '?'};
  uint64_t length = 0;
  for (int i = 0; i < 2; ++i) {
    CHECK(move_message(consumer, target, 3, length).value() == Moved::kTooLong);
    CHECK(length == 4 && target[0] == '?');
  }
  CHECK(move_message(consumer, target, 4, length).value() == Moved::kMoved);
  CHECK(std::string(target, 4) == "four");
  CHECK(move(consumer) == "more");
}

TEST("an empty message goes into an empty target") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send(sender, "") && send(sender, "a"));
  uint64_t length = 1;
  CHECK(move_message(consumer, nullptr, 0, length).value() == Moved::kMoved);
  CHECK(length == 0);
  CHECK(move_message(consumer, nullptr, 0, length).value() == Moved::kTooLong);
  CHECK(length == 1 && move(consumer) == "a");
}

TEST("dropped messages and gaps are passed without a word") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send(sender, "dropped", kDropped) && send(sender, "first"));
  {
    Sequencer dying = test.sequencer();
    CHECK(dying.claim(3, 3, 0).value().count == 3);
  }
  CHECK(send(sender, "second"));
  CHECK(sender.recover() && sender.cursor() == sender.next());
  CHECK(send(sender, "dropped too", kDropped));
  CHECK(move(consumer) == "first");
  CHECK(move(consumer) == "second");
  CHECK(!move(consumer));
  CHECK(consumer.consumer_sequence(0) == sender.next());
}

TEST("messages are held at a time and finished in any order, and the first one holds up the room") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const std::string text(kPage / 4 - sizeof(MessageHeader), 'x');
  for (int i = 0; i < 4; ++i) CHECK(send(sender, text));
  std::vector<Shares::Taken> held;
  for (int i = 0; i < 4; ++i) held.push_back(take(consumer));
  for (const size_t i : {2, 1, 3}) {
    CHECK(consumer.finish_share(held[i].seat));
    CHECK(!consumer.finish_share(held[i].seat));
    CHECK(!send(sender, ""));
  }
  CHECK(consumer.consumer_sequence(0) == 0);
  CHECK(consumer.finish_share(held[0].seat));
  CHECK(consumer.consumer_sequence(0) == kCells);
  for (int i = 0; i < 4; ++i) CHECK(send(sender, text));
}

TEST("as many messages can be held as there are seats, by one or by several") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  for (int i = 0; i < 5; ++i) CHECK(send(sender, std::to_string(i)));
  Sequencer first = consumer_of(test);
  Sequencer second = consumer_of(test);
  const Shares::Taken a = take(first);
  const Shares::Taken b = take(second);
  const Shares::Taken c = take(first);
  CHECK(a.share.start == 0 && b.share.start == 1 && c.share.start == 2 && c.seat != a.seat);
  CHECK(first.take_share(0).error().code == Errc::kTooManyConsumers);
  CHECK(second.take_share(0).error().code == Errc::kTooManyConsumers);
  CHECK(first.finish_share(a.seat));
  CHECK(text_of(first, take(first)) == "3");
}

TEST("what is given back goes to another, marked, and the seat can be somebody else's") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer first = consumer_of(test);
  Sequencer second = consumer_of(test);
  CHECK(send(sender, "a"));
  const Shares::Taken given = take(first);
  CHECK(!given.share.redelivered);
  CHECK(first.give_back_share(given.seat));
  CHECK(!first.give_back_share(given.seat) && !first.finish_share(given.seat));
  const Shares::Taken got = take(second, kPatience);
  CHECK(text_of(second, got) == "a" && got.share.redelivered);
  // It keeps its own seat as well: with that one, both are taken.
  CHECK(first.take_share(0).error().code == Errc::kTooManyConsumers);
  CHECK(second.finish_share(got.seat));
  CHECK(send(sender, "b"));
  const Shares::Taken next = take(first);
  CHECK(text_of(first, next) == "b" && !next.share.redelivered);
}

TEST("what is given back can come again to whoever gave it, also from a seat that was adopted") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  CHECK(send(sender, "a"));
  {
    Sequencer dying = consumer_of(test);
    CHECK(text_of(dying, take(dying)) == "a");
  }
  Sequencer consumer = consumer_of(test);
  for (int i = 0; i < 5; ++i) {
    const Shares::Taken got = take(consumer, kPatience);
    CHECK(text_of(consumer, got) == "a" && got.share.redelivered);
    CHECK(consumer.consumer_sequence(0) == 0);
    CHECK(consumer.give_back_share(got.seat));
  }
  CHECK(consumer.finish_share(take(consumer, kPatience).seat));
  CHECK(consumer.consumer_sequence(0) == 1);
  CHECK(take(consumer).share.count == 0);
}

TEST("whoever sleeps for a message is woken by one that is given back") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  Sequencer first = consumer_of(test);
  CHECK(send(sender, "a"));
  const Shares::Taken given = take(first);
  std::thread other([&] {
    Sequencer second = consumer_of(test);
    const Shares::Taken got = take(second, kPatience);
    CHECK(text_of(second, got) == "a" && got.share.redelivered);
    CHECK(second.finish_share(got.seat));
  });
  os::nap(20 * kMillisecond);
  CHECK(first.give_back_share(given.seat));
  other.join();
  CHECK(first.consumer_sequence(0) == 1);
}

TEST("what is kept is given again before anything else, and is not marked") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  for (const char* text : {"a", "b", "c"}) CHECK(send(sender, text));
  const Shares::Taken a = take(consumer);
  const Shares::Taken b = take(consumer);
  CHECK(consumer.keep_share(b.seat) && consumer.consumable(0));
  const Shares::Taken again = take(consumer);
  CHECK(text_of(consumer, again) == "b" && again.seat == b.seat && !again.share.redelivered);
  CHECK(text_of(consumer, take(consumer)) == "c");
  CHECK(consumer.finish_share(a.seat));
  CHECK(!consumer.keep_share(a.seat));
}

TEST("what a dead one had taken and done with out of order is not done again") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  for (const char* text : {"a", "b", "c"}) CHECK(send(sender, text));
  {
    Sequencer dying = consumer_of(test);
    take(dying);
    const Shares::Taken b = take(dying);
    take(dying);
    CHECK(dying.finish_share(b.seat));
  }
  Sequencer next = consumer_of(test);
  std::vector<std::string> got;
  for (int i = 0; i < 2; ++i) {
    const Shares::Taken taken = take(next, kPatience);
    CHECK(taken.share.redelivered);
    got.push_back(text_of(next, taken));
    CHECK(next.finish_share(taken.seat));
  }
  CHECK((got == std::vector<std::string>{"a", "c"}));
  CHECK(take(next).share.count == 0 && next.consumer_sequence(0) == 3);
}

TEST("one who receives all the time gets what the dead left before it has nothing else to do") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  CHECK(send(sender, "left"));
  {
    Sequencer dying = consumer_of(test);
    take(dying);
  }
  // In the seat that comes first, so that it is not taken with it.
  Sequencer other = consumer_of(test);
  const Shares::Taken left = take(other);
  CHECK(text_of(other, left) == "left");
  Sequencer consumer = consumer_of(test);
  CHECK(other.give_back_share(left.seat));
  bool came = false;
  for (int i = 0; i < 100 && !came; ++i) {
    CHECK(send(sender, "new"));
    const Shares::Taken taken = take(consumer);
    came = text_of(consumer, taken) == "left" && taken.share.redelivered;
    CHECK(consumer.finish_share(taken.seat));
  }
  CHECK(came);
}

TEST("who leaves with messages in hand leaves them to the others, marked") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  for (const char* text : {"a", "b"}) CHECK(send(sender, text));
  Sequencer leaving = consumer_of(test);
  take(leaving);
  take(leaving);
  Sequencer other = consumer_of(test);
  leaving.leave();
  for (const char* text : {"a", "b"}) {
    const Shares::Taken taken = take(other, kPatience);
    CHECK(text_of(other, taken) == text && taken.share.redelivered);
    CHECK(other.finish_share(taken.seat));
  }
}

TEST("a message that says that it is longer than its place is reported once, and the next comes") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send(sender, "damaged"));
  const MessageHeader header{1'000'000, 0};
  std::memcpy(place_of(sender, 0), &header, sizeof header);
  char target[16];
  uint64_t length = 0;
  CHECK(move_message(consumer, target, sizeof target, length).error().code ==
        Errc::kSegmentCorrupt);
  CHECK(send(sender, "sound") && move(consumer) == "sound");
}
