// Dying and stopping at every step of sending and receiving over a queue: see failpoints.h. What
// was promised is: what was sent arrives, whole and as long as it was, in the order in which one
// sender sent it; to one receiver alone, unless it is marked as redelivered after a death or after
// having been given back; what was not sent, or was dropped, arrives nowhere; who is dead holds up
// nobody; and no death takes away a member slot in which messages are held.
//
// What the child does with the core is what src/queue/queue.ts does; it writes headers and bytes
// itself, and so there are failpoints around these too.
//
// Arguments: none for all, or a part of the operations' names.
#include <algorithm>
#include <memory>

#include "../../addon/core/queue.h"
#include "failpoints.h"

using namespace failpoints;

namespace {

constexpr uint64_t kCells = kPage / kCell;  // of a queue: as small as can be
constexpr uint64_t kMemberSlots = 8;
constexpr uint64_t kLetters = 4;  // the driver, where it sends among the dead letters
constexpr uint64_t kOfEach = kMax / 4;
constexpr uint64_t kNowhere = ~uint64_t{0};
constexpr uint64_t kLap = 16;  // about so many messages are more than fit into a queue
constexpr uint32_t kMaxDeliveries = 2;

// What every message begins with.
struct Letter {
  uint64_t id;
  uint64_t who;
  uint64_t check;

  uint64_t expected() const { return (who << 56 ^ id) * 0x9e3779b97f4a7c15; }
};

std::byte filler(uint64_t id, uint64_t at) { return static_cast<std::byte>(id * 7 + at); }
uint64_t usual_length(uint64_t id) { return sizeof(Letter) + id * 67 % 700; }

std::byte* place_of(const Sequencer& ring, uint64_t start) {
  return ring.elements() + ring.ring().slot(start) * kCell;
}
MessageHeader header_of(const Sequencer& ring, uint64_t start) {
  MessageHeader header;
  memcpy(&header, place_of(ring, start), sizeof header);
  return header;
}

// Where the child moves messages to. What is there when it dies was given to it.
struct Target {
  std::byte bytes[kPage];
};
std::byte* childs_target = nullptr;

// A store to shared memory that is not the core's.
template <class Act>
void store(const char* what, Act act) {
  reach("before", what, 0);
  act();
  reach("after", what, 0);
}

// Somebody who sends, and says in `shared` what.
struct Sender {
  struct Space {
    uint64_t start = 0;
    uint64_t cells = 0;
    uint64_t id = 0;
  };

  Sequencer ring;
  uint64_t who;
  uint64_t sent = 0;

  // Nothing when there was no room.
  std::optional<Space> claim(uint64_t length, uint64_t nanoseconds = 0) {
    const uint64_t cells = cells_of(length);
    const auto claim = ring.claim(cells, cells, nanoseconds);
    if (!claim.ok()) {
      complain("claim of %llu: error %d", number(who), static_cast<int>(claim.error().code));
      return std::nullopt;
    }
    if (claim.value().count == 0) return std::nullopt;
    if (sent == kOfEach) {
      complain("the run is too long");
      return std::nullopt;
    }
    const uint64_t id = (who - 1) * kOfEach + sent++;
    shared->who[id] = static_cast<uint8_t>(who);
    shared->length[id] = static_cast<uint32_t>(length);
    return Space{claim.value().start, cells, id};
  }

  std::vector<std::byte> bytes_of(uint64_t id) const {
    const uint64_t length = shared->length[id];
    Letter letter{id, who, 0};
    letter.check = letter.expected();
    std::vector<std::byte> bytes(length);
    for (uint64_t i = 0; i < length; ++i) bytes[i] = filler(id, i);
    memcpy(bytes.data(), &letter, std::min<uint64_t>(length, sizeof letter));
    return bytes;
  }

  void write(const Space& space) {
    const uint64_t length = shared->length[space.id];
    const std::vector<std::byte> bytes = bytes_of(space.id);
    const MessageHeader header{static_cast<uint32_t>(length), 0};
    std::byte* const place = place_of(ring, space.start);
    store("the header", [&] { memcpy(place, &header, sizeof header); });
    const uint64_t half = length / 2;
    store("half of the bytes", [&] { memcpy(place + sizeof header, bytes.data(), half); });
    store("the other bytes",
          [&] { memcpy(place + sizeof header + half, bytes.data() + half, length - half); });
  }

