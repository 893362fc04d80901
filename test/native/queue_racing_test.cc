// Members of a queue's group that race for its messages while a sender writes new ones over those
// that are done with. For ThreadSanitizer above all: one mapping, many threads.
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "../../addon/core/queue.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

TEST("members that look at a message which is written anew take none twice") {
  constexpr uint64_t kMessages = 200'000;
  constexpr uint64_t kMillisecond = 1'000'000;
  RingCreation creation;
  creation.kind = Kind::kQueue;
  creation.geometry = {kPage / kCell, kCell, 8, 4};
  creation.joinable = true;
  creation.declared = {{"consumers", Role::kGroup, {}}};
  const TestRing test(creation);
  std::vector<std::atomic<int>> received(kMessages);
  std::atomic<uint64_t> total{0};
  std::vector<std::thread> members;
  for (int i = 0; i < 3; ++i) {
    members.emplace_back([&] {
      Sequencer ring = test.sequencer();
      Joining joining;
      joining.name = "consumers";
      joining.group = true;
      CHECK(ring.join(joining).ok());
      // Each in a cell of its own, so that a header is always written over a header.
      std::byte target[4 * sizeof(uint64_t)];
      uint32_t lengths[4];
      while (total < kMessages) {
        const auto moved = move_messages(ring, target, sizeof target, lengths, 4, kMillisecond);
        CHECK(moved.ok());
        if (!moved.ok()) return;
        for (uint64_t m = 0; m < moved.value().count; ++m) {
          uint64_t value = 0;
          CHECK(lengths[m] == sizeof value);
          std::memcpy(&value, target + m * sizeof value, sizeof value);
          CHECK(value < kMessages);
          if (value < kMessages) ++received[value];
        }
        total += moved.value().count;
      }
    });
  }
  Sequencer sender = test.sequencer();
  for (uint64_t value = 0; value < kMessages; ++value) {
    const auto sent = send_message(sender, &value, sizeof value, 30'000 * kMillisecond);
    CHECK(sent.ok() && sent.value().count == 1);
  }
  for (std::thread& member : members) member.join();
  for (const auto& times : received) CHECK(times == 1);
}
