// What TypeScript says of a ring to be created, and of a consumer to join one; it has checked all.
#pragma once

#include <napi.h>

#include "../core/consumers.h"
#include "../core/segment.h"

namespace shm_disruptor::binding {

/// As `Creation` of src/native/creation.ts.
RingCreation creation_of(const Napi::Object& object);

/// As `Joining` of src/native/joining.ts.
Joining joining_of(const Napi::Object& object);

}  // namespace shm_disruptor::binding
