// What the C allocator does with memory that JavaScript gives back.
#pragma once

namespace shm_disruptor::binding {

/// Has the allocator keep up to about 32 MiB that are given back, for whoever asks next, instead of
/// returning them to the kernel and having it clear them again: a reader of a stream allocates each
/// chunk anew, and that costs as much as copying it. Like every large block that is freed, it moves
/// glibc's dynamic threshold; where the user has set one it changes nothing.
void keep_freed_memory();

}  // namespace shm_disruptor::binding