  void commit(const Space& space) {
    shared->fate[space.id] = Fate::kBegun;
    publish(space);
    shared->fate[space.id] = Fate::kCommitted;
  }

  // Sends nothing: whoever takes it sees that there is nothing to be had.
  void drop(const Space& space) {
    std::byte* const place = place_of(ring, space.start);
    const uint32_t dropped = kDropped;
    store("the mark of a drop",
          [&] { memcpy(place + offsetof(MessageHeader, deliveries), &dropped, sizeof dropped); });
    publish(space);
  }

  bool send(uint64_t length, uint64_t nanoseconds = 0) {
    const auto space = claim(length, nanoseconds);
    if (!space) return false;
    write(*space);
    commit(*space);
    return true;
  }
  bool send_usual(uint64_t nanoseconds = 0) {
    return send(usual_length((who - 1) * kOfEach + sent), nanoseconds);
  }

  // As Queue.tryEnqueuePacked.
  void send_together(const std::vector<uint32_t>& lengths) {
    std::vector<std::byte> all;
    const uint64_t first = (who - 1) * kOfEach + sent;
    for (const uint32_t length : lengths) {
      const uint64_t id = (who - 1) * kOfEach + sent++;
      shared->who[id] = static_cast<uint8_t>(who);
      shared->length[id] = length;
      shared->fate[id] = Fate::kBegun;
      const std::vector<std::byte> bytes = bytes_of(id);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    const auto done =
        send_messages(ring, all.data(), all.size(), lengths.data(), lengths.size(), kPage, 0);
    if (!done.ok()) return complain("sending: error %d", static_cast<int>(done.error().code));
    for (uint64_t i = 0; i < lengths.size(); ++i) {
      shared->fate[first + i] = i < done.value().count ? Fate::kCommitted : Fate::kUnclaimed;
    }
  }

  // What is in it is visible.
  void publish(const Space& space) {
    const auto done = ring.commit(space.start, space.start + space.cells - 1, OutOfOrder::kMark, 0);
    if (!done.ok() || done.value() == Commit::kRefused) {
      complain("a commit of %llu was refused", number(who));
    }
  }
};

bool is_known(const Letter& letter) {
  return letter.id < kMax && letter.check == letter.expected() &&
         shared->fate[letter.id] != Fate::kUnclaimed && letter.who == shared->who[letter.id];
}

// Which message it is, if it is whole.
std::optional<uint64_t> read(const std::byte* bytes, uint64_t length) {
  Letter letter{};
  memcpy(&letter, bytes, std::min<uint64_t>(length, sizeof letter));
  if (!is_known(letter)) {
    complain("%llu of %llu arrives, which nobody has sent", number(letter.id), number(letter.who));
    return std::nullopt;
  }
  bool whole = length == shared->length[letter.id];
  for (uint64_t i = sizeof letter; i < length; ++i) {
    whole = whole && bytes[i] == filler(letter.id, i);
  }
  if (whole) return letter.id;
  complain("%llu arrives damaged", number(letter.id));
  return std::nullopt;
}

// The next message, as Queue.#take does; empty when there is none.
Assignments::Taken take(Sequencer& ring, uint64_t nanoseconds = 0) {
  for (;;) {
    const auto taken = ring.take_assignment(nanoseconds);
    while (ring.gap_count() > 0) ring.next_gap();
    if (!taken.ok()) {
      complain("take_share: error %d", static_cast<int>(taken.error().code));
      return {};
    }
    const auto [assignment, member_slot] = taken.value();
    if (assignment.count == 0 || header_of(ring, assignment.start).deliveries != kDropped) {
      return taken.value();
    }
    ring.finish_assignment(member_slot);
  }
}

std::optional<uint64_t> read(const Sequencer& ring, const Assignment& assignment) {
  const uint64_t length = header_of(ring, assignment.start).length;
  if (cells_of(length) == assignment.count) {
    return read(place_of(ring, assignment.start) + sizeof(MessageHeader), length);
  }
  complain("a message of %llu bytes has %llu cells", number(length), number(assignment.count));
  return std::nullopt;
}

void join(Sequencer& ring) {
  Joining joining;
  joining.name = "consumers";
  joining.group = true;
  const auto joined = ring.join(joining);
  if (!joined.ok()) complain("joining: error %d", static_cast<int>(joined.error().code));
}

// What the driver knows of one run.
struct Known {
  bool unheard[kMax] = {};       // redelivered, though nobody has said that he took it
  bool buried[kMax] = {};        // arrived among the dead letters
  bool some_come_twice = false;  // marked, if the child dies
} known;

// One queue as the driver sees it: somebody sends, one receives with acknowledgement and one
// without.
struct Side {
  explicit Side(uint64_t who) : test(creation()), sender{test.sequencer(), who} {}

