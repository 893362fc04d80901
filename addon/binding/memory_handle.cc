#include "memory_handle.h"

#include <iterator>
#include <string>
#include <utility>

#include "errors.h"
#include "invoke.h"
#include "syncing.h"
#include "values.h"
#include "view.h"

namespace shm_disruptor::binding {

MemoryHandle* MemoryHandle::named(const Environment& environment) {
  const uint64_t number = environment.exchange.get(Exchange::kHandle);
  auto* handle = static_cast<MemoryHandle*>(environment.memories.find(number));
  return handle != nullptr && handle->memory_ ? handle : nullptr;
}

// Plain Node-API: see errors.cc.
napi_value MemoryHandle::make(napi_env env, RingSegment segment, os::Access access,
                              Waiting waiting) {
  const std::string name = std::to_string(segment.device) + " " + std::to_string(segment.inode);
  auto* handle = new MemoryHandle(Memory(std::move(segment), access, waiting));
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<MemoryHandle*>(data); };
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle, drop, nullptr, nullptr) != napi_ok) {
    delete handle;
    return nullptr;
  }
  const Memory& memory = *handle->memory_;
  Environment::of(env).memories.add(*handle);

  napi_value object_name = nullptr;
  napi_create_string_utf8(env, name.c_str(), name.size(), &object_name);
  const napi_property_descriptor properties[] = {
      value_property("handle", js_number(env, handle->number())),
      value_property("size", js_number(env, memory.size())),
      value_property("object", object_name),
  };
  napi_define_properties(env, object, std::size(properties), properties);
  return object;
}

void MemoryHandle::define(napi_env env, Environment* environment, napi_value exports) {
  const auto method = [&](const char* name, napi_callback callback) {
    return method_property(name, callback, environment);
  };
  const napi_property_descriptor methods[] = {
      method("memoryWait", invoke<MemoryHandle, &MemoryHandle::wait>),
      method("memoryLoad", invoke<MemoryHandle, &MemoryHandle::load>),
      method("memoryNotify", invoke<MemoryHandle, &MemoryHandle::notify>),
      method("memoryWatch", invoke<MemoryHandle, &MemoryHandle::watch>),
      method("memoryReplaced", invoke<MemoryHandle, &MemoryHandle::replaced>),
      method("memoryView", view),
      method("memoryRead", read),
      method("memorySync", sync),
      method("memorySyncNow", invoke<MemoryHandle, &MemoryHandle::sync_now>),
      method("memoryRelease", release),
  };
  napi_define_properties(env, exports, std::size(methods), methods);
}

Status MemoryHandle::wait(Environment& environment) {
  Exchange& exchange = environment.exchange;
  const auto changed =
      memory_->wait(exchange.get(Exchange::kStart),
                    static_cast<uint32_t>(exchange.get(Exchange::kMark)), exchange.patience());
  if (!changed.ok()) return changed.error();
  exchange.answer(changed.value());
  return Done{};
}

Status MemoryHandle::load(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(memory_->word(exchange.get(Exchange::kStart)).load_ordered());
  return Done{};
}

Status MemoryHandle::notify(Environment& environment) {
  Exchange& exchange = environment.exchange;
  exchange.answer(memory_->notify(exchange.get(Exchange::kStart),
                                  static_cast<uint32_t>(exchange.get(Exchange::kMost))));
  return Done{};
}

Status MemoryHandle::watch(Environment& environment) {
  Exchange& exchange = environment.exchange;
  const Word& word = memory_->word(exchange.get(Exchange::kStart));
  exchange.answer(environment.waker->watch(exchange.get(Exchange::kKey), memory_->mapping(), word,
                                           word.load_ordered()));
  return Done{};
}

Status MemoryHandle::replaced(Environment& environment) {
  environment.exchange.answer(memory_->replaced());
  return Done{};
}

Status MemoryHandle::sync_now(Environment&) { return shm_disruptor::sync(memory_->backing()); }

// (target): copies from the offset that the exchange names as much as fits.
napi_value MemoryHandle::read(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value target = nullptr;
  napi_get_cb_info(env, info, &count, &target, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  MemoryHandle* handle = named(environment);
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  void* bytes = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, target, nullptr, &length, &bytes, nullptr, nullptr);
  handle->memory_->read(environment.exchange.get(Exchange::kStart), length, bytes);
  return nullptr;
}

// A promise.
napi_value MemoryHandle::sync(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  MemoryHandle* handle = named(*static_cast<Environment*>(data));
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  return sync_later(env, handle->memory_->backing());
}

// An ArrayBuffer over the bytes from Start to End. It is the caller's to give to release().
napi_value MemoryHandle::view(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto& environment = *static_cast<Environment*>(data);
  MemoryHandle* handle = named(environment);
  if (handle == nullptr) return throw_error(env, {Errc::kReleased, 0, nullptr});
  const Memory& memory = *handle->memory_;
  const uint64_t start = environment.exchange.get(Exchange::kStart);
  const uint64_t end = environment.exchange.get(Exchange::kEnd);
  return view_of(env, memory.mapping(), memory.bytes() + start, end - start);
}

// (views): empties them. The last view, or this handle, unmaps the segment.
napi_value MemoryHandle::release(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value views = nullptr;
  napi_get_cb_info(env, info, &count, &views, nullptr, &data);
  MemoryHandle* handle = named(*static_cast<Environment*>(data));
  if (handle == nullptr) return nullptr;
  uint32_t length = 0;
  napi_get_array_length(env, views, &length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value view = nullptr;
    if (napi_get_element(env, views, i, &view) == napi_ok) napi_detach_arraybuffer(env, view);
  }
  handle->memory_.reset();
  return nullptr;
}

}  // namespace shm_disruptor::binding
