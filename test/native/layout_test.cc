#include "../../addon/core/layout.h"

#include "check.h"

using namespace shm_disruptor;

TEST("the parts of a ring follow each other, elements on a page boundary") {
  const auto layout = ring_layout({1000, 24, 3});
  CHECK(layout.ok());
  CHECK(layout.value().producers_offset == kConsumersOffset + 3 * kIsolation);
  CHECK(layout.value().markers_offset == layout.value().producers_offset + 1024 * kIsolation);
  CHECK(layout.value().elements_offset >= layout.value().markers_offset + 1000 * 8);
  CHECK(layout.value().elements_offset % kPage == 0);
  CHECK(layout.value().elements_bytes() == 24000);
}

TEST("a geometry that does not fit into 63 bits is refused") {
  constexpr uint64_t kHuge = uint64_t{1} << 62;
  CHECK(ring_layout({kHuge, 8, 1}).error().code == Errc::kSizeOverflow);
  CHECK(ring_layout({8, kHuge, 1}).error().code == Errc::kSizeOverflow);
  CHECK(ring_layout({1, 1, kHuge}).error().code == Errc::kSizeOverflow);
  CHECK(ring_layout({uint64_t{1} << 59, 8, 1}).error().code == Errc::kSizeOverflow);
  CHECK(ring_layout({~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}).error().code ==
        Errc::kSizeOverflow);
  CHECK(ring_layout({1, ~uint64_t{0} - kPage, 1}).error().code == Errc::kSizeOverflow);
}

TEST("the checksum notices a change of any byte before it") {
  Identity identity{};
  identity.magic = kMagic;
  identity.elements = 8;
  const uint64_t sum = identity_checksum(identity);
  auto* bytes = reinterpret_cast<unsigned char*>(&identity);
  for (size_t i = 0; i < offsetof(Identity, checksum); ++i) {
    bytes[i] ^= 0x40;
    CHECK(identity_checksum(identity) != sum);
    bytes[i] ^= 0x40;
  }
  CHECK(identity_checksum(identity) == sum);
}
