// Work on a thread of libuv's pool, and the promise of its result.
#pragma once

#include <node_api.h>

#include <memory>

namespace shm_disruptor::binding {

/// Something that takes long.
class Task {
 public:
  Task() = default;
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Does it, on a thread of the pool. Nothing of JavaScript can be used here.
  virtual void run() = 0;
  /// What the promise is resolved with; null with an exception pending to reject it. Called on the
  /// thread of JavaScript. Every call of Node-API may fail, because a worker may be terminating.
  virtual napi_value result(napi_env env) = 0;
};

/// Does `task`, which async hooks know by `name`. A promise; null with an exception.
napi_value run_on_pool(napi_env env, const char* name, std::unique_ptr<Task> task);

}  // namespace shm_disruptor::binding
