// Writing segments back to their medium, which may take long.
#pragma once

#include <node_api.h>

#include "../core/durability.h"
#include "environment.h"

namespace shm_disruptor::binding {

/// Does it on a thread of the pool. A promise.
napi_value sync_later(const Instance& instance, Backing backing);

}  // namespace shm_disruptor::binding
