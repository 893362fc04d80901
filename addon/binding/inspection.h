// What list and inspect tell JavaScript.
#pragma once

#include <napi.h>

#include "../core/census.h"
#include "../core/inspect.h"

namespace shm_disruptor::binding {

/// A `SegmentFacts` of src/native/facts.ts.
Napi::Object to_object(Napi::Env env, const SegmentFacts& facts);
Napi::Object to_object(Napi::Env env, const Census& census);

}  // namespace shm_disruptor::binding
