// Damaged segments, rings and queues, opened and used. The bytes of one input become an image: a
// sound segment of small geometry, then damage to it, then what two attachments do with it while
// more words change under their hands. Whatever the image says, every operation comes back, with a
// result that is within the ring or with an error, and nobody reads or writes outside the mapping.
//
// Under clang this is a libFuzzer target. Elsewhere SHM_DISRUPTOR_FUZZ_MAIN gives it a main of its
// own, without guidance by coverage: [-runs=N] [-seed=N], or files with inputs to run again. A
// crash leaves the image under its name in /dev/shm, to be looked at; the inputs are what matters.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../addon/core/inspect.h"
#include "../../addon/core/memory.h"
#include "../../addon/core/publisher.h"
#include "../../addon/core/queue.h"
#include "../../addon/core/sequencer.h"
#include "../../addon/core/subscriber.h"

#if defined(__SANITIZE_ADDRESS__)
#define SHM_DISRUPTOR_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHM_DISRUPTOR_POISON 1
#endif
#endif
#ifdef SHM_DISRUPTOR_POISON
#include <sanitizer/asan_interface.h>
#endif

using namespace shm_disruptor;

namespace {

void require(bool promise, const char* text) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", text);
  std::abort();
}

// The input, taken from its beginning on. Zeros follow its end, so that every prefix means
// something.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint64_t below(uint64_t limit) { return byte() % limit; }
  uint64_t raw() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

// Where counters may stand: their type has edges there, or ours does.
constexpr uint64_t kEdges[] = {
    0,
    1,
    uint64_t{1} << 31,
    uint64_t{1} << 32,
    uint64_t{1} << 52,
    kLastSequence,
    uint64_t{1} << 54,
    uint64_t{1} << 62,
    kReplacedBit,
    kJoining,
    kDetached,
    kIgnored,
};
constexpr uint64_t kSoundEdges = 6;  // how many of them are sequences

// A number that the core may read where it expects a sequence. Mostly one that is nearly right.
uint64_t odd_number(Bytes& input, uint64_t base, uint64_t elements) {
  const uint64_t kind = input.below(8);
  const uint64_t near = input.below(2 * elements + 4) - elements - 2;
  switch (kind) {
    case 0:
      return kEdges[input.below(std::size(kEdges))] + near;
    case 1:
      return input.raw();
    case 2:
      return (base + near) | kReplacedBit;
    case 3:  // as a marker: a gap, touched or not
      return ((base + near) & ((uint64_t{1} << 54) - 1)) | (uint64_t{1} << 62) |
             (input.below(4) << 54);
    case 4:  // as a marker: a commit that was touched, up to the last of its touches
      return ((base + near) & ((uint64_t{1} << 54) - 1)) | (uint64_t{input.byte()} << 54);
    default:
      return base + near;
  }
}

struct Shape {
  RingLayout layout;
  uint64_t base = 0;      // around where its counters stand
  bool joinable = false;  // whether consumers join it

  const RingGeometry& geometry() const { return layout.geometry; }
  bool queue() const { return layout.kind == Kind::kQueue; }
  // Where the message lies that begins in that cell.
  uint64_t cell_offset(uint64_t sequence) const {
    return layout.elements_offset + sequence % layout.geometry.elements * kCell;
  }
};

// One of the words with which consumers join and share their work.
uint64_t joining_offset(Bytes& input, const Shape& shape) {
  constexpr size_t kOffsets[] = {
      offsetof(ConsumerEntry, sequence), offsetof(ConsumerEntry, work),
      offsetof(ConsumerEntry, begin),    offsetof(ConsumerEntry, limit),
      offsetof(ConsumerEntry, work),     offsetof(ConsumerEntry, name),
  };
  return kConsumersOffset + input.below(shape.layout.geometry.consumers) * sizeof(ConsumerEntry) +
         kOffsets[input.below(std::size(kOffsets))];
}

// A 64-bit word that the core reads while it works, chosen by the input.
uint64_t word_offset(Bytes& input, const Shape& shape) {
  const RingLayout& layout = shape.layout;
  if (shape.joinable && input.below(3) == 0) return joining_offset(input, shape);
  // Of a queue, what lies around where its counters stand.
  if (shape.queue() && input.below(2) == 0) {
    const uint64_t near = shape.base - 16 + input.below(32);
    if (input.below(3) != 0) return shape.cell_offset(near);
    return layout.markers_offset + near % layout.geometry.elements * sizeof(Sequence);
  }
  switch (input.below(8)) {
    case 0:
      return offsetof(Header, next);
    case 1:
      return offsetof(Header, cursor);
    case 2:
      return offsetof(Header, gap_limit);
    case 3:
      return kConsumersOffset + input.below(layout.geometry.consumers) * sizeof(ConsumerEntry);
    case 4: {  // the begin or the limit of one range
      const uint64_t entry = input.below(layout.geometry.producers);
      return layout.producers_offset + entry * sizeof(ProducerEntry) +
             offsetof(ProducerEntry, ranges) + input.below(2 * kRanges) * sizeof(Sequence);
    }
    default:
      return layout.markers_offset + input.below(layout.geometry.elements) * sizeof(Sequence);
  }
}

// One of the 32-bit words.
uint64_t small_word_offset(Bytes& input, const Shape& shape) {
  const RingLayout& layout = shape.layout;
  const uint64_t consumer =
      kConsumersOffset + input.below(layout.geometry.consumers) * sizeof(ConsumerEntry);
  const uint64_t producer =
      layout.producers_offset + input.below(layout.geometry.producers) * sizeof(ProducerEntry);
  const uint64_t offsets[] = {
      offsetof(Header, status),
      offsetof(Header, gating_epoch),
      offsetof(Header, data_waiters),
      offsetof(Header, space_waiters),
      offsetof(Header, dependents),
      offsetof(Header, members),
      consumer + offsetof(ConsumerEntry, attached),
      consumer + offsetof(ConsumerEntry, pid),
      consumer + offsetof(ConsumerEntry, role),
      consumer + offsetof(ConsumerEntry, dependencies),
      consumer + offsetof(ConsumerEntry, after) + input.below(kMaxDependencies / 2) * sizeof(Word),
      producer + offsetof(ProducerEntry, pid),
  };
  return offsets[input.below(std::size(offsets))];
}

