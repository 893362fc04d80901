// Messages of any length in cells, each for one consumer: what a queue is made of. Destroying a
// Sequencer is the death of its participant, as in recovery_test.cc.
#include "../../addon/core/queue.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kCells = kPage / kCell;

// With so many member slots for messages that are held.
RingCreation queue_of(uint64_t member_slots) {
  RingCreation creation;
  creation.kind = Kind::kQueue;
  creation.geometry = {kCells, kCell, 1 + member_slots, 4};
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

// Sends them together, as far as there is room. How many were sent.
uint64_t send_all(Sequencer& ring, const std::vector<std::string>& texts, uint64_t patience = 0) {
  std::string bytes;
  std::vector<uint32_t> lengths;
  for (const std::string& text : texts) {
    bytes += text;
    lengths.push_back(static_cast<uint32_t>(text.size()));
  }
  const auto sent = send_messages(ring, reinterpret_cast<const std::byte*>(bytes.data()),
                                  bytes.size(), lengths.data(), lengths.size(), kPage, patience);
  CHECK(sent.ok() && !sent.value().damaged);
  return sent.ok() ? sent.value().count : 0;
}

// The next messages, moved out together: `most` at most, and no more than `room` bytes.
std::vector<std::string> move_all(Sequencer& ring, uint64_t most = 1000, uint64_t room = kPage,
                                  uint64_t patience = 0) {
  std::vector<std::byte> target(room);
  std::vector<uint32_t> lengths(most);
  const auto moved = move_messages(ring, target.data(), room, lengths.data(), most, patience);
  CHECK(moved.ok());
  std::vector<std::string> texts;
  const auto* at = reinterpret_cast<const char*>(target.data());
  for (uint64_t i = 0; moved.ok() && i < moved.value().count; ++i) {
    texts.emplace_back(at, lengths[i]);
    at += lengths[i];
  }
  return texts;
}

TakeLimits together(uint64_t messages) {
  TakeLimits limits;
  limits.messages = messages;
  return limits;
}

// The next message, which stays in its member slot; an empty share when there is none.
Assignments::Taken take(Sequencer& ring, uint64_t nanoseconds = 0) {
  const auto taken = ring.take_assignment(nanoseconds);
  CHECK(taken.ok());
  return taken.ok() ? taken.value() : Assignments::Taken{};
}

std::string text_of(const Sequencer& ring, const Assignments::Taken& taken) {
  if (taken.assignment.count == 0) return "nothing";
  MessageHeader header;
  const std::byte* const place = place_of(ring, taken.assignment.start);
  std::memcpy(&header, place, sizeof header);
  CHECK(cells_of(header.length) == taken.assignment.count);
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
  std::vector<Assignments::Taken> held;
  for (int i = 0; i < 4; ++i) held.push_back(take(consumer));
  for (const size_t i : {2, 1, 3}) {
    CHECK(consumer.finish_assignment(held[i].member_slot));
    CHECK(!consumer.finish_assignment(held[i].member_slot));
    CHECK(!send(sender, ""));
  }
  CHECK(consumer.consumer_sequence(0) == 0);
  CHECK(consumer.finish_assignment(held[0].member_slot));
  CHECK(consumer.consumer_sequence(0) == kCells);
  for (int i = 0; i < 4; ++i) CHECK(send(sender, text));
}

TEST("as many messages can be held as there are seats, by one or by several") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  for (int i = 0; i < 5; ++i) CHECK(send(sender, std::to_string(i)));
  Sequencer first = consumer_of(test);
  Sequencer second = consumer_of(test);
  const Assignments::Taken a = take(first);
  const Assignments::Taken b = take(second);
  const Assignments::Taken c = take(first);
  CHECK(a.assignment.start == 0 && b.assignment.start == 1 && c.assignment.start == 2 &&
        c.member_slot != a.member_slot);
  CHECK(first.take_assignment(0).error().code == Errc::kTooManyConsumers);
  CHECK(second.take_assignment(0).error().code == Errc::kTooManyConsumers);
  CHECK(first.finish_assignment(a.member_slot));
  CHECK(text_of(first, take(first)) == "3");
}

