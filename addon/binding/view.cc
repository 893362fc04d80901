#include "view.h"

#include <uv.h>

#include <optional>

#include "environment.h"

namespace shm_disruptor::binding {

namespace {

// What stands behind one ArrayBuffer. It has two owners, the object and its bytes; each ends by a
// finalizer, in either order.
//
// Plain Node-API: see errors.cc.
class View {
 public:
  View(napi_env env, const MappingRef& mapping) : env_(env), addresses_(std::in_place, mapping) {}

  static View* of(napi_env env, napi_value object) {
    void* view = nullptr;
    return napi_unwrap(env, object, &view) == napi_ok ? static_cast<View*>(view) : nullptr;
  }

  static void bytes_freed(napi_env /*env*/, void* /*bytes*/, void* data) {
    static_cast<View*>(data)->drop();
  }

  void own(napi_value object) {
    if (napi_wrap(env_, object, this, object_collected, nullptr, nullptr) != napi_ok) return;
    owners_ += 1;
    napi_create_reference(env_, object, 0, &object_);
    // Added after the hook by which Node takes external memory away when an environment ends, and
    // therefore called before it.
    napi_add_env_cleanup_hook(env_, environment_ends, this);
  }

  // The ArrayBuffer could not be made. Whether the finalizer of its bytes is called then is not
  // defined: what is left for it, if it never comes, is this object without its addresses.
  void give_up() { addresses_.reset(); }

  // Nothing else has the bytes: we emptied the object ourselves.
  void emptied() { emptied_ = true; }

 private:
  static void object_collected(napi_env env, void* data, void* /*hint*/) {
    auto* view = static_cast<View*>(data);
    napi_remove_env_cleanup_hook(env, environment_ends, view);
    if (view->object_) napi_delete_reference(env, view->object_);
    view->drop();
  }

  // What was transferred may belong to another thread, which outlives this environment. Node calls
  // both finalizers all the same, so the addresses stay for ever then, with zeros.
  static void environment_ends(void* data) {
    auto* view = static_cast<View*>(data);
    if (view->emptied_ || !view->transferred()) return;
    view->addresses_->close();
    view->owners_ += 1;
  }

  bool transferred() const {
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return true;
    napi_value object = nullptr;
    bool empty = true;
    napi_get_reference_value(env_, object_, &object);
    if (object) napi_is_detached_arraybuffer(env_, object, &empty);
    napi_close_handle_scope(env_, scope);
    return empty;
  }

  void drop() {
    owners_ -= 1;
    if (owners_ == 0) delete this;
  }

  const napi_env env_;
  std::optional<AddressRef> addresses_;
  napi_ref object_ = nullptr;
  uint32_t owners_ = 1;
  bool emptied_ = false;
};

}  // namespace

napi_value view_of(napi_env env, const MappingRef& mapping, void* bytes, uint64_t size) {
  auto* view = new View(env, mapping);
  napi_value object = nullptr;
  const napi_status status = napi_create_external_arraybuffer(env, bytes, static_cast<size_t>(size),
                                                              View::bytes_freed, view, &object);
  if (status == napi_ok) {
    view->own(object);
    return object;
  }
  view->give_up();
  if (status == napi_no_external_buffers_allowed) {
    napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS",
                     "This runtime does not let JavaScript see memory that it does not own");
  }
  return nullptr;
}

void detach_view(napi_env env, napi_value object) {
  const uv_loop_t* loop = Environment::of(env).loop;
  if (loop && loop->active_reqs.count > 0) return;
  bool empty = false;
  if (napi_is_detached_arraybuffer(env, object, &empty) != napi_ok || empty) return;
  napi_value transfer = nullptr;
  napi_get_reference_value(env, Environment::of(env).transfer, &transfer);
  if (transfer) {
    // napi_detach_arraybuffer ends the process where the ArrayBuffer has a detach key. Transferring
    // none of its bytes empties it as well, and throws instead.
    napi_value none = nullptr;
    napi_value rest = nullptr;
    napi_create_uint32(env, 0, &none);
    if (napi_call_function(env, object, transfer, 1, &none, &rest) == napi_pending_exception) {
      napi_get_and_clear_last_exception(env, &rest);
    }
  } else {
    napi_detach_arraybuffer(env, object);
  }
  napi_is_detached_arraybuffer(env, object, &empty);
  View* view = View::of(env, object);
  if (empty && view) view->emptied();
}

void detach_view(napi_env env, napi_ref& reference) {
  if (reference == nullptr) return;
  napi_value object = nullptr;
  napi_get_reference_value(env, reference, &object);
  if (object) detach_view(env, object);
  napi_delete_reference(env, reference);
  reference = nullptr;
}

}  // namespace shm_disruptor::binding
