// The few lines that the native tests need: named tests, and checks that say what failed. By hand,
// because a fresh clone has a compiler and npm but no C++ test library.
#pragma once

#include <atomic>
#include <cstdio>
#include <functional>
#include <vector>

#include "runner.h"

namespace check {

struct Test {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline std::atomic<int>& failures() {
  static std::atomic<int> count{0};
  return count;
}

struct Registration {
  Registration(const char* name, std::function<void()> body) { tests().push_back({name, body}); }
};

/// From any thread of the test's process.
__attribute__((noinline)) inline void that(bool holds, const char* expression, const char* file,
                                           int line) {
  if (holds) return;
  ++failures();
  std::printf("# %s:%d: not true: %s\n", file, line, expression);
}

/// Runs all tests, or those whose titles contain the first argument. Gives the exit code.
inline int run_all(int count, char** arguments) {
  std::vector<runner::Test> all;
  for (const Test& test : tests()) {
    all.push_back({test.name, [&test] {
                     failures() = 0;
                     test.body();
                     return failures() == 0;
                   }});
  }
  return runner::run(std::move(all), count, arguments, 4);
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST(name)                                                                                 \
  static void CHECK_JOIN(test_, __LINE__)();                                                       \
  static const check::Registration CHECK_JOIN(registered_, __LINE__)(name,                         \
                                                                     CHECK_JOIN(test_, __LINE__)); \
  static void CHECK_JOIN(test_, __LINE__)()
#define CHECK(expression) check::that((expression), #expression, __FILE__, __LINE__)