  static RingCreation creation() {
    RingCreation creation;
    creation.kind = Kind::kQueue;
    creation.geometry = {kCells, kCell, 1 + kMemberSlots, 8};
    creation.joinable = true;
    creation.declared = {{"consumers", Role::kGroup, {}}};
    return creation;
  }

  void receive() {
    for (auto* each : {&acknowledging, &moving}) {
      each->emplace(test.sequencer());
      join(**each);
    }
  }

  // Takes a message that is not done with until let_go.
  void hold() {
    held.push_back(take(*acknowledging));
    if (held.back().assignment.count == 0) return complain("nothing to be held");
    const auto id = read(*acknowledging, held.back().assignment);
    if (id) arrived(*id, held.back().assignment);
  }
  void let_go_latest() {
    finish(*acknowledging, held.back());
    held.pop_back();
  }
  void let_go() {
    for (const Assignments::Taken& each : held) finish(*acknowledging, each);
    held.clear();
  }

  bool poll(uint64_t nanoseconds = 0) { return acknowledge(nanoseconds) || move(); }

  // Sends so many messages as far as there is room, and does what there is to do.
  void use(uint64_t messages) {
    uint64_t sent = 0;
    for (int idle = 0; idle < 3;) {
      bool moved = sent < messages && sender.send_usual(kMillisecond / 4);
      sent += moved ? 1 : 0;
      moved = poll() || moved;
      idle = moved ? 0 : idle + 1;
    }
  }

  // The remaining participants go on: first without the sender, and then with it.
  void go_on(const char* when) {
    go_on(when, 0);
    go_on(when, kLap);
  }
  void go_on(const char* when, uint64_t messages) {
    all_go_on(
        when, messages, [&] { return lagging(); },
        [&](uint64_t patience) { return sender.send_usual(patience); },
        [&](uint64_t patience) { return poll(patience); },
        [&] { return std::make_pair(test.consumer(0).load_ordered(), end()); });
  }

  // As many messages can be held as the queue has member slots.
  void hold_all() {
    acknowledging.reset();
    moving.reset();
    receive();
    moving.reset();
    for (uint64_t i = 0; i < kMemberSlots + 1; ++i) {
      if (!sender.send(sizeof(Letter))) return complain("no room for small messages");
    }
    for (uint64_t i = 0; i < kMemberSlots; ++i) hold();
    const auto another = acknowledging->take_assignment(0);
    if (another.ok() || another.error().code != Errc::kTooManyConsumers) complain("too many seats");
    std::reverse(held.begin(), held.end());
    let_go();
    go_on("after all were held", 0);
  }

  uint64_t end() const {
    const uint64_t next = test.header().next.load_ordered();
    const uint64_t cursor = test.header().cursor.load_ordered();
    return next < cursor ? cursor : next;
  }
  bool lagging() const { return test.consumer(0).load_ordered() != end(); }

  TestRing test;
  Sender sender;
  std::optional<Sequencer> acknowledging;
  std::optional<Sequencer> moving;
  std::vector<Assignments::Taken> held;

 private:
  bool acknowledge(uint64_t nanoseconds) {
    if (!acknowledging) return false;
    const Assignments::Taken taken = take(*acknowledging, nanoseconds);
    if (taken.assignment.count == 0) return false;
    const auto id = read(*acknowledging, taken.assignment);
    if (id) arrived(*id, taken.assignment);
    finish(*acknowledging, taken);
    return true;
  }

  bool move() {
    if (!moving) return false;
    std::byte target[kPage];
    uint64_t length = 0;
    const auto moved = move_message(*moving, target, sizeof target, length);
    if (!moved.ok()) complain("move: error %d", static_cast<int>(moved.error().code));
    if (!moved.ok() || moved.value() == Moved::kNothing) return false;
    if (moved.value() == Moved::kTooLong) complain("longer than the queue");
    const auto id = read(target, length);
    if (id) done(*id);
    return true;
  }

  void finish(Sequencer& ring, const Assignments::Taken& taken) {
    if (!ring.finish_assignment(taken.member_slot)) complain("a share of the driver's is gone");
  }

