// From the core's Error to a JavaScript exception.
#pragma once

#include <node_api.h>

#include "../core/result.h"

namespace shm_disruptor::binding {

/// What the error factory (src/errors.ts, registered when the addon was loaded) makes of `error`.
/// Null while the environment is being torn down.
napi_value make_error(napi_env env, const Error& error);

/// Throws that. Returns null, to be handed on as the method's result.
napi_value throw_error(napi_env env, const Error& error);

}  // namespace shm_disruptor::binding
