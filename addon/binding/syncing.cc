#include "syncing.h"

#include <utility>

#include "errors.h"

namespace shm_disruptor::binding {

namespace {

struct Work {
  const Instance& instance;
  Backing backing;
  Status status = Done{};
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void execute(napi_env, void* data) {
  auto* work = static_cast<Work*>(data);
  work->status = sync(work->backing);
}

// Plain Node-API, whose calls merely fail while a worker is being terminated; the C++ wrapper would
// end the process.
void complete(napi_env env, napi_status, void* data) {
  auto* work = static_cast<Work*>(data);
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  if (work->status.ok()) {
    napi_value nothing = nullptr;
    napi_get_undefined(env, &nothing);
    napi_resolve_deferred(env, work->deferred, nothing);
  } else if (napi_value error = make_error(work->instance, work->status.error())) {
    napi_reject_deferred(env, work->deferred, error);
  }
  napi_delete_async_work(env, work->work);
  if (scope) napi_close_handle_scope(env, scope);
  delete work;
}

}  // namespace

napi_value sync_later(const Instance& instance, Backing backing) {
  const napi_env env = instance.env;
  auto* work = new Work{instance, std::move(backing)};
  napi_value promise = nullptr;
  napi_value name = nullptr;
  napi_create_string_utf8(env, "shm-disruptor sync", NAPI_AUTO_LENGTH, &name);
  if (napi_create_promise(env, &work->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, nullptr, name, execute, complete, work, &work->work) != napi_ok) {
    delete work;
    return nullptr;
  }
  if (napi_queue_async_work(env, work->work) != napi_ok) {
    napi_delete_async_work(env, work->work);
    delete work;
    return nullptr;
  }
  return promise;
}

}  // namespace shm_disruptor::binding
