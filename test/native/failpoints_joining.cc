// Dying and stopping at every step of joining and leaving, of sharing the work of a group, of
// coming after others and of being the one producer: see failpoints.h. What was promised is: a
// consumer gets all from where it began, in order and not overwritten; of a group each element is
// done by one member, unless it is marked as redelivered after a death; who is dead or has left
// holds up nobody, but for a name under the policy that holds it, until somebody comes back under
// it; and nothing that a death leaves keeps anybody from joining.
//
// Arguments: none for all, or a part of the operations' names.
#include <memory>

#include "failpoints.h"

using namespace failpoints;

namespace {

constexpr uint64_t kEntries = 10;
constexpr uint64_t kNobody = ~uint64_t{0};

Joining named(const std::string& name) {
  Joining joining;
  joining.name = name;
  return joining;
}
Joining from_oldest(const std::string& name) {
  Joining joining = named(name);
  joining.start.kind = Start::kOldest;
  return joining;
}
Joining nameless() { return {}; }
Joining sharing(const std::string& name) {
  Joining joining = named(name);
  joining.group = true;
  return joining;
}
Joining after(const std::string& name, const std::string& other) {
  Joining joining = named(name);
  joining.after_given = true;
  joining.after = {other};
  return joining;
}

// What the driver knows of one run. Of the group's elements:
struct Known {
  bool done[kMax] = {};      // by a member of the driver's
  bool unheard[kMax] = {};   // redelivered, though nobody has said that he took it
  uint64_t first = kNobody;  // from where on all are to be done
} known;

// A consumer, or a member of a group, that checks what it gets.
struct Reader {
  enum class Saw : uint8_t { kNothing, kData, kGap };

  Reader(Sequencer sequencer, const Joining& joining, uint64_t assignment)
      : ring(std::move(sequencer)), group(joining.group) {
    const auto joined = ring.join(joining);
    if (!joined.ok()) {
      complain("joining as '%s': error %d", joining.name.c_str(),
               static_cast<int>(joined.error().code));
      return;
    }
    index = gate = joined.value();
    if (group) {
      ring.assignment(assignment);
      gate = ring.consumers().directory().after(index)[0];
      if (known.first == kNobody) known.first = ring.consumer_sequence(gate);
    }
    first = position = ring.consumer_sequence(gate);
  }

  // Whether it has got anything.
  bool poll(uint64_t nanoseconds = 0) {
    if (index == kNobody) return false;
    const auto batch = ring.consume(index, nanoseconds);
    if (!batch.ok()) {
      complain("consume by %llu: error %d", number(index), static_cast<int>(batch.error().code));
      return false;
    }
    bool moved = false;
    for (; ring.gap_count() > 0; moved = true) {
      const Gap gap = ring.next_gap();
      note(gap.begin, gap.end, Saw::kGap);
    }
    const auto [start, count, redelivered] = batch.value();
    if (count == 0) return moved;
    note(start, start + count, Saw::kData);
    for (uint64_t s = start; group && s < start + count; ++s) assignment(s, redelivered);
    if (!ring.commit_consumed(index, start, start + count)) complain("consumed, but moved");
    return true;
  }

  uint64_t reached() const { return group ? ring.consumer_sequence(gate) : position; }

  Sequencer ring;
  bool group;
  uint64_t index = kNobody;
  uint64_t gate = kNobody;  // whose sequence is looked at
  uint64_t first = 0;
  uint64_t position = 0;
  Saw saw[kMax] = {};

 private:
  void note(uint64_t begin, uint64_t end, Saw what) {
    if ((!group && begin != position) || end > kMax) {
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
        complain("%llu arrived at %llu with %llu of %llu", number(s), number(index),
                 number(message.sequence), number(message.who));
      }
    }
    position = end;
  }

  void assignment(uint64_t s, bool redelivered) {
    if (s >= kMax) return;
    const bool childs = shared->taken[s] != 0 && !shared->orphan[s] && !shared->leaving;
    if (known.done[s] || shared->finished[s]) complain("%llu is done, and given again", number(s));
    if (childs && child_lives()) complain("%llu is taken from the living", number(s));
    if (shared->taken[s] != 0 && !redelivered) complain("%llu is not marked", number(s));
    known.unheard[s] = redelivered && shared->taken[s] == 0;
    known.done[s] = true;
  }
};

