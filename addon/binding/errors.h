// From the core's Error to a JavaScript exception.
#pragma once

#include <node_api.h>

#include "../core/result.h"
#include "environment.h"

namespace shm_disruptor::binding {

/// What the instance's error factory (src/errors.ts) makes of `error`. Null while the environment
/// is being torn down.
napi_value make_error(const Instance& instance, const Error& error);

/// Throws that. Returns null, to be handed on as the method's result.
napi_value throw_error(const Instance& instance, const Error& error);

}  // namespace shm_disruptor::binding
