// Rings for the native tests: a name that no other run uses, removed again at the end.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../addon/core/sequencer.h"
#include "runner.h"

namespace fixture {

using namespace shm_disruptor;

/// Begins the names of all rings of a process.
inline std::string prefix_of(pid_t process) {
  return "shm-disruptor-native-" + std::to_string(process) + "-";
}

inline std::string unique_name() {
  static int count = 0;
  return prefix_of(getpid()) + std::to_string(++count);
}

inline std::string path_of(const std::string& name) {
  return name[0] == '/' ? name : "/dev/shm/" + name;
}

/// A directory of its own, and what is in it.
struct TestDirectory {
  explicit TestDirectory(const std::string& parent) : path(parent + "/" + unique_name()) {
    if (mkdir(path.c_str(), 0700) != 0) std::perror(path.c_str());
  }
  ~TestDirectory() { remove(path); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  static void remove(const std::string& path) {
    for (const std::string& name : names_in(path)) unlink((path + "/" + name).c_str());
    rmdir(path.c_str());
  }
  static std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    DIR* const directory = opendir(path.c_str());
    while (const dirent* entry = directory ? readdir(directory) : nullptr) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    if (directory) closedir(directory);
    return names;
  }

  std::vector<std::string> names() const { return names_in(path); }
  std::string at(const char* name) const { return path + "/" + name; }

  std::string path;
};

/// Removes what a process that was ended in the middle of a test has left.
inline void remove_all_of(pid_t process) {
  for (const std::string parent : {"/dev/shm", "/tmp"}) {
    for (const std::string& name : TestDirectory::names_in(parent)) {
      if (name.rfind(prefix_of(process), 0) != 0) continue;
      const std::string path = parent + "/" + name;
      if (unlink(path.c_str()) != 0) TestDirectory::remove(path);
    }
  }
}
inline const bool cleans_up = [] {
  runner::clean_up = remove_all_of;
  return true;
}();

/// Whether that thread of this process sleeps in the kernel.
inline bool asleep(uint32_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  std::FILE* const file = std::fopen(path.c_str(), "r");
  char state = 0;
  // After the name of its program.
  const bool known = file && std::fscanf(file, "%*[^)]) %c", &state) == 1;
  if (file) std::fclose(file);
  return known && state == 'S';
}

/// Whether a sleeper on `word` has announced itself: from now on, wake_sleepers wakes it.
inline bool announced(const Word& word) { return (word.load_ordered() & kSleepersBit) != 0; }

struct TestRing {
  explicit TestRing(RingGeometry geometry, RingPolicy policy = {},
                    os::Birth birth = os::Birth::kUnnamed)
      : TestRing(creation_of(geometry, policy, birth)) {}
  // A template, so that braces stand for a geometry.
  template <class Creation, class = std::enable_if_t<std::is_same_v<Creation, RingCreation>>>
  explicit TestRing(const Creation& creation, const std::string& own_name = unique_name())
      : name(own_name) {
    auto created = create_ring(name, creation);
    if (!created.ok()) {
      std::printf("Bail out! cannot create %s: error %d, errno %d\n", name.c_str(),
                  static_cast<int>(created.error().code), created.error().sys_errno);
      std::exit(1);
    }
    segment = std::move(created.value());
  }
  ~TestRing() { unlink(path_of(name).c_str()); }
  TestRing(const TestRing&) = delete;
  TestRing& operator=(const TestRing&) = delete;

  /// Another attachment, with its own locks, over the same mapping: ThreadSanitizer knows memory by
  /// its address.
  Sequencer sequencer(Waiting waiting = {}) const {
    auto opened = open_ring(name, segment.layout.kind);
    opened.value().mapping = segment.mapping;
    return Sequencer(std::move(opened.value()), waiting);
  }
  Header& header() const { return segment.header(); }
  Sequence& consumer(uint64_t index) const {
    return reinterpret_cast<ConsumerEntry*>(segment.mapping->base() + kConsumersOffset)[index]
        .sequence;
  }

  static RingCreation creation_of(RingGeometry geometry, RingPolicy policy,
                                  os::Birth birth = os::Birth::kUnnamed) {
    RingCreation creation;
    creation.geometry = geometry;
    creation.policy = policy;
    creation.birth = birth;
    return creation;
  }

  std::string name;
  RingSegment segment;
};

}  // namespace fixture
