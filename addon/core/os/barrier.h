// The two halves of a store-then-load pair (Dekker) of which one is taken often and the other
// seldom: the seldom one has the full barrier of both.
//
//   often                     seldom
//   store A                   store B
//   light_barrier             heavy_barrier
//   load B                    load A
//
// Either the load of B sees the store of B, or the load of A sees the store of A: the heavy barrier
// falls before the first store, between the two steps or after the load, and in all three cases one
// of them has come. That is what membarrier(2) promises, and what user-space RCU does with it.
#pragma once

namespace shm_disruptor::os {

/// Has heavy barriers of any process executed by the threads of this one. False: the system cannot,
/// and a light barrier is none. May be called again.
bool register_for_heavy_barriers();

/// Keeps the compiler from moving a load before a store. Only in a process that has registered.
inline void light_barrier() { asm volatile("" ::: "memory"); }

/// A full barrier here and in every thread that runs in any process that has registered: half a
/// microsecond to a few. False: the system cannot.
bool heavy_barrier();

}  // namespace shm_disruptor::os
