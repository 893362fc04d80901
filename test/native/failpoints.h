// Dying and stopping at every step: what the programs share that do so (failpoints.cc,
// failpoints_joining.cc, failpoints_queue.cc, failpoints_broadcast.cc). Each is one source that
// includes this, with main() at its end.
//
// The core is built here with a failpoint before and after every store to shared memory
// (sequence.h), and with one around every system call that others can see. For each operation a
// child does it, and counts the points that it passes. Then for each point another child does it
// again and, there,
//   dies        kills itself: afterwards all others go on
//   pauses      stops itself: the others use the ring, it goes on, and succeeds after all
//   pauses-dies stops itself, the others use the ring, and it dies at the next point
// and each time whoever is left finds what was promised.
//
// Nothing here depends on the speed of the machine. The driver waits for the state of the child
// that the kernel reports, and asks for it again (`child_lives`) where a finding is right only
// while the child lives, or only after its death. That the others go on is checked as a number of
// attempts
// (`all_unblock_data`). All other waits last as long as they take, and the watchdog (runner.h) ends
// one that never ends.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fixture.h"
#include "runner.h"

namespace failpoints {

using namespace fixture;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kElements = 8;
constexpr uint64_t kMax = 512;  // sequences of one run
constexpr uint64_t kDriver = 1;
constexpr uint64_t kChild = 2;
constexpr uint64_t kDead = 3;

enum class Fate : uint8_t { kUnclaimed, kBegun, kCommitted };
enum class Way { kCount, kDies, kPauses, kPausesDies };

// What driver and child tell each other; a process that dies has told all that it wrote. Of each
// sequence, or of each message where they have numbers of their own.
struct Shared {
  Fate fate[kMax];      // of the commit
  uint8_t who[kMax];    // committed it
  bool orphan[kMax];    // belongs to somebody who had died before the child began
  uint8_t taken[kMax];  // how often the child consumed it
  uint64_t first;       // where the child began to consume
  uint64_t giving;      // what it was about to give back, and what it had given back
  uint64_t given;
  bool finishing[kMax];  // as a member of a group: was about to give it back
  bool finished[kMax];   // and had
  // Of messages alone.
  uint32_t length[kMax];
  bool done[kMax];        // by the driver
  bool given_back[kMax];  // the child was about to leave it to somebody else
  bool moving[kMax];      // the child was about to move it to the dead letters
  bool moved[kMax];       // and had
  bool in;                // has become what it wanted to become
  bool leaving;
  uint32_t passed;  // points
  char at[96];      // the point at which it ended or stopped
  bool at_end;      // it has done all that it was to do
  char complaint[256];
};

inline Shared* shared = nullptr;
// Of one operation.
inline uint64_t longest_stall = 0;
inline uint32_t missed = 0;  // attempts in which the child did not come to the point

// Keeps the first.
__attribute__((format(printf, 1, 2))) inline void complain(const char* format, ...) {
  if (shared->complaint[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(shared->complaint, sizeof shared->complaint, format, arguments);
  va_end(arguments);
}

inline unsigned long long number(uint64_t value) { return value; }

// The child's failpoints.
inline bool armed = false;
inline Way way = Way::kCount;
inline uint32_t target = 0;

inline void reach(const char* moment, const char* where, int line) {
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

}  // namespace failpoints

void shm_disruptor::failpoint(const char* moment, const char* file, int line) {
  failpoints::reach(moment, file, line);
}

// The linker puts these in the place of the system calls that others can see the effects of.
#define AROUND(name, call)               \
  failpoints::reach("before", #name, 0); \
  const int result = call;               \
  const int error = errno;               \
  failpoints::reach("after", #name, 0);  \
  errno = error;                         \
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

namespace failpoints {

struct Message {
  uint64_t who;
  uint64_t sequence;
  uint64_t check;

  uint64_t expected() const { return (who << 56 ^ sequence) * 0x9e3779b97f4a7c15; }
};

inline Message* message_at(const Sequencer& ring, uint64_t sequence) {
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
    if (claim.value().start + count > kMax) {
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

/// A child process that performs an operation. There is one at a time.
///
/// After the operation it stops, and it ends when the driver resumes it: until then it lives,
/// unless a failpoint kills it.
class Child {
 public:
  Child(Way how, uint32_t point, const std::function<void()>& begin,
        const std::function<void()>& act) {
    fflush(stdout);
    const pid_t parent = getpid();
    current() = this;
    pid_ = fork();
    if (pid_ != 0) return;
    runner::end_with_parent(parent);
    way = how;
    target = point;
    begin();
    armed = true;
    act();
    armed = false;
    shared->at_end = true;
    raise(SIGSTOP);
    _exit(shared->complaint[0] == '\0' ? 0 : 1);
  }
  ~Child() {
    current() = nullptr;
    if (state_ == State::kEnded) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  static Child*& current() {
    static Child* child = nullptr;
    return child;
  }

  /// Waits until it has stopped or ended.
  void wait() {
    const runner::Awaiting awaiting("the child to stop or to end");
    look(0);
  }
  /// The same, calling `meanwhile` over and over.
  void wait(const std::function<void()>& meanwhile) {
    runner::await("the child to stop or to end, using the ring meanwhile", [&] {
      if (state_ == State::kRuns) look(WNOHANG);
      if (state_ == State::kRuns) meanwhile();
      return state_ != State::kRuns || shared->complaint[0] != '\0';
    });
  }
  void resume() {
    state_ = State::kRuns;
    kill(pid_, SIGCONT);
  }

  /// Whether it lives, for certain. A running child may be about to die, and its locks end before
  /// the kernel reports its death. So it is stopped, which a dying process cannot be, and resumed.
  bool lives() {
    if (state_ != State::kRuns) return state_ == State::kStopped;
    kill(pid_, SIGSTOP);
    wait();
    const bool alive = stopped();
    if (alive && !shared->at_end) resume();
    return alive;
  }

  bool stopped() const { return state_ == State::kStopped; }
  bool killed() const {
    return state_ == State::kEnded && WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL;
  }
  bool done() const {
    return state_ == State::kEnded && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
  }

 private:
  enum class State : uint8_t { kRuns, kStopped, kEnded };

  void look(int options) {
    if (waitpid(pid_, &status_, options | WUNTRACED) != pid_) return;
    state_ = WIFSTOPPED(status_) ? State::kStopped : State::kEnded;
  }

  pid_t pid_ = 0;
  int status_ = 0;
  State state_ = State::kRuns;
};

/// Whether the child lives. The driver asks after a finding: if the child still lives, it lived at
/// that time, too. If it does not, it may have died in between, and the finding may be right. A
/// stopped child leaves no such doubt, and children are stopped at every point.
inline bool child_lives() { return Child::current() != nullptr && Child::current()->lives(); }

/// Lets `child` come to its end in the given way. The driver does `pause` while the child is
/// stopped, and `after` while it goes on.
inline void finish(Child& child, Way how, const std::function<void()>& pause,
                   const std::function<void()>& after) {
  child.wait();
  if (child.stopped() && !shared->at_end) {
    pause();
    child.resume();
    child.wait(after);
  }
  if (how != Way::kCount && shared->at[0] == '\0') ++missed;
  if (shared->complaint[0] != '\0') return;
  while (child.stopped()) {
    child.resume();
    child.wait();
  }
  const bool may_die = how == Way::kDies || how == Way::kPausesDies;
  if (!child.done() && !(may_die && child.killed())) complain("the child failed");
}

/// An attempt.
using Run = std::function<void(Way, uint32_t)>;

inline const char* name_of(Way how) {
  return how == Way::kDies ? "dies" : how == Way::kPauses ? "pauses" : "pauses-dies";
}

/// Counts the points of an operation and does it in each way at each of them.
inline bool everywhere(const char* name, const Run& attempt) {
  longest_stall = 0;
  missed = 0;
  bool well = true;
  const auto go = [&](const char* manner, Way how, uint32_t point) {
    memset(static_cast<void*>(shared), 0, sizeof *shared);
    runner::doing("%s at point %u", manner, point);
    attempt(how, point);
    if (shared->complaint[0] == '\0') return;
    well = false;
    std::printf("# %s at point %u, %s: %s\n", manner, point, shared->at, shared->complaint);
  };
  go("counts", Way::kCount, 0);
  const uint32_t points = shared->passed;
  for (const Way how : {Way::kDies, Way::kPauses, Way::kPausesDies}) {
    for (uint32_t point = 0; point < points; ++point) go(name_of(how), how, point);
  }
  std::printf("# %s: %u points, longest stall %llu ms", name, points,
              number(longest_stall / kMillisecond));
  if (missed != 0) std::printf(", %u of %u attempts ended before their point", missed, 3 * points);
  std::printf("\n");
  return well && points != 0;
}

/// The remaining participants go on until `messages` were sent and none of them lags. `send` and
/// `poll` say whether they did anything within so many nanoseconds, and `where` how far they have
/// come, and how far there is to go.
///
/// It takes kMaxAttempts attempts in vain at most, however long these take: every attempt looks
/// after the dead, and no other process is there to be waited for.
constexpr int kMaxAttempts = 1000;

template <class Lagging, class Send, class Poll, class Where>
void all_go_on(const char* when, uint64_t messages, Lagging lagging, Send send, Poll poll,
               Where where) {
  uint64_t last = os::now_nanoseconds();
  int in_vain = 0;
  for (uint64_t sent = 0; sent < messages || lagging();) {
    const uint64_t patience = in_vain == 0 ? 0 : kMillisecond / 2;
    bool moved = sent < messages && send(patience);
    sent += moved ? 1 : 0;
    moved = poll(patience) || moved;
    in_vain = moved ? 0 : in_vain + 1;
    if (moved) {
      const uint64_t now = os::now_nanoseconds();
      if (now - last > longest_stall) longest_stall = now - last;
      last = now;
    }
    if (shared->complaint[0] != '\0') return;
    if (in_vain == kMaxAttempts) {
      const std::pair<uint64_t, uint64_t> at = where();
      complain("%s: the others do not go on, at %llu of %llu%s", when, number(at.first),
               number(at.second), messages == 0 ? " with nobody sending" : "");
      return;
    }
  }
}

/// Does all `runs`, or those whose names contain the first argument. Gives the exit code.
inline int run_all(const std::vector<std::pair<std::string, Run>>& runs, int count,
                   char** arguments) {
  std::vector<runner::Test> tests;
  for (const auto& [name, attempt] : runs) {
    tests.push_back({"dying or pausing anywhere: " + name, [name = name, attempt = attempt] {
                       // Of one worker and its child.
                       if (!shared) shared = runner::assignment<Shared>();
                       return everywhere(name.c_str(), attempt);
                     }});
  }
  return runner::run(std::move(tests), count, arguments, 8);
}

}  // namespace failpoints