// A segment as it lies in the file. What comes after `bytes` is a hole.
struct Image {
  std::vector<uint8_t> bytes;
  uint64_t length = 0;
  uint32_t mode = 0600;

  void put(uint64_t offset, const void* from, size_t size) {
    if (offset <= bytes.size() && bytes.size() - offset >= size) {
      std::memcpy(bytes.data() + offset, from, size);
    }
  }
  void put64(uint64_t offset, uint64_t value) { put(offset, &value, sizeof value); }
  void put32(uint64_t offset, uint32_t value) { put(offset, &value, sizeof value); }
};

Shape draw_shape(Bytes& input) {
  RingGeometry geometry;
  geometry.elements = 1 + input.below(9);
  geometry.element_size = 1 + input.below(16);
  geometry.consumers = 1 + input.below(6);
  geometry.producers = 1 + input.below(3);
  // Elements are the application's: their size is nothing that the core has to walk through.
  const uint64_t rare = input.byte();
  if (rare >= 252) geometry.element_size <<= 8 * (rare - 251);
  // More participants than a ring can have, over a file with a hole.
  if (rare >= 244 && rare < 248) geometry.consumers <<= 8 * (rare - 243);
  if (rare >= 248 && rare < 252) geometry.producers <<= 8 * (rare - 247);
  const uint64_t choice = input.byte();
  RingPolicy policy;
  policy.orphans = (choice & 1) != 0 ? Orphans::kHold : Orphans::kSkip;
  policy.dead_consumers = (choice & 2) != 0 ? DeadConsumers::kDetach : DeadConsumers::kHold;
  const uint64_t roles = input.byte();
  if ((roles & 3) == 3) policy.producers = Producers::kSingle;
  const bool queue = (roles & 0xc0) == 0xc0;
  if (queue) {
    geometry.elements = kPage / kCell * (1 + input.below(2));
    geometry.element_size = kCell;
  }
  const auto layout = ring_layout(geometry, policy, {}, queue ? Kind::kQueue : Kind::kRing);
  require(layout.ok(), "small geometries have a layout");
  Shape shape;
  shape.layout = layout.value();
  shape.joinable = queue || (roles & 12) != 0;
  const uint64_t near = input.below(16);
  const uint64_t edge = kEdges[(choice >> 2) % kSoundEdges];
  shape.base = edge < 16 ? edge + near : edge - 8 + near;
  if (shape.base > kLastSequence) shape.base = kLastSequence - near;
  return shape;
}

// Names that everybody knows.
std::string draw_name(Bytes& input) {
  return std::string(1, static_cast<char>('a' + input.below(4)));
}

// Who is in the consumer table of a ring that consumers join, at random: also circles of those that
// come after each other, members of nobody's group and two of one name.
void put_consumers(Bytes& input, const Shape& shape, Image& image) {
  const uint64_t consumers = shape.geometry().consumers;
  for (uint64_t i = 0; i < consumers && i < 16; ++i) {
    const uint64_t entry = kConsumersOffset + i * sizeof(ConsumerEntry);
    const uint64_t kind = input.byte();
    const auto role = static_cast<uint32_t>(kind < 4 ? kind : 1 + kind % 5);
    const auto near = [&] { return shape.base - input.below(shape.geometry().elements + 1); };
    image.put32(entry + offsetof(ConsumerEntry, role), role);
    image.put32(entry + offsetof(ConsumerEntry, attached), 1);
    const std::string name = draw_name(input);
    image.put(entry + offsetof(ConsumerEntry, name), name.data(), name.size());
    const uint64_t dependencies = input.below(16);
    const auto count = static_cast<uint32_t>(dependencies < 12 ? dependencies % 3 : dependencies);
    image.put32(entry + offsetof(ConsumerEntry, dependencies), count);
    for (uint64_t j = 0; j < kMaxDependencies / 2 && j < count; ++j) {
      const uint64_t both = input.byte();
      // Mostly indices that there are.
      const uint64_t one = both < 250 ? (both & 15) % consumers : both << 8;
      const uint64_t other = (both >> 4) % consumers;
      image.put32(entry + offsetof(ConsumerEntry, after) + j * sizeof(Word),
                  static_cast<uint32_t>(one | other << 16));
    }
    const uint64_t work = static_cast<Role>(role) == Role::kGroup
                              ? near() << Consumers::kTakerBits | input.below(consumers + 2)
                              : near();
    image.put64(entry + offsetof(ConsumerEntry, work), work);
    const uint64_t begin = near();
    image.put64(entry + offsetof(ConsumerEntry, begin), begin);
    image.put64(entry + offsetof(ConsumerEntry, limit), begin + input.below(4));
    const uint64_t gone = input.below(8);
    if (gone < 3) image.put64(entry, gone == 0 ? kIgnored : gone == 1 ? kDetached : kJoining);
  }
  image.put32(offsetof(Header, dependents), 1);
  image.put32(offsetof(Header, members),
              static_cast<uint32_t>(input.below(4) == 0 ? input.byte() : consumers));
}