// One run as the driver sees it.
struct World {
  explicit World(const RingCreation& creation)
      : test(creation), single(creation.policy.producers == Producers::kSingle) {
    join(named("witness"));
    if (!single) producer.emplace(Producer{test.sequencer(), kDriver});
  }

  Reader& join(const Joining& joining, uint64_t assignment = 2) {
    readers.push_back(std::make_unique<Reader>(test.sequencer(), joining, assignment));
    return *readers.back();
  }
  void send(int times) {
    for (int i = 0; i < times; ++i) producer->send();
  }
  void claim_and_die(uint64_t count) {
    Producer dying{test.sequencer(), kDead};
    const auto start = dying.claim(count);
    for (uint64_t i = 0; i < count; ++i) shared->orphan[*start + i] = true;
  }
  // A member of the group takes so many and dies.
  void take_and_die(uint64_t count) {
    Sequencer dying = test.sequencer();
    const auto joined = dying.join(sharing("g"));
    if (!joined.ok()) complain("no member");
    dying.assignment(count);
    const auto batch = dying.consume(joined.value(), 0);
    if (!batch.ok() || batch.value().count != count) complain("no share");
    for (uint64_t i = 0; i < count; ++i) {
      shared->taken[batch.value().start + i] = 1;
      shared->orphan[batch.value().start + i] = true;
    }
  }
  uint64_t sequence_of(const std::string& name) {
    const Consumers& consumers = readers[0]->ring.consumers();
    const uint64_t index = consumers.directory().find(name);
    return index == consumers.count() ? kDetached : consumers.sequence(index).load_ordered();
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
      bool moved = producer && sent < messages && producer->send(kMillisecond / 4);
      sent += moved ? 1 : 0;
      moved = poll() || moved;
      idle = moved ? 0 : idle + 1;
    }
  }

  // The remaining participants go on: first without the producer, and then with one.
  void go_on(const char* when) {
    go_on(when, 0);
    if (!producer) producer.emplace(Producer{test.sequencer(), kDriver});
    go_on(when, 2 * kElements);
  }

  void go_on(const char* when, uint64_t messages) {
    all_go_on(
        when, messages, [&] { return lagging(); },
        [&](uint64_t patience) { return producer->send(patience); },
        [&](uint64_t patience) { return poll(patience); },
        [&] { return std::make_pair(readers[0]->ring.cursor(), end()); });
  }

  uint64_t end() const {
    const uint64_t next = test.header().next.load_ordered();
    const uint64_t cursor = test.header().cursor.load_ordered();
    return next < cursor ? cursor : next;
  }
  bool lagging() const {
    for (const auto& reader : readers) {
      if (reader->reached() != end()) return true;
    }
    return false;
  }

  TestRing test;
  bool single;
  std::optional<Producer> producer;  // of a ring with one, once the child is gone
  std::vector<std::unique_ptr<Reader>> readers;
};

// The child.
struct Actor {
  explicit Actor(const std::string& ring) : name(ring) {}

  void attach() {
    auto opened = open_ring(name);
    if (!opened.ok()) {
      complain("cannot attach: error %d", static_cast<int>(opened.error().code));
      _exit(1);
    }
    producer.emplace(Producer{Sequencer(std::move(opened.value()), {Strategy::kBlock, 0}), kChild});
  }
  Sequencer& ring() { return producer->ring; }

