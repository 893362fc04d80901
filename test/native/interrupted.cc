// System calls that a signal interrupts, as file systems on a network or in user space let it, and
// older kernels in fallocate. The linker puts the functions below in the place of the system calls
// of the core (Makefile): each call fails with EINTR twice before it is made.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <map>
#include <string>

#include "../../addon/core/inspect.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

bool armed = false;
std::map<std::string, int> made;  // calls, the interrupted ones included
off_t longest_uninterrupted = 0;  // of what posix_fallocate is asked for at once

bool interrupted(const char* call) {
  if (!armed) return false;
  const bool now = made[call]++ % 3 != 2;
  if (now) errno = EINTR;
  return now;
}

}  // namespace

extern "C" {
#define INTERRUPT(name, result, parameters, arguments) \
  result __real_##name parameters;                     \
  result __wrap_##name parameters { return interrupted(#name) ? -1 : __real_##name arguments; }
INTERRUPT(fchmod, int, (int file, mode_t mode), (file, mode))
INTERRUPT(fcntl, int, (int file, int command, void* range), (file, command, range))
INTERRUPT(faccessat, int, (int at, const char* path, int mode, int flags), (at, path, mode, flags))
INTERRUPT(fsync, int, (int file), (file))
INTERRUPT(link, int, (const char* from, const char* to), (from, to))
INTERRUPT(linkat, int, (int a, const char* from, int b, const char* to, int flags),
          (a, from, b, to, flags))
INTERRUPT(msync, int, (void* base, size_t size, int flags), (base, size, flags))
INTERRUPT(open, int, (const char* path, int flags, mode_t mode), (path, flags, mode))
INTERRUPT(statx, int, (int at, const char* path, int flags, unsigned mask, struct statx* to),
          (at, path, flags, mask, to))
INTERRUPT(unlink, int, (const char* path), (path))

// Cut short as well.
ssize_t __real_pread(int, void*, size_t, off_t);
ssize_t __wrap_pread(int file, void* into, size_t size, off_t offset) {
  if (interrupted("pread")) return -1;
  return __real_pread(file, into, armed ? std::min<size_t>(size, 7) : size, offset);
}

DIR* __real_opendir(const char*);
DIR* __wrap_opendir(const char* path) {
  return interrupted("opendir") ? nullptr : __real_opendir(path);
}
dirent* __real_readdir(DIR*);
dirent* __wrap_readdir(DIR* directory) {
  return interrupted("readdir") ? nullptr : __real_readdir(directory);
}

// As tmpfs does it where a signal comes again and again: nothing is left of what was interrupted.
int __real_posix_fallocate(int, off_t, off_t);
int __wrap_posix_fallocate(int file, off_t offset, off_t size) {
  const bool too_long = longest_uninterrupted != 0 && size > longest_uninterrupted;
  if (interrupted("posix_fallocate") || too_long) return EINTR;
  return __real_posix_fallocate(file, offset, size);
}
}

namespace {

// Interrupts everything for as long as it lives.
struct Interruptions {
  Interruptions() {
    made.clear();
    armed = true;
  }
  ~Interruptions() { armed = false; }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
};

RingCreation creation_of(os::Birth birth, Existing existing) {
  RingCreation creation = TestRing::creation_of({64, 64, 1}, {}, birth);
  creation.existing = existing;
  return creation;
}

}  // namespace

TEST("no operation on a segment fails because a signal interrupts its system calls") {
  const std::string name = unique_name();
  {
    const Interruptions interruptions;
    for (const auto birth : {os::Birth::kUnnamed, os::Birth::kTemporary}) {
      const auto refused = creation_of(birth, Existing::kRefuse);
      const auto first = create_ring(name, refused);
      CHECK(first.ok());
      CHECK(create_ring(name, refused).error().code == Errc::kSegmentExists);
      CHECK(create_ring(name, creation_of(birth, Existing::kReplaceDead)).error().code ==
            Errc::kSegmentInUse);
      CHECK(create_ring(name, creation_of(birth, Existing::kReplace)).ok());
      auto opened = open_ring(name);
      CHECK(opened.ok());
      CHECK(sync(opened.value().backing()).ok());
      Sequencer ring(std::move(opened.value()));
      CHECK(ring.attach_consumer(0, os::Hold::kExclusive).ok());
      CHECK(ring.claim(1, 1, 0).value().count == 1);
      const auto inspected = inspect_segment(name);
      CHECK(inspected.ok() && inspected.value().snapshot.consumers[0].alive);
      const auto segments = list_segments("");
      CHECK(segments.ok() && std::any_of(segments.value().begin(), segments.value().end(),
                                         [&](const auto& each) { return each.name == name; }));
      CHECK(unlink_segment(name).ok());
    }
  }
  // Whatever is in the linker's list was called, and so was interrupted.
  for (const char* call :
       {"fchmod", "fcntl", "faccessat", "fsync", "link", "linkat", "msync", "open", "opendir",
        "posix_fallocate", "pread", "readdir", "statx", "unlink"}) {
    if (made[call] == 0) std::printf("# never called: %s\n", call);
    CHECK(made[call] > 0);
  }
}

TEST("a lock ends with its opening although the release of it is interrupted") {
  const TestRing ring({4, 4, 1});
  const Interruptions interruptions;
  { const Sequencer holder = ring.sequencer(); }
  auto other = ring.sequencer();
  {
    auto holder = ring.sequencer();
    CHECK(holder.attach_consumer(0, os::Hold::kExclusive).ok());
    CHECK(other.attach_consumer(0, os::Hold::kExclusive).error().code == Errc::kConsumerBusy);
  }
  CHECK(other.attach_consumer(0, os::Hold::kExclusive).ok());
}

TEST("a segment is allocated however often signals come, and all of it") {
  const std::string name = unique_name();
  longest_uninterrupted = off_t{1} << 20;
  RingCreation creation = TestRing::creation_of({10'000'019, 4, 1}, {}, os::Birth::kUnnamed);
  {
    const Interruptions interruptions;
    CHECK(create_ring(name, creation).ok());
  }
  longest_uninterrupted = 0;
  // Which open() refuses where the file has holes.
  CHECK(open_ring(name).ok());
  unlink(path_of(name).c_str());
}