TEST("what is given back goes to another, marked, and the seat can be somebody else's") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer first = consumer_of(test);
  Sequencer second = consumer_of(test);
  CHECK(send(sender, "a"));
  const Assignments::Taken given = take(first);
  CHECK(!given.assignment.redelivered);
  CHECK(first.return_assignment(given.member_slot));
  CHECK(!first.return_assignment(given.member_slot) && !first.finish_assignment(given.member_slot));
  const Assignments::Taken got = take(second, os::kForever);
  CHECK(text_of(second, got) == "a" && got.assignment.redelivered);
  // It keeps its own member slot as well: with that one, both are taken.
  CHECK(first.take_assignment(0).error().code == Errc::kTooManyConsumers);
  CHECK(second.finish_assignment(got.member_slot));
  CHECK(send(sender, "b"));
  const Assignments::Taken next = take(first);
  CHECK(text_of(first, next) == "b" && !next.assignment.redelivered);
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
    const Assignments::Taken got = take(consumer, os::kForever);
    CHECK(text_of(consumer, got) == "a" && got.assignment.redelivered);
    CHECK(consumer.consumer_sequence(0) == 0);
    CHECK(consumer.return_assignment(got.member_slot));
  }
  CHECK(consumer.finish_assignment(take(consumer, os::kForever).member_slot));
  CHECK(consumer.consumer_sequence(0) == 1);
  CHECK(take(consumer).assignment.count == 0);
}

TEST("whoever sleeps for a message is woken by one that is given back") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  Sequencer first = consumer_of(test);
  CHECK(send(sender, "a"));
  const Assignments::Taken given = take(first);
  std::thread other([&] {
    Sequencer second = consumer_of(test);
    const Assignments::Taken got = take(second, os::kForever);
    CHECK(text_of(second, got) == "a" && got.assignment.redelivered);
    CHECK(second.finish_assignment(got.member_slot));
  });
  runner::await("the other to sleep", [&] { return announced(first.data_waiters()); });
  CHECK(first.return_assignment(given.member_slot));
  other.join();
  CHECK(first.consumer_sequence(0) == 1);
}

TEST("what is kept is given again before anything else, and is not marked") {
  const TestRing test(queue_of(3));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  for (const char* text : {"a", "b", "c"}) CHECK(send(sender, text));
  const Assignments::Taken a = take(consumer);
  const Assignments::Taken b = take(consumer);
  CHECK(consumer.keep_assignment(b.member_slot) && consumer.consumable(0));
  const Assignments::Taken again = take(consumer);
  CHECK(text_of(consumer, again) == "b" && again.member_slot == b.member_slot &&
        !again.assignment.redelivered);
  CHECK(text_of(consumer, take(consumer)) == "c");
  CHECK(consumer.finish_assignment(a.member_slot));
  CHECK(!consumer.keep_assignment(a.member_slot));
}

TEST("what a dead one had taken and done with out of order is not done again") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  for (const char* text : {"a", "b", "c"}) CHECK(send(sender, text));
  {
    Sequencer dying = consumer_of(test);
    take(dying);
    const Assignments::Taken b = take(dying);
    take(dying);
    CHECK(dying.finish_assignment(b.member_slot));
  }
  Sequencer next = consumer_of(test);
  std::vector<std::string> got;
  for (int i = 0; i < 2; ++i) {
    const Assignments::Taken taken = take(next, os::kForever);
    CHECK(taken.assignment.redelivered);
    got.push_back(text_of(next, taken));
    CHECK(next.finish_assignment(taken.member_slot));
  }
  CHECK((got == std::vector<std::string>{"a", "c"}));
  CHECK(take(next).assignment.count == 0 && next.consumer_sequence(0) == 3);
}