  // A message has come whose mark can be seen.
  void arrived(uint64_t id, const Assignment& assignment) {
    const bool came_before = shared->done[id] || shared->finished[id];
    if (came_before && known.some_come_twice && assignment.redelivered && !child_lives()) return;
    done(id);
    if (sender.who == kLetters) return;
    if (shared->taken[id] != 0 && !assignment.redelivered)
      complain("%llu is not marked", number(id));
    known.unheard[id] = assignment.redelivered && shared->taken[id] == 0;
    if (assignment.redelivered) return;
    if (assignment.start < latest_start) complain("%llu comes too late", number(id));
    latest_start = assignment.start;
    uint64_t& latest = latest_of[shared->who[id]];
    if (id < latest) complain("%llu comes after %llu", number(id), number(latest));
    latest = id;
  }

  void done(uint64_t id) {
    if (sender.who == kLetters && shared->who[id] != kLetters) {
      if (!shared->moving[id]) complain("%llu is dead for no reason", number(id));
      if (known.buried[id]) complain("%llu is dead twice", number(id));
      known.buried[id] = true;
      return;
    }
    const bool childs = shared->taken[id] != 0 && !shared->orphan[id] && !shared->given_back[id];
    if (shared->done[id] || shared->finished[id]) complain("%llu came before", number(id));
    if (childs && child_lives()) complain("%llu is taken from the living", number(id));
    shared->done[id] = true;
  }

  uint64_t latest_start = 0;
  uint64_t latest_of[kLetters + 1] = {};
};

struct World {
  World() { queue.receive(); }

  void send(int times) {
    for (int i = 0; i < times; ++i) {
      if (!queue.sender.send_usual()) complain("no room for the driver");
    }
  }
  void fill() {
    while (queue.sender.send(500)) continue;
  }
  // Makes the next message begin in that cell.
  void turn_to(uint64_t cell) {
    const uint64_t cells = (cell + kCells - queue.end() % kCells) % kCells;
    queue.sender.send(cells * kCell - sizeof(MessageHeader));
    queue.go_on("turning", 0);
  }
  void claim_and_die(uint64_t length) {
    Sender dying{queue.test.sequencer(), kDead};
    if (!dying.claim(length)) complain("no room for the dead");
  }
  // Somebody takes a message and dies.
  void take_and_die() {
    Sequencer dying = queue.test.sequencer();
    join(dying);
    const Assignments::Taken taken = take(dying);
    const auto id = taken.assignment.count == 0 ? std::nullopt : read(dying, taken.assignment);
    if (!id) return complain("nothing for the dead");
    shared->taken[*id] = 1;
    shared->orphan[*id] = true;
  }

  // The same with several at a time.
  void take_together_and_die(uint64_t messages) {
    Sequencer dying = queue.test.sequencer();
    join(dying);
    TakeLimits limits;
    limits.messages = messages;
    const auto taken = dying.take_assignment(0, limits);
    if (!taken.ok()) return complain("nothing for the dead");
    uint64_t at = taken.value().assignment.start;
    for (uint64_t i = 0; i < messages; ++i) {
      const uint64_t cells = cells_of(header_of(dying, at).length);
      const auto id = read(dying, Assignment{at, cells});
      if (!id) return complain("nothing for the dead");
      shared->taken[*id] = 1;
      shared->orphan[*id] = true;
      at += cells;
    }
  }

  Side queue{kDriver};
  Side letters{kLetters};
};

Sequencer opened(const std::string& name) {
  auto segment = open_ring(name, Kind::kQueue);
  if (!segment.ok()) {
    complain("cannot attach: error %d", static_cast<int>(segment.error().code));
    _exit(1);
  }
  return Sequencer(std::move(segment.value()), {Strategy::kBlock, 0});
}

// The child.
struct Actor {
  // A message in the child's hands.
  struct Held {
    Assignments::Taken taken;
    uint64_t id = kMax;

    explicit operator bool() const { return id != kMax; }
  };

  Actor(std::string queue, std::string dead)
      : name(std::move(queue)), letters_name(std::move(dead)) {}

  void attach() { sender.emplace(Sender{opened(name), kChild}); }
  void consume() {
    attach();
    join(ring());
  }
  Sequencer& ring() { return sender->ring; }

