#include "../../addon/core/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../../addon/core/liveness.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

Errc open_code(const std::string& name) { return open_ring(name).error().code; }

RingCreation replacing(RingGeometry geometry) {
  RingCreation creation;
  creation.geometry = geometry;
  creation.existing = Existing::kReplace;
  return creation;
}

void write_file(const std::string& name, const void* bytes, size_t size) {
  const int file = open(path_of(name).c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  CHECK(write(file, bytes, size) == static_cast<ssize_t>(size));
  close(file);
}

// Changes the stored identity and, unless told otherwise, gives it a checksum that agrees.
void alter(const TestRing& ring, const std::function<void(Identity&)>& change,
           bool fix_checksum = true) {
  Identity& identity = ring.header().identity;
  change(identity);
  if (fix_checksum) identity.checksum = identity_checksum(identity);
}

}  // namespace

TEST("what was created can be opened, with the geometry of its creator") {
  for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
    const TestDirectory directory("/dev/shm");
    const TestRing ring(TestRing::creation_of({10, 24, 3}, {}, birth), directory.at("ring"));
    const auto opened = open_ring(ring.name);
    CHECK(opened.ok());
    CHECK(opened.value().layout.geometry.elements == 10);
    CHECK(opened.value().layout.geometry.element_size == 24);
    CHECK(opened.value().layout.geometry.consumers == 3);
    CHECK(opened.value().header().identity.generation == ring.header().identity.generation);
    CHECK(opened.value().layout.generation == ring.header().identity.generation);
    CHECK(directory.names() == std::vector<std::string>{"ring"});
  }
}

TEST("a new segment has exactly the mode asked for, whatever the umask") {
  for (const mode_t mask : {0000, 0077, 0777}) {
    const mode_t before = umask(mask);
    for (const uint32_t mode : {0600U, 0640U, 0666U}) {
      const std::string name = unique_name();
      RingCreation creation;
      creation.geometry = {4, 4, 1};
      creation.mode = mode;
      CHECK(create_ring(name, creation).ok());
      struct stat facts;
      CHECK(stat(path_of(name).c_str(), &facts) == 0 && (facts.st_mode & 0777) == mode);
      CHECK(open_ring(name).ok());
      unlink(path_of(name).c_str());
    }
    umask(before);
  }
}

TEST("creating over a name that is taken is refused, and leaves what is there alone") {
  for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
    const TestDirectory directory("/dev/shm");
    const TestRing ring(TestRing::creation_of({4, 4, 1}, {}), directory.at("ring"));
    RingCreation creation;
    creation.geometry = {8, 8, 1};
    creation.birth = birth;
    CHECK(create_ring(ring.name, creation).error().code == Errc::kSegmentExists);
    CHECK(open_ring(ring.name).value().layout.geometry.elements == 4);
    CHECK(directory.names() == std::vector<std::string>{"ring"});
  }
}

TEST("a segment that was removed says so, and one that was replaced does not") {
  for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
    const TestRing ring({4, 4, 1}, {}, birth);
    const auto opened = open_ring(ring.name);
    CHECK(!ring.segment.unlinked() && !opened.value().unlinked());
    CHECK(unlink(path_of(ring.name).c_str()) == 0);
    CHECK(ring.segment.unlinked() && opened.value().unlinked());

    const auto next = create_ring(ring.name, replacing({4, 4, 1}));
    CHECK(ring.segment.unlinked() && !next.value().unlinked());
    const auto last = create_ring(ring.name, replacing({4, 4, 1}));
    CHECK(!next.value().unlinked() && !last.value().unlinked());
  }
}

TEST("a missing name is the system's ENOENT") {
  const auto opened = open_ring(unique_name());
  CHECK(opened.error().code == Errc::kSystem);
  CHECK(opened.error().sys_errno == ENOENT);
  CHECK(std::strcmp(opened.error().syscall, "open") == 0);
}

