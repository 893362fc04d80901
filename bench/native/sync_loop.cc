// The per-message loop without Node: what the core allows at most on this machine.
//
//     sync-loop NAME ELEMENTS MESSAGES SECONDS
//
// Does in C++ what ../sync-loop.js does in JavaScript: a producer and a consumer, a process each,
// attached to one ring. Prints when the first of them began and when the consumer had seen the last
// message, in nanoseconds of the monotonic clock. No process of it lives longer than SECONDS.
//
// Each process says that it is attached by a byte in one pipe. All begin when another pipe, in
// which nobody ever writes, is closed.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../../addon/core/os/futex.h"
#include "../../addon/core/sequencer.h"

using namespace shm_disruptor;

namespace {

using Message = uint32_t;

// As long as one native wait of a *Sync method lasts.
constexpr uint64_t kPatience = 50'000'000;

// When a process began and ended.
struct Times {
  uint64_t begin;
  uint64_t end;
};

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "sync-loop: %s\n", what);
  std::exit(1);
}

Pipe make_pipe() {
  int ends[2];
  if (pipe(ends) != 0) fail("no pipe");
  return {ends[0], ends[1]};
}

void read_whole(int descriptor, void* into, size_t size) {
  if (read(descriptor, into, size) != static_cast<ssize_t>(size)) fail("a process ended early");
}

// Few enough bytes for a pipe to take all of them at once.
void write_whole(int descriptor, const void* from, size_t size) {
  if (write(descriptor, from, size) != static_cast<ssize_t>(size)) fail("cannot write");
}

void produce(Sequencer& sequencer, Message messages) {
  std::byte* const elements = sequencer.elements();
  for (Message i = 0; i < messages; ++i) {
    Result<Claim> claim = Claim{};
    do {
      claim = sequencer.claim(1, 1, kPatience);
      if (!claim.ok()) fail("a claim failed");
    } while (claim.value().count == 0);
    const uint64_t start = claim.value().start;
    std::memcpy(elements + sequencer.ring().slot(start) * sizeof i, &i, sizeof i);
    const auto commit = sequencer.commit(start, start, OutOfOrder::kMark, kPatience);
    if (!commit.ok() || commit.value() != Commit::kVisible) fail("a commit failed");
  }
}

void consume(Sequencer& sequencer, Message messages) {
  const std::byte* const elements = sequencer.elements();
  for (Message expected = 0; expected < messages;) {
    const auto batch = sequencer.consume(0, kPatience);
    if (!batch.ok()) fail("consuming failed");
    const auto [start, count, redelivered] = batch.value();
    if (count == 0) continue;
    for (uint64_t sequence = start; sequence < start + count; ++sequence, ++expected) {
      Message message;
      std::memcpy(&message, elements + sequencer.ring().slot(sequence) * sizeof message,
                  sizeof message);
      if (message != expected) fail("wrong data");
    }
    sequencer.commit_consumed(0, start, start + count);
  }
}

struct Party {
  pid_t process;
  int times;
};

Party start(void (*role)(Sequencer&, Message), const std::string& name, Message messages,
            unsigned seconds, const Pipe& ready, const Pipe& go) {
  const Pipe times = make_pipe();
  const pid_t process = fork();
  if (process < 0) fail("cannot fork");
  if (process > 0) {
    close(times.write_end);
    return {process, times.read_end};
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(seconds);
  close(go.write_end);
  auto segment = open_ring(name);
  if (!segment.ok()) fail("cannot open the ring");
  Sequencer sequencer(std::move(segment.value()));
  write_whole(ready.write_end, "!", 1);
  char end_of_file;
  if (read(go.read_end, &end_of_file, 1) != 0) fail("cannot wait for the beginning");
  const uint64_t begin = os::now_nanoseconds();
  role(sequencer, messages);
  const Times result{begin, os::now_nanoseconds()};
  write_whole(times.write_end, &result, sizeof result);
  std::exit(0);
}

Times finish(const Party& party) {
  Times times;
  read_whole(party.times, &times, sizeof times);
  int status = 0;
  if (waitpid(party.process, &status, 0) != party.process || status != 0) fail("a process failed");
  return times;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) fail("usage: sync-loop NAME ELEMENTS MESSAGES SECONDS");
  const std::string name = arguments[1];
  const auto messages = static_cast<Message>(std::strtoul(arguments[3], nullptr, 10));
  const auto seconds = static_cast<unsigned>(std::strtoul(arguments[4], nullptr, 10));
  alarm(seconds);

  RingCreation creation;
  creation.geometry = {std::strtoull(arguments[2], nullptr, 10), sizeof(Message), 1};
  if (!create_ring(name, creation).ok()) fail("cannot create the ring");

  const Pipe ready = make_pipe();
  const Pipe go = make_pipe();
  const Party consumer = start(consume, name, messages, seconds, ready, go);
  const Party producer = start(produce, name, messages, seconds, ready, go);
  // So that the end of a process is the end of the pipe, and not a wait.
  close(ready.write_end);
  for (int i = 0; i < 2; ++i) {
    char byte;
    read_whole(ready.read_end, &byte, 1);
  }
  close(go.write_end);
  const Times produced = finish(producer);
  const Times consumed = finish(consumer);
  const uint64_t begin = produced.begin < consumed.begin ? produced.begin : consumed.begin;
  std::printf("{\"begin\": %llu, \"end\": %llu}\n", static_cast<unsigned long long>(begin),
              static_cast<unsigned long long>(consumed.end));
  return 0;
}