  // Though others use the queue.
  Sender::Space claim(uint64_t length) {
    std::optional<Sender::Space> space;
    runner::await("room for the child", [&] {
      space = sender->claim(length, kMillisecond);
      if (shared->complaint[0] != '\0') _exit(1);
      return space.has_value();
    });
    return *space;
  }
  void send(uint64_t length) {
    const Sender::Space space = claim(length);
    sender->write(space);
    sender->commit(space);
  }

  bool send_at_once(uint64_t length) {
    const auto space = sender->claim(length);
    if (!space) return false;
    sender->write(*space);
    sender->commit(*space);
    return true;
  }

  // As Queue.tryDequeue(target). Whether there was one.
  bool move(uint64_t room = kPage) {
    uint64_t length = 0;
    const auto moved = move_message(ring(), childs_target, room, length);
    if (!moved.ok()) complain("the child moves: error %d", static_cast<int>(moved.error().code));
    if (!moved.ok() || moved.value() != Moved::kMoved) return false;
    return moved_out(childs_target, length);
  }

  // As Queue.tryDequeuePacked. How many there were.
  uint64_t move_together(uint64_t most, uint64_t room = kPage, uint64_t nanoseconds = 0) {
    std::vector<uint32_t> lengths(most);
    const auto moved =
        move_messages(ring(), childs_target, room, lengths.data(), most, nanoseconds);
    if (!moved.ok()) complain("the child moves: error %d", static_cast<int>(moved.error().code));
    if (!moved.ok()) return 0;
    const std::byte* at = childs_target;
    for (uint64_t i = 0; i < moved.value().count; ++i) {
      moved_out(at, lengths[i]);
      at += lengths[i];
    }
    return moved.value().count;
  }

  // As Queue.receive.
  Held receive(uint64_t nanoseconds = 0) {
    const Held held = take_one(nanoseconds);
    if (!held) return held;
    const uint64_t start = held.taken.assignment.start;
    const uint32_t deliveries = header_of(ring(), start).deliveries + 1;
    store("the number of deliveries", [&] {
      memcpy(place_of(ring(), start) + offsetof(MessageHeader, deliveries), &deliveries,
             sizeof deliveries);
    });
    return held;
  }
  void acknowledge(const Held& held) {
    if (!held) return;
    if (read(ring(), held.taken.assignment) != held.id) complain("a held message changes");
    shared->finishing[held.id] = true;
    if (!ring().finish_assignment(held.taken.member_slot))
      complain("a share of the child's is gone");
    shared->finished[held.id] = true;
  }
  void give_back(const Held& held) {
    if (!held) return;
    shared->given_back[held.id] = true;
    if (!ring().return_assignment(held.taken.member_slot))
      complain("a share of the child's is gone");
  }

  // As Queue.enqueueShift. False: what is in the way is in others' hands.
  bool shift(uint64_t length) {
    for (uint64_t stuck_at = kNowhere;;) {
      if (send_at_once(length)) return true;
      const uint64_t gate = ring().consumer_sequence(0);
      const Held oldest = gate == stuck_at ? Held{} : take_oldest();
      // Others may have made room meanwhile.
      if (!oldest) return send_at_once(length);
      acknowledge(oldest);
      if (ring().consumer_sequence(0) <= oldest.taken.assignment.start) {
        stuck_at = ring().consumer_sequence(0);
      }
    }
  }

  // As Queue.#message, of one that was given too often.
  void bury(const Held& held) {
    if (header_of(ring(), held.taken.assignment.start).deliveries < kMaxDeliveries) {
      return acknowledge(held);
    }
    const auto space = letters->claim(shared->length[held.id]);
    if (!space) return complain("no room among the dead letters");
    const std::byte* const from = place_of(ring(), held.taken.assignment.start);
    std::byte* const to = place_of(letters->ring, space->start);
    const uint64_t length = sizeof(MessageHeader) + shared->length[held.id];
    store("a dead letter", [&] {
      memcpy(to, from, length);
      memset(to + offsetof(MessageHeader, deliveries), 0, sizeof(uint32_t));
    });
    shared->moving[held.id] = true;
    letters->publish(*space);
    shared->moved[held.id] = true;
    acknowledge(held);
  }

