// Segments in directories of the user's choice.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../addon/core/durability.h"
#include "../../addon/core/inspect.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

RingCreation small(os::Birth birth = os::Birth::kUnnamed) {
  RingCreation creation;
  creation.geometry = {8, 8, 1};
  creation.birth = birth;
  return creation;
}

}  // namespace

TEST("a segment in a directory is the file of its name there") {
  for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
    const TestDirectory directory("/tmp");  // on a disk as a rule
    const std::string name = directory.at("ring");
    const auto created = create_ring(name, small(birth));
    CHECK(created.ok());
    CHECK((directory.names() == std::vector<std::string>{"ring"}));
    CHECK(create_ring(name, small(birth)).error().code == Errc::kSegmentExists);
    const auto opened = open_ring(name);
    CHECK(opened.ok() && opened.value().inode == created.value().inode);
    CHECK(open_ring("ring").error().sys_errno == ENOENT);

    RingCreation replacing = small(birth);
    replacing.existing = Existing::kReplace;
    CHECK(create_ring(name, replacing).ok());
    CHECK((opened.value().header().next.load_acquire() & kReplacedBit) != 0);

    const auto listed = list_segments(directory.path);
    CHECK(listed.value().size() == 1 && listed.value()[0].name == name);
    CHECK(unlink_segment(name).ok());
    CHECK(directory.names().empty());
  }
}

TEST("what a ring in a file holds is there when everybody has gone") {
  const TestDirectory directory("/tmp");  // on a disk as a rule
  const std::string name = directory.at("ring");
  const pid_t child = fork();
  if (child == 0) {
    auto created = create_ring(name, small());
    Sequencer ring(std::move(created.value()));
    const auto claim = ring.claim(3, 3, 0);
    ring.elements()[8] = std::byte{42};
    static_cast<void>(ring.commit(0, 0, OutOfOrder::kMark, 0));
    static_cast<void>(ring.commit(1, 1, OutOfOrder::kMark, 0));
    // The third is its dead producer's.
    _exit(claim.value().count == 3 && sync(ring.backing()).ok() ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  Sequencer ring(std::move(open_ring(name).value()));
  CHECK(ring.consume(0, 0).value().count == 2);
  CHECK(ring.elements()[8] == std::byte{42});
  CHECK(ring.commit_consumed(0, 0, 2));
  CHECK(ring.claim(1, 1, 0).value().start == 3);
  CHECK(ring.recover());
  CHECK(ring.consume(0, 0).value().count == 0 && ring.gap_count() == 1);
}

TEST("a directory that is missing or is none, and a file instead of it") {
  const TestDirectory directory("/tmp");  // on a disk as a rule
  const auto missing = create_ring(directory.at("none/ring"), small());
  CHECK(missing.error().sys_errno == ENOENT);
  CHECK(open_ring(directory.at("none/ring")).error().sys_errno == ENOENT);
  CHECK(unlink_segment(directory.at("none/ring")).error().sys_errno == ENOENT);
  CHECK(list_segments(directory.at("none")).error().sys_errno == ENOENT);
  CHECK(create_ring(directory.at("ring"), small()).ok());
  CHECK(create_ring(directory.at("ring/ring"), small()).error().sys_errno == ENOTDIR);
}

// The sanitizers need room of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST("what cannot be mapped leaves nothing behind") {
  for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
    const TestDirectory directory("/tmp");  // on a disk as a rule
    const pid_t child = fork();
    if (child == 0) {
      // As on a file system that does not share mappings: they fail.
      const rlimit none{1, 1};
      setrlimit(RLIMIT_AS, &none);
      const auto created = create_ring(directory.at("ring"), small(birth));
      const bool told = created.error().sys_errno == ENOMEM && created.error().syscall[0] == 'm';
      _exit(told ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(directory.names().empty());
  }
}

#endif

TEST("who syncs a segment whose name is gone or another's writes back its memory alone") {
  const TestDirectory directory("/tmp");  // on a disk as a rule
  const std::string name = directory.at("ring");
  const auto created = create_ring(name, small());
  const Backing backing = created.value().backing();
  CHECK(sync(backing).ok());
  CHECK(unlink_segment(name).ok());
  CHECK(sync(backing).ok());
  CHECK(create_ring(name, small()).ok());
  CHECK(sync(backing).ok());
  CHECK(unlink_segment(name).ok());
  CHECK(mkdir(name.c_str(), 0700) == 0);
  CHECK(sync(backing).ok());
  rmdir(name.c_str());
}

TEST("a segment in memory alone can be synced as well") {
  const TestRing ring({8, 8, 1});
  CHECK(sync(ring.segment.backing()).ok());
}
