// Runs named tests in worker processes, watches them, and reports in TAP.
//
// Every worker takes the next test from a counter in shared memory until there are none left, so
// several run at once. What a test prints comes through a pipe and stands above its result, also
// when the worker crashes; then that test has failed, and another worker goes on with the rest.
//
// A test has no time limit, because its duration depends on the machine. It has a watchdog: a
// worker that makes no progress for minutes hangs, and is ended with a report of what it waited
// for. A test makes progress by printing, by `doing`, and by the end of a wait; so waits are
// `await` and `Awaiting`, and have no limits of their own.
//
// Environment: WORKERS, how many (0 runs the tests in this process, for a debugger); WATCHDOG, in
// seconds.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace runner {

struct Test {
  std::string title;
  std::function<bool()> passes;
};

/// What a worker and its children tell the watchdog. It lies in memory that all of them share.
struct Activity {
  std::atomic<uint64_t> steps{0};
  std::atomic<const char*> awaited{nullptr};  // a literal: the same address in every process
  char doing[192] = {};
};

inline Activity own_activity;
inline Activity* activity = &own_activity;

/// Called after the end of a process that ran tests: removes what it may have left.
inline std::function<void(pid_t)> clean_up = [](pid_t) {};

inline void progress() { activity->steps.fetch_add(1); }

/// Makes progress, and says with what.
__attribute__((format(printf, 1, 2))) inline void doing(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(activity->doing, sizeof activity->doing, format, arguments);
  va_end(arguments);
  progress();
}

/// Names what a block waits for. `what` is a literal.
class Awaiting {
 public:
  explicit Awaiting(const char* what) : outer_(activity->awaited.exchange(what)) {}
  ~Awaiting() {
    activity->awaited = outer_;
    progress();
  }
  Awaiting(const Awaiting&) = delete;
  Awaiting& operator=(const Awaiting&) = delete;

 private:
  const char* outer_;
};

