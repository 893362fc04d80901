// What list and inspect tell JavaScript.
#pragma once

#include <napi.h>

#include "../core/inspect.h"
#include "../core/snapshot.h"

namespace shm_disruptor::binding {

/// A `SegmentFacts` of src/native/facts.ts.
Napi::Object to_object(Napi::Env env, const SegmentFacts& facts);
Napi::Object to_object(Napi::Env env, const Snapshot& snapshot);

}  // namespace shm_disruptor::binding
