// Dying and stopping at every step of publishing to a broadcast, alone and among others, of taking
// over from the dead and of replacing: see failpoints.h. What was promised is: what was published
// is received, whole and in its place, by everybody who is in time; what was not is never received;
// nobody publishes to a broadcast that was replaced; and the others go on without waiting.
//
// Arguments: none for all, or a part of the operations' names.
#include <memory>

#include "../../addon/core/publisher.h"
#include "../../addon/core/subscriber.h"
#include "failpoints.h"

using namespace failpoints;

namespace {

using Outcome = Received::Outcome;

// More than are published in one run: nobody is overtaken, and what is lost was published by
// nobody.
constexpr uint64_t kRoomy = kMax;

struct Terms {
  Producers producers = Producers::kMulti;
  uint64_t elements = kRoomy;
};

RingCreation creation_of(const Terms& terms) {
  RingCreation creation;
  creation.kind = Kind::kBroadcast;
  creation.geometry = {terms.elements, sizeof(Message), kNotifyEntries,
                       terms.producers == Producers::kSingle ? uint64_t{1} : uint64_t{4}};
  creation.policy.producers = terms.producers;
  return creation;
}

// Publishes, and remembers what in `shared`.
struct Sender {
  Sender(const std::string& name, uint64_t self) : who(self) {
    auto opened = open_ring(name, Kind::kBroadcast);
    if (!opened.ok()) {
      complain("opening: error %d", static_cast<int>(opened.error().code));
      return;
    }
    publisher = std::make_unique<Publisher>(std::move(opened.value()));
  }

  // What is in a message cannot say where it will be: that is known afterwards.
  void note(uint64_t sequence) const {
    if (sequence >= kMax) {
      complain("the run is too long");
      return;
    }
    shared->who[sequence] = static_cast<uint8_t>(who);
    shared->fate[sequence] = Fate::kCommitted;
  }

  // The error, or kNone.
  Errc publish() {
    const Message message = sealed(++count);
    const auto sequence =
        publisher->publish(reinterpret_cast<const std::byte*>(&message), sizeof message);
    if (!sequence.ok()) return sequence.error().code;
    note(sequence.value());
    return Errc::kNone;
  }

  Errc write_in_place(bool drops) {
    const auto sequence = publisher->claim();
    if (!sequence.ok()) return sequence.error().code;
    const Message message = sealed(++count);
    std::memcpy(publisher->segment().slot(publisher->held_slot()).bytes(), &message,
                sizeof message);
    if (drops) {
      publisher->abort();
      shared->orphan[sequence.value()] = true;
    } else {
      publisher->commit(sizeof message);
      note(sequence.value());
    }
    return Errc::kNone;
  }

  Message sealed(uint64_t number) const {
    Message message{who, number, 0};
    message.check = message.expected();
    return message;
  }

  std::unique_ptr<Publisher> publisher;
  uint64_t who;
  uint64_t count = 0;
};

void insist(Errc code) {
  if (code != Errc::kNone) complain("publishing: error %d", static_cast<int>(code));
}

// A subscriber that checks what it gets.
struct Listener {
  Listener(const std::string& name, bool is_roomy)
      : subscriber(std::move(open_for_reading(name).value()), Waiting{}), roomy(is_roomy) {
    subscriber.seek(0);
  }

  // Whether there was anything.
  bool poll() {
    std::byte place[sizeof(Message)];
    if (waiting_since == 0) waiting_since = os::now_nanoseconds();
    const auto received = subscriber.receive(place, sizeof place, 0);
    if (!received.ok()) {
      replaced = received.error().code == Errc::kSegmentReplaced;
      if (!replaced) complain("receiving: error %d", static_cast<int>(received.error().code));
      return false;
    }
    const auto& [outcome, sequence, length, lost] = received.value();
    if (outcome == Outcome::kNothing) return false;
    Message message{};
    std::memcpy(&message, place, sizeof message);
    if (length != sizeof message || message.check != message.expected()) {
      complain("%llu is torn", number(sequence));
    }
    if (sequence < next + lost) complain("%llu after %llu", number(sequence), number(next));
    if (sequence >= kMax) {
      complain("the run is too long");
      return false;
    }
    // Who died before it could say so may have published it.
    if (shared->fate[sequence] == Fate::kCommitted && shared->who[sequence] != message.who) {
      complain("%llu is another one's", number(sequence));
    }
    if (shared->orphan[sequence]) complain("%llu was aborted", number(sequence));
    if (message.sequence <= last[message.who]) complain("%llu is early", number(sequence));
    if (lost != 0) pass(sequence);
    waiting_since = 0;
    last[message.who] = message.sequence;
    got[sequence] = true;
    losses += lost;
    next = sequence + 1;
    return true;
  }

