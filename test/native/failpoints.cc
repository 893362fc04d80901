// Dying and stopping at every step of producing, consuming, creating and replacing: see
// failpoints.h. What was promised is: what was committed arrives, once and whole and in its place;
// what was claimed and never committed is reported as lost; nobody who lives loses anything.
//
// Arguments: none for all, or a part of the operations' names.
#include "failpoints.h"

#include <atomic>
#include <memory>
#include <thread>

using namespace failpoints;

namespace {

// A participant that consumes, and checks what it gets.
struct Reader {
  enum class Saw : uint8_t { kNothing, kData, kGap };

  Reader(Sequencer sequencer, uint64_t consumer) : ring(std::move(sequencer)), index(consumer) {
    const Status attached = ring.attach_consumer(index, os::Hold::kExclusive);
    if (!attached.ok()) complain("consumer %llu is refused", number(index));
    first = position = ring.consumer_sequence(index);
  }

  bool poll(uint64_t nanoseconds = 0) {
    const uint64_t before = position;
    const auto batch = ring.consume(index, nanoseconds);
    if (!batch.ok()) {
      complain("consume by %llu: error %d", number(index), static_cast<int>(batch.error().code));
      return false;
    }
    while (ring.gap_count() > 0) {
      const Gap gap = ring.next_gap();
      note(gap.begin, gap.end, Saw::kGap);
    }
    const auto [start, count, redelivered] = batch.value();
    if (redelivered) complain("a consumer is no group");
    if (count == 0) return position != before;
    note(start, start + count, Saw::kData);
    if (!ring.commit_consumed(index, start, start + count)) complain("consumed, but moved");
    return true;
  }

  Sequencer ring;
  uint64_t index;
  uint64_t first = 0;
  uint64_t position = 0;
  Saw saw[kMax] = {};

 private:
  void note(uint64_t begin, uint64_t end, Saw what) {
    if (begin != position || end > kMax) {
      complain("consumer %llu at %llu got [%llu, %llu)", number(index), number(position),
               number(begin), number(end));
      return;
    }
    for (uint64_t s = begin; s < end; ++s) {
      saw[s] = what;
      if (what == Saw::kGap) continue;
      const Message message = *message_at(ring, s);
      const bool whole = message.sequence == s && message.check == message.expected();
      if (!whole || message.who != shared->who[s] || shared->fate[s] == Fate::kUnclaimed) {
        complain("%llu arrived with %llu of %llu", number(s), number(message.sequence),
                 number(message.who));
      }
    }
    position = end;
  }
};

// One run as the driver sees it: one producer and two consumers, of which the child may be one.
struct World {
  World(RingPolicy policy, bool child_consumes, const std::string& name = unique_name())
      : test(TestRing::creation_of({kElements, sizeof(Message), 2}, policy), name),
        producer{test.sequencer(), kDriver} {
    readers.push_back(std::make_unique<Reader>(test.sequencer(), 0));
    if (!child_consumes) readers.push_back(std::make_unique<Reader>(test.sequencer(), 1));
  }

  // Somebody who claims so many and dies.
  void claim_and_die(uint64_t count) {
    Producer dying{test.sequencer(), kDead};
    const auto start = dying.claim(count);
    for (uint64_t i = 0; i < count; ++i) shared->orphan[*start + i] = true;
  }

  bool poll(uint64_t nanoseconds = 0) {
    bool moved = false;
    for (const auto& reader : readers) moved = reader->poll(nanoseconds) || moved;
    return moved;
  }

  // Sends so many messages as far as there is room, and does what there is to do.
  void use(uint64_t messages) {
    uint64_t sent = 0;
    for (int idle = 0; idle < 3;) {
      bool moved = sent < messages && producer.send(kMillisecond / 4);
      sent += moved ? 1 : 0;
      moved = poll() || moved;
      moved = producer.ring.recover() || moved;
      idle = moved ? 0 : idle + 1;
    }
  }

  void go_on(const char* when) {
    all_go_on(
        when, 2 * kElements, [&] { return lagging(); },
        [&](uint64_t patience) { return producer.send(patience); },
        [&](uint64_t patience) { return poll(patience); },
        [&] { return std::make_pair(producer.ring.cursor(), producer.ring.next()); });
  }

