#include "inspect.h"

#include <algorithm>

#include "liveness.h"
#include "os/shm.h"
#include "segment.h"

namespace shm_disruptor {

namespace {

// Memory as it lies in the file, read and not mapped: an object that shrinks meanwhile is an error
// and not a signal. In words, of which every shared number is one or the lower half of one.
class Words {
 public:
  Words(const os::File& file, uint64_t offset, uint64_t bytes)
      : words_(static_cast<size_t>(bytes / sizeof(uint64_t))) {
    const auto whole = os::read_at(file, words_.data(), words_.size() * sizeof(uint64_t), offset);
    if (!whole.ok() || !whole.value()) words_.clear();
  }

  bool empty() const { return words_.empty(); }
  uint64_t at(uint64_t offset) const {
    const uint64_t index = offset / sizeof(uint64_t);
    return index < words_.size() ? words_[static_cast<size_t>(index)] : 0;
  }
  uint32_t lower(uint64_t offset) const { return static_cast<uint32_t>(at(offset)); }

 private:
  std::vector<uint64_t> words_;
};

Headcount count_consumers(const os::File& file, const RingLayout& layout) {
  static_assert(offsetof(ConsumerEntry, attached) == 8);
  Headcount count;
  const uint64_t entries = layout.geometry.consumers;
  const Words table(file, kConsumersOffset, entries * sizeof(ConsumerEntry));
  for (uint64_t i = 0; i < entries; ++i) {
    if (table.lower(i * sizeof(ConsumerEntry) + 8) == 0) continue;
    ++(liveness::consumer_lives(file, i) ? count.alive : count.gone);
  }
  return count;
}

Headcount count_producers(const os::File& file, const RingLayout& layout, uint64_t cursor) {
  static_assert(offsetof(ProducerEntry, pid) == 0 && offsetof(ProducerEntry, ranges) == 8);
  Headcount count;
  const uint64_t entries = layout.geometry.producers;
  const Words table(file, layout.producers_offset, entries * sizeof(ProducerEntry));
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = i * sizeof(ProducerEntry);
    if (table.lower(entry) == 0) continue;
    if (liveness::producer_lives(file, i)) {
      ++count.alive;
      continue;
    }
    for (uint64_t range = entry + 8; range < entry + 8 + sizeof(Range) * kRanges;
         range += sizeof(Range)) {
      const uint64_t limit = table.at(range + sizeof(Sequence));
      if (limit <= cursor || table.at(range) >= limit) continue;
      ++count.gone;
      break;
    }
  }
  return count;
}

}  // namespace

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
  const auto layout = validated_file(file.value());
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
  facts.kind = layout.value().kind;
  facts.geometry = layout.value().geometry;
  facts.policy = layout.value().policy;
  const Words header(file.value(), 0, sizeof(Header));
  if (header.empty()) {
    facts.damage = Errc::kSegmentTruncated;
    return facts;
  }
  facts.next = header.at(offsetof(Header, next)) & ~kReplacedBit;
  facts.cursor = header.at(offsetof(Header, cursor)) & ~kReplacedBit;
  // The one producer keeps its claims to itself.
  if (facts.next < facts.cursor) facts.next = facts.cursor;
  facts.gaps = header.at(offsetof(Header, gaps));
  facts.lost = header.at(offsetof(Header, lost));
  facts.attached = liveness::others_attached(file.value());
  facts.consumers = count_consumers(file.value(), layout.value());
  facts.producers = count_producers(file.value(), layout.value(), facts.cursor);
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
