#include "syncing.h"

#include <memory>
#include <utility>

#include "errors.h"
#include "pool.h"

namespace shm_disruptor::binding {

namespace {

class Syncing : public Task {
 public:
  Syncing(const Instance& instance, Backing backing)
      : instance_(instance), backing_(std::move(backing)) {}

  void run() override { status_ = sync(backing_); }

  napi_value result(napi_env env) override {
    if (!status_.ok()) return throw_error(instance_, status_.error());
    napi_value nothing = nullptr;
    napi_get_undefined(env, &nothing);
    return nothing;
  }

 private:
  const Instance& instance_;
  Backing backing_;
  Status status_ = Done{};
};

}  // namespace

napi_value sync_later(const Instance& instance, Backing backing) {
  return run_on_pool(instance.env, "shm-disruptor sync",
                     std::make_unique<Syncing>(instance, std::move(backing)));
}

}  // namespace shm_disruptor::binding