TEST("one who receives all the time gets what the dead left before it has nothing else to do") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  CHECK(send(sender, "left"));
  {
    Sequencer dying = consumer_of(test);
    take(dying);
  }
  // In the member slot that comes first, so that it is not taken with it.
  Sequencer other = consumer_of(test);
  const Assignments::Taken left = take(other);
  CHECK(text_of(other, left) == "left");
  Sequencer consumer = consumer_of(test);
  CHECK(other.return_assignment(left.member_slot));
  bool came = false;
  for (int i = 0; i < 100 && !came; ++i) {
    CHECK(send(sender, "new"));
    const Assignments::Taken taken = take(consumer);
    came = text_of(consumer, taken) == "left" && taken.assignment.redelivered;
    CHECK(consumer.finish_assignment(taken.member_slot));
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
    const Assignments::Taken taken = take(other, os::kForever);
    CHECK(text_of(other, taken) == text && taken.assignment.redelivered);
    CHECK(other.finish_assignment(taken.member_slot));
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

using Texts = std::vector<std::string>;

TEST("several messages go and come together, whole and in their order, beside single ones") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const Texts texts{"", "a", std::string(24, 'b'), std::string(25, 'c'), "", std::string(700, 'd')};
  // Several times round the ring, cut differently each time.
  for (uint64_t round = 0; round < 60; ++round) {
    CHECK(send_all(sender, texts) == texts.size() && send(sender, "alone"));
    Texts got;
    while (got.size() <= texts.size()) {
      const auto some = move_all(consumer, 1 + round % 8);
      CHECK(!some.empty());
      if (some.empty()) return;
      got.insert(got.end(), some.begin(), some.end());
    }
    CHECK(got.back() == "alone");
    got.pop_back();
    CHECK(got == texts && move_all(consumer).empty());
    CHECK(send_all(sender, texts) == texts.size());
    for (const std::string& text : texts) CHECK(move(consumer) == text);
  }
}

TEST("of several messages those are sent that there is room for, and the others are not begun") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const std::string three(3 * kCell - sizeof(MessageHeader), '3');
  const Texts texts(50, three);
  CHECK(send_all(sender, texts) == kCells / 3);
  CHECK(send_all(sender, texts) == 0 && send_all(sender, {}) == 0);
  CHECK(sender.next() == kCells / 3 * 3 && sender.cursor() == sender.next());
  // What is left of the ring is enough for what is smaller.
  CHECK(send_all(sender, {"a", "b", three}) == 2);
  CHECK(move(consumer) == three && send_all(sender, {three, "c"}) == 1);
  CHECK(move_all(consumer).size() == kCells / 3 - 1 + 2 + 1);
}

TEST("whoever sends several goes on with the first when there is room for it") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  while (send(sender, "x")) continue;
  std::thread other([&] {
    Sequencer waiting = test.sequencer();
    CHECK(send_all(waiting, {"a", "b", "c"}, os::kForever) == 1);
  });
  runner::await("the other to sleep", [&] { return announced(sender.space_waiters()); });
  CHECK(move(consumer) == "x");
  other.join();
  while (const auto text = move(consumer)) CHECK(text == "x" || text == "a");
}

TEST("more messages than go into one claim are sent all the same") {
  RingCreation creation = queue_of(2);
  creation.geometry.elements = 16 * kCells;
  const TestRing test(creation);
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  Texts texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(std::to_string(i));
  for (int round = 0; round < 4; ++round) {
    CHECK(send_all(sender, texts) == texts.size());
    CHECK(move_all(consumer) == texts);
  }
}

TEST("lengths that go beyond the bytes, or beyond the longest message, are not believed") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  const std::byte bytes[8] = {};
  const auto send_some = [&](std::vector<uint32_t> lengths, uint64_t longest) {
    const auto sent =
        send_messages(sender, bytes, sizeof bytes, lengths.data(), lengths.size(), longest, 0);
    CHECK(sent.ok() && sent.value().damaged);
    return sent.value().count;
  };
  CHECK(send_some({9}, 100) == 0);
  CHECK(send_some({4, 5}, 100) == 1);
  CHECK(send_some({4, 4, 1}, 100) == 2);
  CHECK(send_some({3, 4}, 3) == 1);
  CHECK(send_some({0xffff'ffff}, 0xffff'ffff) == 0);
  CHECK(move_all(consumer).size() == 4);
}

TEST("of several messages those come that fit, and what does not is the next again") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send_all(sender, {"one", "two", "three", "", "four"}) == 5);
  CHECK((move_all(consumer, 9, 7) == Texts{"one", "two"}));
  CHECK(move_all(consumer, 9, 4).empty());
  std::byte target[4];
  uint32_t length = 0;
  CHECK(move_messages(consumer, target, sizeof target, &length, 1, 0).value().too_long == 5);
  CHECK((move_all(consumer, 9, 5) == Texts{"three", ""}));
  CHECK((move_all(consumer, 0, 5).empty() && move_all(consumer, 1, 5) == Texts{"four"}));
  CHECK(consumer.consumer_sequence(0) == sender.next());
}

