// Dying and stopping at every step. The core is built here with a failpoint before and after every
// store to shared memory (sequence.h), and with one around every system call that others can see.
//
// For each operation a child does it, and counts the points that it passes. Then for each point
// another child does it again and, there,
//   dies        kills itself: afterwards all others go on within a second
//   pauses      stops itself: the others use the ring, it goes on, and succeeds after all
//   pauses-dies stops itself, the others use the ring, and it dies at the next point
// and each time whoever is left finds what was promised: what was committed arrives, once and
// whole and in its place; what was claimed and never committed is reported as lost; nobody who
// lives loses anything.
//
// Arguments: none for all, or a part of the operations' names.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "fixture.h"

using namespace fixture;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMillisecond;
constexpr uint64_t kElements = 8;
constexpr uint64_t kMost = 512;  // sequences of one run
constexpr uint64_t kDriver = 1;
constexpr uint64_t kChild = 2;
constexpr uint64_t kDead = 3;

enum class Fate : uint8_t { kUnclaimed, kBegun, kCommitted };
enum class Way { kCount, kDies, kPauses, kPausesDies };

// What driver and child tell each other; a process that dies has told all that it wrote.
struct Shared {
  Fate fate[kMost];      // of the commit
  uint8_t who[kMost];    // committed it
  bool orphan[kMost];    // belongs to somebody who had died before the child began
  uint8_t taken[kMost];  // how often the child consumed it
  uint64_t first;        // where the child began to consume
  uint64_t giving;       // what it was about to give back, and what it had given back
  uint64_t given;
  uint32_t passed;  // points
  char at[96];      // the point at which it ended or stopped
  char complaint[256];
};

Shared* shared = nullptr;
uint64_t longest_stall = 0;