  void join(const Joining& joining, uint64_t assignment = 2) {
    const auto joined = ring().join(joining);
    if (!joined.ok()) {
      complain("the child joins: error %d", static_cast<int>(joined.error().code));
      _exit(1);
    }
    index = joined.value();
    ring().assignment(assignment);
    group = joining.group;
    if (!group) shared->first = shared->giving = shared->given = ring().consumer_sequence(index);
    shared->in = true;
  }
  // At most `most` elements, or all.
  Batch consume(uint64_t nanoseconds = 0) {
    const auto batch = ring().consume(index, nanoseconds);
    if (!batch.ok()) {
      complain("consume by the child: error %d", static_cast<int>(batch.error().code));
      return {};
    }
    while (ring().gap_count() > 0) ring().next_gap();
    note(batch.value());
    return batch.value();
  }
  // A share beside those that it has; empty where there is none.
  Assignments::Taken take_assignment() {
    const auto assignment = ring().take_assignment(0);
    if (!assignment.ok())
      complain("take_share: error %d", static_cast<int>(assignment.error().code));
    if (!assignment.ok()) return {};
    note(assignment.value().assignment);
    return assignment.value();
  }
  void finish_assignment(const Assignments::Taken& held) {
    const Batch batch = held.assignment;
    if (batch.count == 0) return;
    for (uint64_t s = batch.start; s < batch.start + batch.count; ++s) {
      check(s);
      shared->finishing[s] = true;
    }
    if (!ring().finish_assignment(held.member_slot)) complain("a share of the child's is gone");
    for (uint64_t s = batch.start; s < batch.start + batch.count; ++s) shared->finished[s] = true;
  }
  void give_back(Batch batch) { give_back(batch, batch.count); }
  void give_back(Batch batch, uint64_t count) {
    if (batch.count == 0) return;
    const uint64_t next = batch.start + count;
    for (uint64_t s = batch.start; s < next; ++s) {
      check(s);
      shared->finishing[s] = group;
    }
    shared->giving = next;
    if (!ring().commit_consumed(index, batch.start, next)) complain("consumed, but moved");
    shared->given = next;
    for (uint64_t s = batch.start; s < next; ++s) shared->finished[s] = group;
  }
  void leave() {
    shared->leaving = true;
    ring().leave();
  }
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

  std::string name;
  std::optional<Producer> producer;
  uint64_t index = 0;
  bool group = false;
  Batch taken;
  std::vector<uint64_t> claims;

 private:
  void note(Batch batch) {
    for (uint64_t s = batch.start; s < batch.start + batch.count; ++s) {
      check(s);
      if (known.done[s]) complain("%llu is done, and the child's", number(s));
      if (shared->taken[s] != 0 && !batch.redelivered) complain("%llu arrived twice", number(s));
      ++shared->taken[s];
    }
  }

  // It is the child's for as long as it has not given it back.
  void check(uint64_t s) {
    const Message message = *message_at(ring(), s);
    if (message.sequence != s || message.check != message.expected()) {
      complain("the child has %llu for %llu", number(message.sequence), number(s));
    }
  }
};

struct Terms {
  RingPolicy policy = {};
  std::vector<Entry> declared = {};  // besides the witness
};

const RingPolicy kDetach{Orphans::kSkip, DeadConsumers::kDetach};
const RingPolicy kSingle{Orphans::kSkip, DeadConsumers::kHold, Producers::kSingle};
const Terms kDetaching{kDetach};
const Terms kSole{kSingle};
// The witness is entry 0.
const std::vector<Entry> kTwo{{"a", Role::kNamed, {}}, {"c", Role::kNamed, {1}}};
const std::vector<Entry> kThree{
    {"a", Role::kNamed, {}}, {"b", Role::kNamed, {1}}, {"c", Role::kNamed, {2}}};

struct Operation {
  const char* name;
  std::function<void(World&)> prepare;    // by the driver
  std::function<void(Actor&)> begin;      // by the child, before the points count
  std::function<void(Actor&)> act;        // by the child
  std::function<void(World&)> then = {};  // by the driver: comes back for whom it holds
  Terms terms = {};
  std::function<void(World&)> while_paused = {};  // by the driver, before it uses the ring
};

