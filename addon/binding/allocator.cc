#include "allocator.h"

#include <cstdlib>

namespace shm_disruptor::binding {

void keep_freed_memory() {
  // mallopt(3): freeing a block that was mapped makes its size the threshold for mapping, and twice
  // that the threshold for trimming. Its pages are never touched. Volatile: the pair would
  // otherwise be optimised away.
  constexpr std::size_t kHalf = std::size_t{16} << 20;
  void* volatile block = std::malloc(kHalf);
  std::free(block);
}

}  // namespace shm_disruptor::binding