/// Waits until `holds()`, however long that takes.
template <class Holds>
void await(const char* what, Holds holds) {
  const Awaiting awaiting(what);
  while (!holds()) {
    const timespec moment{0, 100'000};
    nanosleep(&moment, nullptr);
  }
}

/// Ends this process when its parent ends. The first thing that a child does.
inline void end_with_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

/// Memory that this process and its children share.
template <class T>
T* assignment() {
  void* const memory =
      mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  return new (memory) T();
}

/// A number that the environment may say.
inline uint64_t setting(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

namespace detail {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMaxWorkers = 16;
constexpr size_t kSlowest = 5;
// Begins a line that is for the parent.
constexpr char kMark = '\x1e';

inline uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

struct Board {
  std::atomic<size_t> next{0};
  Activity activities[kMaxWorkers];
};

struct Result {
  std::string title;
  bool passed;
  uint64_t nanoseconds;
};

class Report {
 public:
  Report(size_t tests, std::string program) : tests_(tests), program_(std::move(program)) {
    std::printf("TAP version 13\n1..%zu\n", tests);
    std::fflush(stdout);
  }

  void add(const std::string& title, bool passed, uint64_t nanoseconds, const std::string& output) {
    print(output);
    results_.push_back({title, passed, nanoseconds});
    std::printf("%s %zu - %s # time=%llums\n", passed ? "ok" : "not ok", results_.size(),
                title.c_str(), static_cast<unsigned long long>(nanoseconds / 1'000'000));
    std::fflush(stdout);
  }

  /// Something failed that is no test.
  void fail(const std::string& what, const std::string& output) {
    print(output);
    std::printf("# %s\n", what.c_str());
    failed_ = true;
  }

  /// Gives the exit code.
  int end() const {
    std::vector<Result> slowest = results_;
    std::stable_sort(slowest.begin(), slowest.end(), [](const Result& a, const Result& b) {
      return a.nanoseconds > b.nanoseconds;
    });
    slowest.resize(std::min(kSlowest, slowest.size()));
    for (const Result& result : slowest) {
      if (result.nanoseconds < kSecond / 10) break;
      std::printf("# slow: %.1f s, %s\n", seconds(result.nanoseconds), result.title.c_str());
    }
    size_t passed = 0;
    for (const Result& result : results_) passed += result.passed ? 1 : 0;
    std::printf("# %zu passed, %zu failed in %.1f s\n", passed, tests_ - passed,
                seconds(now() - begin_));
    for (const Result& result : results_) {
      if (result.passed) continue;
      std::printf("# failed: %s\n#   alone: %s %s\n", result.title.c_str(), program_.c_str(),
                  quoted(result.title).c_str());
    }
    std::fflush(stdout);
    return passed == tests_ && !failed_ ? 0 : 1;
  }

 private:
  // For a shell.
  static std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  }

  static double seconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

  // Lines that are none of TAP's become comments.
  static void print(const std::string& output) {
    for (size_t at = 0; at < output.size();) {
      const size_t end = std::min(output.find('\n', at), output.size());
      const std::string line = output.substr(at, end - at);
      if (!line.empty()) std::printf("%s%s\n", line[0] == '#' ? "" : "# ", line.c_str());
      at = end + 1;
    }
  }

  size_t tests_;
  std::string program_;
  uint64_t begin_ = now();
  std::vector<Result> results_;
  bool failed_ = false;
};

// A worker as its parent sees it.
class Worker {
 public:
  Worker(const std::vector<Test>& tests, Report& report, Board& board, Activity& own)
      : tests_(tests), report_(report), board_(board), activity_(own) {
    start();
  }
  Worker(Worker&&) = default;

  bool ended() const { return pid_ == 0; }
  pollfd readable() const { return {pipe_, POLLIN, 0}; }

  /// Takes in what the worker has printed, and whether it has come to its end. `elapsed` has passed
  /// since the last call.
  void attend(uint64_t elapsed, uint64_t patience) {
    int status = 0;
    // Before the pipe is emptied: what comes after its end is nothing.
    const bool gone = waitpid(pid_, &status, WNOHANG) == pid_;
    const uint64_t steps = activity_.steps;
    idle_ = drain() || steps != steps_ ? 0 : idle_ + elapsed;
    steps_ = steps;
    if (gone) return end(status);
    if (idle_ < patience) return;
    const char* const awaited = activity_.awaited;
    output_ += "no progress for " + std::to_string(idle_ / kSecond) + " s";
    if (activity_.doing[0] != '\0') output_ += std::string("; ") + activity_.doing;
    if (awaited) output_ += std::string("; waiting for ") + awaited;
    output_ += '\n';
    kill(pid_, SIGKILL);
    idle_ = 0;
  }

 private:
  void start() {
    int ends[2];
    const pid_t parent = getpid();
    std::fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0 || (pid_ = fork()) == -1) {
      std::perror("cannot start a worker");
      std::exit(1);
    }
    close(ends[pid_ == 0 ? 0 : 1]);
    if (pid_ != 0) {
      pipe_ = ends[0];
      fcntl(pipe_, F_SETFL, O_NONBLOCK);
      return;
    }
    end_with_parent(parent);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    // A crash loses nothing of it.
    setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
    work();
  }

  [[noreturn]] void work() {
    activity = &activity_;
    for (size_t i = board_.next++; i < tests_.size(); i = board_.next++) {
      activity->awaited = nullptr;
      doing("%s", "");
      std::printf("%cbegin %zu\n", kMark, i);
      const uint64_t begin = now();
      const bool passed = tests_[i].passes();
      std::printf("\n%c%s %llu\n", kMark, passed ? "passed" : "failed",
                  static_cast<unsigned long long>(now() - begin));
    }
    std::exit(0);
  }

  // Whether there was anything.
  bool drain() {
    char buffer[1 << 14];
    bool any = false;
    for (ssize_t got; (got = read(pipe_, buffer, sizeof buffer)) > 0; any = true) {
      pending_.append(buffer, static_cast<size_t>(got));
    }
    for (size_t end; (end = pending_.find('\n')) != std::string::npos;) {
      take_line(pending_.substr(0, end));
      pending_.erase(0, end + 1);
    }
    return any;
  }

  void take_line(const std::string& line) {
    if (line.empty() || line[0] != kMark) {
      output_ += line + '\n';
      return;
    }
    const size_t space = line.find(' ');
    const std::string what = line.substr(1, space - 1);
    const uint64_t number = std::strtoull(line.c_str() + space, nullptr, 10);
    if (what == "begin") {
      test_ = &tests_[number];
      begun_ = now();
      return;
    }
    report_.add(test_->title, what == "passed", number, std::exchange(output_, {}));
    test_ = nullptr;
  }

  void end(int status) {
    drain();
    output_ += std::exchange(pending_, {});
    close(pipe_);
    clean_up(std::exchange(pid_, 0));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !test_) return;
    const std::string how = WIFSIGNALED(status)
                                ? std::string("signal ") + std::to_string(WTERMSIG(status))
                                : "exit code " + std::to_string(WEXITSTATUS(status));
    const std::string line = "the process of the tests ended with " + how;
    const std::string output = std::exchange(output_, {});
    if (test_) {
      report_.add(test_->title, false, now() - begun_, output + line + '\n');
      test_ = nullptr;
    } else {
      report_.fail(line, output);
    }
    if (board_.next < tests_.size()) start();
  }

  const std::vector<Test>& tests_;
  Report& report_;
  Board& board_;
  Activity& activity_;
  pid_t pid_ = 0;
  int pipe_ = -1;
  const Test* test_ = nullptr;
  uint64_t begun_ = 0;
  uint64_t steps_ = 0;
  uint64_t idle_ = 0;
  std::string pending_;
  std::string output_;
};