TEST("directories, links, FIFOs, empty, short and foreign objects are told apart") {
  const std::string name = unique_name();
  const std::string path = path_of(name);
  mkdir(path.c_str(), 0700);
  CHECK(open_code(name) == Errc::kSegmentNotRegular);
  rmdir(path.c_str());

  const TestRing target({4, 4, 1});
  CHECK(symlink(path_of(target.name).c_str(), path.c_str()) == 0);
  CHECK(open_code(name) == Errc::kSegmentNotRegular);
  unlink(path.c_str());

  mkfifo(path.c_str(), 0600);
  CHECK(open_code(name) == Errc::kSegmentNotRegular);
  unlink(path.c_str());

  write_file(name, "", 0);
  CHECK(open_code(name) == Errc::kSegmentTooShort);
  write_file(name, "short", 5);
  CHECK(open_code(name) == Errc::kSegmentTooShort);
  const std::string foreign(8192, 'x');
  write_file(name, foreign.data(), foreign.size());
  CHECK(open_code(name) == Errc::kSegmentForeign);
  unlink(path.c_str());
}

TEST("replacing refuses what is not ours and leaves it untouched") {
  const TestDirectory directory("/dev/shm");
  const std::string name = directory.at("ring");
  const std::string path = path_of(name);
  const std::string foreign(8192, 'x');
  for (const size_t size : {size_t{0}, size_t{5}, foreign.size()}) {
    write_file(name, foreign.data(), size);
    CHECK(create_ring(name, replacing({4, 4, 1})).error().code == Errc::kSegmentForeign);
    struct stat facts;
    CHECK(stat(path.c_str(), &facts) == 0 && facts.st_size == static_cast<off_t>(size));
  }
  unlink(path.c_str());

  mkdir(path.c_str(), 0700);
  CHECK(create_ring(name, replacing({4, 4, 1})).error().code == Errc::kSegmentNotRegular);
  rmdir(path.c_str());
  CHECK(directory.names().empty());
}

TEST("each contradiction in a header has its own error") {
  const struct {
    Errc expected;
    bool fix_checksum;
    std::function<void(Identity&)> change;
  } rows[] = {
      {Errc::kSegmentForeign, true, [](Identity& i) { i.magic ^= 1; }},
      {Errc::kSegmentVersion, true, [](Identity& i) { i.version += 1; }},
      {Errc::kSegmentVersion, true, [](Identity& i) { i.byte_order = 0x04030201; }},
      {Errc::kSegmentKind, true, [](Identity& i) { i.kind = static_cast<Kind>(99); }},
      {Errc::kSegmentMode, true, [](Identity& i) { i.mode = 0644; }},
      {Errc::kSegmentCorrupt, false, [](Identity& i) { i.elements += 1; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.elements = 0; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.element_size = 0; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.consumers = 0; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.consumers = ~uint64_t{0}; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.size += 1; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.markers_offset += 8; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.elements_offset = 0; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.producers_offset -= 8; }},
      {Errc::kSegmentCorrupt, true, [](Identity& i) { i.producers = 0; }},
      {Errc::kSegmentCorrupt, true,
       [](Identity& i) { i.policy.orphans = static_cast<Orphans>(2); }},
  };
  for (const auto& row : rows) {
    const TestRing ring({4, 4, 1});
    alter(ring, row.change, row.fix_checksum);
    CHECK(open_code(ring.name) == row.expected);
  }
}

TEST("a segment that is shorter or longer than its header says is refused") {
  for (const int change : {-1, 1}) {
    const TestRing ring({4, 4, 1});
    CHECK(truncate(path_of(ring.name).c_str(),
                   static_cast<off_t>(ring.segment.layout.size) + change) == 0);
    CHECK(open_code(ring.name) == Errc::kSegmentTruncated);
  }
}

