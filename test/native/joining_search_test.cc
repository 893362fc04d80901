// What a joiner does before it keeps producers from claiming, and what after.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../addon/core/sequencer.h"
#include "check.h"
#include "fixture.h"

using namespace fixture;

namespace {

// Markers that a joiner reads while it keeps producers from claiming: their pages cannot be touched
// at first, and whoever touches one is noticed.
struct Watch {
  std::byte* markers;
  size_t size;
  Sequence* joiner;
  int touched;
  int touched_joining;
} watch;

void notice(int, siginfo_t* fault, void*) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* at = static_cast<std::byte*>(fault->si_addr);
  // Any other fault is one.
  if (at < watch.markers || at >= watch.markers + watch.size) _exit(1);
  ++watch.touched;
  if (watch.joiner->load_ordered() == kJoining) ++watch.touched_joining;
  std::byte* begin = watch.markers + static_cast<size_t>(at - watch.markers) / page * page;
  mprotect(begin, page, PROT_READ | PROT_WRITE);
}

}  // namespace

TEST("who joins at a sequence looks for gaps before it keeps producers from claiming") {
  constexpr uint64_t kMany = 16 * 4096;
  RingCreation creation;
  // So that the markers are whole pages, and nothing else is in these.
  creation.geometry = {kMany, 8, 512, 32};
  creation.joinable = true;
  const TestRing test(creation);
  Sequencer producer = test.sequencer();
  Sequencer slow = test.sequencer();
  CHECK(slow.join({"slow", false, false, {}, {}}).ok());
  CHECK(producer.claim(kMany - 8, kMany - 8, 0).value().count == kMany - 8);
  CHECK(producer.commit(0, kMany - 9, OutOfOrder::kMark, 0).value() == Commit::kVisible);
  {
    Sequencer lost = test.sequencer();
    CHECK(lost.claim(4, 4, 0).value().count == 4);
  }
  const auto last = producer.claim(2, 2, 0);
  CHECK(producer.commit(kMany - 4, kMany - 3, OutOfOrder::kMark, 0).ok() && last.ok());
  CHECK(producer.recover() && producer.cursor() == kMany - 2);
  Sequencer late = test.sequencer();

  const RingLayout& layout = test.segment.layout;
  std::byte* base = test.segment.mapping->base();
  watch = {base + layout.markers_offset, kMany * sizeof(Sequence),
           &test.segment.consumers()[1].sequence, 0, 0};
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  CHECK(layout.markers_offset % page == 0 && watch.size % page == 0);
  struct sigaction before {};
  struct sigaction noticing {};
  noticing.sa_sigaction = notice;
  noticing.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &noticing, &before);
  CHECK(mprotect(watch.markers, watch.size, PROT_NONE) == 0);
  const auto joined = late.join({"late", false, false, {}, {Start::kSequence, kMany - 6}});
  mprotect(watch.markers, watch.size, PROT_READ | PROT_WRITE);
  sigaction(SIGSEGV, &before, nullptr);

  CHECK(joined.ok() && joined.value() == 1);
  CHECK(late.consumer_sequence(1) == kMany - 8);
  CHECK(watch.touched > 100);
  CHECK(watch.touched_joining == 0);
}