// Keeps the first.
__attribute__((format(printf, 1, 2))) void complain(const char* format, ...) {
  if (shared->complaint[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(shared->complaint, sizeof shared->complaint, format, arguments);
  va_end(arguments);
}

unsigned long long number(uint64_t value) { return value; }

// The child's failpoints.
bool armed = false;
Way way = Way::kCount;
uint32_t target = 0;

void reach(const char* moment, const char* where, int line) {
  if (!armed) return;
  const uint32_t point = shared->passed++;
  const bool second = way == Way::kPausesDies && point == target + 1;
  if (way == Way::kCount || (point != target && !second)) return;
  const char* slash = strrchr(where, '/');
  where = slash ? slash + 1 : where;
  if (line == 0) {
    snprintf(shared->at, sizeof shared->at, "%s %s", moment, where);
  } else {
    snprintf(shared->at, sizeof shared->at, "%s the store at %s:%d", moment, where, line);
  }
  raise(way == Way::kDies || second ? SIGKILL : SIGSTOP);
}

}  // namespace

void shm_disruptor::failpoint(const char* moment, const char* file, int line) {
  reach(moment, file, line);
}

// The linker puts these in the place of the system calls that others can see the effects of.
#define AROUND(name, call)   \
  reach("before", #name, 0); \
  const int result = call;   \
  const int error = errno;   \
  reach("after", #name, 0);  \
  errno = error;             \
  return result
extern "C" {
int __real_linkat(int, const char*, int, const char*, int);
int __wrap_linkat(int from, const char* old_path, int to, const char* new_path, int flags) {
  AROUND(linkat, __real_linkat(from, old_path, to, new_path, flags));
}
int __real_unlink(const char*);
int __wrap_unlink(const char* path) { AROUND(unlink, __real_unlink(path)); }
int __real_fcntl(int, int, void*);
int __wrap_fcntl(int file, int command, void* range) {
  AROUND(fcntl, __real_fcntl(file, command, range));
}
int __real_posix_fallocate(int, off_t, off_t);
int __wrap_posix_fallocate(int file, off_t offset, off_t size) {
  AROUND(posix_fallocate, __real_posix_fallocate(file, offset, size));
}
}

namespace {

struct Message {
  uint64_t who;
  uint64_t sequence;
  uint64_t check;

  uint64_t expected() const { return (who << 56 ^ sequence) * 0x9e3779b97f4a7c15; }
};

Message* message_at(const Sequencer& ring, uint64_t sequence) {
  return reinterpret_cast<Message*>(ring.elements()) + sequence % ring.ring().elements();
}

// A participant that produces, and remembers what in `shared`.
struct Producer {
  Sequencer ring;
  uint64_t who;

  // Where the claim begins; nothing when there was no room.
  std::optional<uint64_t> claim(uint64_t count, uint64_t nanoseconds = 0) {
    const auto claim = ring.claim(count, count, nanoseconds);
    if (!claim.ok()) {
      complain("claim of %llu: error %d", number(who), static_cast<int>(claim.error().code));
      return std::nullopt;
    }
    if (claim.value().count == 0) return std::nullopt;
    if (claim.value().start + count > kMost) {
      complain("the run is too long");
      return std::nullopt;
    }
    return claim.value().start;
  }

  // Whether it was accepted.
  bool commit(uint64_t start, uint64_t count) {
    for (uint64_t s = start; s < start + count; ++s) {
      Message message{who, s, 0};
      message.check = message.expected();
      *message_at(ring, s) = message;
      shared->who[s] = static_cast<uint8_t>(who);
      shared->fate[s] = Fate::kBegun;
    }
    const auto commit = ring.commit(start, start + count - 1, OutOfOrder::kMark, 0);
    const bool accepted = commit.ok() && commit.value() != Commit::kRefused;
    for (uint64_t s = start; accepted && s < start + count; ++s) shared->fate[s] = Fate::kCommitted;
    return accepted;
  }

  bool send(uint64_t nanoseconds = 0) {
    const auto start = claim(1, nanoseconds);
    if (!start) return false;
    if (!commit(*start, 1)) complain("a commit of %llu was refused", number(who));
    return true;
  }
};

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
    const auto [start, count] = batch.value();
    if (count == 0) return position != before;
    note(start, start + count, Saw::kData);
    if (!ring.commit_consumed(index, start, start + count)) complain("consumed, but moved");
    return true;
  }

  Sequencer ring;
  uint64_t index;
  uint64_t first = 0;
  uint64_t position = 0;
  Saw saw[kMost] = {};

 private:
  void note(uint64_t begin, uint64_t end, Saw what) {
    if (begin != position || end > kMost) {
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
  explicit World(RingPolicy policy, bool child_consumes)
      : test({kElements, sizeof(Message), 2}, policy), producer{test.sequencer(), kDriver} {
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

  // All who are left go on, nobody waiting longer than a second.
  void go_on(const char* when) {
    uint64_t last = os::now_nanoseconds();
    bool moved = true;
    for (uint64_t sent = 0; sent < 2 * kElements || lagging();) {
      const uint64_t patience = moved ? 0 : kMillisecond;
      moved = sent < 2 * kElements && producer.send(patience);
      sent += moved ? 1 : 0;
      moved = poll(patience) || moved;
      const uint64_t now = os::now_nanoseconds();
      if (moved) {
        if (now - last > longest_stall) longest_stall = now - last;
        last = now;
      }
      if (shared->complaint[0] != '\0') return;
      if (now - last > kSecond) {
        complain("%s: the others do not go on, at %llu of %llu", when,
                 number(producer.ring.cursor()), number(producer.ring.next()));
        return;
      }
    }
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

  // Claims though others use the ring; for at most a second.
  uint64_t claim(uint64_t count) {
    const uint64_t begin = os::now_nanoseconds();
    for (;;) {
      const auto start = producer->claim(count, kMillisecond);
      if (start) return *start;
      if (shared->complaint[0] != '\0') _exit(1);
      if (os::now_nanoseconds() - begin > kSecond) {
        complain("no room for the child");
        _exit(1);
      }
    }
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
    for (int i = 0; i < 1000 && (word.load_ordered() & kSleepersBit) == 0; ++i) {
      os::nap(kMillisecond / 4);
    }
    os::nap(kMillisecond / 4);
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

/// A child that does something, and its end.
class Child {
 public:
  Child(Way how, uint32_t point, const std::function<void()>& begin,
        const std::function<void()>& act) {
    fflush(stdout);
    pid_ = fork();
    if (pid_ != 0) return;
    // Whatever else fails, it does not stay.
    alarm(10);
    way = how;
    target = point;
    begin();
    armed = true;
    act();
    armed = false;
    _exit(shared->complaint[0] == '\0' ? 0 : 1);
  }
  ~Child() {
    if (!ended_) kill(pid_, SIGKILL);
    if (!ended_) waitpid(pid_, &status_, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits until it has stopped or ended, calling `meanwhile`; for at most five seconds.
  bool wait(const std::function<void()>& meanwhile) {
    const uint64_t begin = os::now_nanoseconds();
    while (os::now_nanoseconds() - begin < 5 * kSecond) {
      if (waitpid(pid_, &status_, WNOHANG | WUNTRACED) == pid_) {
        ended_ = !WIFSTOPPED(status_);
        return true;
      }
      meanwhile();
      os::nap(kMillisecond / 20);
    }
    complain("the child hangs");
    return false;
  }
  void resume() { kill(pid_, SIGCONT); }
  bool stopped() const { return WIFSTOPPED(status_); }
  bool killed() const { return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }
  bool done() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  pid_t pid_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

/// Lets `child` come to its end in the given way. The driver does `pause` while the child is
/// stopped, and `after` while it goes on.
void finish(Child& child, Way how, const std::function<void()>& pause,
            const std::function<void()>& after) {
  if (!child.wait([] {})) return;
  if (child.stopped()) {
    pause();
    child.resume();
    if (!child.wait(after)) return;
  }
  const bool may_die = how == Way::kDies || how == Way::kPausesDies;
  if (!child.done() && !(may_die && child.killed())) complain("the child failed");
}

/// Whoever sleeps while the child acts.
class Asleep {
 public:
  Asleep(World& world, Sleeper sleeper) : world_(world) {
    if (sleeper == Sleeper::kConsumer) {
      thread_ = std::thread([this] {
        while (!quit_) world_.readers[0]->poll(50 * kMillisecond);
      });
    } else if (sleeper == Sleeper::kProducer) {
      thread_ = std::thread([this] {
        while (!quit_ && !world_.producer.send(50 * kMillisecond)) continue;
        quit_ = true;
      });
    }
  }
  ~Asleep() { end(); }
  void end() {
    quit_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Waits until the sleeper has got what there is; for at most a second.
  void await(Sleeper sleeper) {
    if (sleeper == Sleeper::kNone) return;
    const uint64_t begin = os::now_nanoseconds();
    const TestRing& test = world_.test;
    while (os::now_nanoseconds() - begin < kSecond) {
      const uint64_t read = test.consumer(0).load_ordered();
      if (sleeper == Sleeper::kConsumer && read == test.header().next.load_ordered()) return;
      if (sleeper == Sleeper::kProducer && quit_) return;
      if (sleeper == Sleeper::kProducer) world_.poll();
      os::nap(kMillisecond / 4);
    }
    complain("the sleeper was not woken");
  }

 private:
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

// Files of rings on their way to their names.
size_t unfinished() {
  size_t count = 0;
  const auto names = os::list_names();
  for (const std::string& name : names.value()) {
    count += name.rfind(".shm-disruptor-", 0) == 0 ? 1 : 0;
  }
  return count;
}

// Creates the ring, and whoever can open it meanwhile finds it whole.
void run_creation(Existing existing, Way how, uint32_t point) {
  RingCreation creation;
  creation.geometry = {kElements, sizeof(Message), 2};
  creation.existing = existing;
  std::optional<World> before;
  if (existing == Existing::kReplace) before.emplace(RingPolicy{}, false);
  const std::string name = before ? before->test.name : unique_name();
  const size_t files = unfinished();
  Child child(
      how, point, [] {},
      [&] {
        const auto created = create_ring(name, creation);
        if (!created.ok()) complain("create: error %d", static_cast<int>(created.error().code));
      });
  const auto look = [&] {
    const auto opened = open_ring(name);
    const bool none = !opened.ok() && opened.error().sys_errno == ENOENT;
    if (!opened.ok() && !none) complain("open: error %d", static_cast<int>(opened.error().code));
  };
  finish(child, how, look, look);
  look();
  if (child.done() && !open_ring(name).ok()) complain("created, and not there");
  const uint64_t begin = os::now_nanoseconds();
  const auto next = create_ring(name, creation);
  if (os::now_nanoseconds() - begin > kSecond) complain("the next creator waits");
  if (!next.ok()) complain("the next creator: error %d", static_cast<int>(next.error().code));
  if (unfinished() != files) complain("a file is left");
  if (before) {
    // Whoever was attached before is told.
    const auto claim = before->producer.ring.claim(1, 1, 0);
    const auto batch = before->readers[0]->ring.consume(0, 0);
    if (claim.ok() || claim.error().code != Errc::kSegmentReplaced)
      complain("a producer is not told");
    if (batch.ok() || batch.error().code != Errc::kSegmentReplaced)
      complain("a consumer is not told");
  }
  unlink(path_of(name).c_str());
}

using Run = std::function<void(Way, uint32_t)>;

const char* name_of(Way how) {
  return how == Way::kDies ? "dies" : how == Way::kPauses ? "pauses" : "pauses-dies";
}

// Counts the points of an operation and does it in each way at each of them.
bool everywhere(const char* name, const Run& attempt) {
  memset(static_cast<void*>(shared), 0, sizeof *shared);
  attempt(Way::kCount, 0);
  const uint32_t points = shared->passed;
  bool well = shared->complaint[0] == '\0';
  if (!well) std::printf("# %s: %s\n", name, shared->complaint);
  if (points == 0) std::printf("# %s passes no points\n", name);
  for (const Way how : {Way::kDies, Way::kPauses, Way::kPausesDies}) {
    for (uint32_t point = 0; point < points; ++point) {
      memset(static_cast<void*>(shared), 0, sizeof *shared);
      attempt(how, point);
      if (shared->complaint[0] == '\0') continue;
      well = false;
      std::printf("# %s, %s at point %u, %s: %s\n", name, name_of(how), point, shared->at,
                  shared->complaint);
    }
  }
  std::printf("# %s: %u points\n", name, points);
  return well && points != 0;
}

}  // namespace

int main(int count, char** arguments) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  shared = new (memory) Shared();

  std::vector<std::pair<std::string, Run>> runs{
      {"create", [](Way how, uint32_t at) { run_creation(Existing::kReplaceDead, how, at); }},
      {"replace", [](Way how, uint32_t at) { run_creation(Existing::kReplace, how, at); }},
  };
  for (const Operation& operation : operations()) {
    runs.emplace_back(operation.name,
                      [operation](Way how, uint32_t at) { run(operation, how, at); });
  }
  int done = 0;
  int failed = 0;
  std::printf("TAP version 13\n");
  for (const auto& [name, attempt] : runs) {
    if (count > 1 && name.find(arguments[1]) == std::string::npos) continue;
    const bool well = everywhere(name.c_str(), attempt);
    failed += well ? 0 : 1;
    std::printf("%s %d - dying or pausing anywhere: %s\n", well ? "ok" : "not ok", ++done,
                name.c_str());
    std::fflush(stdout);
  }
  std::printf("# longest stall %llu ms\n1..%d\n", number(longest_stall / kMillisecond), done);
  return failed == 0 ? 0 : 1;
}