// A queue as it is used: the group of all its consumers, members and what they hold, and messages
// of any length, or of lengths that have no place.
void put_queue(Bytes& input, const Shape& shape, uint64_t unread, Image& image) {
  const uint64_t consumers = shape.geometry().consumers;
  const uint64_t first = shape.base < unread ? 0 : shape.base - unread;
  const uint64_t handed = first + input.below(shape.base - first + 1);
  for (uint64_t i = 0; i < consumers && i < 16; ++i) {
    const uint64_t entry = kConsumersOffset + i * sizeof(ConsumerEntry);
    const auto role = i == 0 ? Role::kGroup : input.below(4) != 0 ? Role::kMember : Role::kVacant;
    image.put32(entry + offsetof(ConsumerEntry, role), static_cast<uint32_t>(role));
    image.put32(entry + offsetof(ConsumerEntry, attached), role == Role::kVacant ? 0 : 1);
    image.put64(entry, i == 0 ? first : kDetached);
    image.put64(entry + offsetof(ConsumerEntry, name), i == 0 ? 'a' : 0);
    image.put32(entry + offsetof(ConsumerEntry, dependencies), i == 0 ? 0 : 1);
    image.put32(entry + offsetof(ConsumerEntry, after), 0);
    const uint64_t begin = first + input.below(handed - first + 1);
    const uint64_t limit = begin + input.below(4);
    image.put64(entry + offsetof(ConsumerEntry, begin), i == 0 ? 0 : begin);
    image.put64(entry + offsetof(ConsumerEntry, limit), i == 0 ? 0 : limit);
    const uint64_t work = handed << Consumers::kTakerBits | input.below(consumers + 1);
    image.put64(entry + offsetof(ConsumerEntry, work), i == 0 ? work : limit);
  }
  image.put32(offsetof(Header, members), static_cast<uint32_t>(consumers));
  for (uint64_t sequence = first; sequence < shape.base;) {
    const uint64_t kind = input.byte();
    MessageHeader header{static_cast<uint32_t>(kind), static_cast<uint32_t>(kind % 3)};
    if (kind == 254) header.deliveries = kDropped;
    if (kind == 255) header.length = static_cast<uint32_t>(input.raw());
    image.put(shape.cell_offset(sequence), &header, sizeof header);
    sequence += cells_of(header.length);
  }
}

// As a ring that was used: the last elements consumed, or not, or claimed and not committed.
Image sound_image(Bytes& input, const Shape& shape) {
  const RingLayout& layout = shape.layout;
  const uint64_t elements = layout.geometry.elements;
  Image image;
  image.length = layout.size;
  image.bytes.resize(static_cast<size_t>(layout.size < (1 << 20) ? layout.size : 2 * kPage));
  const uint64_t unread = input.below(elements + 1);
  const uint64_t claimed = input.below(elements - unread + 1);
  const uint64_t slowest = shape.base < unread ? shape.base : unread;
  image.put64(offsetof(Header, next), shape.base + claimed);
  image.put64(offsetof(Header, cursor), shape.base);
  for (uint64_t i = 0; i < layout.geometry.consumers && i < kMaxParticipants; ++i) {
    image.put64(kConsumersOffset + i * sizeof(ConsumerEntry),
                shape.base - (i == 0 ? slowest : slowest / (i + 1)));
  }
  if (shape.queue() && input.below(4) != 0) {
    put_queue(input, shape, unread, image);
  } else if (shape.joinable) {
    put_consumers(input, shape, image);
  }
  return image;
}

// `identity` with one field changed.
void damage_identity(Bytes& input, Identity& identity) {
  uint64_t* const numbers[] = {
      &identity.size,           &identity.elements,        &identity.element_size,
      &identity.consumers,      &identity.producers,       &identity.producers_offset,
      &identity.markers_offset, &identity.elements_offset, &identity.generation,
      &identity.magic,
  };
  const uint64_t field = input.below(std::size(numbers) + 3);
  if (field < std::size(numbers)) {
    const uint64_t near = input.below(5) - 2;
    *numbers[field] = input.below(4) == 0 ? input.raw() : *numbers[field] + near;
    return;
  }
  // Through memory: not every number is one that the enumerations name.
  constexpr size_t kOffsets[] = {
      offsetof(Identity, version), offsetof(Identity, byte_order), offsetof(Identity, kind),
      offsetof(Identity, mode),    offsetof(Identity, policy),     offsetof(Identity, policy) + 4,
  };
  const uint32_t value = static_cast<uint32_t>(input.below(4));
  std::memcpy(reinterpret_cast<uint8_t*>(&identity) + kOffsets[input.below(std::size(kOffsets))],
              &value, sizeof value);
}

void damage(Bytes& input, const Shape& shape, Image& image) {
  const uint64_t elements = shape.geometry().elements;
  const uint64_t header = input.byte();
  Identity identity = identity_of(shape.layout, 0600);
  // Seldom: most of what is behind it is reached only through a sound one.
  if (header >= 240) damage_identity(input, identity);
  if (header >= 250) damage_identity(input, identity);
  identity.checksum = identity_checksum(identity);
  if (header == 239) identity.checksum ^= input.raw();
  image.put(0, &identity, sizeof identity);

  const uint64_t words = input.below(24);
  for (uint64_t i = 0; i < words; ++i) {
    switch (input.below(8)) {
      case 0:
        image.put32(small_word_offset(input, shape), static_cast<uint32_t>(input.raw()));
        break;
      case 1:  // any bytes anywhere
        image.put64(input.raw() % image.bytes.size(), input.raw());
        break;
      default: {
        const uint64_t offset = word_offset(input, shape);
        image.put64(offset, odd_number(input, shape.base, elements));
      }
    }
  }
  const uint64_t length = input.byte();
  if (length >= 250) {
    image.length += input.below(16) - 8;
    if (length == 255) image.length = input.raw() % (shape.layout.size + 1);
    if (image.bytes.size() > image.length) image.bytes.resize(static_cast<size_t>(image.length));
  }
  if (length == 249) image.mode = static_cast<uint32_t>(input.raw()) & 0666;
}