void attach(Actor& child) { child.attach(); }
void send_three(World& world) {
  world.send(3);
  world.poll();
}
// Before somebody was `joining` and died.
std::function<void(World&)> died_as(const Joining& joining) {
  return [joining](World& world) {
    Sequencer dying = world.test.sequencer();
    if (!dying.join(joining).ok()) complain("nobody joined");
    send_three(world);
  };
}
std::function<void(Actor&)> joins(const Joining& joining) {
  return [joining](Actor& child) {
    child.join(joining);
    child.give_back(child.consume());
  };
}
std::function<void(World&)> comes_back(const Joining& joining) {
  return [joining](World& world) { world.join(joining); };
}
std::function<void(Actor&)> is(const Joining& joining) {
  return [joining](Actor& child) {
    child.attach();
    child.join(joining, 3);
  };
}
// Does all that there is of the group's, as far as it goes without waiting for others.
void work(Actor& child) {
  for (int i = 0; i < 2; ++i) child.give_back(child.consume());
}
// Somebody who joins while the child is stopped is not kept from it.
void another_joins(World& world) {
  const auto joined = world.test.sequencer().join(nameless());
  if (!joined.ok()) complain("another joins: error %d", static_cast<int>(joined.error().code));
}
// In a ring with one producer: that there is no second one.
void second_producer(World& world) {
  Sequencer second = world.test.sequencer();
  const auto claim = second.claim(1, 1, 0);
  if (claim.ok() && shared->in) complain("two are the one producer");
  if (!claim.ok() && claim.error().code != Errc::kProducerBusy) complain("an odd error");
}
void leave(Actor& child) { child.leave(); }
// The child is a member, and another one has taken two and died.
void beside_the_dead(Actor& child) {
  is(sharing("g"))(child);
  Actor dying(child.name);
  dying.attach();
  dying.join(sharing("g"));
  const Batch batch = dying.consume();
  if (batch.count != 2) complain("no share");
  for (uint64_t i = 0; i < batch.count; ++i) shared->orphan[batch.start + i] = true;
}
void sole_dies_out_of_order(World& world) {
  Producer dying{world.test.sequencer(), kDead};
  const auto first = dying.claim(2);
  const auto second = dying.claim(2);
  if (!first || !second || !dying.commit(*second, 2)) return complain("no claims");
  for (uint64_t s = *first; s < *second; ++s) shared->orphan[s] = true;
}
// Whoever comes after a consumer that died while it joined does not wait for it.
void nobody_waits_for_a_joiner(World& world) {
  if (world.sequence_of("b") == kJoining) world.go_on("behind a dead joiner", 0);
  if (world.sequence_of("b") <= kLastSequence) world.join(named("b"));
}
void two_of_three(World& world) {
  world.join(named("a"));
  world.join(named("c"));
  {
    Sequencer ring = world.test.sequencer();
    if (!ring.join(named("b")).ok()) complain("no b");
    ring.leave();
  }
  world.send(3);
}