  // A message that is not yet counted as delivered.
  Held take_one(uint64_t nanoseconds = 0) {
    const Assignments::Taken taken = take(ring(), nanoseconds);
    if (taken.assignment.count == 0) return {};
    const auto id = read(ring(), taken.assignment);
    if (!id) return {};
    const bool redelivered = taken.assignment.redelivered;
    if (shared->done[*id] || shared->finished[*id]) complain("%llu came to others", number(*id));
    if (shared->taken[*id] != 0 && !redelivered) complain("%llu arrived twice", number(*id));
    if (!redelivered && taken.assignment.start < latest)
      complain("%llu comes too late", number(*id));
    if (!redelivered) latest = taken.assignment.start;
    ++shared->taken[*id];
    shared->orphan[*id] = shared->given_back[*id] = false;
    return {taken, *id};
  }

  std::string name;
  std::string letters_name;
  std::optional<Sender> sender;
  std::optional<Sender> letters;
  std::vector<Sender::Space> spaces;
  std::vector<Held> messages;

 private:
  static bool moved_out(const std::byte* bytes, uint64_t length) {
    const auto id = read(bytes, length);
    if (!id) return false;
    const bool taken = shared->taken[*id] != 0 && !shared->orphan[*id];
    if (shared->done[*id] || taken) complain("%llu came twice", number(*id));
    shared->taken[*id] = 1;
    shared->orphan[*id] = false;
    shared->finished[*id] = shared->finishing[*id] = true;
    return true;
  }

  // As Queue.#oldest.
  Held take_oldest() {
    ring().unblock_data();
    return take_one();
  }

