// JavaScript's sight of mapped memory.
#pragma once

#include <node_api.h>

#include "../core/mapping.h"

namespace shm_disruptor::binding {

/// An ArrayBuffer over `size` bytes of a mapping. Null with an exception where the runtime keeps
/// all memory of JavaScript in one cage (Electron).
///
/// The view keeps the mapping's addresses for as long as anything can reach them through it: until
/// the ArrayBuffer has been collected (a request of libuv holds the object, but not its bytes) and
/// its bytes have been freed (a job of the crypto module holds the bytes, but not the object, and a
/// transfer gives them to another object).
napi_value view_of(napi_env env, const MappingRef& mapping, void* bytes, uint64_t size);

/// Empties a view that view_of() made, where that is safe. Otherwise it stays as it is, and reads
/// as zeros once the mapping is closed:
/// - where requests of the event loop are under way. One of them may be zlib's, which gives the
/// same
///   Buffer to its next step, and Node ends the process if that has become empty.
/// - where the program has marked it as untransferable and Node gives such a buffer a detach key.
void detach_view(napi_env env, napi_value view);

/// Empties the view that is referred to, and forgets it.
void detach_view(napi_env env, napi_ref& view);

}  // namespace shm_disruptor::binding