  // How long we were stopped ourselves is nobody's promise: whoever stands still for as long as we
  // wait is passed, and not before.
  void pass(uint64_t until) {
    if (roomy && os::now_nanoseconds() - waiting_since < Subscriber::kPatience) {
      complain("%llu is passed at once", number(next));
    }
    for (uint64_t s = next; s < until; ++s) passed[s] = true;
  }

  Subscriber subscriber;
  // Whether nobody is overtaken: who is told of losses has then passed somebody.
  bool roomy;
  uint64_t waiting_since = 0;
  uint64_t next = 0;
  uint64_t losses = 0;
  uint64_t last[kDead + 1] = {};
  bool got[kMax] = {};
  bool passed[kMax] = {};
  bool replaced = false;
};

// One run as the driver sees it.
struct World {
  explicit World(const Terms& given)
      : terms(given), test(creation_of(given)), listener(test.name, given.elements == kRoomy) {}

  Sender& driver() {
    if (!sender) sender = std::make_unique<Sender>(test.name, kDriver);
    return *sender;
  }

  // As many as that, by the driver: nobody waits for another one.
  void use(uint64_t messages) {
    for (uint64_t i = 0; i < messages; ++i) {
      const uint64_t begin = os::now_nanoseconds();
      insist(driver().publish());
      const uint64_t took = os::now_nanoseconds() - begin;
      if (took > longest_stall) longest_stall = took;
    }
    while (listener.poll()) {
    }
  }

  // All that is to be had.
  void listen() {
    runner::await("the newest message", [&] {
      while (listener.poll()) continue;
      return listener.next == listener.subscriber.newest() || shared->complaint[0] != '\0';
    });
  }

  void verify(bool killed) {
    listen();
    uint64_t missing = 0;
    for (uint64_t s = 0; s < listener.next; ++s) {
      missing += listener.got[s] ? 0 : 1;
      const bool in_time = listener.roomy && !listener.passed[s];
      if (in_time && !listener.got[s] && shared->fate[s] == Fate::kCommitted) {
        complain("%llu is lost", number(s));
      }
    }
    if (listener.losses > missing) complain("more lost than is missing");
    // With one publisher everybody knows what was published; among several, the dead may have taken
    // a sequence that nobody knows of.
    const bool counted = terms.producers == Producers::kSingle || !killed;
    if (listener.roomy && counted && listener.losses != 0 && !stood_still) {
      complain("%llu lost", number(listener.losses));
    }
  }