  bool lagging() const {
    for (const auto& reader : readers) {
      if (reader->position != producer.ring.next()) return true;
    }
    return false;
  }

  TestRing test;
  Producer producer;
  std::vector<std::unique_ptr<Reader>> readers;
};

// The child.
struct Actor {
  explicit Actor(const std::string& ring) : name(ring) {}

  void attach() {
    auto opened = open_ring(name);
    if (!opened.ok()) {
      complain("cannot attach: error %d", static_cast<int>(opened.error().code));
      return;
    }
    producer.emplace(Producer{Sequencer(std::move(opened.value()), {Strategy::kBlock, 0}), kChild});
  }
  Sequencer& ring() { return producer->ring; }

  // Though others use the ring.
  uint64_t claim(uint64_t count) {
    std::optional<uint64_t> start;
    runner::await("room for the child", [&] {
      start = producer->claim(count, kMillisecond);
      if (shared->complaint[0] != '\0') _exit(1);
      return start.has_value();
    });
    return *start;
  }
  void commit(uint64_t start, uint64_t count) {
    if (!producer->commit(start, count)) complain("a commit of the child was refused");
  }
  void be_consumer() {
    if (!ring().attach_consumer(1, os::Hold::kExclusive).ok()) complain("the child is refused");
  }
  // As consumer 1.
  Batch consume(uint64_t nanoseconds = 0) {
    const auto batch = ring().consume(1, nanoseconds);
    if (!batch.ok()) {
      complain("consume by the child: error %d", static_cast<int>(batch.error().code));
      return {};
    }
    const auto [start, count, redelivered] = batch.value();
    for (uint64_t s = start; s < start + count; ++s) {
      if (++shared->taken[s] > 1) complain("%llu arrived twice", number(s));
    }
    return batch.value();
  }
  void give_back(Batch batch) {
    if (batch.count == 0) return;
    shared->giving = batch.start + batch.count;
    if (!ring().commit_consumed(1, batch.start, shared->giving)) complain("consumed, but moved");
    shared->given = shared->giving;
  }
  // Until a word of the driver's says that somebody sleeps.
  void await_sleeper(const Word& word) {
    runner::await("the driver's sleeper", [&] { return announced(word); });
  }

