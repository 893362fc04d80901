#include "pool.h"

#include <utility>

namespace shm_disruptor::binding {

namespace {

struct Work {
  std::unique_ptr<Task> task;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void execute(napi_env, void* data) { static_cast<Work*>(data)->task->run(); }

// Plain Node-API, whose calls merely fail while a worker is being terminated; the C++ wrapper would
// end the process.
void complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  const napi_value result = work->task->result(env);
  napi_value error = nullptr;
  if (result) {
    napi_resolve_deferred(env, work->deferred, result);
  } else if (napi_get_and_clear_last_exception(env, &error) == napi_ok && error) {
    napi_reject_deferred(env, work->deferred, error);
  }
  napi_delete_async_work(env, work->work);
  if (scope) napi_close_handle_scope(env, scope);
}

}  // namespace

napi_value run_on_pool(napi_env env, const char* name, std::unique_ptr<Task> task) {
  auto work = std::make_unique<Work>();
  work->task = std::move(task);
  napi_value promise = nullptr;
  napi_value label = nullptr;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label);
  if (napi_create_promise(env, &work->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, nullptr, label, execute, complete, work.get(), &work->work) !=
          napi_ok) {
    return nullptr;
  }
  if (napi_queue_async_work(env, work->work) != napi_ok) {
    napi_delete_async_work(env, work->work);
    return nullptr;
  }
  // complete() takes it back.
  static_cast<void>(work.release());
  return promise;
}

}  // namespace shm_disruptor::binding
