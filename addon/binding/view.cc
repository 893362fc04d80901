#include "view.h"

namespace shm_disruptor::binding {

napi_value view_of(napi_env env, const MappingRef& mapping, void* bytes, uint64_t size) {
  auto* owner = new MappingRef(mapping);
  const auto drop = [](napi_env, void*, void* owner) { delete static_cast<MappingRef*>(owner); };
  napi_value view = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, bytes, static_cast<size_t>(size), drop, owner, &view);
  if (status == napi_ok) return view;
  // After any other failure the finalizer has run.
  if (status == napi_no_external_buffers_allowed) {
    delete owner;
    napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS",
                     "This runtime does not let JavaScript see memory that it does not own");
  }
  return nullptr;
}

}  // namespace shm_disruptor::binding