  uint64_t latest = 0;
};

struct Operation {
  const char* name;
  std::function<void(World&)> prepare;    // by the driver
  std::function<void(Actor&)> begin;      // by the child, before the points count
  std::function<void(Actor&)> act;        // by the child
  std::function<void(World&)> then = {};  // by the driver, before the queue goes on
};

void nothing(World&) {}
void attach(Actor& child) { child.attach(); }
void consume(Actor& child) { child.consume(); }
std::function<void(World&)> sends(int times) {
  return [times](World& world) { world.send(times); };
}
// The driver holds a claim in front of the child's until it sends.
Sender::Space claimed;
void claim_before(World& world) { claimed = *world.queue.sender.claim(usual_length(0)); }
void send_claimed(World& world) {
  world.queue.sender.write(claimed);
  world.queue.sender.commit(claimed);
}
void let_go(World& world) { world.queue.let_go(); }
void among_dropped(World& world) {
  for (int i = 0; i < 2; ++i) {
    const auto space = world.queue.sender.claim(100);
    world.queue.sender.write(*space);
    world.queue.sender.drop(*space);
    world.send(1);
  }
}
void among_gaps(World& world) {
  for (int i = 0; i < 2; ++i) {
    world.claim_and_die(100);
    world.send(1);
  }
  if (!world.queue.sender.ring.recover()) complain("nothing to recover");
}
void beside_the_dead(World& world) {
  world.send(3);
  world.take_and_die();
}

std::vector<Operation> operations() {
  return {
      {"enqueue", nothing, attach, [](Actor& child) { child.send(24); }},
      {"enqueue a message of several cells", nothing,
       [](Actor& child) {
         child.attach();
         child.send(100);
       },
       [](Actor& child) { child.send(700); }},
      {"enqueue round the end of the ring", [](World& world) { world.turn_to(kCells - 2); }, attach,
       [](Actor& child) { child.send(300); }},
      {"enqueue as much as there can be", [](World& world) { world.turn_to(kCells / 2); }, attach,
       [](Actor& child) { child.send(kPage - sizeof(MessageHeader)); }},
      {"enqueue behind another's claim", claim_before, attach,
       [](Actor& child) {
         child.send(50);
         child.send(200);
       },
       send_claimed},
      {"send spaces out of order", nothing,
       [](Actor& child) {
         child.attach();
         for (const uint64_t length : {40, 300, 24}) child.spaces.push_back(child.claim(length));
       },
       [](Actor& child) {
         for (const size_t i : {2, 1, 0}) {
           child.sender->write(child.spaces[i]);
           child.sender->commit(child.spaces[i]);
         }
       }},
      {"drop a space", sends(1), attach,
       [](Actor& child) {
         const Sender::Space space = child.claim(200);
         child.sender->write(space);
         child.sender->drop(space);
         child.send(30);
       }},
      {"enqueue several", nothing, attach,
       [](Actor& child) {
         child.sender->send_together({24, 300, 25});
       }},
      {"enqueue several behind another's claim", claim_before, attach,
       [](Actor& child) {
         child.sender->send_together({50, 24});
         child.sender->send_together({200});
       },
       send_claimed},
      {"enqueue several round the end of the ring", [](World& world) { world.turn_to(kCells - 2); },
       attach,
       [](Actor& child) {
         child.sender->send_together({30, 300, 40});
       }},
      {"enqueue more than there is room for", [](World& world) { world.turn_to(kCells / 2); },
       attach,
       [](Actor& child) {
         child.sender->send_together({1000, 900, 900, 900, 900, 24});
       }},
      {"first dequeue", sends(3), attach,
       [](Actor& child) {
         join(child.ring());
         child.move();
       }},
      {"dequeue", sends(3), consume,
       [](Actor& child) {
         while (child.move()) continue;
       }},
      {"dequeue several", sends(5), consume,
       [](Actor& child) {
         child.move_together(2);
         child.move_together(8);
       }},
      {"dequeue several round the end of the ring",
       [](World& world) {
         world.turn_to(kCells - 2);
         world.send(4);
       },
       consume, [](Actor& child) { child.move_together(3); }},
      {"dequeue several over dropped messages and gaps",
       [](World& world) {
         among_dropped(world);
         among_gaps(world);
       },
       consume,
       [](Actor& child) {
         while (child.move_together(3) != 0) continue;
       }},
      {"dequeue several that a dead one had",
       [](World& world) {
         world.send(4);
         world.take_together_and_die(3);
       },
       consume,
       [](Actor& child) {
         for (int i = 0; i < 4; ++i) child.move_together(3, kPage, 20 * kMillisecond);
       }},
      {"receive several that a dead one had",
       [](World& world) {
         world.send(4);
         world.take_together_and_die(3);
         // Who sees no marks.
         world.queue.moving.reset();
         known.some_come_twice = true;
       },
       consume,
       [](Actor& child) {
         for (int i = 0; i < 3; ++i) child.messages.push_back(child.receive(20 * kMillisecond));
         for (const Actor::Held& held : child.messages) child.acknowledge(held);
       }},
      {"dequeue round the end of the ring",
       [](World& world) {
         world.turn_to(kCells - 2);
         world.queue.sender.send(300);
       },
       consume, [](Actor& child) { child.move(); }},
      {"dequeue over dropped messages", among_dropped, consume,
       [](Actor& child) {
         while (child.move()) continue;
       }},
      {"dequeue over gaps", among_gaps, consume,
       [](Actor& child) {
         while (child.move()) continue;
       }},
      {"dequeue into too small a target", sends(3), consume,
       [](Actor& child) {
         child.move(sizeof(Letter) - 1);
         child.move();
       }},
      {"receive and acknowledge", sends(3), consume,
       [](Actor& child) {
         for (int i = 0; i < 2; ++i) child.acknowledge(child.receive());
       }},
      {"receive over gaps", among_gaps, consume,
       [](Actor& child) {
         for (int i = 0; i < 2; ++i) child.acknowledge(child.receive());
       }},
      {"acknowledge out of order", sends(4), consume,
       [](Actor& child) {
         for (int i = 0; i < 3; ++i) child.messages.push_back(child.receive());
         for (const size_t i : {1, 2, 0}) child.acknowledge(child.messages[i]);
       }},
      {"give back", sends(4), consume,
       [](Actor& child) {
         const Actor::Held first = child.receive();
         const Actor::Held second = child.receive();
         child.give_back(second);
         child.give_back(first);
         // Its own, or another.
         child.acknowledge(child.receive(kMillisecond));
       }},
      {"keep a message", sends(2), consume,
       [](Actor& child) {
         const Actor::Held first = child.take_one();
         if (!first) return;
         child.ring().keep_assignment(first.taken.member_slot);
         shared->taken[first.id] = 0;
         const Actor::Held again = child.receive();
         if (again.id != first.id) complain("what was kept is not the next");
         child.acknowledge(again);
       }},
      {"take over a dead one's message", beside_the_dead, consume,
       [](Actor& child) {
         for (int i = 0; i < 3; ++i) child.acknowledge(child.receive(20 * kMillisecond));
       }},
      {"take over a message that was taken over", beside_the_dead,
       [](Actor& child) {
         child.consume();
         child.messages.push_back(child.receive());
         for (int i = 0; i < 3; ++i) child.messages.push_back(child.receive(20 * kMillisecond));
       },
       [](Actor& child) {
         child.give_back(child.messages[0]);
         for (size_t i = child.messages.size(); i > 1; --i) {
           child.give_back(child.messages[i - 1]);
         }
       }},
      {"take a dead one's seat", beside_the_dead, attach,
       [](Actor& child) {
         join(child.ring());
         child.acknowledge(child.receive());
       }},
      {"shift", [](World& world) { world.fill(); }, consume,
       [](Actor& child) {
         if (!child.shift(300)) complain("nothing to drop");
       }},
      {"shift as the first", [](World& world) { world.fill(); }, attach,
       [](Actor& child) {
         join(child.ring());
         if (!child.shift(1000)) complain("nothing to drop");
       }},
      {"shift while others hold",
       [](World& world) {
         world.fill();
         // With a member slot to spare: who is stopped while it takes one keeps it from others.
         for (int i = 0; i < 3; ++i) world.queue.hold();
         world.queue.let_go_latest();
       },
       consume, [](Actor& child) { child.shift(300); }, let_go},
      {"shift what the dead held",
       [](World& world) {
         world.fill();
         world.take_and_die();
       },
       consume, [](Actor& child) { child.shift(300); }},
      {"shift what the child holds", [](World& world) { world.fill(); },
       [](Actor& child) {
         child.consume();
         child.messages.push_back(child.receive());
       },
       [](Actor& child) {
         if (child.shift(300) && !child.messages[0]) complain("dropped what was held");
         child.acknowledge(child.messages[0]);
       }},
      {"move to the dead letters", sends(3),
       [](Actor& child) {
         child.consume();
         for (uint32_t i = 0; i < kMaxDeliveries; ++i) {
           const Actor::Held held = child.receive(20 * kMillisecond);
           if (i + 1 == kMaxDeliveries) {
             child.messages.push_back(held);
           } else {
             child.give_back(held);
           }
         }
         child.letters.emplace(Sender{opened(child.letters_name), kChild});
       },
       [](Actor& child) {
         child.bury(child.messages[0]);
         child.acknowledge(child.receive());
       }},
      {"close with messages in hand", sends(3),
       [](Actor& child) {
         child.consume();
         for (int i = 0; i < 2; ++i) child.messages.push_back(child.receive());
       },
       [](Actor& child) {
         for (const Actor::Held& held : child.messages) shared->given_back[held.id] = true;
         child.ring().leave();
       }},
  };
}

// What was promised, when all is over.
void verify(bool killed) {
  bool in_target[kMax] = {};
  Letter letter{};
  for (uint64_t at = 0; at + sizeof letter <= kPage; at += shared->length[letter.id]) {
    memcpy(&letter, childs_target + at, sizeof letter);
    if (!is_known(letter) || at + shared->length[letter.id] > kPage) break;
    in_target[letter.id] = true;
  }
  for (uint64_t id = 0; id < kMax; ++id) {
    const bool committed = shared->fate[id] == Fate::kCommitted;
    const bool arrived =
        shared->done[id] || shared->finishing[id] || known.buried[id] || (killed && in_target[id]);
    if (committed && !arrived) complain("%llu is lost", number(id));
    if (known.unheard[id] && !killed) complain("%llu was redelivered", number(id));
    if (shared->moved[id] && !known.buried[id]) complain("%llu is no dead letter", number(id));
    if (known.buried[id] && shared->done[id] && !killed) complain("%llu is twice", number(id));
  }
}

void run(const Operation& operation, Way how, uint32_t point) {
  known = {};
  if (!childs_target) childs_target = runner::assignment<Target>()->bytes;
  memset(childs_target, 0xff, kPage);
  World world;
  operation.prepare(world);
  Actor actor(world.queue.test.name, world.letters.test.name);
  Child child(
      how, point, [&] { operation.begin(actor); }, [&] { operation.act(actor); });
  finish(
      child, how, [&] { world.queue.use(2 * kLap); }, [&] { world.queue.use(0); });
  if (!child.killed() && !child.done()) return;
  if (operation.then) operation.then(world);
  world.queue.go_on("at the end");
  world.letters.receive();
  world.letters.go_on("among the dead letters");
  if (shared->complaint[0] != '\0') return;
  world.queue.hold_all();
  verify(child.killed());
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::pair<std::string, Run>> runs;
  for (const Operation& operation : operations()) {
    runs.emplace_back(operation.name,
                      [operation](Way how, uint32_t at) { run(operation, how, at); });
  }
  return run_all(runs, count, arguments);
}