std::vector<Operation> operations() {
  const auto as_member = [](World& world) {
    world.join(sharing("g"));
    world.send(3);
  };
  const auto member_among_gaps = [](World& world) {
    world.join(sharing("g"));
    world.claim_and_die(2);
    world.send(3);
    if (!world.producer->ring.recover()) complain("nothing to recover");
  };
  const auto beside_dead_member = [](World& world) {
    world.join(sharing("g"));
    world.send(5);
    world.take_and_die(3);
  };
  std::vector<Operation> all{
      {"join by a new name", send_three, attach, joins(named("a")), comes_back(named("a"))},
      {"join at the oldest", [](World& world) { world.send(3); }, attach, joins(from_oldest("a")),
       comes_back(named("a"))},
      {"join by a known name", died_as(named("a")), attach, joins(named("a")),
       comes_back(named("a"))},
      {"join by a name that has left",
       [](World& world) {
         Sequencer ring = world.test.sequencer();
         if (!ring.join(named("a")).ok()) complain("no a");
         ring.leave();
         send_three(world);
       },
       attach, joins(named("a")), comes_back(named("a"))},
      {"join without a name", send_three, attach, joins(nameless())},
      {"join in a dead nameless one's place", died_as(nameless()), attach, joins(nameless())},
      {"join by a new name where the dead are detached",
       send_three,
       attach,
       joins(named("a")),
       {},
       kDetaching},
      {"join at a sequence within a gap",
       [](World& world) {
         world.send(1);
         world.claim_and_die(3);
         world.send(2);
         if (!world.producer->ring.recover()) complain("nothing to recover");
       },
       attach,
       [](Actor& child) {
         Joining joining = named("a");
         joining.start = {Start::kSequence, 2};
         // What is there may be gone by the time that it goes on.
         const auto joined = child.ring().join(joining);
         if (joined.ok()) return;
         if (joined.error().code != Errc::kSequenceGone) complain("an odd error");
       },
       comes_back(named("a"))},
      {"join after another",
       [](World& world) {
         world.join(named("a"));
         send_three(world);
       },
       attach, joins(after("c", "a")), comes_back(named("c"))},
      {"join between two",
       two_of_three,
       attach,
       joins(named("b")),
       nobody_waits_for_a_joiner,
       {{}, kThree}},
      {"join a group as the first", send_three, attach,
       [](Actor& child) {
         child.join(sharing("g"));
         work(child);
       },
       comes_back(sharing("g"))},
      {"join a group where the dead are detached",
       send_three,
       attach,
       [](Actor& child) {
         child.join(sharing("g"));
         work(child);
       },
       {},
       kDetaching},
      {"join a group as the second", as_member, attach,
       [](Actor& child) {
         child.join(sharing("g"));
         work(child);
       }},
      {"take and finish shares", as_member, is(sharing("g")),
       [](Actor& child) {
         child.ring().assignment(2);
         work(child);
       }},
      {"finish parts of a share", as_member, is(sharing("g")),
       [](Actor& child) {
         const Batch first = child.consume();
         child.give_back(first, first.count < 1 ? 0 : 1);
         if (first.count < 3) return;
         const Batch second{first.start + 1, first.count - 1, false};
         child.give_back(second, 1);
         child.give_back({second.start + 1, second.count - 1, false});
       }},
      {"take several shares", as_member, is(sharing("g")),
       [](Actor& child) {
         child.ring().assignment(1);
         const auto first = child.take_assignment();
         const auto second = child.take_assignment();
         child.finish_assignment(second);
         child.finish_assignment(first);
       }},
      {"give a share back", as_member, is(sharing("g")),
       [](Actor& child) {
         child.ring().assignment(1);
         const auto first = child.take_assignment();
         const auto second = child.take_assignment();
         shared->leaving = true;
         if (first.assignment.count != 0) child.ring().return_assignment(first.member_slot);
         child.finish_assignment(second);
       }},
      {"take a share over a gap", member_among_gaps, is(sharing("g")), work},
      {"adopt a dead member's share", as_member, beside_the_dead,
       [](Actor& child) {
         for (int i = 0; i < 3; ++i) child.give_back(child.consume(20 * kMillisecond));
       }},
      {"leave with a share that was adopted", as_member,
       [](Actor& child) {
         beside_the_dead(child);
         for (int i = 0; i < 3 && !child.taken.redelivered; ++i) {
           child.give_back(child.taken);
           child.taken = child.consume(100 * kMillisecond);
         }
         if (!child.taken.redelivered) complain("nothing was adopted");
       },
       leave},
      {"take a dead member's place", beside_dead_member, attach,
       [](Actor& child) {
         child.join(sharing("g"), 3);
         work(child);
       }},
      {"leave by a name",
       died_as(named("a")),
       is(named("a")),
       leave,
       [](World& world) {
         if (world.sequence_of("a") <= kLastSequence) world.join(named("a"));
       },
       {},
       another_joins},
      {"leave without a name", send_three, is(nameless()), leave, {}, {}, another_joins},
      {"leave a group with a share", as_member,
       [](Actor& child) {
         is(sharing("g"))(child);
         child.consume();
       },
       leave},
      {"leave a group as the last", send_three,
       [](Actor& child) {
         is(sharing("g"))(child);
         child.consume();
       },
       leave, comes_back(sharing("g"))},
      {"commit before somebody who comes after",
       [](World& world) {
         world.join(named("c"));
         world.send(4);
       },
       is(named("a")),
       [](Actor& child) { child.give_back(child.consume()); },
       comes_back(named("a")),
       {{}, kTwo}},
      {"commit before somebody where the dead are detached",
       [](World& world) {
         world.join(named("c"));
         world.send(4);
       },
       is(named("a")),
       [](Actor& child) { child.give_back(child.consume()); },
       {},
       {kDetach, kTwo}},
      {"commit after somebody",
       [](World& world) {
         world.join(named("a"));
         world.send(4);
         world.poll();
       },
       is(named("c")),
       [](Actor& child) { child.give_back(child.consume()); },
       comes_back(named("c")),
       {{}, kTwo}},
      {"become the one producer",
       [](World&) {},
       attach,
       [](Actor& child) {
         const uint64_t start = child.claim(2);
         shared->in = true;
         child.commit(start, 2);
       },
       {},
       kSole,
       second_producer},
      {"become the one producer after a dead one",
       sole_dies_out_of_order,
       attach,
       [](Actor& child) {
         const uint64_t start = child.claim(2);
         shared->in = true;
         child.commit(start, 2);
       },
       {},
       kSole,
       second_producer},
      {"commit as the one producer",
       [](World&) {},
       [](Actor& child) {
         child.attach();
         child.claims = {child.claim(2), child.claim(1)};
         shared->in = true;
       },
       [](Actor& child) {
         child.commit(child.claims[0], 2);
         child.commit(child.claims[1], 1);
       },
       {},
       kSole,
       second_producer},
      {"commit as the one producer out of order",
       [](World&) {},
       [](Actor& child) {
         child.attach();
         child.claims = {child.claim(2), child.claim(1), child.claim(1)};
         shared->in = true;
       },
       [](Actor& child) {
         child.commit(child.claims[2], 1);
         child.commit(child.claims[1], 1);
         child.commit(child.claims[0], 2);
       },
       {},
       kSole,
       second_producer},
  };
  return all;
}