inline void run_in_workers(const std::vector<Test>& tests, Report& report, uint64_t count) {
  Board* const board = assignment<Board>();
  const uint64_t patience = setting("WATCHDOG", 300) * kSecond;
  std::vector<Worker> workers;
  for (uint64_t i = 0; i < std::min<uint64_t>({count, tests.size(), kMaxWorkers}); ++i) {
    workers.emplace_back(tests, report, *board, board->activities[i]);
  }
  for (uint64_t last = now();;) {
    std::vector<pollfd> pipes;
    for (const Worker& worker : workers) {
      if (!worker.ended()) pipes.push_back(worker.readable());
    }
    if (pipes.empty()) return;
    poll(pipes.data(), pipes.size(), 100);
    // Of a machine that stood still the tests know nothing.
    const uint64_t elapsed = std::min(now() - last, kSecond);
    last = now();
    for (Worker& worker : workers) {
      if (!worker.ended()) worker.attend(elapsed, patience);
    }
  }
}

// Those whose titles are `part`, or else contain it.
inline std::vector<Test> chosen(std::vector<Test> tests, const std::string& part) {
  const auto keep = [&](const auto& holds) {
    std::vector<Test> kept;
    std::copy_if(tests.begin(), tests.end(), std::back_inserter(kept), holds);
    return kept;
  };
  auto exact = keep([&](const Test& test) { return test.title == part; });
  if (!exact.empty()) return exact;
  return keep([&](const Test& test) { return test.title.find(part) != std::string::npos; });
}

}  // namespace detail

/// Runs all `tests`, or those whose titles contain the first argument. Gives the exit code.
/// `workers` is how many run at once, unless WORKERS says so.
inline int run(std::vector<Test> tests, int count, char** arguments, uint64_t workers) {
  if (count > 1) tests = detail::chosen(std::move(tests), arguments[1]);
  if (tests.empty()) {
    std::fprintf(stderr, "no test's title contains '%s'\n", count > 1 ? arguments[1] : "");
    return 2;
  }
  detail::Report report(tests.size(), arguments[0]);
  workers = setting("WORKERS", workers);
  if (workers > 0) {
    detail::run_in_workers(tests, report, workers);
    return report.end();
  }
  for (const Test& test : tests) {
    const uint64_t begin = detail::now();
    const bool passed = test.passes();
    report.add(test.title, passed, detail::now() - begin, {});
  }
  return report.end();
}

}  // namespace runner