const std::string& image_name() {
  static const std::string name = "shm-disruptor-fuzz-" + std::to_string(getpid());
  return name;
}

const std::string& image_path() {
  static const std::string path = "/dev/shm/" + image_name();
  return path;
}

void write_image(const Image& image) {
  const int file = open(image_path().c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  require(file >= 0, "the image can be created");
  const auto size = static_cast<ssize_t>(image.bytes.size());
  require(write(file, image.bytes.data(), image.bytes.size()) == size &&
              ftruncate(file, static_cast<off_t>(image.length)) == 0 &&
              fchmod(file, image.mode) == 0,
          "the image can be written");
  close(file);
}

constexpr uint64_t kGuard = kPage;

// Whether the bytes behind a mapping, which the kernel gives with its last page, may be used.
void allow(std::byte* from, std::byte* to, bool allowed) {
#ifdef SHM_DISRUPTOR_POISON
  const auto size = static_cast<size_t>(to - from);
  if (allowed) {
    __asan_unpoison_memory_region(from, size);
  } else {
    __asan_poison_memory_region(from, size);
  }
#else
  static_cast<void>(from);
  static_cast<void>(to);
  static_cast<void>(allowed);
#endif
}

// One attachment, over a mapping that nothing may be next to: pages without access before and
// behind it and, under AddressSanitizer, none to what is left of its own last page.
class Guest {
 public:
  Guest(RingSegment segment, Waiting waiting)
      : used_(segment.layout.size + segment.layout.mirrored()),
        size_((used_ + kPage - 1) / kPage * kPage) {
    void* const reserved = mmap(nullptr, size_ + 2 * kGuard, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(reserved != MAP_FAILED, "there is room for another mapping");
    reserved_ = static_cast<std::byte*>(reserved);
    const uint64_t once = segment.layout.size;
    void* const base = mmap(reserved_ + kGuard, once, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_FIXED, segment.file.descriptor(), 0);
    require(base == reserved_ + kGuard, "what was mapped once can be mapped again");
    if (segment.layout.mirrored() != 0) {
      void* const mirror =
          mmap(reserved_ + kGuard + once, segment.layout.mirrored(), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_FIXED, segment.file.descriptor(),
               static_cast<off_t>(segment.layout.elements_offset));
      require(mirror == reserved_ + kGuard + once, "elements can be mapped twice");
    }
    allow(reserved_ + kGuard + used_, reserved_ + kGuard + size_, false);
    segment.mapping = MappingRef(new Mapping(base, used_));
    sequencer.emplace(std::move(segment), waiting);
  }
  ~Guest() {
    allow(reserved_ + kGuard + used_, reserved_ + kGuard + size_, true);
    // The guards last: while the middle is free, nobody else maps anything here.
    sequencer.reset();
    munmap(reserved_, kGuard);
    munmap(reserved_ + kGuard + size_, kGuard);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  std::optional<Sequencer> sequencer;

 private:
  uint64_t used_;
  uint64_t size_;  ///< in whole pages
  std::byte* reserved_ = nullptr;
};

Waiting draw_waiting(Bytes& input) {
  Waiting waiting;
  waiting.strategy = static_cast<Strategy>(input.below(5));
  waiting.budget = 1000 * input.below(2);
  return waiting;
}

bool open_guest(Bytes& input, const Shape& shape, std::optional<Guest>& guest) {
  guest.reset();
  const Waiting waiting = draw_waiting(input);
  auto opened = open_ring(image_name(), shape.layout.kind);
  if (!opened.ok()) return false;
  guest.emplace(std::move(opened.value()), waiting);
  return true;
}

// Whether what runs over the ring's end is in one piece.
bool mirrored(const Sequencer& ring) { return ring.visible_bytes() != ring.elements_bytes(); }

// What an owner does with elements that he was given.
void use_elements(Sequencer& ring, uint64_t start, uint64_t count, bool writes) {
  const RingGeometry& geometry = ring.geometry();
  require(count <= geometry.elements, "no more is given than the ring has");
  require(start <= kLastSequence && start + count <= kLastSequence + 1,
          "sequences end with the last one");
  const Spans spans = ring.ring().spans(start, count);
  require(spans.slot + spans.first <= geometry.elements && spans.second <= geometry.elements &&
              spans.first + spans.second == count,
          "what is given lies within the ring");
  // Of large elements the ends.
  const auto touch = [&](uint64_t slot, uint64_t slots) {
    if (slots == 0) return;
    volatile std::byte* const first = ring.elements() + slot * geometry.element_size;
    volatile std::byte* const last = first + (slots * geometry.element_size - 1);
    const std::byte before = *first;
    if (writes) *first = *last = before;
  };
  if (mirrored(ring)) {
    touch(spans.slot, count);
  } else {
    touch(spans.slot, spans.first);
    touch(0, spans.second);
  }
}

// What one attachment remembers of what it was given, as a caller does.
struct Memory {
  Claim claim;
  Batch batch;
  uint64_t consumer = 0;
  bool joined = false;
  bool assignments = false;  // as a member of a group
  uint64_t member_slot = 0;  // where its latest share is
};

uint64_t draw_patience(Bytes& input) { return input.below(16) == 0 ? 20'000 : 0; }

void claim_some(Bytes& input, Sequencer& ring, Memory& memory) {
  const uint64_t least = 1 + input.below(ring.geometry().elements);
  const uint64_t most = least + input.below(ring.geometry().elements - least + 1);
  const auto claim = ring.claim(least, most, draw_patience(input));
  if (!claim.ok() || claim.value().count == 0) return;
  require(claim.value().count >= least && claim.value().count <= most, "a claim is as asked for");
  memory.claim = claim.value();
  use_elements(ring, memory.claim.start, memory.claim.count, true);
}

void commit_some(Bytes& input, Sequencer& ring, const Memory& memory, uint64_t base) {
  uint64_t start = memory.claim.start;
  uint64_t end = memory.claim.start + memory.claim.count - 1;
  // Callers of the core have checked that these are sequences, and nothing else.
  if (input.below(3) == 0) {
    start = odd_number(input, base, ring.geometry().elements) & kLastSequence;
    end = (start + input.below(ring.geometry().elements + 2) - 1) & kLastSequence;
  }
  const auto mode = input.below(2) == 0 ? OutOfOrder::kRefuse : OutOfOrder::kMark;
  const auto committed = ring.commit(start, end, mode, draw_patience(input));
  if (committed.ok() && committed.value() == Commit::kPending) {
    static_cast<void>(ring.await_visible(end, draw_patience(input)));
  }
}

void consume_some(Bytes& input, Sequencer& ring, Memory& memory) {
  // Who has joined is who it is, mostly.
  if (!memory.joined || input.below(16) == 0) {
    memory.consumer = input.below(ring.geometry().consumers);
    memory.joined = false;
  }
  const auto batch = ring.consume(memory.consumer, draw_patience(input));
  memory.batch = {};
  if (batch.ok() && batch.value().count != 0) {
    memory.batch = batch.value();
    use_elements(ring, memory.batch.start, memory.batch.count, false);
  }
  for (size_t left = ring.gap_count(); left > 0; --left) {
    const Gap gap = ring.next_gap();
    require(gap.begin < gap.end && gap.end - gap.begin <= ring.geometry().elements,
            "a gap lies within one lap");
  }
}

void join_some(Bytes& input, Sequencer& ring, Memory& memory, uint64_t base) {
  Joining joining;
  const uint64_t choice = input.byte();
  joining.group = choice % 4 >= 2;
  if (choice % 4 != 0) joining.name = draw_name(input);
  joining.after_given = (choice & 16) != 0;
  for (uint64_t left = choice >> 6; left > 0 && joining.after_given; --left) {
    joining.after.push_back(draw_name(input));
  }
  joining.start.kind = static_cast<Start::Kind>(input.below(3));
  joining.start.sequence = odd_number(input, base, ring.geometry().elements) & kLastSequence;
  const auto joined = ring.join(joining);
  memory.joined = joined.ok();
  memory.assignments = joined.ok() && joining.group;
  if (!joined.ok()) return;
  require(joined.value() < ring.geometry().consumers, "whoever joins is in the table");
  memory.consumer = joined.value();
  memory.batch = {};
  ring.assignment(1 + input.below(ring.geometry().elements));
}

void share_some(Bytes& input, Sequencer& ring, Memory& memory) {
  switch (input.below(5)) {
    case 0:
      static_cast<void>(ring.finish_assignment(input.below(4)));
      break;
    case 1:
      static_cast<void>(ring.return_assignment(input.below(4)));
      break;
    case 2:
      static_cast<void>(ring.keep_assignment(input.below(4)));
      break;
    default: {
      // Of those who have joined a group alone.
      if (!memory.joined || !memory.assignments) return;
      const auto taken = ring.take_assignment(draw_patience(input));
      if (!taken.ok() || taken.value().assignment.count == 0) return;
      memory.member_slot = taken.value().member_slot;
      use_elements(ring, taken.value().assignment.start, taken.value().assignment.count, false);
      if (input.below(2) == 0) {
        require(ring.finish_assignment(memory.member_slot),
                "a share that was taken can be finished");
      }
    }
  }
}

// Sends a message, or drops it, or leaves it as it is.
void send_some(Bytes& input, Sequencer& ring, Memory& memory) {
  const uint64_t length = input.below(32) == 0 ? ring.elements_bytes() - 64 : input.byte();
  const uint64_t cells = cells_of(length);
  const auto claim = ring.claim(cells, cells, draw_patience(input));
  if (!claim.ok() || claim.value().count == 0) return;
  require(claim.value().count == cells, "a message has the cells that it needs");
  memory.claim = claim.value();
  use_elements(ring, memory.claim.start, cells, true);
  const MessageHeader header{static_cast<uint32_t>(length), input.below(4) == 0 ? kDropped : 0};
  std::memcpy(ring.elements() + ring.ring().slot(memory.claim.start) * kCell, &header,
              sizeof header);
  if (input.below(8) == 0) return;
  static_cast<void>(
      ring.commit(memory.claim.start, memory.claim.start + cells - 1, OutOfOrder::kMark, 0));
}

// Sends several together, whose lengths may be anything.
void send_several(Bytes& input, Sequencer& ring) {
  std::vector<std::byte> bytes(input.byte() * 16);
  std::vector<uint32_t> lengths(input.below(40));
  for (uint32_t& length : lengths) {
    length = input.below(16) == 0 ? static_cast<uint32_t>(input.raw()) : input.byte();
  }
  const auto sent =
      send_messages(ring, bytes.data(), bytes.size(), lengths.data(), lengths.size(),
                    ring.elements_bytes() - sizeof(MessageHeader), draw_patience(input));
  if (!sent.ok()) return;
  uint64_t total = 0;
  for (uint64_t i = 0; i < sent.value().count; ++i) total += lengths[i];
  require(sent.value().count <= lengths.size() && total <= bytes.size(),
          "nothing is sent but what there is");
}

// Becomes one of the queue's consumers, all of which are in one group.
void join_queue(Sequencer& ring, Memory& memory) {
  Joining joining;
  joining.name = "a";
  joining.group = true;
  const auto joined = ring.join(joining);
  if (!joined.ok()) return;
  memory.joined = memory.assignments = true;
  memory.consumer = joined.value();
  memory.batch = {};
}

void move_some(Bytes& input, Sequencer& ring, Memory& memory) {
  if (!memory.joined) join_queue(ring, memory);
  // Of those who have joined a group alone.
  if (!memory.joined || !memory.assignments) return;
  // Mostly enough; and of its own, so that nobody writes behind it unnoticed.
  const uint64_t room = input.below(4) == 0 ? input.byte() : ring.elements_bytes();
  std::vector<std::byte> target(static_cast<size_t>(room));
  uint64_t length = 0;
  const auto moved = move_message(ring, target.data(), room, length);
  if (!moved.ok() || moved.value() == Moved::kNothing) return;
  require((moved.value() == Moved::kMoved) == (length <= room),
          "a message is moved if there is room for it");
  require(length <= ring.elements_bytes(), "a message is no longer than the queue");
}

void move_several(Bytes& input, Sequencer& ring, Memory& memory) {
  if (!memory.joined) join_queue(ring, memory);
  if (!memory.joined || !memory.assignments) return;
  const uint64_t room = input.below(4) == 0 ? input.byte() : ring.elements_bytes();
  std::vector<std::byte> target(static_cast<size_t>(room));
  std::vector<uint32_t> lengths(input.below(40));
  const auto moved = move_messages(ring, target.data(), room, lengths.data(), lengths.size(),
                                   draw_patience(input));
  if (!moved.ok()) return;
  uint64_t total = 0;
  require(moved.value().count <= lengths.size(), "no more messages come than there is room for");
  for (uint64_t i = 0; i < moved.value().count; ++i) total += lengths[i];
  require(total <= room, "messages lie within the target");
}

void take_snapshot(Sequencer& ring) {
  const Snapshot snapshot = ring.snapshot();
  require(snapshot.consumers.size() <= ring.geometry().consumers &&
              snapshot.producers.size() <= ring.geometry().producers,
          "no more take part than there is room for");
  for (const ConsumerFacts& facts : snapshot.consumers) {
    require(facts.name.size() <= kLongestName && facts.after.size() <= kMaxDependencies,
            "what is said of a consumer is within its entry");
  }
}

void use_lease(Bytes& input, Sequencer& ring) {
  const Sequencer::Lease lease = ring.lease();
  if (lease.next >= lease.limit) return;
  require(lease.limit - lease.next <= ring.geometry().elements && lease.limit <= kLastSequence,
          "no more is leased than the ring has");
  const uint64_t count = 1 + input.below(lease.limit - lease.next);
  use_elements(ring, lease.next, count, true);
  ring.use_lease(lease.next + count);
  static_cast<void>(ring.commit(lease.next, lease.next + count - 1, OutOfOrder::kMark, 0));
}

void take_over_some(Bytes& input, Sequencer& ring, Memory& memory, uint64_t base) {
  const uint64_t elements = ring.geometry().elements;
  const uint64_t start = odd_number(input, base, elements) & kLastSequence;
  const uint64_t end = (start + input.below(elements + 2) - 1) & kLastSequence;
  const bool uncommitted = ring.uncommitted(start, end);
  const auto taken = ring.take_over(start, end);
  if (!taken.ok() || !taken.value()) return;
  require(uncommitted, "only what is not committed is taken over");
  use_elements(ring, start, end - start + 1, true);
  memory.claim = {start, end - start + 1, false};
}

void look(Bytes& input, Sequencer& ring, uint64_t base) {
  const uint64_t elements = ring.geometry().elements;
  static_cast<void>(ring.claimable(1 + input.below(elements)));
  static_cast<void>(ring.consumable(input.below(ring.geometry().consumers)));
  const uint64_t start = odd_number(input, base, elements) & kLastSequence;
  static_cast<void>(ring.committable(start));
  static_cast<void>(ring.uncommitted(start, start + input.below(elements + 2)));
  static_cast<void>(ring.next() + ring.cursor() + ring.gaps() + ring.lost());
  static_cast<void>(ring.consumer_sequence(input.below(ring.geometry().consumers)));
  static_cast<void>(ring.all_ignored());
  static_cast<void>(ring.status());
}

void look_from_outside(Bytes& input) {
  const auto facts = inspect_segment(image_name());
  require(!facts.ok() || facts.value().name == image_name(), "what is looked at has its name");
  // It looks at the segments of everybody.
  if (input.below(64) == 0) static_cast<void>(list_segments());
}

void replace(Bytes& input, const Shape& shape) {
  RingCreation creation;
  creation.kind = shape.layout.kind;
  creation.geometry = shape.geometry();
  if (!shape.queue()) creation.geometry.element_size = 1;
  creation.existing = static_cast<Existing>(input.below(3));
  const auto created = create_ring(image_name(), creation);
  require(!created.ok() || created.value().header().next.load_acquire() == 0,
          "a new ring is empty");
}

// Somebody else's store.
void change_word(Bytes& input, Sequencer& ring, const Shape& shape) {
  std::byte* const base = ring.mapping()->base();
  if (input.below(8) == 0) {
    auto* const word = reinterpret_cast<Word*>(base + small_word_offset(input, shape));
    word->store_ordered(static_cast<uint32_t>(input.raw()));
    return;
  }
  auto* const sequence = reinterpret_cast<Sequence*>(base + word_offset(input, shape));
  // Around where it stands now: nearly right is worse than wrong.
  const bool moved = input.below(2) == 0;
  sequence->store_ordered(
      odd_number(input, moved ? ring.cursor() : shape.base, shape.geometry().elements));
}

bool same_geometry(const Sequencer& ring, const Shape& shape) {
  const RingGeometry& one = ring.geometry();
  const RingGeometry& other = shape.geometry();
  return one.elements == other.elements && one.consumers == other.consumers &&
         one.producers == other.producers;
}

void use(Bytes& input, const Shape& shape) {
  constexpr int kMaxOperations = 96;
  std::optional<Guest> guests[2];
  Memory memories[2];
  look_from_outside(input);
  for (auto& guest : guests) {
    if (!open_guest(input, shape, guest)) return;
  }
  for (int i = 0; i < kMaxOperations && !input.empty(); ++i) {
    const uint64_t choice = input.byte();
    const uint64_t which = choice >> 7;
    Memory& memory = memories[which];
    if (!guests[which]) {
      memory = {};
      if (!open_guest(input, shape, guests[which])) continue;
    }
    Sequencer& ring = *guests[which]->sequencer;
    if (shape.queue() && input.below(3) == 0) {
      switch (input.below(4)) {
        case 0:
          send_some(input, ring, memory);
          break;
        case 1:
          send_several(input, ring);
          break;
        case 2:
          move_some(input, ring, memory);
          break;
        default:
          move_several(input, ring, memory);
      }
      continue;
    }
    switch ((choice & 127) % 26) {
      case 0:
      case 1:
      case 2:
        claim_some(input, ring, memory);
        break;
      case 3:
      case 4:
      case 5:
        commit_some(input, ring, memory, shape.base);
        break;
      case 6:
      case 7:
      case 8:
        consume_some(input, ring, memory);
        break;
      case 9:
        static_cast<void>(ring.commit_consumed(memory.consumer, memory.batch.start,
                                               memory.batch.start + memory.batch.count));
        break;
      case 10:
        static_cast<void>(ring.recover());
        break;
      case 11:
        static_cast<void>(ring.unblock_space());
        break;
      case 12:
        take_over_some(input, ring, memory, shape.base);
        break;
      case 13:
        static_cast<void>(
            ring.attach_consumer(input.below(ring.geometry().consumers),
                                 input.below(2) == 0 ? os::Hold::kShared : os::Hold::kExclusive));
        break;
      case 14:
        look(input, ring, shape.base);
        break;
      case 15:
        // Dies: its claims are left as they are.
        guests[which].reset();
        break;
      case 16: {
        const uint64_t rare = input.byte();
        if (rare < 64) ring.ignore(rare % ring.geometry().consumers);
        if (rare >= 64 && rare < 128) ring.set_status(static_cast<int32_t>(rare));
        if (rare >= 128 && rare < 192) look_from_outside(input);
        if (rare >= 224 && rare < 240) replace(input, shape);
        if (rare >= 250) static_cast<void>(unlink_segment(image_name()));
        break;
      }
      case 17:
      case 18:
        if (shape.joinable) join_some(input, ring, memory, shape.base);
        break;
      case 19:
        if (shape.joinable && memory.joined) ring.leave();
        memory.joined = false;
        break;
      case 20:
        share_some(input, ring, memory);
        break;
      case 21:
        take_snapshot(ring);
        static_cast<void>(ring.unblock_data());
        break;
      case 22:
        use_lease(input, ring);
        break;
      default:
        if (same_geometry(ring, shape)) change_word(input, ring, shape);
    }
  }
}

// Plain memory, damaged, and whatever can be done with it.
void use_memory(Bytes& input) {
  const uint64_t size = 1 + (input.raw() & 0x1fff);
  const auto layout = ring_layout(memory_geometry(size), {}, {}, Kind::kMemory);
  Image image;
  image.bytes.resize(static_cast<size_t>(layout.value().size));
  image.length = layout.value().size;
  Identity identity = identity_of(layout.value(), image.mode);
  if (input.below(4) == 0) {
    const uint64_t word = input.below(sizeof(Identity) / sizeof(uint64_t));
    const uint64_t value = input.below(2) == 0 ? input.below(5) : input.raw();
    std::memcpy(reinterpret_cast<char*>(&identity) + word * sizeof value, &value, sizeof value);
    if (input.below(4) != 0) identity.checksum = identity_checksum(identity);
  }
  image.put(0, &identity, sizeof identity);
  for (uint64_t left = input.below(4); left > 0; --left) {
    image.put64(sizeof identity + input.raw() % image.bytes.size(), input.raw());
  }
  if (input.below(16) == 0) image.length = input.raw() % (2 * image.length);
  if (image.length < image.bytes.size()) image.bytes.resize(static_cast<size_t>(image.length));
  write_image(image);
  look_from_outside(input);
  for (const auto access : {os::Access::kRead, os::Access::kReadWrite}) {
    auto opened = open_ring(image_name(), Kind::kMemory, access);
    if (!opened.ok()) continue;
    shm_disruptor::Memory memory(std::move(opened.value()), access, draw_waiting(input));
    std::vector<std::byte> copy(static_cast<size_t>(memory.size()));
    const uint64_t from = input.raw() % (memory.size() + 1);
    memory.read(from, memory.size() - from, copy.data());
    if (memory.writable()) std::memcpy(memory.bytes(), copy.data(), copy.size());
    if (memory.size() < sizeof(Word)) continue;
    const uint64_t last = (memory.size() - sizeof(Word)) & ~uint64_t{3};
    const uint32_t value = memory.word(last).load_ordered();
    const auto changed = memory.wait(last, value, draw_patience(input));
    require(changed.ok() ? !changed.value() : memory.replaced(), "a word that stays is waited for");
    static_cast<void>(memory.notify(last, 1));
  }
  if (input.below(8) == 0) {
    RingCreation creation;
    creation.kind = Kind::kMemory;
    creation.geometry = memory_geometry(8);
    creation.existing = static_cast<Existing>(input.below(3));
    static_cast<void>(create_ring(image_name(), creation));
  }
}

// A broadcast, damaged, and whatever can be done with it by publishers and subscribers.
void use_broadcast(Bytes& input) {
  const uint64_t elements = 1 + input.below(9);
  const uint64_t longest = 1 + input.below(64);
  RingPolicy policy;
  if (input.below(2) == 0) policy.producers = Producers::kSingle;
  const uint64_t places = policy.producers == Producers::kSingle ? 1 : 1 + input.below(3);
  const auto layout =
      ring_layout({elements, longest, kNotifyEntries, places}, policy, {}, Kind::kBroadcast);
  Image image;
  image.bytes.resize(static_cast<size_t>(layout.value().size));
  image.length = layout.value().size;
  Identity identity = identity_of(layout.value(), image.mode);
  if (input.below(16) == 0) damage_identity(input, identity);
  identity.checksum = identity_checksum(identity);
  image.put(0, &identity, sizeof identity);
  const uint64_t base = kEdges[input.below(kSoundEdges)] + input.below(16);
  image.put64(offsetof(Header, next), base);
  for (uint64_t back = 1; back <= elements && back <= base; ++back) {
    const uint64_t slot =
        layout.value().elements_offset + (base - back) % elements * layout.value().stride();
    image.put64(slot, SlotState::written(base - back).word());
    image.put32(slot + sizeof(Sequence), static_cast<uint32_t>(input.below(longest + 1)));
  }
  for (uint64_t left = input.below(12); left > 0; --left) {
    const uint64_t slot =
        layout.value().elements_offset + input.below(elements) * layout.value().stride();
    const uint64_t odd = odd_number(input, base, elements);
    switch (input.below(5)) {
      case 0:
        image.put64(input.below(2) == 0 ? offsetof(Header, next) : offsetof(Header, cursor), odd);
        break;
      case 1:
        image.put32(slot + sizeof(Sequence), static_cast<uint32_t>(input.raw()));
        break;
      case 2:
        image.put64(input.raw() % image.bytes.size(), input.raw());
        break;
      default:
        image.put64(slot,
                    odd << SlotState::kWriterBits | (input.below(2) == 0 ? 0 : input.raw() & 2047));
    }
  }
  write_image(image);
  look_from_outside(input);
  auto writing = open_ring(image_name(), Kind::kBroadcast);
  auto reading = open_for_reading(image_name());
  if (!writing.ok() || !reading.ok()) return;
  Publisher publisher(std::move(writing.value()));
  Subscriber subscriber(std::move(reading.value()), draw_waiting(input));
  for (uint64_t steps = input.below(32); steps > 0; --steps) {
    // On the heap, and no longer than it says: who copies more is found.
    std::vector<std::byte> place(static_cast<size_t>(input.below(longest + 1)));
    switch (input.below(8)) {
      case 0:
      case 1:
        static_cast<void>(publisher.publish(place.data(), place.size()));
        break;
      case 2:
        if (publisher.claim().ok()) {
          require(publisher.held_slot() < elements, "a slot is one of those there are");
        }
        break;
      case 3:
        if (publisher.holds()) publisher.commit(place.size());
        break;
      case 4: {
        const auto latest = subscriber.latest(place.data(), place.size());
        require(!latest.ok() || latest.value().outcome != Received::Outcome::kMessage ||
                    latest.value().length <= place.size(),
                "the newest has room");
        break;
      }
      case 5:
        subscriber.seek(input.below(2) == 0 ? subscriber.oldest()
                                            : odd_number(input, base, elements));
        break;
      default: {
        const uint64_t before = subscriber.position();
        const auto received = subscriber.receive(place.data(), place.size(), draw_patience(input));
        require(subscriber.position() >= before, "a position rises");
        require(!received.ok() || received.value().outcome != Received::Outcome::kMessage ||
                    received.value().length <= place.size(),
                "a message has room");
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  if (input.below(8) == 0) {
    use_memory(input);
    unlink(image_path().c_str());
    return 0;
  }
  if (input.below(6) == 0) {
    use_broadcast(input);
    unlink(image_path().c_str());
    return 0;
  }
  const Shape shape = draw_shape(input);
  Image image = sound_image(input, shape);
  damage(input, shape, image);
  write_image(image);
  use(input, shape);
  unlink(image_path().c_str());
  return 0;
}

#ifdef SHM_DISRUPTOR_FUZZ_MAIN

namespace {

// An image takes milliseconds; one that is not done after so many seconds never is.
constexpr unsigned kPatience = 300;

// splitmix64
uint64_t random_number(uint64_t& state) {
  uint64_t mixed = state += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

void run(const std::vector<uint8_t>& input) {
  alarm(kPatience);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  alarm(0);
}

void run_file(const char* path) {
  std::FILE* const file = std::fopen(path, "rb");
  require(file != nullptr, "the input can be read");
  std::vector<uint8_t> input(1 << 16);
  input.resize(std::fread(input.data(), 1, input.size(), file));
  std::fclose(file);
  run(input);
}

}  // namespace

int main(int count, char** arguments) {
  uint64_t runs = 20'000;
  uint64_t seed = 1;
  bool files = false;
  for (int i = 1; i < count; ++i) {
    if (std::strncmp(arguments[i], "-runs=", 6) == 0) {
      runs = std::strtoull(arguments[i] + 6, nullptr, 10);
    } else if (std::strncmp(arguments[i], "-seed=", 6) == 0) {
      seed = std::strtoull(arguments[i] + 6, nullptr, 10);
    } else if (arguments[i][0] != '-') {
      files = true;
      run_file(arguments[i]);
    }
  }
  if (files) return 0;
  // The seed of each image is printed before a crash of it would be: an input for -seed with
  // -runs=1.
  for (uint64_t i = 0; i < runs; ++i) {
    uint64_t state = seed + i;
    std::vector<uint8_t> input(64 + random_number(state) % 448);
    for (uint8_t& byte : input) byte = static_cast<uint8_t>(random_number(state));
    if (i % 1000 == 0) std::fprintf(stderr, "# from seed %llu\n", (unsigned long long)(seed + i));
    run(input);
  }
  std::fprintf(stderr, "# %llu images, none of which did any harm\n", (unsigned long long)runs);
  return 0;
}

#endif