TEST("replacing tells everybody who was attached, and their mapping stays readable") {
  const TestRing ring({4, 4, 1});
  Sequencer old = ring.sequencer();
  CHECK(old.claim(1, 1, 0).value().count == 1);
  CHECK(old.commit(0, 0, OutOfOrder::kRefuse, 0).value() == Commit::kVisible);
  old.elements()[0] = std::byte{42};

  const auto created = create_ring(ring.name, replacing({8, 8, 2}));
  CHECK(created.ok());
  CHECK(open_ring(ring.name).value().layout.geometry.elements == 8);

  CHECK(old.claim(1, 1, 0).error().code == Errc::kSegmentReplaced);
  CHECK(old.claim(1, 1, 1'000'000).error().code == Errc::kSegmentReplaced);
  CHECK(old.commit(0, 0, OutOfOrder::kMark, 0).error().code == Errc::kSegmentReplaced);
  CHECK(old.await_visible(0, 0).error().code == Errc::kSegmentReplaced);
  CHECK(old.consume(0, 0).error().code == Errc::kSegmentReplaced);
  CHECK(old.next() == 1 && old.cursor() == 1);
  CHECK(old.elements()[0] == std::byte{42});
}

TEST("a damaged ring can be replaced") {
  const TestRing ring({4, 4, 1});
  alter(
      ring, [](Identity& identity) { identity.elements = 5; }, false);
  CHECK(open_code(ring.name) == Errc::kSegmentCorrupt);
  CHECK(create_ring(ring.name, replacing({4, 4, 1})).ok());
  CHECK(open_ring(ring.name).ok());
}

TEST("a segment whose elements no caller could see whole is neither created nor opened") {
  const struct {
    Kind kind;
    RingGeometry geometry;
    uint64_t visible;
  } rows[] = {
      {Kind::kRing, {10, 24, 3}, 240},
      // Mapped twice.
      {Kind::kQueue, {kPage / kCell, kCell, 3}, 2 * kPage},
      // With the slots' headers.
      {Kind::kBroadcast, {10, 24, kNotifyEntries}, 480},
      {Kind::kMemory, memory_geometry(100), 100},
  };
  for (const auto& row : rows) {
    RingCreation creation;
    creation.kind = row.kind;
    creation.geometry = row.geometry;
    const TestRing old(creation);
    // Nothing is replaced for it, either.
    creation.existing = Existing::kReplace;
    creation.most_bytes = row.visible - 1;
    CHECK(create_ring(old.name, creation).error().code == Errc::kSegmentTooLarge);
    CHECK((old.header().next.load_ordered() & kReplacedBit) == 0);
    const auto write = os::Access::kReadWrite;
    CHECK(open_ring(old.name, row.kind, write, row.visible - 1).error().code ==
          Errc::kSegmentTooLarge);
    CHECK(open_ring(old.name, row.kind, write, row.visible).ok());
    creation.most_bytes = row.visible;
    CHECK(create_ring(old.name, creation).ok());
  }
}

TEST("a segment that is withdrawn loses its name, unless the name is another one's by now") {
  const std::string name = unique_name();
  RingCreation creation = replacing({4, 4, 1});
  const auto first = create_ring(name, creation);
  withdraw_segment(first.value().file, first.value().backing());
  CHECK(open_ring(name).error().sys_errno == ENOENT);
  const auto second = create_ring(name, creation);
  withdraw_segment(first.value().file, first.value().backing());
  CHECK(open_ring(name).ok());
  const auto third = create_ring(name, creation);
  withdraw_segment(second.value().file, second.value().backing());
  CHECK(open_ring(name).ok());
  withdraw_segment(third.value().file, third.value().backing());
  withdraw_segment(third.value().file, third.value().backing());
  CHECK(open_ring(name).error().sys_errno == ENOENT);
}

TEST("a replacement that does not finish makes the next one give up, not hang") {
  const TestDirectory directory("/dev/shm");
  const TestRing ring(TestRing::creation_of({4, 4, 1}, {}), directory.at("ring"));
  const auto stuck = os::open_file(ring.name);
  CHECK(os::try_lock(stuck.value(), liveness::kReplacement, os::Hold::kExclusive).value());
  CHECK(create_ring(ring.name, replacing({4, 4, 1})).error().code == Errc::kSegmentBusy);
  CHECK(directory.names() == std::vector<std::string>{"ring"});
}
