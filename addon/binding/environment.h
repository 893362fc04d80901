// What the addon keeps. Nothing is static: every worker thread has an environment of its own, and
// in each the package's JavaScript may be evaluated more than once (test runners with module
// contexts, a bundle beside a copy).
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "exchange.h"
#include "handles.h"
#include "waker.h"

namespace shm_disruptor::binding {

/// What one evaluation of the package's JavaScript has of the addon; the data of each of its
/// functions. It lives as long as the environment, because its functions may.
struct Instance {
  Instance(napi_env owner, double* numbers) : env(owner), exchange(numbers) {}

  const napi_env env;
  Exchange exchange;
  Handles rings;
  Handles publishers;
  Handles subscribers;
  Handles memories;
  /// Makes an Error object: (code: number, errno: number, syscall: string) => Error.
  napi_ref error_factory = nullptr;
  /// Under which it listens to `waker`.
  Waker::Listener listener = 0;
  /// The environment's; null until startWaker was called here.
  Waker* waker = nullptr;
};

/// What all evaluations in one environment share.
struct Environment {
  static Environment& of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

  std::vector<std::unique_ptr<Instance>> instances;
  /// Null in a runtime without libuv.
  uv_loop_t* loop = nullptr;
  /// `ArrayBuffer.prototype.transfer`; null before Node 21, which lacks it.
  napi_ref transfer = nullptr;
  /// Wakes those who wait in this environment; null until one of them asked for it.
  std::unique_ptr<Waker> waker;
};

}  // namespace shm_disruptor::binding
