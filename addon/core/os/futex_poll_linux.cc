// Linux: io_uring's IORING_OP_FUTEX_WAIT. The constants and structures are the kernel's ABI,
// spelled out because the headers of the machine that builds this may be older than the kernel that
// runs it.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "futex_poll.h"

namespace shm_disruptor::os {

namespace {

constexpr long kSetup = 425;
constexpr long kEnter = 426;

constexpr uint32_t kEntries = 8;  // one at a time is submitted
constexpr uint32_t kCompletions = 1024;
constexpr uint32_t kSetupCompletionSize = 1U << 3;
constexpr uint32_t kFeatureSingleMapping = 1U << 0;
constexpr uint32_t kFeatureNoDrop = 1U << 1;
constexpr uint32_t kEnterGetEvents = 1U << 0;
constexpr uint32_t kOverflow = 1U << 1;
constexpr off_t kQueuesOffset = 0;
constexpr off_t kEntriesOffset = 0x10000000;

constexpr uint8_t kCancel = 14;
constexpr uint8_t kFutexWait = 51;
constexpr int32_t kFutexIs32Bits = 2;
constexpr uint64_t kAnyBit = 0xffffffff;

// The token of what ends other waits: whether it did is told with those.
constexpr uint64_t kCancelling = ~uint64_t{0};

struct Offsets {
  uint32_t head, tail, mask, entries, flags, dropped_or_overflow, array_or_entries, reserved;
  uint64_t user_address;
};
// The completion queue's offsets are named in another order.
struct CompletionOffsets {
  uint32_t head, tail, mask, entries, overflow, completions, flags, reserved;
  uint64_t user_address;
};
struct Parameters {
  uint32_t submissions, completions, flags, thread_cpu, thread_idle, features, work_queue;
  uint32_t reserved[3];
  Offsets submission;
  CompletionOffsets completion;
};
struct Completion {
  uint64_t token;
  int32_t result;
  uint32_t flags;
};
static_assert(sizeof(Parameters) == 120 && sizeof(Completion) == 16);

}  // namespace

struct FutexPoll::Entry {
  uint8_t opcode, flags;
  uint16_t priority;
  int32_t futex_flags;
  uint64_t value;
  uint64_t address;
  uint32_t length, operation_flags;
  uint64_t token;
  uint64_t unused;
  uint64_t mask;
  uint64_t padding;
};

struct FutexPoll::Queues {
  std::byte* base = nullptr;
  size_t size = 0;
  Entry* entries = nullptr;
  size_t entries_size = 0;
  Parameters parameters{};

  ~Queues() {
    if (base) munmap(base, size);
    if (entries) munmap(entries, entries_size);
  }

  // Shared with the kernel.
  std::atomic<uint32_t>& word(uint32_t offset) const {
    return *reinterpret_cast<std::atomic<uint32_t>*>(base + offset);
  }

  // Which completions the kernel has told of: from the first to before the second.
  std::pair<uint32_t, uint32_t> told() const {
    const CompletionOffsets& offsets = parameters.completion;
    // Acquire: pairs with the kernel's store after it has written the completions.
    return {word(offsets.head).load(std::memory_order_relaxed),
            word(offsets.tail).load(std::memory_order_acquire)};
  }
  Completion completion(uint32_t number) const {
    const CompletionOffsets& offsets = parameters.completion;
    const uint32_t mask = word(offsets.mask).load(std::memory_order_relaxed);
    Completion completion;
    std::memcpy(&completion, base + offsets.completions + (number & mask) * sizeof completion,
                sizeof completion);
    return completion;
  }
  // The kernel may use the places of all before `head` again.
  void take_until(uint32_t head) const {
    // Release: they were read before. Pairs with the kernel's load.
    word(parameters.completion.head).store(head, std::memory_order_release);
  }
};

std::unique_ptr<FutexPoll> FutexPoll::make() {
  std::unique_ptr<FutexPoll> poll(new FutexPoll());
  if (!poll->set_up() || !poll->works()) return nullptr;
  return poll;
}

FutexPoll::~FutexPoll() {
  // The kernel gives up what still waits.
  if (descriptor_ >= 0) close(descriptor_);
}

bool FutexPoll::set_up() {
  queues_ = std::make_unique<Queues>();
  Parameters& parameters = queues_->parameters;
  parameters.flags = kSetupCompletionSize;
  parameters.completions = kCompletions;
  descriptor_ = static_cast<int>(syscall(kSetup, kEntries, &parameters));
  if (descriptor_ < 0) return false;
  constexpr uint32_t kNeeded = kFeatureSingleMapping | kFeatureNoDrop;
  if ((parameters.features & kNeeded) != kNeeded) return false;

  const size_t submission_end =
      parameters.submission.array_or_entries + parameters.submissions * sizeof(uint32_t);
  const size_t completion_end =
      parameters.completion.completions + parameters.completions * sizeof(Completion);
  queues_->size = submission_end > completion_end ? submission_end : completion_end;
  queues_->entries_size = parameters.submissions * sizeof(Entry);
  const auto map = [this](size_t size, off_t offset) -> void* {
    void* base =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_, offset);
    return base == MAP_FAILED ? nullptr : base;
  };
  queues_->base = static_cast<std::byte*>(map(queues_->size, kQueuesOffset));
  queues_->entries = static_cast<Entry*>(map(queues_->entries_size, kEntriesOffset));
  return queues_->base && queues_->entries;
}

