#include "inspect.h"

#include <algorithm>

#include "liveness.h"
#include "os/shm.h"
#include "segment.h"

namespace shm_disruptor {

namespace {

// A table as it lies in the file, read and not mapped: an object that shrinks meanwhile is an error
// and not a signal.
template <class Entry>
std::vector<Entry> read_table(const os::File& file, uint64_t offset, uint64_t count) {
  std::vector<Entry> entries(static_cast<size_t>(count));
  const auto whole = os::read_at(file, entries.data(), entries.size() * sizeof(Entry), offset);
  if (!whole.ok() || !whole.value()) entries.clear();
  return entries;
}

Headcount count_consumers(const os::File& file, const RingLayout& layout) {
  Headcount count;
  const auto table = read_table<ConsumerEntry>(file, kConsumersOffset, layout.geometry.consumers);
  for (uint64_t i = 0; i < table.size(); ++i) {
    if (table[i].attached.load_acquire() == 0) continue;
    ++(liveness::consumer_lives(file, i) ? count.alive : count.gone);
  }
  return count;
}

Headcount count_producers(const os::File& file, const RingLayout& layout, uint64_t cursor) {
  Headcount count;
  const auto table =
      read_table<ProducerEntry>(file, layout.producers_offset, layout.geometry.producers);
  for (uint64_t i = 0; i < table.size(); ++i) {
    if (table[i].pid.load_acquire() == 0) continue;
    if (liveness::producer_lives(file, i)) {
      ++count.alive;
      continue;
    }
    const auto left = [&](const Range& range) {
      const uint64_t limit = range.limit.load_acquire();
      return limit > cursor && range.begin.load_acquire() < limit;
    };
    if (std::any_of(std::begin(table[i].ranges), std::end(table[i].ranges), left)) ++count.gone;
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
  facts.geometry = layout.value().geometry;
  facts.policy = layout.value().policy;
  const auto header = read_table<Header>(file.value(), 0, 1);
  if (header.empty()) {
    facts.damage = Errc::kSegmentTruncated;
    return facts;
  }
  facts.next = header[0].next.load_acquire() & ~kReplacedBit;
  facts.cursor = header[0].cursor.load_acquire() & ~kReplacedBit;
  facts.gaps = header[0].gaps.load_acquire();
  facts.lost = header[0].lost.load_acquire();
  facts.attached = liveness::others_attached(file.value());
  facts.consumers = count_consumers(file.value(), layout.value());
  facts.producers = count_producers(file.value(), layout.value(), facts.cursor);
  return facts;
}

Result<std::vector<SegmentFacts>> list_segments() {
  auto names = os::list_names();
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
