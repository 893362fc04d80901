// All that the addon keeps per environment. Every worker thread has its own environment and loads
// the addon anew, so nothing here is shared and nothing anywhere else is static.
#pragma once

#include <napi.h>

namespace shm_disruptor::binding {

class Environment : public Napi::Addon<Environment> {
 public:
  Environment(Napi::Env env, Napi::Object exports);

  /// Makes an Error object: (code: number, errno: number, syscall: string) => Error.
  const Napi::FunctionReference& error_factory() const { return error_factory_; }

 private:
  Napi::Value create(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  void set_error_factory(const Napi::CallbackInfo& info);

  Napi::FunctionReference error_factory_;
};

}  // namespace shm_disruptor::binding
