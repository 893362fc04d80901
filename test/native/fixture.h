// Rings for the native tests: a name that no other run uses, removed again at the end.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

#include "../../addon/core/sequencer.h"

namespace fixture {

using namespace shm_disruptor;

inline std::string unique_name() {
  static int count = 0;
  return "shm-disruptor-native-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

inline std::string path_of(const std::string& name) { return "/dev/shm/" + name; }

struct TestRing {
  explicit TestRing(RingGeometry geometry, RingPolicy policy = {},
                    os::Birth birth = os::Birth::kUnnamed)
      : TestRing(creation_of(geometry, policy, birth)) {}
  // A template, so that braces stand for a geometry.
  template <class Creation, class = std::enable_if_t<std::is_same_v<Creation, RingCreation>>>
  explicit TestRing(const Creation& creation) : name(unique_name()) {
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

  static RingCreation creation_of(RingGeometry geometry, RingPolicy policy, os::Birth birth) {
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
