// The few lines that the native tests need: named tests, checks that say what failed, TAP on
// standard output. By hand, because a fresh clone has a compiler and npm but no C++ test library.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, std::function<void()> body) { tests().push_back({name, body}); }
};

inline void that(bool holds, const char* expression, const char* file, int line) {
  if (holds) return;
  ++failures();
  std::printf("# %s:%d: not true: %s\n", file, line, expression);
}

inline int run_all() {
  int failed = 0;
  std::printf("TAP version 13\n1..%zu\n", tests().size());
  int number = 0;
  for (const Test& test : tests()) {
    failures() = 0;
    test.body();
    if (failures() != 0) ++failed;
    std::printf("%s %d - %s\n", failures() == 0 ? "ok" : "not ok", ++number, test.name);
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
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