  Terms terms;
  TestRing test;
  std::unique_ptr<Sender> sender;
  Listener listener;
  bool stood_still = false;
};

using Act = std::function<void(Sender&)>;

struct Operation {
  const char* name;
  Act begin;  // unarmed
  Act act;
  Terms terms = {};
  // Before the child is there; it may leave what the dead leave.
  std::function<void(World&)> prepare = {};
};

// Somebody who dies in the middle of a message.
void die_open(World& world) {
  const pid_t pid = fork();
  if (pid == 0) {
    Sender dying(world.test.name, kDead);
    insist(dying.publish());
    if (dying.publisher->claim().ok()) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFSIGNALED(status)) complain("nobody died");
}

void nothing(Sender&) {}
void once(Sender& child) { insist(child.publish()); }
void twice(Sender& child) {
  once(child);
  once(child);
}
void in_place(Sender& child) { insist(child.write_in_place(false)); }
void in_vain(Sender& child) { insist(child.write_in_place(true)); }

const std::vector<Operation>& operations() {
  constexpr Terms kSole = {Producers::kSingle};
  constexpr Terms kSmall = {Producers::kMulti, 3};
  constexpr Terms kSoleSmall = {Producers::kSingle, 3};
  static const std::vector<Operation> all = {
      {"publish for the first time, alone", nothing, once, kSole},
      {"publish for the first time, among others", nothing, once},
      {"publish alone", once, twice, kSole},
      {"publish among others", once, twice},
      {"publish alone, over and over", once,
       [](Sender& child) {
         for (int i = 0; i < 4; ++i) once(child);
       },
       kSoleSmall},
      {"publish among others, over and over", once,
       [](Sender& child) {
         for (int i = 0; i < 4; ++i) once(child);
       },
       kSmall},
      {"claim and commit alone", once, in_place, kSole},
      {"claim and commit among others", once, in_place},
      {"abort alone", once, in_vain, kSole},
      {"abort among others", once, in_vain},
      {"take over from a dead one, alone", nothing, twice, kSole, die_open},
      {"take over from a dead one, among others", nothing, twice, {}, die_open},
      {"take the slot of a dead one", nothing,
       [](Sender& child) {
         for (int i = 0; i < 4; ++i) once(child);
       },
       kSmall, die_open},
      {"leave in the middle of a message",
       [](Sender& child) {
         if (!child.publisher->claim().ok()) complain("no claim");
       },
       [](Sender& child) { child.publisher.reset(); }},
  };
  return all;
}

void run(const Operation& operation, Way how, uint32_t point) {
  World world(operation.terms);
  const bool single = operation.terms.producers == Producers::kSingle;
  if (operation.prepare) operation.prepare(world);
  if (!single) world.use(1);
  // The child opens it before the first point: fork has copied the driver's file, and its locks.
  std::unique_ptr<Sender> sender;
  Child child(
      how, point,
      [&] {
        sender = std::make_unique<Sender>(world.test.name, kChild);
        if (sender->publisher) operation.begin(*sender);
      },
      [&] {
        if (sender->publisher) operation.act(*sender);
      });
  const auto pause = [&] {
    if (!single) world.use(5);
    world.stood_still = true;
    // Others than the publishers go on as well: what stands still is passed.
    while (world.listener.poll()) {
    }
  };
  finish(child, how, pause, [&] {
    while (world.listener.poll()) {
    }
  });
  if (shared->complaint[0] != '\0' || (!child.killed() && !child.done())) return;
  // Whoever is left goes on at once, and gets what there is.
  world.use(5);
  world.verify(child.killed());
}

// The child replaces the broadcast while the driver publishes.
void replace(const Terms& terms, Way how, uint32_t point) {
  World world(terms);
  world.use(2);
  Child child(
      how, point, [] {},
      [&] {
        RingCreation creation = creation_of(terms);
        creation.existing = Existing::kReplace;
        const auto created = create_ring(world.test.name, creation);
        if (!created.ok()) complain("replacing: error %d", static_cast<int>(created.error().code));
      });
  // Either it goes on, or it is told that it was replaced: then by everything.
  bool told = false;
  const auto look = [&] {
    while (world.listener.poll()) {
    }
    const Errc code = world.driver().publish();
    if (code == Errc::kSegmentReplaced) told = true;
    if (code != Errc::kNone && code != Errc::kSegmentReplaced) insist(code);
    if (code == Errc::kNone && told) complain("published after all");
  };
  finish(
      child, how, [&] { look(); }, look);
  if (shared->complaint[0] != '\0') return;
  look();
  if (told) {
    // All that was published before is received, and then the listener is told.
    runner::await("the listener to be told", [&] {
      while (world.listener.poll()) continue;
      return world.listener.replaced || shared->complaint[0] != '\0';
    });
  } else {
    world.verify(false);
    if (!child.killed()) complain("it was replaced, and nobody was told");
  }
  // The name is there for the next.
  RingCreation creation = creation_of(terms);
  creation.existing = Existing::kReplace;
  const auto next = create_ring(world.test.name, creation);
  if (!next.ok()) complain("the next: error %d", static_cast<int>(next.error().code));
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::pair<std::string, Run>> runs;
  for (const Operation& operation : operations()) {
    runs.emplace_back(operation.name,
                      [operation](Way how, uint32_t at) { run(operation, how, at); });
  }
  for (const Producers producers : {Producers::kSingle, Producers::kMulti}) {
    runs.emplace_back(producers == Producers::kSingle ? "replace, alone" : "replace, among others",
                      [producers](Way how, uint32_t at) {
                        replace({producers, kRoomy}, how, at);
                      });
  }
  return run_all(runs, count, arguments);
}