// A wait for a word that holds something else ends at once, and says so, where it is implemented.
bool FutexPoll::works() {
  const Word word;
  if (!wait(word, 1, 0)) return false;
  const auto [head, tail] = queues_->told();
  if (head == tail) return false;
  const Completion completion = queues_->completion(head);
  queues_->take_until(head + 1);
  return completion.result == -EAGAIN;
}

bool FutexPoll::wait(const Word& word, uint32_t expected, uint64_t token) {
  Entry entry{};
  entry.opcode = kFutexWait;
  entry.futex_flags = kFutexIs32Bits;
  entry.value = expected;
  entry.address = reinterpret_cast<uint64_t>(word.address());
  entry.token = token;
  entry.mask = kAnyBit;
  return submit(entry);
}

FutexPoll::Cancelled FutexPoll::cancel(uint64_t token) {
  Entry entry{};
  entry.opcode = kCancel;
  entry.futex_flags = -1;
  entry.address = token;
  entry.token = kCancelling;
  if (!submit(entry)) return Cancelled::kGoesOn;
  // The kernel tells of a wait that it has cancelled before it comes back from submitting. If it
  // has not told of this one, it is just being woken, or there is more to tell than the queue
  // holds.
  Cancelled cancelled = Cancelled::kSpent;
  const auto [head, tail] = queues_->told();
  for (uint32_t i = head; i != tail; ++i) {
    const Completion completion = queues_->completion(i);
    if (completion.token == token && completion.result != 0) cancelled = Cancelled::kUnspent;
  }
  drop_ended(token);
  return cancelled;
}

// What nobody asks for any more, and comes first, would wake the event loop in vain.
void FutexPoll::drop_ended(uint64_t token) {
  auto [head, tail] = queues_->told();
  for (; head != tail; ++head) {
    const uint64_t first = queues_->completion(head).token;
    if (first != kCancelling && first != token) break;
  }
  queues_->take_until(head);
}

bool FutexPoll::submit(const Entry& entry) {
  const Offsets& offsets = queues_->parameters.submission;
  const uint32_t tail = queues_->word(offsets.tail).load(std::memory_order_relaxed);
  const uint32_t index = tail & queues_->word(offsets.mask).load(std::memory_order_relaxed);
  queues_->entries[index] = entry;
  queues_->word(offsets.array_or_entries + index * uint32_t{sizeof(uint32_t)})
      .store(index, std::memory_order_relaxed);
  // Release: the entry is written. Pairs with the kernel's load.
  queues_->word(offsets.tail).store(tail + 1, std::memory_order_release);
  for (;;) {
    const long submitted = syscall(kEnter, descriptor_, 1, 0, 0, nullptr, 0);
    if (submitted == 1) return true;
    if (errno == EINTR) continue;
    // Take it back: the kernel has not seen it.
    queues_->word(offsets.tail).store(tail, std::memory_order_release);
    return false;
  }
}

void FutexPoll::take_ended(std::vector<Ended>* ended) {
  for (;;) {
    auto [head, tail] = queues_->told();
    for (; head != tail; ++head) {
      const Completion completion = queues_->completion(head);
      if (completion.token != kCancelling) {
        ended->push_back({completion.token, completion.result == 0});
      }
    }
    queues_->take_until(head);
    // More than the queue holds: the kernel keeps the rest and adds it when asked.
    const uint32_t flags =
        queues_->word(queues_->parameters.submission.flags).load(std::memory_order_acquire);
    if ((flags & kOverflow) == 0) return;
    syscall(kEnter, descriptor_, 0, 0, kEnterGetEvents, nullptr, 0);
  }
}

}  // namespace shm_disruptor::os