TEST("dropped messages and gaps among several are passed without a word") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send(sender, "dropped", kDropped) && send(sender, "first"));
  CHECK(send(sender, std::string(500, 'd'), kDropped) && send_all(sender, {"second", "third"}));
  {
    Sequencer dying = test.sequencer();
    CHECK(dying.claim(3, 3, 0).value().count == 3);
  }
  CHECK(send_all(sender, {"fourth", "fifth"}) == 2);
  CHECK(sender.recover() && send(sender, "dropped too", kDropped));
  Texts got;
  for (auto some = move_all(consumer, 9, 12); !some.empty(); some = move_all(consumer, 9, 12)) {
    got.insert(got.end(), some.begin(), some.end());
  }
  CHECK((got == Texts{"first", "second", "third", "fourth", "fifth"}));
  CHECK(consumer.consumer_sequence(0) == sender.next() && consumer.gap_count() == 0);
}

TEST("what a dead one had taken together comes one by one, marked, to whoever asks") {
  const TestRing test(queue_of(6));
  Sequencer sender = test.sequencer();
  const Texts texts{"a", std::string(100, 'b'), "", "d", "e"};
  CHECK(send_all(sender, texts) == texts.size());
  {
    Sequencer dying = consumer_of(test);
    CHECK(dying.take_assignment(0, together(4)).value().assignment.count == 1 + 4 + 1 + 1);
  }
  Sequencer holding = consumer_of(test);
  const Assignments::Taken a = take(holding, os::kForever);
  CHECK(text_of(holding, a) == "a" && a.assignment.redelivered);
  {
    // Nobody has what nobody asked for.
    Sequencer other = consumer_of(test);
    const Assignments::Taken b = take(other, os::kForever);
    CHECK(text_of(other, b) == texts[1] && b.assignment.redelivered);
    CHECK(other.keep_assignment(b.member_slot) && text_of(other, take(other)) == texts[1]);
    CHECK(other.return_assignment(b.member_slot));
    CHECK(take(other, os::kForever).assignment.redelivered);
  }
  // Several are held at a time.
  const Assignments::Taken b = take(holding, os::kForever);
  CHECK(b.assignment.redelivered);
  Texts got{text_of(holding, b)};
  Sequencer consumer = consumer_of(test);
  while (got.size() < 4) {
    const auto some = move_all(consumer, 9, kPage, os::kForever);
    got.insert(got.end(), some.begin(), some.end());
  }
  std::sort(got.begin(), got.end());
  CHECK((got == Texts{"", texts[1], "d", "e"}));
  CHECK(consumer.consumer_sequence(0) == 0);
  CHECK(holding.finish_assignment(b.member_slot) && holding.finish_assignment(a.member_slot));
  CHECK(consumer.consumer_sequence(0) == sender.next());
}

TEST("what a dead one had taken together, where there is no seat but its own") {
  const TestRing test(queue_of(1));
  Sequencer sender = test.sequencer();
  CHECK(send_all(sender, {"a", "b", "c", "d"}) == 4);
  {
    Sequencer dying = consumer_of(test);
    CHECK(dying.take_assignment(0, together(3)).value().assignment.count == 3);
  }
  Sequencer consumer = consumer_of(test);
  for (const char* text : {"a", "b", "c", "d"}) {
    const Assignments::Taken taken = take(consumer, os::kForever);
    CHECK(text_of(consumer, taken) == text && taken.assignment.redelivered == (*text != 'd'));
    CHECK(consumer.take_assignment(0).error().code == Errc::kTooManyConsumers);
    CHECK(consumer.finish_assignment(taken.member_slot) &&
          !consumer.finish_assignment(taken.member_slot));
  }
  CHECK(consumer.consumer_sequence(0) == sender.next());
}