// What was promised, when all is over.
void verify(const World& world, bool killed) {
  const Reader& witness = *world.readers[0];
  const bool single = world.single;
  for (uint64_t s = 0; s < witness.position; ++s) {
    const bool lost = witness.saw[s] == Reader::Saw::kGap;
    if (lost && shared->fate[s] == Fate::kCommitted) complain("%llu is lost", number(s));
    if (lost && !killed && !shared->orphan[s]) complain("%llu was closed", number(s));
    if (!lost && !killed && !single && shared->fate[s] != Fate::kCommitted) {
      complain("%llu?", number(s));
    }
  }
  for (const auto& reader : world.readers) {
    for (uint64_t s = reader->first; !reader->group && s < reader->position; ++s) {
      if (reader->saw[s] != witness.saw[s]) complain("%llu differs", number(s));
    }
  }
  for (uint64_t s = known.first; s < witness.position; ++s) {
    const bool gap = witness.saw[s] == Reader::Saw::kGap;
    const bool done = known.done[s] || shared->finishing[s];
    if (gap && (known.done[s] || shared->taken[s] != 0)) complain("%llu is none", number(s));
    if (!gap && !done) complain("%llu is done by nobody", number(s));
    if (known.unheard[s] && !killed) complain("%llu was redelivered", number(s));
  }
}

void run(const Operation& operation, Way how, uint32_t point) {
  known = {};
  RingCreation creation;
  creation.geometry = {kElements, sizeof(Message), kEntries, 8};
  creation.policy = operation.terms.policy;
  creation.joinable = true;
  creation.declared = {{"witness", Role::kNamed, {}}};
  for (const Entry& entry : operation.terms.declared) creation.declared.push_back(entry);
  World world(creation);
  operation.prepare(world);
  Actor actor(world.test.name);
  Child child(
      how, point, [&] { operation.begin(actor); }, [&] { operation.act(actor); });
  const auto pause = [&] {
    if (operation.while_paused) operation.while_paused(world);
    world.use(3 * kElements);
  };
  // Between the child's stop and its end.
  finish(child, how, pause, [&] { world.use(0); });
  if (!child.killed() && !child.done()) return;
  if (operation.then) operation.then(world);
  world.go_on("at the end");
  if (shared->complaint[0] != '\0') return;
  // A name under which the child was, or nobody, can be anybody's again.
  for (const Joining& joining : {named("a"), named("later"), nameless()}) {
    const bool there = world.sequence_of("a") <= kLastSequence && joining.name == "a";
    if (!there) world.join(joining);
  }
  world.go_on("after all");
  verify(world, child.killed());
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
