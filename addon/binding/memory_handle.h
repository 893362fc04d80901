// One JavaScript object over one Memory.
#pragma once

#include <node_api.h>

#include <optional>

#include "../core/memory.h"
#include "environment.h"

namespace shm_disruptor::binding {

/// What a `Memory` of src/native/memory.ts works through. As RingHandle: every method is one
/// function for all handles of the instance, and numbers go through the exchange.
class MemoryHandle : public Registered {
 public:
  /// The object that `Memory` keeps, and to whose life the handle is tied. Null with an exception.
  static napi_value make(Instance& instance, RingSegment segment, os::Access access,
                         Waiting waiting);

  /// Adds the methods to `exports`.
  static void define(Instance& instance, napi_value exports);

  /// The one that the exchange names; null when there is none or it was released.
  static MemoryHandle* named(const Instance& instance);

 private:
  explicit MemoryHandle(Memory memory) : memory_(std::move(memory)) {}

  Status wait(Instance&);
  Status load(Instance&);
  Status notify(Instance&);
  Status watch(Instance&);
  Status replaced(Instance&);
  Status unlinked(Instance&);
  Status sync_now(Instance&);
  static napi_value view(napi_env env, napi_callback_info info);
  static napi_value read(napi_env env, napi_callback_info info);
  static napi_value sync(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);

  std::optional<Memory> memory_;
};

}  // namespace shm_disruptor::binding