TEST("whoever takes several holds nothing that it was not given") {
  const TestRing test(queue_of(4));
  Sequencer sender = test.sequencer();
  Sequencer first = consumer_of(test);
  Sequencer second = consumer_of(test);
  CHECK(send_all(sender, {"aa", "bb", "cc", "dd"}) == 4);
  CHECK((move_all(first, 9, 5) == Texts{"aa", "bb"}));
  CHECK(first.consumer_sequence(0) == 2);
  CHECK((move_all(second, 9, 3) == Texts{"cc"} && move(first) == "dd"));
  // Also of what the dead had.
  CHECK(send_all(sender, {"e", "ffff"}) == 2);
  {
    Sequencer dying = consumer_of(test);
    CHECK(dying.take_assignment(0, together(2)).value().assignment.count == 2);
  }
  CHECK((move_all(first, 9, 4, os::kForever) == Texts{"e"}));
  CHECK((move_all(second, 9, 4, os::kForever) == Texts{"ffff"}));
}

TEST("a message that says that it is longer than its place ends what comes together") {
  const TestRing test(queue_of(2));
  Sequencer sender = test.sequencer();
  Sequencer consumer = consumer_of(test);
  CHECK(send_all(sender, {"a", "b", "damaged"}) == 3);
  const MessageHeader header{1'000, 0};
  std::memcpy(place_of(sender, 2), &header, sizeof header);
  CHECK((move_all(consumer, 9, 100) == Texts{"a", "b"}));
  std::byte target[2000];
  uint32_t lengths[2];
  CHECK(move_messages(consumer, target, sizeof target, lengths, 2, 0).error().code ==
        Errc::kSegmentCorrupt);
  // The same when its length looks as if it fitted.
  CHECK(send_all(sender, {"a", "b", "damaged", "lost with it"}) == 4);
  std::memcpy(place_of(sender, 5), &header, sizeof header);
  CHECK((move_all(consumer, 9, sizeof target) == Texts{"a", "b"}));
  CHECK(move_messages(consumer, target, sizeof target, lengths, 2, 0).error().code ==
        Errc::kSegmentCorrupt);
  CHECK(send_all(sender, {"c", "d"}) == 2);
  CHECK((move_all(consumer) == Texts{"c", "d"}));
}

namespace {

// So many sleep until a message comes, which is all that each takes, and all of them are woken by
// what `send` sends.
void all_are_woken(int sleepers, const TestRing& test, const std::function<void()>& send) {
  std::vector<std::thread> threads;
  std::vector<std::atomic<uint32_t>> sleeps(static_cast<size_t>(sleepers));
  std::atomic<int> received{0};
  for (auto& thread : sleeps) {
    threads.emplace_back([&] {
      Sequencer consumer = test.sequencer({Strategy::kBlock, 0});
      Joining joining;
      joining.name = "consumers";
      joining.group = true;
      CHECK(consumer.join(joining).ok());
      thread = os::current_thread();
      CHECK(take(consumer, os::kForever).assignment.count != 0);
      received += 1;
      // With the message in hand until all have one: nobody is woken by its death.
      runner::await("all to be woken", [&] { return received == sleepers; });
    });
  }
  for (const auto& thread : sleeps) {
    runner::await("all to sleep", [&] { return thread != 0 && asleep(thread); });
  }
  send();
  for (std::thread& thread : threads) thread.join();
  CHECK(received == sleepers);
}

}  // namespace

TEST("as many are woken as messages come together, in turn or not") {
  for (const bool in_turn : {true, false}) {
    const TestRing test(queue_of(8));
    Sequencer sender = test.sequencer();
    Sequencer before = test.sequencer();
    all_are_woken(3, test, [&] {
      const auto claim = before.claim(1, 1, 0);
      if (in_turn) {
        const MessageHeader dropped{0, kDropped};
        std::memcpy(place_of(before, claim.value().start), &dropped, sizeof dropped);
        CHECK(before.commit(0, 0, OutOfOrder::kMark, 0).ok());
      }
      CHECK(send_all(sender, {"a", "b", "c"}) == 3);
      if (in_turn) return;
      const MessageHeader dropped{0, kDropped};
      std::memcpy(place_of(before, claim.value().start), &dropped, sizeof dropped);
      CHECK(before.commit(0, 0, OutOfOrder::kMark, 0).ok());
    });
  }
}
