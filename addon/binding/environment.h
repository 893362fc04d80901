// All that the addon keeps per environment. Every worker thread has its own environment and loads
// the addon anew, so nothing here is shared and nothing anywhere else is static.
#pragma once

#include <napi.h>

#include <memory>

#include "exchange.h"
#include "handles.h"
#include "waker.h"

namespace shm_disruptor::binding {

struct Environment {
  explicit Environment(double* numbers) : exchange(numbers) {}

  static Environment& of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

  Exchange exchange;
  Handles rings;
  Handles publishers;
  Handles subscribers;
  Handles memories;
  /// Makes an Error object: (code: number, errno: number, syscall: string) => Error.
  napi_ref error_factory = nullptr;
  /// Wakes those who wait in this environment; null until startWaker was called.
  std::unique_ptr<Waker> waker;
};

}  // namespace shm_disruptor::binding
