// Creating and opening segments, from the call to the handle: at once, or on a thread of the pool.
#pragma once

#include <napi.h>

#include "environment.h"

namespace shm_disruptor::binding {

/// Adds to `exports` what creates and opens; src/native/addon.ts documents each.
void define_attaching(Instance& instance, Napi::Object exports);

}  // namespace shm_disruptor::binding
