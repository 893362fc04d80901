#include "inspect.h"

#include <algorithm>
#include <memory>

#include "liveness.h"
#include "os/shm.h"
#include "segment.h"

namespace shm_disruptor {

namespace {

// A private copy of memory as it lies in the file, read and not mapped: an object that shrinks
// meanwhile is an error and not a signal.
class Copy {
 public:
  explicit Copy(uint64_t bytes) : bytes_(static_cast<size_t>(bytes) + kIsolation) {}

  /// False: it could not be read.
  bool read(const os::File& file, uint64_t offset) {
    const auto whole = os::read_at(file, base(), bytes_.size() - kIsolation, offset);
    return whole.ok() && whole.value();
  }
  std::byte* base() {
    void* at = bytes_.data();
    size_t space = bytes_.size();
    return static_cast<std::byte*>(std::align(kIsolation, bytes_.size() - kIsolation, at, space));
  }

 private:
  std::vector<std::byte> bytes_;
};

// A segment's tables as copies from its file, made when they are asked for.
class TablesOfFile {
 public:
  TablesOfFile(const os::File& file, const RingLayout& layout)
      : file_(file),
        layout_(layout),
        header_(sizeof(Header)),
        slot_header_(sizeof(SlotHeader)),
        tables_(layout.markers_offset - kConsumersOffset) {}

  /// False: something could not be read, and what was told is worth nothing.
  bool whole() const { return whole_; }

  const RingLayout& layout() const { return layout_; }
  const os::File& file() const { return file_; }
  const Header& header() {
    read(header_, 0);
    return *reinterpret_cast<const Header*>(header_.base());
  }
  ConsumerEntry* consumers() { return reinterpret_cast<ConsumerEntry*>(tables()); }
  const ProducerEntry* producers() {
    return reinterpret_cast<const ProducerEntry*>(tables() +
                                                  (layout_.producers_offset - kConsumersOffset));
  }
  uint64_t marker(uint64_t slot) {
    Copy marker(sizeof(Sequence));
    read(marker, layout_.markers_offset + slot * sizeof(Sequence));
    return reinterpret_cast<const Sequence*>(marker.base())->load_ordered();
  }
  /// Of a broadcast, as what follows.
  const SlotHeader& slot_header(uint64_t slot) {
    read(slot_header_, layout_.elements_offset + slot * layout_.stride());
    return *reinterpret_cast<const SlotHeader*>(slot_header_.base());
  }
  const NotifyPage& notify_page() { return *reinterpret_cast<const NotifyPage*>(tables()); }
  bool owns_consumer(uint64_t /*index*/) const { return false; }
  bool owns_producer(uint64_t /*index*/) const { return false; }

 private:
  void read(Copy& copy, uint64_t offset) { whole_ = copy.read(file_, offset) && whole_; }
  // All at one time, after the first look at the header.
  std::byte* tables() {
    if (!read_) read(tables_, kConsumersOffset);
    read_ = true;
    return tables_.base();
  }

  const os::File& file_;
  const RingLayout& layout_;
  Copy header_;
  Copy slot_header_;
  Copy tables_;
  bool read_ = false;
  bool whole_ = true;
};

}  // namespace

Headcount SegmentFacts::producers() const {
  Headcount count;
  const bool slots = layout.kind == Kind::kBroadcast;
  for (const ProducerFacts& each : slots ? broadcast.publishers : snapshot.producers) {
    ++(each.alive ? count.alive : count.gone);
  }
  return count;
}

Headcount SegmentFacts::consumers() const {
  Headcount count;
  for (const ConsumerFacts& each : snapshot.consumers) {
    if (each.thread == 0 || each.role == Role::kGroup) continue;
    ++(each.alive ? count.alive : count.gone);
  }
  return count;
}

Result<SegmentFacts> inspect_segment(const std::string& name) {
  const auto file = os::open_file(name, os::Access::kRead);
  if (!file.ok()) return file.error();
  const auto about = os::file_facts(file.value());
  if (!about.ok()) return about.error();
  SegmentFacts facts;
  facts.name = name;
  facts.size = about.value().size;
  facts.owner = about.value().owner;
  facts.mode = about.value().mode;
  facts.created = about.value().created;
  facts.device = about.value().device;
  facts.inode = about.value().inode;
  const auto layout = validated_file(file.value(), &facts.identity);
  facts.attached = liveness::others_attached(file.value());
  if (!layout.ok()) {
    switch (layout.error().code) {
      case Errc::kSystem:
      case Errc::kSegmentNotRegular:
      case Errc::kSegmentOwner:
      case Errc::kSegmentTooShort:
      case Errc::kSegmentForeign:
        return layout.error();
      default:
        facts.damage = layout.error().code;
        return facts;
    }
  }
  facts.layout = layout.value();
  TablesOfFile tables(file.value(), facts.layout);
  switch (facts.layout.kind) {
    case Kind::kBroadcast:
      facts.broadcast = take_broadcast_snapshot(tables);
      facts.replaced = facts.broadcast.replaced;
      break;
    case Kind::kMemory:
      facts.replaced = (tables.header().next.load_acquire() & kReplacedBit) != 0;
      break;
    case Kind::kRing:
    case Kind::kQueue:
      facts.snapshot = take_snapshot(tables);
      facts.replaced = facts.snapshot.replaced;
      break;
  }
  if (!tables.whole()) facts.damage = Errc::kSegmentTruncated;
  return facts;
}

Result<std::vector<SegmentFacts>> list_segments(const std::string& directory) {
  auto names = os::list_names(directory);
  if (!names.ok()) return names.error();
  std::sort(names.value().begin(), names.value().end());
  std::vector<SegmentFacts> segments;
  for (const std::string& name : names.value()) {
    auto facts = inspect_segment(name);
    // Gone meanwhile, not ours, or not for us.
    if (facts.ok()) segments.push_back(std::move(facts.value()));
  }
  return segments;
}

}  // namespace shm_disruptor