  std::string name;
  std::optional<Producer> producer;
  Batch taken;
  std::vector<uint64_t> claims;
};

enum class Sleeper { kNone, kConsumer, kProducer };

// On which ring the child acts, and as whom.
struct Terms {
  RingPolicy policy = {};
  bool consumes = false;  // whether it is consumer 1
  Sleeper sleeper = Sleeper::kNone;
};

constexpr RingPolicy kDetach{Orphans::kSkip, DeadConsumers::kDetach};
constexpr RingPolicy kHold{Orphans::kHold, DeadConsumers::kHold};
constexpr Terms kHolding{kHold};
constexpr Terms kDetaching{kDetach, true};
constexpr Terms kConsumer{{}, true};
constexpr Terms kWakesConsumer{{}, false, Sleeper::kConsumer};
constexpr Terms kWakesProducer{{}, true, Sleeper::kProducer};

struct Operation {
  const char* name;
  std::function<void(World&)> prepare;  // by the driver
  std::function<void(Actor&)> begin;    // by the child, before the points count
  std::function<void(Actor&)> act;      // by the child
  Terms terms = {};
  std::function<void(World&)> then = {};          // by the driver, before the ring goes on
  std::function<void(World&)> while_paused = {};  // by the driver, before it uses the ring
};

void nothing(World&) {}
void attach(Actor& child) { child.attach(); }
void send_three(World& world) {
  for (int i = 0; i < 3; ++i) world.producer.send();
  world.readers[0]->poll();
}
// The driver holds a claim in front of the child's until `let_go`.
uint64_t held_claim = 0;
void hold_claim(World& world) { held_claim = *world.producer.claim(2); }
void let_go(World& world) {
  if (!world.producer.commit(held_claim, 2)) complain("the driver's commit was refused");
}
// Consumer 1 has been there and is dead, and the ring is full.
void full_before_dead_consumer(World& world) {
  {
    Sequencer dying = world.test.sequencer();
    if (!dying.attach_consumer(1, os::Hold::kExclusive).ok()) complain("no consumer 1");
  }
  for (uint64_t i = 0; i < kElements; ++i) world.producer.send();
  world.readers[0]->poll();
}
void detached_consumer(World& world) {
  full_before_dead_consumer(world);
  if (!world.producer.send(kMillisecond)) complain("consumer 1 was not detached");
}
// Whether the driver has taken the dead one's claim over.
bool taken_over = false;
void take_over(Actor& child) {
  const auto taken = child.ring().take_over(0, 2);
  if (!taken.ok()) complain("take_over: error %d", static_cast<int>(taken.error().code));
  // Refused when others have closed it before it was the child's.
  if (taken.ok() && taken.value()) child.commit(0, 3);
}

std::vector<Operation> operations() {
  return {
      {"attach", nothing, [](Actor&) {}, attach},
      {"first claim", nothing, attach, [](Actor& child) { child.commit(child.claim(1), 1); }},
      {"claim many", nothing,
       [](Actor& child) {
         child.attach();
         child.commit(child.claim(1), 1);
       },
       [](Actor& child) { child.commit(child.claim(3), 3); }},
      {"claim behind a dead one", [](World& world) { world.claim_and_die(2); }, attach,
       [](Actor& child) { child.commit(child.claim(2), 2); }},
      {"more claims than an entry has", nothing, attach,
       [](Actor& child) {
         // Others may have taken the rest of the ring.
         for (uint64_t i = 0; i < kElements; ++i) {
           const auto claim = child.producer->claim(1);
           if (claim) child.claims.push_back(*claim);
         }
         for (const uint64_t claim : child.claims) child.commit(claim, 1);
       }},
      {"commit in order", nothing,
       [](Actor& child) {
         child.attach();
         child.claims = {child.claim(2)};
       },
       [](Actor& child) { child.commit(child.claims[0], 2); }},
      {"commit out of order",
       hold_claim,
       [](Actor& child) {
         child.attach();
         child.claims = {child.claim(1), child.claim(2)};
       },
       [](Actor& child) {
         child.commit(child.claims[1], 2);
         child.commit(child.claims[0], 1);
       },
       {},
       let_go},
      {"commit and help", [](World&) {},
       [](Actor& child) {
         child.attach();
         child.claims = {child.claim(1), child.claim(1), child.claim(1)};
         child.commit(child.claims[2], 1);
         child.commit(child.claims[1], 1);
       },
       [](Actor& child) { child.commit(child.claims[0], 1); }},
      {"consume and commit", send_three,
       [](Actor& child) {
         child.attach();
         child.be_consumer();
       },
       [](Actor& child) { child.give_back(child.consume()); }, kConsumer},
      {"consume over a gap",
       [](World& world) {
         world.claim_and_die(2);
         world.producer.send();
         if (!world.producer.ring.recover()) complain("nothing to recover");
         world.readers[0]->poll();
       },
       [](Actor& child) {
         child.attach();
         child.be_consumer();
       },
       [](Actor& child) { child.give_back(child.consume()); }, kConsumer},
      {"consume, waiting",
       [](World& world) {
         world.claim_and_die(1);
         world.producer.send();
       },
       [](Actor& child) {
         child.attach();
         child.be_consumer();
       },
       [](Actor& child) {
         for (int i = 0; i < 2; ++i) child.give_back(child.consume(kMillisecond));
       },
       kConsumer},
      {"attach as consumer", send_three, attach, [](Actor& child) { child.be_consumer(); },
       kConsumer},
      {"ignore", send_three,
       [](Actor& child) {
         child.attach();
         child.be_consumer();
       },
       [](Actor& child) { child.ring().ignore(1); }, kConsumer},
      {"recover",
       [](World& world) {
         world.claim_and_die(2);
         world.producer.send();
         world.claim_and_die(1);
         world.producer.send();
       },
       attach,
       [](Actor& child) {
         while (child.ring().recover()) continue;
       }},
      {"recover what another takes over",
       [](World& world) { world.claim_and_die(3); },
       attach,
       [](Actor& child) { child.ring().recover(); },
       {},
       [](World& world) {
         if (taken_over && !world.producer.commit(0, 3)) complain("what was taken over was closed");
       },
       [](World& world) {
         const auto taken = world.producer.ring.take_over(0, 2);
         taken_over = taken.ok() && taken.value();
       }},
      {"take over and commit", [](World& world) { world.claim_and_die(3); }, attach, take_over,
       kHolding,
       [](World& world) {
         const auto taken = world.producer.ring.take_over(0, 2);
         if (taken.ok() && taken.value()) world.producer.commit(0, 3);
       }},
      {"take over what others close", [](World& world) { world.claim_and_die(3); }, attach,
       take_over},
      {"detach a dead consumer", full_before_dead_consumer, attach,
       [](Actor& child) { child.commit(child.claim(2), 2); }, kDetaching},
      {"come back as consumer", detached_consumer, attach,
       [](Actor& child) {
         child.be_consumer();
         shared->first = shared->giving = shared->given = child.ring().consumer_sequence(1);
         child.give_back(child.consume());
       },
       kDetaching},
      {"wake a consumer", nothing,
       [](Actor& child) {
         child.attach();
         child.await_sleeper(child.ring().data_waiters());
       },
       [](Actor& child) { child.commit(child.claim(1), 1); }, kWakesConsumer},
      {"wake a producer",
       [](World& world) {
         for (uint64_t i = 0; i < kElements; ++i) world.producer.send();
         world.readers[0]->poll();
       },
       [](Actor& child) {
         child.attach();
         child.be_consumer();
         child.taken = child.consume();
         child.await_sleeper(child.ring().space_waiters());
       },
       [](Actor& child) { child.give_back(child.taken); }, kWakesProducer},
      {"set the status", nothing,
       [](Actor& child) {
         child.attach();
         child.await_sleeper(child.ring().data_waiters());
       },
       [](Actor& child) { child.ring().set_status(7); }, kWakesConsumer},
  };
}
/// Whoever sleeps while the child acts.
class Asleep {
 public:
  Asleep(World& world, Sleeper sleeper) : world_(world) {
    if (sleeper == Sleeper::kConsumer) {
      thread_ = std::thread([this] {
        while (!quit_) world_.readers[0]->poll(kSlice);
      });
    } else if (sleeper == Sleeper::kProducer) {
      thread_ = std::thread([this] {
        while (!quit_ && !world_.producer.send(kSlice)) continue;
        quit_ = true;
      });
    }
  }
  ~Asleep() { end(); }
  void end() {
    quit_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Waits until the sleeper has got what there is.
  void await(Sleeper sleeper) {
    if (sleeper == Sleeper::kNone) return;
    const TestRing& test = world_.test;
    runner::await("the sleeper to get what there is", [&] {
      if (shared->complaint[0] != '\0') return true;
      if (sleeper == Sleeper::kConsumer) {
        return test.consumer(0).load_ordered() == test.header().next.load_ordered();
      }
      if (!quit_) world_.poll();
      return quit_.load();
    });
  }

 private:
  // A child that dies before it wakes the sleeper leaves it to look by itself.
  static constexpr uint64_t kSlice = 10 * kMillisecond;

  World& world_;
  std::thread thread_;
  std::atomic<bool> quit_{false};
};

// What was promised about every sequence, when all is over.
void verify(const World& world, const Operation& operation, bool killed) {
  const Reader& witness = *world.readers[0];
  for (uint64_t s = 0; s < witness.position; ++s) {
    const bool lost = witness.saw[s] == Reader::Saw::kGap;
    if (lost && shared->fate[s] == Fate::kCommitted) complain("%llu is lost", number(s));
    if (lost && !killed && !shared->orphan[s]) complain("%llu was closed", number(s));
    if (!lost && !killed && shared->fate[s] != Fate::kCommitted) complain("%llu?", number(s));
  }
  if (world.readers.size() < 2) return;
  const Reader& other = *world.readers[1];
  for (uint64_t s = other.first; s < other.position; ++s) {
    if (other.saw[s] != witness.saw[s]) complain("%llu differs", number(s));
  }
  if (!operation.terms.consumes || operation.terms.policy.dead_consumers == DeadConsumers::kDetach)
    return;
  // Who comes after a consumer that died goes on where it was.
  if (other.first < shared->given) complain("given back, and given again");
  for (uint64_t s = 0; s < other.first; ++s) {
    const bool lost = witness.saw[s] == Reader::Saw::kGap;
    if (!lost && (shared->taken[s] == 0 || s >= shared->giving))
      complain("%llu skipped", number(s));
  }
}

void run(const Operation& operation, Way how, uint32_t point) {
  World world(operation.terms.policy, operation.terms.consumes);
  taken_over = false;
  operation.prepare(world);
  Actor actor(world.test.name);
  Child child(
      how, point, [&] { operation.begin(actor); }, [&] { operation.act(actor); });
  Asleep asleep(world, operation.terms.sleeper);
  const bool alone = operation.terms.sleeper == Sleeper::kNone;
  const auto use = [&](uint64_t messages) {
    if (alone) world.use(messages);
  };
  const auto pause = [&] {
    if (operation.while_paused) operation.while_paused(world);
    use(3 * kElements);
  };
  finish(child, how, pause, [&] { use(0); });
  if (operation.then) operation.then(world);
  const bool detaches = operation.terms.policy.dead_consumers == DeadConsumers::kDetach;
  if (detaches) world.go_on("without the consumer");
  const bool ignored = world.test.consumer(1).load_ordered() == kIgnored;
  if (operation.terms.consumes && !ignored) {
    world.readers.push_back(std::make_unique<Reader>(world.test.sequencer(), 1));
  }
  asleep.await(operation.terms.sleeper);
  asleep.end();
  world.go_on("at the end");
  verify(world, operation, child.killed());
}

// Creates the ring, and whoever can open it meanwhile finds it whole.
void run_creation(Kind kind, Existing existing, Way how, uint32_t point) {
  RingCreation creation;
  creation.kind = kind;
  creation.geometry =
      kind == Kind::kMemory ? memory_geometry(64) : RingGeometry{kElements, sizeof(Message), 2};
  creation.existing = existing;
  const TestDirectory directory("/dev/shm");
  const std::string name = directory.at("ring");
  std::optional<World> before;
  if (existing == Existing::kReplace) before.emplace(RingPolicy{}, false, name);
  Child child(
      how, point, [] {},
      [&] {
        const auto created = create_ring(name, creation);
        if (!created.ok()) complain("create: error %d", static_cast<int>(created.error().code));
      });
  const auto look = [&] {
    const auto opened = open_ring(name, kind);
    const bool none = !opened.ok() && opened.error().sys_errno == ENOENT;
    if (!opened.ok() && !none) complain("open: error %d", static_cast<int>(opened.error().code));
  };
  finish(child, how, look, look);
  look();
  if (child.done() && !open_ring(name, kind).ok()) complain("created, and not there");
  const auto next = create_ring(name, creation);
  if (!next.ok()) complain("the next creator: error %d", static_cast<int>(next.error().code));
  if (directory.names() != std::vector<std::string>{"ring"}) complain("a file is left");
  if (before) {
    // Whoever was attached before is told.
    const auto claim = before->producer.ring.claim(1, 1, 0);
    const auto batch = before->readers[0]->ring.consume(0, 0);
    if (claim.ok() || claim.error().code != Errc::kSegmentReplaced)
      complain("a producer is not told");
    if (batch.ok() || batch.error().code != Errc::kSegmentReplaced)
      complain("a consumer is not told");
  }
}
}  // namespace

int main(int count, char** arguments) {
  std::vector<std::pair<std::string, Run>> runs{
      {"create",
       [](Way how, uint32_t at) { run_creation(Kind::kRing, Existing::kReplaceDead, how, at); }},
      {"replace",
       [](Way how, uint32_t at) { run_creation(Kind::kRing, Existing::kReplace, how, at); }},
      {"create memory",
       [](Way how, uint32_t at) { run_creation(Kind::kMemory, Existing::kReplaceDead, how, at); }},
  };
  for (const Operation& operation : operations()) {
    runs.emplace_back(operation.name,
                      [operation](Way how, uint32_t at) { run(operation, how, at); });
  }
  return run_all(runs, count, arguments);
}
