// JavaScript's sight of mapped memory.
#pragma once

#include <node_api.h>

#include "../core/mapping.h"

namespace shm_disruptor::binding {

/// An ArrayBuffer over `size` bytes of a mapping, which it keeps for as long as anybody can reach
/// it. Null with an exception where the runtime keeps all memory of JavaScript in one cage
/// (Electron).
napi_value view_of(napi_env env, const MappingRef& mapping, void* bytes, uint64_t size);

}  // namespace shm_disruptor::binding
